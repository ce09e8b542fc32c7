//===- WindowOps.cpp - pooling and resampling -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "OpSupport.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::detail;

NNOPT_STRUCTURED_OP_METHODS(PoolOp)

LogicalResult PoolOp::verify() {
  return verifyWindow(*this, getInput(), getKernel(), getStrides(), getDilations(), getPads()); // c1
}

SmallVector<int64_t> PoolOp::inferStaticShape() {
  SmallVector<int64_t> windows = dilated(getKernel(), getDilations());
  WindowShape shape{windows, getStrides(), getPads(), getCeilMode(), getChannelsLast()};
  ArrayRef<int64_t> input = shapeOf(getInput());
  return shape.infer(input, getChannelsLast() ? input.back() : input[1]);
}

SmallVector<OpFoldResult> PoolOp::inferResultShape(OpBuilder &builder) {
  SmallVector<int64_t> windows = dilated(getKernel(), getDilations());
  WindowShape shape{windows, getStrides(), getPads(), getCeilMode(), getChannelsLast()};
  int64_t channelDim = getChannelsLast() ? shapeOf(getInput()).size() - 1 : 1;
  return shape.reify(builder, getLoc(), getInput(), dimOf(builder, getLoc(), getInput(), channelDim));
}
