//===- Support.cpp - indices, strides and scalar ops ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Frame.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::interpreter;

LogicalResult interpreter::forEachIndex(ArrayRef<int64_t> shape,
                                        llvm::function_ref<LogicalResult(ArrayRef<int64_t>)> body) {
  if (llvm::is_contained(shape, 0))
    return success();
  SmallVector<int64_t, 6> at(shape.size(), 0);
  while (true) {
    if (failed(body(at)))
      return failure();
    int64_t d = static_cast<int64_t>(shape.size()) - 1;
    while (d >= 0 && ++at[d] == shape[d])
      at[d--] = 0;
    if (d < 0)
      return success();
  }
}

SmallVector<int64_t> interpreter::stridesOf(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (size_t d = shape.size(); d-- > 1;)
    strides[d - 1] = strides[d] * shape[d];
  return strides;
}

int64_t interpreter::countOf(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

LogicalResult interpreter::expectExtent(Operation *op, StringRef what, int64_t expected, int64_t got) {
  if (expected == got)
    return success();
  return op->emitOpError("expects ") << expected << " " << what << ", got " << got;
}

bool interpreter::isScalarOp(Operation *op) {
  return (findScalarOp(op->getName().getStringRef()) && op->getNumOperands() > 0) ||
         isa<affine::AffineApplyOp, affine::AffineMinOp, affine::AffineMaxOp>(op);
}

/// `op` on tensors: element by element; numbers among the operands (the condition of a select) are the same for all.
static LogicalResult runOnTensors(Program &program, OpCall &call) {
  Operation *op = call.op;
  ArrayRef<int64_t> shape;
  bool first = true;
  for (auto [value, operand] : llvm::zip_equal(op->getOperands(), call.operands)) {
    if (!isa<ShapedType>(value.getType()))
      continue;
    if (!first && operand.tensor.shape() != shape)
      return op->emitOpError("has operands of different shapes, one of them ") << operand.tensor.typeText();
    shape = operand.tensor.shape();
    first = false;
  }
  SmallVector<HostTensor> outputs;
  SmallVector<char *> bytes;
  for (Type type : op->getResultTypes()) {
    std::optional<ElementType> element = elementTypeOf(getElementTypeOrSelf(type));
    if (!element)
      return op->emitOpError("has a result of type ") << type << ", which the interpreter has no numbers for";
    FailureOr<HostTensor> output = call.allocate(*element, shape);
    if (failed(output))
      return failure();
    outputs.push_back(std::move(*output));
  }
  for (HostTensor &output : outputs)
    bytes.push_back(output.mutableBytes());
  for (int64_t i = 0, count = countOf(shape); i < count; ++i) {
    for (auto [n, operand] : llvm::enumerate(call.operands))
      program.setArgument(n, operand.tensor.bytes() ? loadScalar(operand.tensor.type(), operand.tensor.bytes(), i)
                                                    : operand.scalar);
    if (failed(program.run()))
      return failure();
    for (auto [n, output] : llvm::enumerate(outputs))
      storeScalar(output.type(), bytes[n], i, program.result(n));
  }
  for (HostTensor &output : outputs)
    if (failed(call.yield(std::move(output))))
      return failure();
  return success();
}

LogicalResult interpreter::runScalarOp(Frame &, OpCall &call) {
  FailureOr<Program> program = Program::compile(call.op);
  if (failed(program))
    return failure();
  if (isa<ShapedType>(call.op->getResult(0).getType()))
    return runOnTensors(*program, call);
  for (auto [i, operand] : llvm::enumerate(call.operands))
    program->setArgument(i, operand.scalar);
  if (failed(program->run()))
    return failure();
  for (unsigned i = 0; i < call.op->getNumResults(); ++i)
    if (failed(call.yield(program->result(i))))
      return failure();
  return success();
}
