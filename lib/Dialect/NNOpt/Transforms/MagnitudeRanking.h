//===- MagnitudeRanking.h - which elements of weights go first --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_MAGNITUDERANKING_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_MAGNITUDERANKING_H

#include "PruningTask.h"

namespace nnopt {

/// Removes the blocks of smallest mean magnitude (mean square if `squares`) of all `tasks` together, as long as `target` elements are not exceeded.
/// Single elements are blocks of 1x1. Equal ones go in the order of their places.
void removeSmallestBlocks(llvm::MutableArrayRef<PruningTask *> tasks, const SparsityPattern &pattern, bool squares, int64_t target);

/// Removes all but the largest `pattern.kept` of every `pattern.group` inputs in a row.
void removeWithinGroups(PruningTask &task, const SparsityPattern &pattern);

/// Removes from `task` alone what one of the two above removes, up to its target, for blocks by mean square.
void removeLeastSquares(PruningTask &task, const SparsityPattern &pattern);

/// What removeLeastSquares takes from a weight: elements, and the part of the sum of squares.
struct RemovedPart {
  int64_t elements = 0;
  double squares = 0;
};
/// The same for each of `targets`, which ascend; `task` stays as it is.
std::vector<RemovedPart> partsRemoved(const PruningTask &task, const SparsityPattern &pattern, llvm::ArrayRef<int64_t> targets);

/// Shares `sparsity` of all elements out so that the part kept of a layer is proportional to (outputs + inputs + kernel extents) / elements, at most
/// all. Sets `target` of every task.
void shareByErdosRenyi(llvm::MutableArrayRef<PruningTask> tasks, double sparsity);

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_MAGNITUDERANKING_H
