//===- Precision.cpp - quantize and dequantize ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Frame.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include <algorithm>

using namespace mlir;
using namespace nnopt;
using namespace nnopt::interpreter;

namespace {
/// Which scale and zero point an element has.
class ScaleMap {
public:
  template <typename Op> static FailureOr<ScaleMap> create(Op op, const HostTensor &input, const HostTensor &scale) {
    ScaleMap map;
    SmallVector<int64_t> own = stridesOf(scale.shape());
    map.strides.assign(input.rank(), 0);
    map.blocks.assign(input.rank(), 1);
    if (op.getBlockSize()) {
      map.strides = own;
      map.blocks[*op.getAxis()] = std::max<int64_t>(1, *op.getBlockSize());
    } else if (scale.size() != 1 && op.getAxis()) {
      map.strides[*op.getAxis()] = 1;
    }
    int64_t last = 0;
    for (auto [extent, stride, block] : llvm::zip_equal(input.shape(), map.strides, map.blocks))
      last += std::max<int64_t>(0, extent - 1) / block * stride;
    if (last < scale.size())
      return map;
    op.emitOpError("expects at least ") << last + 1 << " scales, got " << scale.size();
    return failure();
  }
  int64_t operator()(ArrayRef<int64_t> at) const {
    int64_t position = 0;
    for (auto [i, stride, block] : llvm::zip_equal(at, strides, blocks))
      position += i / block * stride;
    return position;
  }

private:
  SmallVector<int64_t> strides, blocks;
};

/// The values that an integer type holds.
std::pair<double, double> rangeOf(ElementType type) {
  unsigned bits = scalarTypeOf(type).bits;
  bool isUnsigned = elementName(type).starts_with("u");
  return {isUnsigned ? 0 : -std::ldexp(1.0, bits - 1), std::ldexp(1.0, isUnsigned ? bits : bits - 1) - 1};
}
} // namespace

/// The input as the number it stands for, whatever its type, and the width that its quotient is rounded to: at least
/// f32.
static double quotient(const HostTensor &input, int64_t i, double scale) {
  double value = loadElement(input.type(), input.bytes(), i) / scale;
  return input.type() == ElementType::F64 ? value : static_cast<double>(static_cast<float>(value));
}

static LogicalResult runQuantize(Frame &, QuantizeOp op, OpCall &call) {
  const HostTensor &input = call.tensor(op.getInput()), &scale = call.tensor(op.getScale());
  const HostTensor *zero = op.getZeroPoint() ? &call.tensor(op.getZeroPoint()) : nullptr;
  FailureOr<ScaleMap> map = ScaleMap::create(op, input, scale);
  FailureOr<HostTensor> output = failed(map) ? FailureOr<HostTensor>() : call.allocateResult(input.shape());
  if (failed(output) || (zero && failed(expectExtent(op, "zero points", scale.size(), zero->size()))))
    return failure();
  if (isFloat(output->type()))
    return op.emitOpError("quantizes to ") << elementName(output->type()) << ", expected integers";
  char *bytes = output->mutableBytes();
  const std::pair<double, double> range = rangeOf(output->type());
  int64_t i = 0;
  LogicalResult status = forEachIndex(input.shape(), [&](ArrayRef<int64_t> at) {
    int64_t position = (*map)(at);
    double value = std::nearbyint(quotient(input, i, loadElement(scale.type(), scale.bytes(), position)));
    if (std::isnan(value)) // as if it were 0
      value = 0;
    if (zero)
      value += loadElement(zero->type(), zero->bytes(), position);
    storeElement(output->type(), bytes, i++, std::clamp(value, range.first, range.second));
    return success();
  });
  return failed(status) ? failure() : call.yield(std::move(*output));
}

static LogicalResult runDequantize(Frame &, DequantizeOp op, OpCall &call) {
  const HostTensor &input = call.tensor(op.getInput()), &scale = call.tensor(op.getScale());
  const HostTensor *zero = op.getZeroPoint() ? &call.tensor(op.getZeroPoint()) : nullptr;
  FailureOr<ScaleMap> map = ScaleMap::create(op, input, scale);
  FailureOr<HostTensor> output = failed(map) ? FailureOr<HostTensor>() : call.allocateResult(input.shape());
  if (failed(output) || (zero && failed(expectExtent(op, "zero points", scale.size(), zero->size()))))
    return failure();
  if (!isFloat(output->type()))
    return op.emitOpError("dequantizes to ") << elementName(output->type()) << ", expected floats";
  bool isDouble = output->type() == ElementType::F64;
  char *bytes = output->mutableBytes();
  int64_t i = 0;
  LogicalResult status = forEachIndex(input.shape(), [&](ArrayRef<int64_t> at) {
    int64_t position = (*map)(at);
    int64_t difference = loadInteger(input.type(), input.bytes(), i);
    if (zero)
      difference -= loadInteger(zero->type(), zero->bytes(), position);
    double factor = loadElement(scale.type(), scale.bytes(), position);
    double value = isDouble ? static_cast<double>(difference) * factor
                            : static_cast<double>(static_cast<float>(static_cast<float>(difference) * factor));
    storeScalar(output->type(), bytes, i++, fromFloat(value));
    return success();
  });
  return failed(status) ? failure() : call.yield(std::move(*output));
}

void interpreter::addPrecision(HandlerTable &table) {
  table.add<QuantizeOp, runQuantize>();
  table.add<DequantizeOp, runDequantize>();
}
