//===- Windows.cpp - convolution and pooling as loops ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "LoopEmitter.h"

#include <limits>

using namespace mlir;
using namespace nnopt;

static Type elementOf(Value memref) { return cast<MemRefType>(memref.getType()).getElementType(); }

/// The pieces of a coordinate, wherever the channel is.
namespace {
struct Layout {
  bool channelsLast;

  Value channel(ArrayRef<Value> at) const { return channelsLast ? at.back() : at[1]; }
  ArrayRef<Value> spatial(ArrayRef<Value> at) const {
    return channelsLast ? at.drop_front(1).drop_back(1) : at.drop_front(2);
  }
  SmallVector<Value> coordinates(Value batch, Value channel, ArrayRef<Value> spatial) const {
    SmallVector<Value> at{batch};
    if (!channelsLast)
      at.push_back(channel);
    llvm::append_range(at, spatial);
    if (channelsLast)
      at.push_back(channel);
    return at;
  }
};
} // namespace

/// Positions `out * stride + tap * dilation - pad`, and whether they are inside the input (null if they always are).
static std::pair<SmallVector<Value>, Value> windowPositions(LoopEmitter &e, ArrayRef<Value> out, ArrayRef<Value> tap,
                                                            ArrayRef<Value> inputExtents, ArrayRef<int64_t> strides,
                                                            ArrayRef<int64_t> dilations, ArrayRef<int64_t> pads,
                                                            bool mayLeave) {
  SmallVector<Value> positions;
  Value valid;
  for (size_t d = 0; d < out.size(); ++d) {
    Value position = e.add(e.mul(out[d], e.index(strides[d])), e.mul(tap[d], e.index(dilations[d])));
    if (pads[d] != 0)
      position = e.sub(position, e.index(pads[d]));
    positions.push_back(position);
    if (!mayLeave)
      continue;
    Value here = e.inside(position, inputExtents[d]);
    valid = valid ? e.both(valid, here) : here;
  }
  return {positions, valid};
}

static SmallVector<Value> indices(LoopEmitter &e, ArrayRef<int64_t> values) {
  return llvm::map_to_vector(values, [&](int64_t value) { return e.index(value); });
}

static bool anyPadding(ArrayRef<int64_t> pads) {
  return llvm::any_of(pads, [](int64_t pad) { return pad != 0; });
}

/// Element of a filter, plain or packed: output `o` (of all groups), input channel `c` of its group, `tap`.
static Value filterElement(LoopEmitter &e, ConvOp op, Value weight, Value o, Value c, ArrayRef<Value> tap, Type type) {
  auto pack = op.getPack();
  if (!pack) {
    SmallVector<Value> at{o, c};
    llvm::append_range(at, tap);
    return e.read(weight, at, type);
  }
  Value tapNumber = e.index(0);
  int64_t taps = 1;
  for (auto [extent, i] : llvm::zip_equal(op.getKernelShape(), tap)) {
    tapNumber = e.add(e.mul(tapNumber, e.index(extent)), i);
    taps *= extent;
  }
  if (pack->getPanel() == 0) // depthwise: [taps][channels]
    return e.read(weight, {e.add(e.mul(tapNumber, e.index(pack->getOutputs())), o)}, type);
  int64_t perGroup = llvm::divideCeil(pack->getOutputs(), pack->getPanel()) * pack->getDepth() * pack->getPanel();
  Value group = e.div(o, e.index(pack->getOutputs())), n = e.rem(o, e.index(pack->getOutputs()));
  Value k = e.add(e.mul(tapNumber, e.index(pack->getDepth() / taps)), c);
  return e.read(weight, {e.add(e.mul(group, e.index(perGroup)), e.positionInPanels(*pack, n, k))}, type);
}

LogicalResult nnopt::lowerToLoops(ConvOp op, LoopEmitter &e) {
  Value destination = op.getInit(), input = op.getInput(), weight = op.getWeight();
  Type sumType = e.accumulatorType(op.getEpilogue(), destination);
  if (op.getPack() && !(weight = e.flat(weight)))
    return op.emitOpError("expects a contiguous packed weight, got ") << op.getWeight().getType();

  Layout layout{op.getChannelsLast()};
  SmallVector<Value> inputExtents = e.extents(input);
  ArrayRef<Value> inputSpatial = layout.spatial(inputExtents);
  Value groups = e.index(op.getGroups());
  Value channelsPerGroup = e.div(layout.channel(inputExtents), groups);
  Value outputsPerGroup = e.div(layout.channel(e.extents(destination)), groups);
  // Fold order: taps outside, channels inside, as packed weights are stored.
  SmallVector<Value> space = indices(e, op.getKernelShape());
  space.push_back(channelsPerGroup);

  e.forEach(e.extents(destination), [&](LoopEmitter::Coordinates at) {
    Value o = layout.channel(at), firstChannel = e.mul(e.div(o, outputsPerGroup), channelsPerGroup);
    Value initial = op.getBias() ? e.read(op.getBias(), {o}, sumType) : e.zero(sumType);
    Value sum = e.fold(space, initial, [&](LoopEmitter::Coordinates tapAndChannel, Value sum) {
      ArrayRef<Value> tap = tapAndChannel.drop_back();
      Value c = tapAndChannel.back();
      auto [positions, valid] = windowPositions(e, layout.spatial(at), tap, inputSpatial, op.getStrides(),
                                                op.getDilations(), op.getPads(), anyPadding(op.getPads()));
      auto add = [&, &positions = positions]() -> SmallVector<Value> {
        Value x = e.read(input, layout.coordinates(at[0], e.add(firstChannel, c), positions), sumType);
        return {e.multiplyAdd(x, filterElement(e, op, weight, o, c, tap, sumType), sum)};
      };
      return valid ? e.guarded(valid, sum, add)[0] : add()[0];
    });
    e.finish(sum, op.getEpilogue(), op.getEpilogueOperands(), op.getEpilogueMaps(), destination, at);
  });
  return success();
}

LogicalResult nnopt::lowerToLoops(ConvTransposeOp op, LoopEmitter &e) {
  Value destination = op.getInit(), input = op.getInput(), weight = op.getWeight();
  Type sumType = e.accumulatorType(elementOf(destination));
  Layout layout{/*channelsLast=*/false};
  SmallVector<Value> inputExtents = e.extents(input), weightExtents = e.extents(weight);
  Value channelsPerGroup = e.div(inputExtents[1], e.index(op.getGroups())), outputsPerGroup = weightExtents[1];
  SmallVector<Value> space(ArrayRef(weightExtents).drop_front(2));
  space.push_back(channelsPerGroup);

  e.forEach(e.extents(destination), [&](LoopEmitter::Coordinates at) {
    Value group = e.div(at[1], outputsPerGroup), o = e.rem(at[1], outputsPerGroup);
    Value initial = op.getBias() ? e.read(op.getBias(), {at[1]}, sumType) : e.zero(sumType);
    Value sum = e.fold(space, initial, [&](LoopEmitter::Coordinates tapAndChannel, Value sum) {
      // The inputs that this output gathers from: stride * position = out + pad - tap * dilation, where that divides.
      ArrayRef<Value> tap = tapAndChannel.drop_back(), out = layout.spatial(at);
      SmallVector<Value> positions;
      Value valid = arith::ConstantOp::create(e.b, e.loc, e.b.getBoolAttr(true));
      for (size_t d = 0; d < out.size(); ++d) {
        Value scaled = e.sub(e.add(out[d], e.index(op.getPads()[d])), e.mul(tap[d], e.index(op.getDilations()[d])));
        Value stride = e.index(op.getStrides()[d]);
        // Unsigned arithmetic: a negative number is scaled to a position beyond the input.
        Value position = e.div(scaled, stride);
        Value exact = e.b.createOrFold<arith::CmpIOp>(e.loc, arith::CmpIPredicate::eq, e.mul(position, stride), scaled);
        Value limit = e.mul(inputExtents[2 + d], stride);
        valid = e.both(valid, e.both(exact, e.inside(scaled, limit)));
        positions.push_back(position);
      }
      return e.guarded(valid, sum, [&]() -> SmallVector<Value> {
        Value c = e.add(e.mul(group, channelsPerGroup), tapAndChannel.back());
        SmallVector<Value> weightAt{c, o};
        llvm::append_range(weightAt, tap);
        Value x = e.read(input, layout.coordinates(at[0], c, positions), sumType);
        return {e.multiplyAdd(x, e.read(weight, weightAt, sumType), sum)};
      })[0];
    });
    e.write(sum, destination, at);
  });
  return success();
}

/// The least value of a type.
static Value least(LoopEmitter &e, Type type, bool isUnsigned) {
  if (auto floating = dyn_cast<FloatType>(type)) {
    APFloat infinity = APFloat::getInf(floating.getFloatSemantics(), /*Negative=*/true);
    return arith::ConstantOp::create(e.b, e.loc, FloatAttr::get(floating, infinity));
  }
  unsigned width = type.getIntOrFloatBitWidth();
  APInt value = isUnsigned ? APInt::getZero(width) : APInt::getSignedMinValue(width);
  return arith::ConstantOp::create(e.b, e.loc, IntegerAttr::get(type, value));
}

/// `count` as a value of type `type`.
static Value numberOf(LoopEmitter &e, Value count, Type type) { return e.convert(e.convert(count, e.b.getI64Type()), type); }

LogicalResult nnopt::lowerToLoops(PoolOp op, LoopEmitter &e) {
  Value destination = op.getInit(), input = op.getInput();
  bool isMax = op.getKind() == PoolKind::max;
  Type element = elementOf(input);
  bool isUnsigned = element.isUnsignedInteger();
  Type sumType = e.accumulatorType(element);
  Layout layout{op.getChannelsLast()};
  SmallVector<Value> inputExtents = e.extents(input);
  ArrayRef<Value> inputSpatial = layout.spatial(inputExtents);
  SmallVector<Value> space = indices(e, op.getKernel());
  bool mayLeave = anyPadding(op.getPads()) || op.getCeilMode();
  unsigned rank = op.getKernel().size();

  e.forEach(e.extents(destination), [&](LoopEmitter::Coordinates at) {
    ArrayRef<Value> out = layout.spatial(at);
    SmallVector<Value> initial{isMax ? least(e, sumType, isUnsigned) : e.zero(sumType), e.index(0)};
    SmallVector<Value> result = e.fold(space, initial, [&](LoopEmitter::Coordinates tap, ValueRange carried) {
      auto [positions, valid] = windowPositions(e, out, tap, inputSpatial, op.getStrides(), op.getDilations(),
                                                op.getPads(), mayLeave);
      auto take = [&, &positions = positions]() -> SmallVector<Value> {
        Value x = e.read(input, layout.coordinates(at[0], layout.channel(at), positions), sumType);
        return {isMax ? e.maximum(carried[0], x, isUnsigned) : e.plus(carried[0], x), e.add(carried[1], e.index(1))};
      };
      return valid ? e.guarded(valid, carried, take) : take();
    });
    Value value = result[0];
    if (!isMax) {
      Value count = result[1];
      if (op.getCountIncludePad()) // taps up to the end of the padding, which ceil_mode may pass
        count = e.fold(space, e.index(0), [&](LoopEmitter::Coordinates tap, Value count) {
          SmallVector<Value> padded;
          SmallVector<int64_t> none(rank, 0);
          for (unsigned d = 0; d < rank; ++d)
            padded.push_back(e.add(inputSpatial[d], e.index(op.getPads()[d] + op.getPads()[rank + d])));
          auto [positions, valid] = windowPositions(e, out, tap, padded, op.getStrides(), op.getDilations(), none, true);
          return e.guarded(valid, count, [&]() -> SmallVector<Value> { return {e.add(count, e.index(1))}; })[0];
        });
      Value divisor = numberOf(e, count, sumType);
      value = isa<FloatType>(sumType) ? Value(arith::DivFOp::create(e.b, e.loc, value, divisor))
                                      : Value(arith::DivSIOp::create(e.b, e.loc, value, divisor));
    }
    e.write(value, destination, at);
  });
  return success();
}
