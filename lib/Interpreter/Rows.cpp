//===- Rows.cpp - softmax, normalisation, gather, activations -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Elements.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include <algorithm>

using namespace mlir;
using namespace nnopt;
using namespace nnopt::interpreter;

//===----------------------------------------------------------------------===//
// softmax and normalize
//===----------------------------------------------------------------------===//

static LogicalResult runSoftmax(Frame &, SoftmaxOp op, OpCall &call) {
  const HostTensor &input = call.tensor(op.getInput());
  ArrayRef<int64_t> shape = input.shape();
  FailureOr<HostTensor> output = call.allocateResult(shape);
  if (failed(output))
    return failure();
  char *bytes = output->mutableBytes();
  Elements<double> x(input);
  int64_t axis = op.getAxis(), count = shape[axis], inner = countOf(shape.drop_front(axis + 1));
  for (int64_t outer = 0, rows = countOf(shape.take_front(axis)); outer < rows; ++outer)
    for (int64_t i = 0; i < inner; ++i) {
      int64_t start = outer * count * inner + i;
      double top = -INFINITY, sum = 0;
      for (int64_t j = 0; j < count; ++j) {
        double value = x[start + j * inner];
        top = value > top || std::isnan(value) ? value : top;
      }
      for (int64_t j = 0; j < count; ++j)
        sum += std::exp(x[start + j * inner] - top);
      for (int64_t j = 0; j < count; ++j) {
        double shifted = x[start + j * inner] - top;
        storeScalar(output->type(), bytes, start + j * inner,
                    fromFloat(op.getLog() ? shifted - std::log(sum) : std::exp(shifted) / sum));
      }
    }
  return call.yield(std::move(*output));
}

static LogicalResult runNormalize(Frame &, NormalizeOp op, OpCall &call) {
  const HostTensor &input = call.tensor(op.getInput());
  ArrayRef<int64_t> shape = input.shape();
  int64_t count = countOf(shape.drop_front(op.getAxis()));
  for (Value affine : {op.getScale(), op.getBias()})
    if (affine && failed(expectExtent(op, "elements of scale and bias", count, call.tensor(affine).size())))
      return failure();
  FailureOr<HostTensor> output = call.allocateResult(shape);
  if (failed(output))
    return failure();
  char *bytes = output->mutableBytes();
  Elements<double> x(input), scale(op.getScale() ? call.tensor(op.getScale()) : HostTensor()),
      bias(op.getBias() ? call.tensor(op.getBias()) : HostTensor());
  for (int64_t row = 0, rows = countOf(shape.take_front(op.getAxis())); row < rows; ++row) {
    double mean = 0, squares = 0;
    if (op.getKind() == NormKind::layer) {
      for (int64_t i = 0; i < count; ++i)
        mean += x[row * count + i];
      mean /= static_cast<double>(count);
    }
    for (int64_t i = 0; i < count; ++i)
      squares += (x[row * count + i] - mean) * (x[row * count + i] - mean);
    double deviation = std::sqrt(squares / static_cast<double>(count) + op.getEpsilon().convertToFloat());
    for (int64_t i = 0; i < count; ++i) {
      double value = (x[row * count + i] - mean) / deviation;
      value = value * (op.getScale() ? scale[i] : 1.0) + (op.getBias() ? bias[i] : 0.0);
      storeScalar(output->type(), bytes, row * count + i, fromFloat(value));
    }
  }
  return call.yield(std::move(*output));
}

//===----------------------------------------------------------------------===//
// gather
//===----------------------------------------------------------------------===//

static LogicalResult runGather(Frame &, GatherOp op, OpCall &call) {
  const HostTensor &data = call.tensor(op.getData()), &indices = call.tensor(op.getIndices());
  int64_t axis = op.getAxis(), rows = data.shape()[axis];
  SmallVector<int64_t> shape(data.shape().take_front(axis));
  llvm::append_range(shape, indices.shape());
  llvm::append_range(shape, data.shape().drop_front(axis + 1));
  FailureOr<HostTensor> output = call.allocateResult(shape);
  if (failed(output))
    return failure();
  if (rows == 0 && output->size() > 0)
    return op.emitOpError("gathers ") << indices.size() << " rows of an empty table";
  char *bytes = output->mutableBytes();
  int64_t outer = countOf(data.shape().take_front(axis));
  int64_t width = countOf(data.shape().drop_front(axis + 1)) * byteWidth(data.type());
  if (output->size() == 0)
    return call.yield(std::move(*output));
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < indices.size(); ++i) {
      int64_t index = loadInteger(indices.type(), indices.bytes(), i);
      index = std::clamp<int64_t>(index < 0 ? index + rows : index, 0, rows - 1);
      std::memcpy(bytes + (o * indices.size() + i) * width, data.bytes() + (o * rows + index) * width, width);
    }
  return call.yield(std::move(*output));
}

//===----------------------------------------------------------------------===//
// activation
//===----------------------------------------------------------------------===//

/// The larger or smaller; NaN if either is.
static double upper(double x, double y) { return std::isnan(x) || std::isnan(y) ? NAN : std::max(x, y); }
static double lower(double x, double y) { return std::isnan(x) || std::isnan(y) ? NAN : std::min(x, y); }
static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
static double softplus(double x) { return upper(x, 0) + std::log1p(std::exp(-std::fabs(x))); }

/// The table of the op's description. The constants of selu are ONNX's, in f32.
static double activate(ActivationKind kind, double x, std::optional<double> alpha, std::optional<double> beta) {
  switch (kind) {
  case ActivationKind::relu:
    return upper(x, 0);
  case ActivationKind::leaky_relu:
    return x < 0 ? alpha.value_or(0.01) * x : x;
  case ActivationKind::sigmoid:
    return sigmoid(x);
  case ActivationKind::tanh:
    return std::tanh(x);
  case ActivationKind::gelu:
    return 0.5 * x * (1 + std::erf(x * std::sqrt(0.5)));
  case ActivationKind::gelu_tanh:
    return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
  case ActivationKind::silu:
    return x * sigmoid(alpha.value_or(1) * x);
  case ActivationKind::hard_sigmoid:
    return upper(0, lower(1, alpha.value_or(1.0 / 6) * x + beta.value_or(0.5)));
  case ActivationKind::hard_swish:
    return x * activate(ActivationKind::hard_sigmoid, x, alpha, beta);
  case ActivationKind::elu:
    return x < 0 ? alpha.value_or(1) * std::expm1(x) : x;
  case ActivationKind::celu:
    return x < 0 ? alpha.value_or(1) * std::expm1(x / alpha.value_or(1)) : x;
  case ActivationKind::selu: {
    double gamma = beta.value_or(1.05070102214813232421875), a = alpha.value_or(1.67326319217681884765625);
    return gamma * (x < 0 ? a * std::expm1(x) : x);
  }
  case ActivationKind::softplus:
    return softplus(x);
  case ActivationKind::softsign:
    return x / (1 + std::fabs(x));
  case ActivationKind::mish:
    return x * std::tanh(softplus(x));
  case ActivationKind::erf:
    return std::erf(x);
  case ActivationKind::clip:
    return lower(upper(x, alpha.value_or(-INFINITY)), beta.value_or(INFINITY));
  case ActivationKind::thresholded_relu:
    return x > alpha.value_or(1) ? x : 0;
  }
  llvm_unreachable("every kind is handled");
}

static LogicalResult runActivation(Frame &, ActivationOp op, OpCall &call) {
  const HostTensor &input = call.tensor(op.getInput());
  FailureOr<HostTensor> output = call.allocateResult(input.shape());
  if (failed(output))
    return failure();
  char *bytes = output->mutableBytes();
  std::optional<double> alpha, beta;
  if (op.getAlpha())
    alpha = op.getAlpha()->convertToFloat();
  if (op.getBeta())
    beta = op.getBeta()->convertToFloat();
  for (int64_t i = 0; i < input.size(); ++i)
    storeScalar(output->type(), bytes, i,
                fromFloat(activate(op.getKind(), loadScalar(input.type(), input.bytes(), i).f, alpha, beta)));
  return call.yield(std::move(*output));
}

void interpreter::addRows(HandlerTable &table) {
  table.add<SoftmaxOp, runSoftmax>();
  table.add<NormalizeOp, runNormalize>();
  table.add<GatherOp, runGather>();
  table.add<ActivationOp, runActivation>();
}
