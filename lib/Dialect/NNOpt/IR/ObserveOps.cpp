//===- ObserveOps.cpp - what calibration measures -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "OpSupport.h"

#include <cmath>

using namespace mlir;
using namespace nnopt;
using namespace nnopt::detail;

int64_t ObserveOp::channelDim() { return getKernel() && !getChannelsLast() ? 1 : getInput().getType().getRank() - 1; }

int64_t ObserveOp::depth() {
  int64_t channels = getInput().getType().getDimSize(channelDim());
  return getKernel() ? ShapedType::getNumElements(*getKernel()) * channels / static_cast<int64_t>(getGroups()) : channels;
}

/// Geometry comes whole or not at all.
static LogicalResult verifyGeometry(ObserveOp op) {
  bool isComplete = op.getStrides() && op.getDilations() && op.getPads();
  if (op.getKernel() && isComplete)
    return verifyWindow(op, op.getInput(), *op.getKernel(), *op.getStrides(), *op.getDilations(), *op.getPads());
  if (op.getKernel())
    return op.emitOpError("expects strides, dilations and pads with a kernel");
  if (op.getStrides() || op.getDilations() || op.getPads() || op.getGroups() != 1 || op.getChannelsLast())
    return op.emitOpError("expects a kernel with what describes convolutions");
  return success();
}

static LogicalResult verifyHistogram(ObserveOp op) { // c3
  if (op.getKernel())
    return op.emitOpError("expects no kernel to count elements");
  std::optional<ArrayRef<float>> range = op.getRange();
  if (!range || range->size() != 2)
    return op.emitOpError("expects a range of 2 numbers, got ") << (range ? range->size() : 0);
  float low = range->front(), high = range->back();
  if (!std::isfinite(low) || !std::isfinite(high) || low >= high)
    return op.emitOpError("expects a range of finite numbers, the first below the second, got ") << low << " and " << high;
  RankedTensorType result = op.getResult().getType();
  if (result.getRank() == 1 && result.hasStaticShape() && result.getNumElements() > 0 && result.getElementType().isInteger(64))
    return success();
  return op.emitOpError("expects a result of one dimension of i64, got ") << result;
}

LogicalResult ObserveOp::verify() {
  RankedTensorType input = getInput().getType();
  if (input.getRank() < 1 && getKind() != ObserveKind::histogram)
    return emitOpError("expects an input of at least 1 dimension, got 0"); // c1
  if (failed(verifyGeometry(*this)))
    return failure();
  if (getKind() == ObserveKind::histogram)
    return verifyHistogram(*this);
  if (getRange())
    return emitOpError("expects a range with histogram only");
  int64_t channels = input.getDimSize(channelDim()), groups = getGroups();
  if (ShapedType::isDynamic(channels))
    return emitOpError("expects a static extent of dimension ") << channelDim();
  if (groups < 1 || channels % groups != 0)
    return emitOpError("expects channels in whole groups, got ") << channels << " channels in " << groups << " groups";
  SmallVector<int64_t> expected{groups, depth()}; // c2
  if (getKind() == ObserveKind::gram)
    expected.push_back(depth());
  auto type = RankedTensorType::get(expected, Float32Type::get(getContext()));
  if (getResult().getType() == type)
    return success();
  return emitOpError("expects a result of ") << type << ", got " << getResult().getType();
}
