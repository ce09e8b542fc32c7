//===- Epilogue.cpp - finish the sums of an op ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Elements.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::interpreter;

/// `value` of one type as a number of another.
static Scalar convert(Scalar value, ScalarType from, ScalarType to) {
  if (from.isFloat && to.isFloat)
    return fromFloat(roundTo(to, value.f));
  if (from.isFloat)
    return fromInteger(toSigned(value.f, to.bits));
  return to.isFloat ? fromFloat(roundTo(to, static_cast<double>(value.i))) : fromInteger(wrapTo(to, value.i));
}

FailureOr<Epilogue> Epilogue::create(Frame &frame, OpCall &call, Region &region, ValueRange operands,
                                     std::optional<ArrayAttr> maps, ArrayRef<int64_t> shape) {
  Epilogue epilogue;
  FailureOr<HostTensor> output = call.allocateResult(shape);
  if (failed(output))
    return failure();
  epilogue.output = std::move(*output);
  epilogue.bytes = epilogue.output.mutableBytes();
  epilogue.strides = stridesOf(shape);
  epilogue.accumulator = epilogue.yielded = scalarTypeOf(epilogue.output.type());
  if (region.empty())
    return epilogue;

  Block &block = region.front();
  std::optional<ScalarType> accumulator = scalarTypeOf(block.getArgument(0).getType());
  std::optional<ScalarType> yielded = scalarTypeOf(block.getTerminator()->getOperand(0).getType());
  if (!accumulator || !yielded) {
    call.op->emitOpError("has an epilogue on types that the interpreter has no numbers for");
    return failure();
  }
  epilogue.accumulator = *accumulator;
  epilogue.yielded = *yielded;
  FailureOr<Program> program = frame.compile(block);
  if (failed(program))
    return failure();
  epilogue.program = std::move(*program);
  for (auto [i, value] : llvm::enumerate(operands)) {
    Operand operand{call.tensor(value), SmallVector<int64_t>(shape.size(), 0)};
    AffineMap map = cast<AffineMapAttr>((*maps)[i]).getValue();
    SmallVector<int64_t> strides = stridesOf(operand.tensor.shape());
    for (auto [d, result] : llvm::enumerate(map.getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(result); // else the constant 0
      int64_t needed = dim ? shape[dim.getPosition()] : 1, got = operand.tensor.shape()[d];
      if (dim ? needed != got : got == 0 && epilogue.output.size() > 0) {
        call.op->emitOpError("expects extent ")
            << needed << " in dimension " << d << " of epilogue operand #" << i << ", got " << got;
        return failure();
      }
      if (dim)
        operand.strides[dim.getPosition()] += strides[d];
    }
    epilogue.operands.push_back(std::move(operand));
  }
  return epilogue;
}

static int64_t offsetOf(ArrayRef<int64_t> at, ArrayRef<int64_t> strides) {
  int64_t offset = 0;
  for (auto [i, stride] : llvm::zip_equal(at, strides))
    offset += i * stride;
  return offset;
}

void Epilogue::clear(ArrayRef<int64_t> at) {
  int64_t width = byteWidth(output.type());
  std::memset(bytes + offsetOf(at, strides) * width, 0, width);
}

LogicalResult Epilogue::finish(ArrayRef<int64_t> at, Scalar sum) {
  Scalar value = accumulator.isFloat ? fromFloat(roundTo(accumulator, sum.f)) : fromInteger(wrapTo(accumulator, sum.i));
  if (program) {
    program->setArgument(0, value);
    for (auto [i, operand] : llvm::enumerate(operands))
      program->setArgument(i + 1, loadScalar(operand.tensor.type(), operand.tensor.bytes(), offsetOf(at, operand.strides)));
    if (failed(program->run()))
      return failure();
    value = program->result(0);
  }
  storeScalar(output.type(), bytes, offsetOf(at, strides), convert(value, yielded, scalarTypeOf(output.type())));
  return success();
}
