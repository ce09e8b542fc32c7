//===- WeightSparsity.h - where the zeros of a weight are -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_WEIGHTSPARSITY_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_WEIGHTSPARSITY_H

#include "ConstantData.h"

namespace nnopt {

/// A weight as rows of outputs: element `k` of output `n` is `values[n * depth + k]`.
struct WeightMatrix {
  int64_t outputs = 0, depth = 0;
  std::vector<float> values;

  /// The f32 constant `data`, stored `[outputs][depth]` or, if `isKn`, `[depth][outputs]`.
  static WeightMatrix of(const ConstantData &data, int64_t outputs, int64_t depth, bool isKn);
  /// True if one of the `rows` outputs from `n` on (as far as they exist) is not zero at `k`.
  bool hasBlock(int64_t n, int64_t rows, int64_t k) const;
};

/// Exact counts of what a weight holds.
struct WeightSparsity {
  explicit WeightSparsity(const WeightMatrix &weight);

  int64_t elements, nonzeros;
  /// Blocks of so many consecutive outputs (at one element of the sum) that are not all zero, and how much of them is not zero.
  struct Blocks {
    int64_t rows, count;
    double filled;
  };
  llvm::SmallVector<Blocks> blocks;
  /// Most elements that are not zero in a group of so many consecutive elements of one output's sum.
  struct Groups {
    int64_t size, most;
  };
  llvm::SmallVector<Groups> groups;

  double zeroShare() const { return 1 - static_cast<double>(nonzeros) / elements; }
  /// The strictest form that the zeros have: `4x1 blocks`, `2:4`, `unstructured`, ...
  std::string pattern() const;
};

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_WEIGHTSPARSITY_H
