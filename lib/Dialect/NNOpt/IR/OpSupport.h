//===- OpSupport.h - helpers shared by the op families ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_IR_OPSUPPORT_H
#define NNOPT_LIB_DIALECT_NNOPT_IR_OPSUPPORT_H

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include "mlir/IR/Builders.h"

namespace nnopt::detail {

/// The shape of a tensor or buffer value.
llvm::ArrayRef<int64_t> shapeOf(mlir::Value value);

/// Extent `dim` of `value`: an attribute if static, else a tensor.dim or memref.dim.
mlir::OpFoldResult dimOf(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value, int64_t dim);

/// All extents of `value`.
llvm::SmallVector<mlir::OpFoldResult> dimsOf(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value);

/// True unless both extents are static and differ.
bool compatible(int64_t a, int64_t b);

/// Fails unless the constants of a pruned weight have the shapes that `pack` asks for.
mlir::LogicalResult verifySparsePack(mlir::Operation *op, mlir::Value values, mlir::Value columns, mlir::Value starts,
                                     SparsePackAttr pack);

/// Fails unless `op`'s epilogue, if present, has a map and a block argument per operand and ends in nnopt.yield.
mlir::LogicalResult verifyEpilogue(mlir::Operation *op, mlir::Region &epilogue, mlir::ValueRange operands,
                                   std::optional<mlir::ArrayAttr> maps, int64_t resultRank);

/// Fails unless `bias` is null or has one element per output.
mlir::LogicalResult verifyBias(mlir::Operation *op, mlir::Value bias, int64_t outputs);

/// Effects of a structured op: reads its inputs and writes its destination if these are buffers.
void structuredEffects(
    StructuredOpInterface op,
    llvm::SmallVectorImpl<mlir::SideEffects::EffectInstance<mlir::MemoryEffects::Effect>> &effects);

/// Result extents of a window op, as IR: see windowResult.
mlir::OpFoldResult windowResult(mlir::OpBuilder &builder, mlir::Location loc, mlir::OpFoldResult input, int64_t window,
                                int64_t stride, int64_t padBegin, int64_t padEnd, bool ceil);

/// Shape of a window op with `channels` outputs: a spatial rank of `windows.size()`, channels last or second.
struct WindowShape {
  llvm::ArrayRef<int64_t> windows, strides, pads;
  bool ceil = false, channelsLast = false;

  llvm::SmallVector<int64_t> infer(llvm::ArrayRef<int64_t> input, int64_t channels) const;
  llvm::SmallVector<mlir::OpFoldResult> reify(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value input,
                                              mlir::OpFoldResult channels) const;
};

/// (kernel - 1) * dilation + 1 per dimension.
llvm::SmallVector<int64_t> dilated(llvm::ArrayRef<int64_t> kernel, llvm::ArrayRef<int64_t> dilations);

/// Verifies what convolutions and pooling share: lengths of the attribute lists, positive strides, rank of the input.
mlir::LogicalResult verifyWindow(mlir::Operation *op, mlir::Value input, llvm::ArrayRef<int64_t> kernel,
                                 llvm::ArrayRef<int64_t> strides, llvm::ArrayRef<int64_t> dilations,
                                 llvm::ArrayRef<int64_t> pads);

} // namespace nnopt::detail

/// The interface methods that are the same for every structured op.
#define NNOPT_STRUCTURED_OP_METHODS(OP)                                                                               \
  LogicalResult OP::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {                      \
    if (getNumResults() == 1)                                                                                         \
      shapes.push_back(inferResultShape(builder));                                                                    \
    return success();                                                                                                 \
  }                                                                                                                   \
  void OP::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {                 \
    nnopt::detail::structuredEffects(*this, effects);                                                                 \
  }                                                                                                                   \
  Speculation::Speculatability OP::getSpeculatability() {                                                             \
    return getNumResults() == 1 ? Speculation::Speculatable : Speculation::NotSpeculatable;                           \
  }

#endif // NNOPT_LIB_DIALECT_NNOPT_IR_OPSUPPORT_H
