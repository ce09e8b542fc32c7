//===- Knapsack.h - one choice of every item at least loss ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_COST_KNAPSACK_H
#define NNOPT_COST_KNAPSACK_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <optional>
#include <vector>

namespace nnopt {

/// What it costs to choose something, in each of several measures, and what is lost by it. No number is negative.
struct KnapsackChoice {
  llvm::SmallVector<double, 4> costs;
  double loss = 0;
};

/// Takes one choice of every item so that in every measure the costs add up to its limit at most, and the losses to the least (the multiple-choice
/// knapsack problem). Returns the number of each item's choice, or nothing if no choices are within the limits.
///
/// The result is the best there is, unless more than some hundred partial choices stay in question at once; then it is close to that, and no worse than
/// what the relaxed problem rounds to.
std::optional<std::vector<size_t>> chooseLeastLoss(llvm::ArrayRef<std::vector<KnapsackChoice>> items, llvm::ArrayRef<double> limits);

} // namespace nnopt

#endif // NNOPT_COST_KNAPSACK_H
