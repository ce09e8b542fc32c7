//===- Conv.cpp - convolution as a product with overlapping rows ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Channels last, a tap's channels are contiguous, and so are neighbouring taps of one line: the reduction is (line of the filter) x (tap,
// channel), and the output positions are rows whose A strides are the convolution's strides. Nothing is copied.
//===----------------------------------------------------------------------===//

#include "Products.h"

using namespace mlir;
using namespace nnopt;

bool nnopt::isPlainConv(ConvOp op) {
  auto isZero = [](int64_t value) { return value == 0; };
  return op.getPack() && op.getChannelsLast() && llvm::all_of(op.getPads(), isZero) &&
         isUnitInnermost(op.getInput()) && isUnitInnermost(op.getInit()) &&
         llvm::all_of(op->getOperands(), [](Value v) { return getElementTypeOrSelf(v.getType()).isF32(); }) &&
         isFastEpilogue(op.getEpilogue(), op.getEpilogueOperands(), op.getEpilogueMaps());
}

static bool isContiguous(Value memref) { return cast<MemRefType>(memref.getType()).getLayout().isIdentity(); }

/// Drops reduction dimensions of extent 1 and joins those that are one run in memory.
static void mergeDepths(KernelBuilder &k, GemmProblem &problem) {
  for (size_t d = problem.depths.size(); d-- > 0;) {
    bool last = d + 1 == problem.depths.size();
    if (!last && k.constantOf(problem.depths[d]) == 1) {
      problem.depths.erase(problem.depths.begin() + d);
      problem.depthStrides.erase(problem.depthStrides.begin() + d);
    } else if (!last) {
      auto outside = k.constantOf(problem.depthStrides[d]), inside = k.constantOf(problem.depthStrides[d + 1]);
      auto extent = k.constantOf(problem.depths[d + 1]);
      if (!outside || !inside || !extent || *outside != *inside * *extent)
        continue;
      problem.depths[d + 1] = k.mul(problem.depths[d], problem.depths[d + 1]);
      problem.depths.erase(problem.depths.begin() + d);
      problem.depthStrides.erase(problem.depthStrides.begin() + d);
    }
  }
}

LogicalResult nnopt::emitConv(Operation *operation, KernelBuilder &k) {
  auto op = cast<ConvOp>(operation);
  if (!isPlainConv(op) || op.getPack()->getPanel() != kPanel)
    return failure();
  PackAttr pack = *op.getPack();
  SmallVector<int64_t> kernel = op.getKernelShape();
  unsigned spatial = op.getSpatialRank();
  int64_t taps = 1, groups = op.getGroups();
  for (int64_t extent : kernel)
    taps *= extent;
  int64_t channels = pack.getDepth() / taps, panels = llvm::divideCeil(pack.getOutputs(), kPanel);

  Buffer input = k.buffer(op.getInput()), output = k.buffer(op.getInit());
  auto leading = [&](int64_t groupStride, ArrayRef<Value> strides) {
    SmallVector<Value> all(strides);
    if (groups > 1)
      all.insert(all.begin(), k.index(groupStride));
    return all;
  };
  GemmProblem problem;
  problem.op = op;
  problem.rows = leading(groups, ArrayRef<Value>(output.extents).drop_back());
  problem.columns = k.index(pack.getOutputs());
  SmallVector<Value> inputStrides{input.strides[0]};
  for (unsigned d = 0; d < spatial; ++d) {
    inputStrides.push_back(k.mul(input.strides[d + 1], k.index(op.getStrides()[d])));
    problem.depths.push_back(k.index(kernel[d]));
    problem.depthStrides.push_back(k.mul(input.strides[d + 1], k.index(op.getDilations()[d])));
  }
  problem.depths.push_back(k.index(channels));
  problem.depthStrides.push_back(k.index(1));
  mergeDepths(k, problem);

  problem.a = RowAccess{input.pointer, leading(channels, inputStrides)};
  problem.c = RowAccess{output.pointer, leading(pack.getOutputs(), ArrayRef<Value>(output.strides).drop_back())};
  // One tap without strides is a linear op on positions, even if it is not known how many there are.
  bool isLinear = groups == 1 && taps == 1 && llvm::all_of(op.getStrides(), [](int64_t stride) { return stride == 1; });
  problem.a.contiguous = isLinear && isContiguous(op.getInput());
  problem.c.contiguous = groups == 1 && isContiguous(op.getInit());
  SmallVector<Value> still(spatial + 1, k.index(0));
  problem.b = RowAccess{k.buffer(op.getWeight()).pointer, leading(panels * pack.getDepth() * kPanel, still)};
  if (op.getBias())
    problem.bias = RowAccess{k.buffer(op.getBias()).pointer, leading(pack.getOutputs(), still)};
  problem.epilogue = &op.getEpilogue();
  for (auto [i, operand] : llvm::enumerate(op.getEpilogueOperands())) {
    RowAccess access = epilogueAccess(k, operand, cast<AffineMapAttr>((*op.getEpilogueMaps())[i]).getValue());
    access.strides = leading(access.alongColumns ? pack.getOutputs() : 0, access.strides);
    access.contiguous = access.contiguous && groups == 1;
    problem.operands.push_back(access);
  }
  emitGemm(k, std::move(problem));
  return success();
}
