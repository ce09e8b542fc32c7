//===- RowOps.cpp - activations, normalisation, softmax, gather -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "OpSupport.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::detail;

NNOPT_STRUCTURED_OP_METHODS(SoftmaxOp)
NNOPT_STRUCTURED_OP_METHODS(NormalizeOp)
NNOPT_STRUCTURED_OP_METHODS(GatherOp)

static LogicalResult verifyAxis(Operation *op, int64_t axis, Value input) {
  int64_t rank = shapeOf(input).size();
  if (axis < 0 || axis >= rank)
    return op->emitOpError("axis ") << axis << " is not a dimension of an operand of rank " << rank;
  return success();
}

LogicalResult ActivationOp::verify() {
  ActivationKind kind = getKind();
  if (kind == ActivationKind::clip && !getAlpha() && !getBeta())
    return emitOpError("clip expects a lower bound 'alpha' or an upper bound 'beta'");
  if (kind == ActivationKind::celu && getAlpha() && getAlpha()->isZero())
    return emitOpError("celu divides by 'alpha', which is 0");
  return success();
}

LogicalResult SoftmaxOp::verify() { return verifyAxis(*this, getAxis(), getInput()); } // c1

SmallVector<int64_t> SoftmaxOp::inferStaticShape() { return SmallVector<int64_t>(shapeOf(getInput())); }

SmallVector<OpFoldResult> SoftmaxOp::inferResultShape(OpBuilder &builder) {
  return dimsOf(builder, getLoc(), getInput());
}

LogicalResult NormalizeOp::verify() {
  if (failed(verifyAxis(*this, getAxis(), getInput()))) // c1
    return failure();
  ArrayRef<int64_t> normalized = shapeOf(getInput()).drop_front(getAxis());
  for (Value affine : {getScale(), getBias()}) { // c2
    if (!affine)
      continue;
    ArrayRef<int64_t> shape = shapeOf(affine);
    if (shape.size() != normalized.size())
      return emitOpError("expects scale and bias of rank ") << normalized.size() << ", got " << shape.size();
    for (auto [i, expected, got] : llvm::enumerate(normalized, shape))
      if (!compatible(expected, got))
        return emitOpError("expects ") << expected << " elements in dimension " << i << " of scale and bias, got "
                                       << got;
  }
  return success();
}

SmallVector<int64_t> NormalizeOp::inferStaticShape() { return SmallVector<int64_t>(shapeOf(getInput())); }

SmallVector<OpFoldResult> NormalizeOp::inferResultShape(OpBuilder &builder) {
  return dimsOf(builder, getLoc(), getInput());
}

LogicalResult GatherOp::verify() { return verifyAxis(*this, getAxis(), getData()); } // c1

SmallVector<int64_t> GatherOp::inferStaticShape() {
  ArrayRef<int64_t> data = shapeOf(getData());
  SmallVector<int64_t> shape(data.take_front(getAxis()));
  llvm::append_range(shape, shapeOf(getIndices()));
  llvm::append_range(shape, data.drop_front(getAxis() + 1));
  return shape;
}

SmallVector<OpFoldResult> GatherOp::inferResultShape(OpBuilder &builder) {
  SmallVector<OpFoldResult> data = dimsOf(builder, getLoc(), getData());
  SmallVector<OpFoldResult> shape(ArrayRef(data).take_front(getAxis()));
  llvm::append_range(shape, dimsOf(builder, getLoc(), getIndices()));
  llvm::append_range(shape, ArrayRef(data).drop_front(getAxis() + 1));
  return shape;
}
