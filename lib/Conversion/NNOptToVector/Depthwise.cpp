//===- Depthwise.cpp - one filter per channel -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Vectors along the channels. A work item is one line of the output; for each vector of channels the taps are applied to a few
// neighbouring positions at a time, which share the input vectors they overlap in.
//===----------------------------------------------------------------------===//

#include "Products.h"

using namespace mlir;
using namespace nnopt;

namespace {

class DepthwiseLine {
public:
  DepthwiseLine(KernelBuilder &k, ConvOp op, int64_t positions) : k(k), op(op), positions(positions) {}

  KernelBuilder &k;
  ConvOp op;
  int64_t positions; ///< of a tile
  // Addresses of the line's first element, strides, and the number of output positions.
  Value input, weight, output, bias, channels, width;
  SmallVector<Value> tapStrides; ///< of the input, per spatial dimension (dilation included)
  Value columnStep, inputStep;   ///< of the input: to the next element of the line, to the next position's
  Value outputStep;
  SmallVector<Value> operands, operandSteps;
  SmallVector<bool> operandAlongChannels;

  void emit() {
    kernel = op.getKernelShape();
    int64_t lanes = k.isa.lanes;
    Value whole = k.mul(k.div(channels, k.index(lanes)), k.index(lanes));
    k.loop(k.index(0), whole, lanes, [&](Value c) { emitChannels(c); });
    k.when(k.less(whole, channels), [&] {
      mask = k.laneMask(lanes, k.sub(channels, whole));
      emitChannels(whole);
    });
  }

private:
  SmallVector<int64_t> kernel;
  Value mask;

  Type f32() { return k.b.getF32Type(); }
  VectorType vector() { return k.vectorType(f32()); }
  Value load(Value pointer) { return mask ? k.loadMasked(vector(), pointer, mask) : k.load(vector(), pointer); }

  void emitChannels(Value c) {
    Value biasVector = bias ? load(k.at(bias, f32(), c)) : k.zero(vector());
    Value tiles = k.mul(k.div(width, k.index(positions)), k.index(positions));
    k.loop(k.index(0), tiles, positions, [&](Value x) { emitTile(c, x, positions, biasVector); });
    auto known = k.constantOf(width);
    if (known && *known % positions != 0)
      emitTile(c, tiles, *known % positions, biasVector);
    else if (!known)
      k.loop(tiles, width, 1, [&](Value x) { emitTile(c, x, 1, biasVector); });
  }

  void emitTile(Value c, Value x, int64_t count, Value biasVector) {
    SmallVector<Value> sums(count, biasVector);
    Value origin = k.at(input, f32(), k.add(c, k.mul(x, inputStep)));
    int64_t lineTaps = kernel.back(), lines = 1;
    for (int64_t extent : ArrayRef<int64_t>(kernel).drop_back())
      lines *= extent;
    int64_t stride = op.getStrides().back(), dilation = op.getDilations().back();
    for (int64_t line = 0; line < lines; ++line) {
      Value start = origin;
      for (int64_t d = kernel.size() - 1, rest = line; d-- > 0; rest /= kernel[d])
        start = k.at(start, f32(), k.mul(k.index(rest % kernel[d]), tapStrides[d]));
      // Positions and taps that meet in one input element share its load.
      llvm::DenseMap<int64_t, Value> columns;
      for (int64_t tap = 0; tap < lineTaps; ++tap) {
        Value taps = k.mul(k.index(line * lineTaps + tap), channels);
        Value w = load(k.at(weight, f32(), k.add(c, taps)));
        for (int64_t i = 0; i < count; ++i) {
          int64_t column = i * stride + tap * dilation;
          Value &element = columns[column];
          if (!element)
            element = load(k.at(start, f32(), k.mul(k.index(column), columnStep)));
          sums[i] = k.fma(element, w, sums[i]);
        }
      }
    }
    for (auto [i, sum] : llvm::enumerate(sums))
      finish(sum, c, k.add(x, k.index(i)));
  }

  void finish(Value sum, Value c, Value x) {
    if (!op.getEpilogue().empty()) {
      SmallVector<Value> arguments{sum};
      for (auto [pointer, step, along] : llvm::zip(operands, operandSteps, operandAlongChannels)) {
        Value offset = k.mul(x, step);
        arguments.push_back(along ? load(k.at(pointer, f32(), k.add(offset, c)))
                                  : k.splat(k.load(f32(), k.at(pointer, f32(), offset)), vector()));
      }
      sum = cloneElementwise(k, op.getEpilogue().front(), arguments, k.isa.lanes).front();
    }
    Value pointer = k.at(output, f32(), k.add(c, k.mul(x, outputStep)));
    mask ? k.storeMasked(sum, pointer, mask) : k.store(sum, pointer);
  }
};

} // namespace

/// Positions per tile: sums, shared inputs and one weight must fit the registers. The tiles of a line are about equally long.
static int64_t choosePositions(const Isa &isa, std::optional<int64_t> width) {
  int64_t most = isa.registers >= 32 ? 8 : 5;
  if (!width)
    return 4;
  return llvm::divideCeil(std::max<int64_t>(1, *width), llvm::divideCeil(std::max<int64_t>(1, *width), most));
}

LogicalResult nnopt::emitDepthwiseConv(Operation *operation, KernelBuilder &k) {
  auto op = cast<ConvOp>(operation);
  if (!isPlainConv(op) || op.getPack()->getPanel() != 0)
    return failure();

  Buffer input = k.buffer(op.getInput()), output = k.buffer(op.getInit());
  Value weight = k.buffer(op.getWeight()).pointer;
  Value bias = op.getBias() ? k.buffer(op.getBias()).pointer : Value();
  unsigned spatial = op.getSpatialRank();
  SmallVector<RowAccess> operands;
  for (auto [i, operand] : llvm::enumerate(op.getEpilogueOperands()))
    operands.push_back(epilogueAccess(k, operand, cast<AffineMapAttr>((*op.getEpilogueMaps())[i]).getValue()));

  SmallVector<Value> lines(ArrayRef<Value>(output.extents).drop_back(2));
  k.parallel(k.product(lines), [&](Value item) {
    SmallVector<Value> at = k.delinearize(item, lines);
    SmallVector<Value> inputAt{at[0]};
    for (unsigned d = 1; d < at.size(); ++d)
      inputAt.push_back(k.mul(at[d], k.index(op.getStrides()[d - 1])));

    KernelCall call(k, op, "depthwise");
    unsigned in = call.pointer(k.at(input, inputAt)), w = call.pointer(weight), out = call.pointer(k.at(output, at));
    std::optional<unsigned> b;
    if (bias)
      b = call.pointer(bias), call.key("bias");
    unsigned channels = call.number(output.extents.back()), width = call.number(output.extents[spatial]);
    unsigned column = call.number(input.strides[spatial]), outputStep = call.number(output.strides[spatial]);
    SmallVector<unsigned> tapStrides, pointers, steps;
    for (unsigned d = 0; d < spatial; ++d)
      tapStrides.push_back(call.number(k.mul(input.strides[d + 1], k.index(op.getDilations()[d]))));
    for (RowAccess &access : operands) {
      Value offset = k.index(0);
      for (auto [coordinate, stride] : llvm::zip(at, access.strides))
        offset = k.add(offset, k.mul(coordinate, stride));
      pointers.push_back(call.pointer(k.at(access.pointer, k.b.getF32Type(), offset)));
      steps.push_back(call.number(access.strides.back()));
      call.key(access.alongColumns ? "columns" : "scalar");
    }
    call.key(op.getEpilogue());
    SmallVector<int64_t> kernelShape = op.getKernelShape();
    for (ArrayRef<int64_t> list : {ArrayRef<int64_t>(kernelShape), op.getStrides(), op.getDilations()})
      for (int64_t value : list)
        call.key(Twine(value));
    call.emit([&](KernelBuilder &inner) {
      auto get = [&](unsigned handle) { return call[handle]; };
      DepthwiseLine line(inner, op, choosePositions(inner.isa, inner.constantOf(get(width))));
      line.input = get(in), line.weight = get(w), line.output = get(out), line.bias = b ? get(*b) : Value();
      line.channels = get(channels), line.width = get(width);
      line.columnStep = get(column), line.outputStep = get(outputStep);
      line.inputStep = inner.mul(get(column), inner.index(op.getStrides().back()));
      llvm::append_range(line.tapStrides, llvm::map_range(tapStrides, get));
      llvm::append_range(line.operands, llvm::map_range(pointers, get));
      llvm::append_range(line.operandSteps, llvm::map_range(steps, get));
      for (RowAccess &access : operands)
        line.operandAlongChannels.push_back(access.alongColumns);
      line.emit();
    });
  });
  return success();
}
