//===- Products.h - kernels of ops that are sums of products ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_PRODUCTS_H
#define NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_PRODUCTS_H

#include "Gemm.h"

namespace nnopt {

/// Emitters of the kernel table: they emit code for an op on buffers, or fail without a trace.
mlir::LogicalResult emitLinear(mlir::Operation *op, KernelBuilder &k);
mlir::LogicalResult emitTileRows(mlir::Operation *op, KernelBuilder &k);
mlir::LogicalResult emitSparseStraight(mlir::Operation *op, KernelBuilder &k);
mlir::LogicalResult emitSparseLinear(mlir::Operation *op, KernelBuilder &k);
/// For blocks of 16 outputs, and for slots: vectors run along the outputs.
mlir::LogicalResult emitSparsePanels(mlir::Operation *op, KernelBuilder &k);
mlir::LogicalResult emitPermuteLinear(mlir::Operation *op, KernelBuilder &k);
mlir::LogicalResult emitImagePlanes(mlir::Operation *op, KernelBuilder &k);
mlir::LogicalResult emitSparseConvStraight(mlir::Operation *op, KernelBuilder &k);
mlir::LogicalResult emitSparseConv(mlir::Operation *op, KernelBuilder &k);
mlir::LogicalResult emitMatmul(mlir::Operation *op, KernelBuilder &k);
mlir::LogicalResult emitConv(mlir::Operation *op, KernelBuilder &k);
mlir::LogicalResult emitDepthwiseConv(mlir::Operation *op, KernelBuilder &k);
mlir::LogicalResult emitAttention(mlir::Operation *op, KernelBuilder &k);

/// True if the elements of the last dimension are neighbours.
bool isUnitInnermost(mlir::Value memref);

/// What all convolution kernels need: channels last, explicit padding, packed f32 weights, an epilogue on vectors.
bool isPlainConv(ConvOp op);

/// True if a product of `input` with a weight packed like this is one of 8-bit integers with 32-bit sums, as kernels take it.
bool isIntegerProduct(mlir::Value input, mlir::Value bias, PackAttr pack);

/// Says so to the problem, and what is known of its packed weight.
void setInteger(KernelBuilder &k, mlir::Value weight, GemmProblem &problem);

/// True if all have elements of f32.
bool isF32(mlir::ValueRange values);

/// True if the epilogue can be computed on vectors of f32 columns.
bool isFastEpilogue(mlir::Region &epilogue, mlir::ValueRange operands, std::optional<mlir::ArrayAttr> maps);

/// `memref` with its first `rows` dimensions as row dimensions.
RowAccess rowAccess(KernelBuilder &k, mlir::Value memref, unsigned rows);

/// An epilogue operand read through `map`, from output indices; all but the last are row dimensions.
RowAccess epilogueAccess(KernelBuilder &k, mlir::Value memref, mlir::AffineMap map);

/// Hands the op's epilogue to the problem.
template <typename Op>
void setEpilogue(KernelBuilder &k, Op op, GemmProblem &problem) {
  problem.epilogue = &op.getEpilogue();
  for (auto [i, operand] : llvm::enumerate(op.getEpilogueOperands()))
    problem.operands.push_back(epilogueAccess(k, operand, mlir::cast<mlir::AffineMapAttr>((*op.getEpilogueMaps())[i]).getValue()));
}

/// Rows, columns, result, bias and epilogue of `op`, whose bias has an element per output. Its input and weight are the kernels' own.
template <typename Op>
GemmProblem productProblem(KernelBuilder &k, Op op, int64_t outputs) {
  unsigned rows = mlir::cast<mlir::MemRefType>(op.getInit().getType()).getRank() - 1;
  Buffer output = k.buffer(op.getInit());
  GemmProblem problem;
  problem.op = op;
  problem.rows.assign(output.extents.begin(), output.extents.end() - 1);
  problem.columns = k.index(outputs);
  problem.c = rowAccess(k, op.getInit(), rows);
  problem.a.strides.assign(rows, k.index(0));
  problem.b.strides.assign(rows, k.index(0));
  if (op.getBias())
    problem.bias = RowAccess{k.buffer(op.getBias()).pointer, problem.b.strides};
  setEpilogue(k, op, problem);
  return problem;
}

} // namespace nnopt

#endif // NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_PRODUCTS_H
