//===- RowClusters.h - rows of a matrix that are alike side by side -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_ROWCLUSTERS_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_ROWCLUSTERS_H

#include "NonzeroBits.h"

namespace nnopt {

/// An order of the rows in which every `size` of them, counted from the first, are not zero in much the same columns. Greedy: a cluster begins with
/// the fullest row that is left and takes those that share the largest part of their columns with it. Rows that are equal come out side by side.
/// Above `maxWork` comparisons of words, and if a sample of the rows finds none much like them, only equal rows are brought together.
std::vector<int64_t> clusterRows(const NonzeroBits &bits, int64_t size, int64_t maxWork = int64_t(1) << 31);

/// The indices of `counts` by what they count, most first, equal ones in their order.
std::vector<int64_t> sortByCount(llvm::ArrayRef<int64_t> counts);

/// Pieces of `size` indices of `order` in another order, in which full ones and empty ones alternate so that wherever one cuts, every part holds
/// about its share of `counts`. A last piece that is smaller stays last.
std::vector<int64_t> spreadEvenly(llvm::ArrayRef<int64_t> order, llvm::ArrayRef<int64_t> counts, int64_t size);

/// Blocks of `size` rows and one column that are not all zero, with the rows in this order.
int64_t countBlocks(const NonzeroBits &bits, llvm::ArrayRef<int64_t> order, int64_t size);

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_ROWCLUSTERS_H
