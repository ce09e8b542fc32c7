//===- WeightOps.cpp - constants and precision ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "OpSupport.h"

using namespace mlir;
using namespace nnopt;

OpFoldResult WeightOp::fold(FoldAdaptor) { return getValue(); }

/// A blocked scale has an element per block along the axis, and the input's extents elsewhere.
template <typename Op>
static LogicalResult verifyBlocks(Op op, RankedTensorType input, RankedTensorType scale) {
  int64_t size = *op.getBlockSize(), axis = *op.getAxis();
  if (size < 1)
    return op.emitOpError("expects a block size of at least 1, got ") << size;
  for (auto [d, extent, got] : llvm::enumerate(input.getShape(), scale.getShape())) {
    bool blocked = static_cast<int64_t>(d) == axis && !ShapedType::isDynamic(extent);
    int64_t expected = blocked ? llvm::divideCeil(extent, size) : extent;
    if (nnopt::detail::compatible(expected, got))
      continue;
    InFlightDiagnostic diag = op.emitOpError("expects ") << expected << " scales in dimension " << d;
    if (blocked)
      diag << " (blocks of " << size << ")";
    return diag << ", got " << got;
  }
  return success();
}

/// Scale and zero point: one element, one per index of `axis`, or one per block along it.
template <typename Op>
static LogicalResult verifyScale(Op op) {
  auto input = cast<RankedTensorType>(op.getInput().getType());
  auto scale = cast<RankedTensorType>(op.getScale().getType());
  if (op.getAxis() && *op.getAxis() >= static_cast<uint64_t>(input.getRank()))
    return op.emitOpError("axis ") << *op.getAxis() << " is not a dimension of " << input;
  if (op.getZeroPoint()) {
    auto zero = cast<RankedTensorType>(op.getZeroPoint().getType());
    if (zero.getShape() != scale.getShape())
      return op.emitOpError("has a zero point of type ") << zero << " and a scale of type " << scale;
  }
  if (op.getBlockSize()) {
    if (!op.getAxis())
      return op.emitOpError("has a block size but no axis");
    if (scale.getRank() != input.getRank())
      return op.emitOpError("expects a blocked scale of rank ") << input.getRank() << ", got " << scale.getRank();
    return verifyBlocks(op, input, scale);
  }
  if (scale.hasStaticShape() && scale.getNumElements() == 1)
    return success();
  if (!op.getAxis())
    return op.emitOpError("expects a scale of one element without an axis, got ") << scale;
  int64_t expected = input.getDimSize(*op.getAxis());
  if (scale.getRank() != 1 || !nnopt::detail::compatible(scale.getDimSize(0), expected))
    return op.emitOpError("expects ") << expected << " scales along axis " << *op.getAxis() << ", got " << scale;
  return success();
}

LogicalResult QuantizeOp::verify() { return verifyScale(*this); }
LogicalResult DequantizeOp::verify() { return verifyScale(*this); }

#define GET_OP_CLASSES
#include "nnopt/Dialect/NNOpt/IR/NNOptOps.cpp.inc"
