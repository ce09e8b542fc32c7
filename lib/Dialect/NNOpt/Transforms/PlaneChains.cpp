//===- PlaneChains.cpp - convolutions that hand planes on -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "PlaneChains.h"
#include "ConvPlanes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace nnopt;

static bool hasStride(ConvOp conv) {
  return llvm::any_of(conv.getStrides(), [](int64_t stride) { return stride != 1; });
}

PlaneChains::PlaneChains(ArrayRef<ConvOp> convs) {
  for (ConvOp conv : convs) {
    members[conv] = conv;
    if (!conv.getResult().use_empty())
      chained.insert(conv.getResult());
  }
  // Dropping a value may drop those that meet it in an epilogue.
  size_t before;
  do {
    before = chained.size();
    chained.remove_if([&](Value value) { return !canBePlanes(value); });
  } while (chained.size() != before);
  connect();
  computeFrames();
}

bool PlaneChains::readsPlanes(OpOperand &use) const {
  auto user = dyn_cast<ConvOp>(use.getOwner());
  if (!user || !members.contains(user) || !chained.contains(use.get()))
    return false;
  if (use.getOperandNumber() == user.getInputMutable().getOperandNumber())
    return !hasStride(user);
  // The weight is a constant and the bias has one dimension: this is an operand of the epilogue, which is read as the result is written.
  return chained.contains(user.getResult());
}

bool PlaneChains::canBePlanes(Value value) const {
  auto producer = value.getDefiningOp<ConvOp>();
  for (auto [i, operand] : llvm::enumerate(producer.getEpilogueOperands()))
    if (!chained.contains(operand) || !cast<AffineMapAttr>((*producer.getEpilogueMaps())[i]).getValue().isIdentity())
      return false;
  bool needsRows = llvm::any_of(value.getUses(), [&](OpOperand &use) { return !readsPlanes(use); });
  bool isInput = llvm::any_of(value.getUses(), [&](OpOperand &use) {
    auto user = dyn_cast<ConvOp>(use.getOwner());
    return user && use.getOperandNumber() == user.getInputMutable().getOperandNumber() && readsPlanes(use);
  });
  return isInput || !needsRows;
}

/// The values that `conv` reads or writes as planes.
SmallVector<Value, 2> PlaneChains::planesOf(ConvOp conv) const {
  SmallVector<Value, 2> values;
  if (readsPlanes(conv.getInputMutable()))
    values.push_back(conv.getInput());
  if (chained.contains(conv.getResult()))
    values.push_back(conv.getResult());
  return values;
}

void PlaneChains::connect() {
  for (auto [op, conv] : members) {
    SmallVector<Value, 2> touched = planesOf(conv);
    if (chained.contains(conv.getResult()))
      llvm::append_range(touched, conv.getEpilogueOperands());
    for (Value value : touched)
      connected.unionSets(touched.front().getAsOpaquePointer(), value.getAsOpaquePointer());
  }
}

void *PlaneChains::leaderOf(ConvOp conv) const {
  SmallVector<Value, 2> values = planesOf(conv);
  return values.empty() ? nullptr : *connected.findLeader(values.front().getAsOpaquePointer());
}

void PlaneChains::computeFrames() {
  llvm::MapVector<void *, SmallVector<ConvOp>> groups;
  for (auto [op, conv] : members)
    if (void *leader = leaderOf(conv))
      groups[leader].push_back(conv);
  for (auto &[leader, convs] : groups) {
    PlaneFrame frame;
    for (ConvOp conv : convs)
      frame.pitch = std::max(frame.pitch, ConvPlanes::leastPitch(conv));
    frame.pitch = ConvPlanes::evenPitch(convs.front(), frame.pitch);
    for (ConvOp conv : convs)
      if (readsPlanes(conv.getInputMutable()))
        frame.lead = std::max(frame.lead, conv.getPads()[0] * frame.pitch + conv.getPads()[1]);
    frame.lead = llvm::alignTo(frame.lead, SparseConvOp::kPositionUnit);
    for (ConvOp conv : convs)
      frame.size = std::max(frame.size, ConvPlanes::reach(conv, frame, readsPlanes(conv.getInputMutable())));
    // An odd number of cache lines: the planes of consecutive channels are then spread over the sets of a cache.
    int64_t lines = llvm::divideCeil(frame.size, SparseConvOp::kPositionUnit);
    frame.size = (lines | 1) * SparseConvOp::kPositionUnit;
    frames[leader] = frame;
  }
}

std::optional<ChainLink> PlaneChains::linkOf(ConvOp conv) const {
  void *leader = members.contains(conv) ? leaderOf(conv) : nullptr;
  if (!leader)
    return std::nullopt;
  return ChainLink{frames.lookup(leader), readsPlanes(conv.getInputMutable()), chained.contains(conv.getResult())};
}

Value nnopt::createRows(OpBuilder &b, Value planes, const PlaneFrame &frame, ArrayRef<int64_t> extents) {
  Location loc = planes.getLoc();
  auto type = cast<RankedTensorType>(planes.getType());
  int64_t batch = type.getDimSize(0), channels = type.getDimSize(1);
  auto attribute = [&](int64_t value) -> OpFoldResult { return b.getIndexAttr(value); };
  OpFoldResult batchSize = tensor::getMixedSize(b, loc, planes, 0), zero = attribute(0), one = attribute(1);
  auto typeOf = [&](ArrayRef<int64_t> shape) { return RankedTensorType::get(shape, type.getElementType()); };
  // All lines, then as lines, without what lies between them.
  int64_t span = extents[0] * frame.pitch;
  SmallVector<OpFoldResult> sizes{batchSize, attribute(channels), one, attribute(span)}, ones(4, one);
  Value lines = tensor::ExtractSliceOp::create(b, loc, typeOf({batch, channels, span}), planes,
                                               SmallVector<OpFoldResult>{zero, zero, zero, attribute(frame.lead)}, sizes, ones);
  SmallVector<ReassociationIndices> split{{0}, {1}, {2, 3}};
  SmallVector<OpFoldResult> shape{batchSize, attribute(channels), attribute(extents[0]), attribute(frame.pitch)};
  lines = tensor::ExpandShapeOp::create(b, loc, typeOf({batch, channels, extents[0], frame.pitch}), lines, split, shape);
  shape[3] = attribute(extents[1]);
  Value image = tensor::ExtractSliceOp::create(b, loc, typeOf({batch, channels, extents[0], extents[1]}), lines,
                                               SmallVector<OpFoldResult>(4, zero), shape, ones);
  SmallVector<OpFoldResult> rows{batchSize, shape[2], shape[3], shape[1]};
  Value empty = tensor::EmptyOp::create(b, loc, rows, type.getElementType());
  return linalg::TransposeOp::create(b, loc, image, empty, ArrayRef<int64_t>{0, 2, 3, 1})->getResult(0);
}
