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

/// Shares `sparsity` of all elements out so that the part kept of a layer is proportional to (outputs + inputs + kernel extents) / elements, at most
/// all. Sets `target` of every task.
void shareByErdosRenyi(llvm::MutableArrayRef<PruningTask> tasks, double sparsity);

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_MAGNITUDERANKING_H
