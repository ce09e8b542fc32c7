//===- Sparse.h - products with pruned weights ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Vectors run along the rows of the input, which nnopt.tile_rows has turned, so that one weight meets a whole vector and zeros cost
// nothing. Every strip of outputs is summed into scratch `[strip][rows]`, turned back and finished like the tiles of a dense product. Sparse.cpp cuts
// the product into work items, SparseKernel.cpp emits the functions of an item. SparseStraight.cpp sums by code without loops.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_SPARSE_H
#define NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_SPARSE_H

#include "Gemm.h"

namespace nnopt {

/// Rows of a work item: `vectors` of them are computed, the sums are `pitch` elements wide.
struct SparseTile {
  int64_t vectors, pitch;
  mlir::Value rows; ///< valid ones
};

/// The sums of one strip as `[strip][pitch]` at `to`. `from` is the first row in its tile, `starts` that of the strip's first list.
struct SparseStrip {
  SparsePackAttr pack;
  mlir::Value values, columns, starts, from, to;
  bool isPlanes = false; ///< columns are places in planes, and rows follow each other (nnopt.sparse_conv); else `from` is in tiles
};
void emitStrip(KernelBuilder &k, mlir::Operation *op, const SparseTile &tile, const SparseStrip &strip);

/// Bias, epilogue and store of the `columns` sums of a strip. Addresses are those of the strip's first column, in the tile's first row if
/// there is one dimension of rows. If the rows of some operand do not follow each other evenly there are several, which `row`, the tile's first row
/// among all of them, is split in; addresses are then those of row 0.
struct SparseFinish {
  mlir::Value sums, columns, row, c, bias; ///< bias may be null
  llvm::SmallVector<mlir::Value> operands;
};
/// Where the `count` sums from `column` on of the tile that begins with `row` belong.
SparseFinish finishOf(KernelBuilder &k, const GemmProblem &problem, mlir::Value sums, mlir::Value count, mlir::Value row, mlir::Value column);
void emitFinish(KernelBuilder &k, const GemmProblem &problem, const SparseTile &tile, const SparseFinish &finish);

/// True if the op reads tiles and all that vector kernels read and write is f32.
bool isTiledF32(SparseLinearOp op);
/// Rows, result and epilogue of the op; its input and weight are the kernels' own.
GemmProblem sparseProblem(KernelBuilder &k, SparseLinearOp op);

} // namespace nnopt

#endif // NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_SPARSE_H
