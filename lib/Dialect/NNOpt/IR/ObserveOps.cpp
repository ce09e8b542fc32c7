//===- ObserveOps.cpp - what calibration measures -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "OpSupport.h"

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

LogicalResult ObserveOp::verify() {
  RankedTensorType input = getInput().getType();
  if (input.getRank() < 1)
    return emitOpError("expects an input of at least 1 dimension, got 0"); // c1
  if (failed(verifyGeometry(*this)))
    return failure();
  int64_t channels = input.getDimSize(channelDim()), groups = getGroups();
  if (ShapedType::isDynamic(channels))
    return emitOpError("expects a static extent of dimension ") << channelDim();
  if (groups < 1 || channels % groups != 0)
    return emitOpError("expects channels in whole groups, got ") << channels << " channels in " << groups << " groups";
  SmallVector<int64_t> expected{groups, depth()}; // c2
  if (getKind() == ObserveKind::gram)
    expected.push_back(depth());
  ArrayRef<int64_t> got = getResult().getType().getShape();
  if (got == ArrayRef<int64_t>(expected))
    return success();
  return emitOpError("expects a result of ") << RankedTensorType::get(expected, getResult().getType().getElementType()) << ", got "
                                             << getResult().getType();
}
