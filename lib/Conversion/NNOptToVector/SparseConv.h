//===- SparseConv.h - convolutions with pruned filters ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile is some vectors of consecutive positions of planes (nnopt.image_planes). SparseConv.cpp sums it in loops, SparseConvStraight.cpp by
// code without loops; SparseConvFinish.cpp turns the sums back, finishes and stores them.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_SPARSECONV_H
#define NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_SPARSECONV_H

#include "Sparse.h"

namespace nnopt {

/// Positions are computed up to a multiple of this (nnopt.sparse_conv).
inline constexpr int64_t kPositionUnit = 16;

/// Positions that are computed of an image.
inline int64_t positionsOf(SparseConvOp op) {
  int64_t pitch = op.getPitch();
  return llvm::alignTo((op.getExtents()[0] - 1) * pitch + op.getExtents()[1], kPositionUnit);
}

/// Result and epilogue of the op; nothing if vector kernels do not take it.
std::optional<GemmProblem> sparseConvProblem(KernelBuilder &k, SparseConvOp op);

/// What finishes the sums of tiles.
class SparseConvFinisher {
public:
  /// `strip`: outputs of a strip; `numbers`: room for an i64 per position of a tile.
  SparseConvFinisher(KernelBuilder &k, SparseConvOp op, const GemmProblem &problem, int64_t strip, mlir::Value numbers)
      : k(k), op(op), p(problem), strip(strip), numbers(numbers) {}

  /// To be called for a tile before its sums are finished: `position` is its first one.
  void emitNumbers(const SparseTile &tile, mlir::Value position);
  /// Finishes the `sums`, `[strip][tile.pitch]`, of one strip.
  void emitStrip(const SparseTile &tile, mlir::Value image, mlir::Value number, mlir::Value sums);

private:
  KernelBuilder &k;
  SparseConvOp op;
  const GemmProblem &p;
  int64_t strip;
  mlir::Value numbers;

  void emitFinish(const SparseTile &tile, mlir::Value image, mlir::Value number, mlir::Value count, mlir::Value sums);
};

} // namespace nnopt

#endif // NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_SPARSECONV_H
