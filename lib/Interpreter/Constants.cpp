//===- Constants.cpp - weights and constants ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Frame.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::interpreter;

static LogicalResult yieldElements(OpCall &call, ElementsAttr value) {
  std::string problem;
  FailureOr<HostTensor> tensor = HostTensor::fromAttribute(value, problem);
  if (failed(tensor))
    return call.op->emitOpError("cannot be read: ") << problem;
  return call.yield(std::move(*tensor));
}

static LogicalResult runWeight(Frame &, WeightOp op, OpCall &call) { return yieldElements(call, op.getValue()); }

static LogicalResult runConstant(Frame &, arith::ConstantOp op, OpCall &call) {
  if (auto elements = dyn_cast<ElementsAttr>(op.getValue()))
    return yieldElements(call, elements);
  if (auto value = dyn_cast<FloatAttr>(op.getValue()); value && scalarTypeOf(value.getType()))
    return call.yield(fromFloat(value.getValueAsDouble()));
  if (auto value = dyn_cast<IntegerAttr>(op.getValue()); value && scalarTypeOf(value.getType()))
    return call.yield(fromInteger(value.getValue().sextOrTrunc(64).getSExtValue()));
  return op.emitOpError("of type ") << op.getType() << " is not a number the interpreter knows";
}

void interpreter::addConstants(HandlerTable &table) {
  table.add<WeightOp, runWeight>();
  table.add<arith::ConstantOp, runConstant>();
}
