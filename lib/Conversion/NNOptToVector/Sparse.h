//===- Sparse.h - products with pruned weights ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Vectors run along the rows of the input, so that one weight meets a whole vector and zeros cost nothing. A tile of rows is turned
// into scratch `[depth][rows]` once, every strip of outputs is summed into scratch `[strip][rows]`, turned back and finished like the
// tiles of a dense product. Sparse.cpp cuts the product into work items, SparseKernel.cpp emits the functions of an item.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_SPARSE_H
#define NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_SPARSE_H

#include "Gemm.h"

namespace nnopt {

/// A tile of rows: `vectors` of them are computed, the scratch arrays are `pitch` elements wide.
struct SparseTile {
  int64_t vectors, pitch;
  mlir::Value rows; ///< valid ones; the others repeat the last
};

/// Rows `[rows][depth]` at `from`, `fromRow` elements apart, as `[depth][pitch]` at `to`.
void emitTurn(KernelBuilder &k, mlir::Operation *op, const SparseTile &tile, mlir::Value from, mlir::Value fromRow,
              int64_t depth, mlir::Value to);

/// The sums of one strip as `[strip][pitch]` at `to`. `starts` is that of the strip's first list.
struct SparseStrip {
  SparsePackAttr pack;
  mlir::Value values, columns, starts, from, to;
};
void emitStrip(KernelBuilder &k, mlir::Operation *op, const SparseTile &tile, const SparseStrip &strip);

/// Bias, epilogue and store of the `columns` sums of a strip. Addresses are those of the tile's first row and the strip's first column.
struct SparseFinish {
  mlir::Value sums, columns, c, bias; ///< bias may be null
  llvm::SmallVector<mlir::Value> operands;
};
void emitFinish(KernelBuilder &k, const GemmProblem &problem, const SparseTile &tile, const SparseFinish &finish);

} // namespace nnopt

#endif // NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_SPARSE_H
