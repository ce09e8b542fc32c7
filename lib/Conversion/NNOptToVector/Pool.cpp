//===- Pool.cpp - maximum and average of windows, channels last -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Vectors along the channels. Windows are clipped to the input, so padding is never read. A work item is a line of the output, or a
// part of its channels where lines are short (global pooling).
//===----------------------------------------------------------------------===//

#include "Rows.h"

using namespace mlir;
using namespace nnopt;

using Kind = vector::CombiningKind;

// Vectors of channels whose running values are held at a time.
static constexpr int64_t kVectors = 4;
// Lines with fewer positions are split by channels.
static constexpr int64_t kShortLine = 4;

namespace {

/// Where a window meets the input along one dimension, in taps, and how many taps an average counts.
struct Taps {
  Value first, end, counted;
};

/// The line kernel: `input` is at the first tap's line of dimension 0 (batch), `outer` holds the clipped taps of the other dimensions.
class PoolLine {
public:
  PoolLine(KernelBuilder &k, PoolOp op) : k(k), op(op) {}

  KernelBuilder &k;
  PoolOp op;
  Value input, output;             ///< addresses: of the window's first outer tap at padded column 0; of the line
  SmallVector<Value> outerTaps;    ///< numbers of taps of all but the last dimension
  SmallVector<Value> outerStrides; ///< of the input, from tap to tap
  Value outerCounted;              ///< product of what the outer dimensions count
  Value columnStride, width, inputWidth, outputStride, channels;

  void emit() {
    k.loop(k.index(0), width, 1, [&](Value x) {
      Taps taps = clip(k, op, op.getKernel().size() - 1, x, inputWidth);
      Value start = k.add(k.mul(x, k.index(op.getStrides().back())), k.mul(taps.first, k.index(op.getDilations().back())));
      Value column = k.sub(start, k.index(op.getPads()[op.getKernel().size() - 1]));
      Value source = k.at(input, f32(), k.mul(column, columnStride)), target = k.at(output, f32(), k.mul(x, outputStride));
      Value factor = average(k.mul(outerCounted, taps.counted));
      forVectors(k, channels, k.isa.lanes, kVectors, [&](ArrayRef<Value> starts, Value mask) {
        emitWindow(source, target, k.sub(taps.end, taps.first), factor, starts, mask);
      });
    });
  }

  /// Taps of output position `x` along dimension `d` that meet an input of `extent`.
  static Taps clip(KernelBuilder &k, PoolOp op, unsigned d, Value x, Value extent) {
    int64_t size = op.getKernel()[d], dilation = op.getDilations()[d], pad = op.getPads()[d];
    int64_t endPad = op.getPads()[op.getKernel().size() + d];
    Value taps = k.index(size), zero = k.index(0);
    auto known = k.constantOf(extent);
    int64_t window = (size - 1) * dilation + 1;
    bool fits = !op.getCeilMode() || (known && (*known - window) % op.getStrides()[d] == 0);
    if (pad == 0 && endPad == 0 && fits)
      return {zero, taps, taps};
    Value start = k.sub(k.mul(x, k.index(op.getStrides()[d])), k.index(pad)); // may be negative
    // The first tap with start + tap * dilation >= 0; the first with start + tap * dilation >= extent.
    Value first = k.min(taps, k.ceilDiv(k.max(zero, k.sub(zero, start)), dilation));
    Value end = k.max(first, k.min(taps, k.ceilDiv(k.max(zero, k.sub(extent, start)), dilation)));
    Value paddedEnd = k.min(taps, k.ceilDiv(k.max(zero, k.sub(k.add(extent, k.index(endPad)), start)), dilation));
    return {first, end, op.getCountIncludePad() ? paddedEnd : k.sub(end, first)};
  }

private:
  Type f32() { return k.b.getF32Type(); }
  VectorType vector() { return k.vectorType(f32()); }
  bool isMax() { return op.getKind() == PoolKind::max; }

  Value merge(Value x, Value y) { return isMax() ? larger(k, x, y) : Value(arith::AddFOp::create(k.b, k.loc, x, y)); }

  /// The reciprocal of a number of taps, as a vector.
  Value average(Value count) {
    if (isMax())
      return {};
    if (auto known = k.constantOf(count))
      return k.constant(vector(), 1.0 / std::max<int64_t>(1, *known));
    Value integer = arith::IndexCastOp::create(k.b, k.loc, k.b.getI64Type(), count);
    Value divisor = arith::SIToFPOp::create(k.b, k.loc, f32(), integer);
    return k.splat(arith::DivFOp::create(k.b, k.loc, k.constant(f32(), 1.0), divisor), vector());
  }

  void emitWindow(Value source, Value target, Value taps, Value factor, ArrayRef<Value> starts, Value mask) {
    SmallVector<Value> extents(outerTaps), strides(outerStrides), at;
    extents.push_back(taps);
    strides.push_back(k.mul(columnStride, k.index(op.getDilations().back())));
    SmallVector<Value> running(starts.size(), neutral(k, isMax() ? Kind::MAXIMUMF : Kind::ADD, vector()));
    running = forTaps(extents, strides, source, running, [&](Value pointer, SmallVector<Value> values) {
      for (auto [value, start] : llvm::zip(values, starts))
        value = merge(value, loadElements(k, f32(), k.isa.lanes, k.at(pointer, f32(), start), mask));
      return values;
    });
    for (auto [value, start] : llvm::zip(running, starts)) {
      Value result = factor ? Value(arith::MulFOp::create(k.b, k.loc, value, factor)) : value;
      storeElements(k, result, k.at(target, f32(), start), mask);
    }
  }

  using Body = llvm::function_ref<SmallVector<Value>(Value, SmallVector<Value>)>;
  SmallVector<Value> forTaps(ArrayRef<Value> extents, ArrayRef<Value> strides, Value pointer, SmallVector<Value> running,
                             Body body) {
    if (extents.empty())
      return body(pointer, std::move(running));
    return k.loop(k.index(0), extents[0], 1, running, [&](Value i, ValueRange carried) {
      Value next = k.at(pointer, f32(), k.mul(i, strides[0]));
      return forTaps(extents.drop_front(), strides.drop_front(), next, SmallVector<Value>(carried), body);
    });
  }
};

} // namespace

static bool isPlainPool(PoolOp op) {
  auto input = cast<MemRefType>(op.getInput().getType());
  if (!op.getInit() || !op.getChannelsLast() || !input.getElementType().isF32() || !input.isLastDimUnitStride())
    return false;
  auto output = cast<MemRefType>(op.getInit().getType());
  return output.getElementType().isF32() && output.isLastDimUnitStride();
}

LogicalResult nnopt::emitPool(Operation *operation, KernelBuilder &k) {
  auto op = cast<PoolOp>(operation);
  if (!isPlainPool(op))
    return failure();
  Buffer input = k.buffer(op.getInput()), output = k.buffer(op.getInit());
  unsigned spatial = op.getKernel().size();
  // Batch and all spatial dimensions but the last; then parts of the channels.
  SmallVector<Value> outer(ArrayRef(output.extents).take_front(spatial));
  Value channels = output.extents.back(), width = output.extents[spatial];
  outer.push_back(channels);
  auto knownWidth = k.constantOf(width), knownChannels = k.constantOf(channels);
  int64_t part = kVectors * k.isa.lanes;
  if (!(knownWidth && *knownWidth < kShortLine))
    part = knownChannels ? llvm::alignTo(std::max<int64_t>(1, *knownChannels), part) : 16 * part;

  parallelChunks(k, outer, part, [&](ArrayRef<Value> first, Value count) {
    SmallVector<Value> source{first[0]}, target(first.drop_back()), taps, strides;
    Value counted = k.index(1);
    for (unsigned d = 0; d + 1 < spatial; ++d) {
      Taps found = PoolLine::clip(k, op, d, first[d + 1], input.extents[d + 1]);
      Value line = k.add(k.mul(first[d + 1], k.index(op.getStrides()[d])), k.mul(found.first, k.index(op.getDilations()[d])));
      source.push_back(k.sub(line, k.index(op.getPads()[d])));
      taps.push_back(k.sub(found.end, found.first));
      strides.push_back(k.mul(input.strides[d + 1], k.index(op.getDilations()[d])));
      counted = k.mul(counted, found.counted);
    }
    KernelCall call(k, op, "pool");
    Type f32 = k.b.getF32Type();
    unsigned in = call.pointer(k.at(k.at(input, source), f32, first.back()));
    unsigned out = call.pointer(k.at(k.at(output, target), f32, first.back()));
    SmallVector<unsigned> numbers;
    for (Value value : {counted, input.strides[spatial], width, input.extents[spatial], output.strides[spatial], count})
      numbers.push_back(call.number(value));
    SmallVector<unsigned> tapHandles, strideHandles;
    for (auto [tap, stride] : llvm::zip(taps, strides))
      tapHandles.push_back(call.number(tap)), strideHandles.push_back(call.number(stride));
    std::string attributes;
    llvm::raw_string_ostream(attributes) << op->getAttrDictionary();
    call.key(attributes);
    call.emit([&](KernelBuilder &inner) {
      auto get = [&](unsigned handle) { return call[handle]; };
      PoolLine line(inner, op);
      line.input = get(in), line.output = get(out), line.outerCounted = get(numbers[0]);
      line.columnStride = get(numbers[1]), line.width = get(numbers[2]), line.inputWidth = get(numbers[3]);
      line.outputStride = get(numbers[4]), line.channels = get(numbers[5]);
      llvm::append_range(line.outerTaps, llvm::map_range(tapHandles, get));
      llvm::append_range(line.outerStrides, llvm::map_range(strideHandles, get));
      line.emit();
    });
  });
  return success();
}
