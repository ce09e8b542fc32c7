//===- SparseConv.h - convolutions with pruned filters ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile is some vectors of consecutive positions of planes (nnopt.image_planes). SparseConv.cpp sums it in loops, SparseConvStraight.cpp by
// code without loops; SparseConvFinish.cpp turns the sums back, finishes and stores them, SparseConvPlanes.cpp stores them as planes.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_SPARSECONV_H
#define NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_SPARSECONV_H

#include "Sparse.h"

namespace nnopt {

/// Result and epilogue of the op; nothing if vector kernels do not take it.
std::optional<GemmProblem> sparseConvProblem(KernelBuilder &k, SparseConvOp op);

/// The sums of a strip of outputs for some vectors of positions.
struct ConvSums {
  mlir::Value sums;          ///< address of the first
  int64_t vectorStep, pitch; ///< elements from a vector to the next, and from an output to the next
  mlir::Value vectors;       ///< how many
  mlir::Value image, position, strip; ///< where they belong: of the first vector; number of the strip
};

/// What finishes sums. One is made per work item.
class SparseConvFinisher {
public:
  /// `strip`: outputs of a strip; `mostVectors` of a work item.
  SparseConvFinisher(KernelBuilder &k, SparseConvOp op, const GemmProblem &problem, int64_t strip, int64_t mostVectors);

  void emit(const ConvSums &sums);

private:
  KernelBuilder &k;
  SparseConvOp op;
  const GemmProblem &p;
  int64_t strip;
  mlir::Value numbers; ///< an i32 per position of a work item

  void emitNumbers(const ConvSums &sums);
  void emitRows(const ConvSums &sums, mlir::Value count);
  void emitPlanes(const ConvSums &sums, mlir::Value count);
};

} // namespace nnopt

#endif // NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_SPARSECONV_H
