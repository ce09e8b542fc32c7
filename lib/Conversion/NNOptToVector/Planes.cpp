//===- Planes.cpp - images as planes with a frame of zeros ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Squares of positions and channels are turned in registers. Planes are written from begin to end in whole vectors: what one writes too much
// the next one overwrites, and the zeros behind the last line come last.
//===----------------------------------------------------------------------===//

#include "Products.h"

using namespace mlir;
using namespace nnopt;

namespace {
/// What one dimension of a plane holds: `count` positions from `begin` on, of which the first is position `first` of the input.
struct Filled {
  int64_t begin, count, first, stride;

  Filled(int64_t input, int64_t stride, int64_t phase, int64_t pad, int64_t room) : stride(stride) {
    begin = std::min<int64_t>(room, llvm::divideCeil(std::max<int64_t>(0, pad - phase), stride));
    first = begin * stride + phase - pad;
    count = first >= input ? 0 : std::min<int64_t>(room - begin, (input - 1 - first) / stride + 1);
  }
};

/// The body of the function that makes the planes of up to a vector of channels, for one phase.
class PlaneEmitter {
public:
  PlaneEmitter(KernelBuilder &k, Filled y, Filled x, int64_t pitch, int64_t size, int64_t channels)
      : k(k), y(y), x(x), pitch(pitch), size(size), channels(channels) {}

  Value from, line, position, to, plane; ///< distances in the input and of planes

  void emit() {
    if (channels < k.isa.lanes)
      mask = k.laneMask(k.isa.lanes, k.index(channels));
    int64_t end = 0;
    if (y.count > 0 && x.count > 0) {
      int64_t last = y.begin + y.count - 1;
      emitZeros(k.index(0), y.begin * pitch + x.begin);
      k.loop(k.index(y.begin), k.index(last), 1, [&](Value r) { emitLine(r, /*isLast=*/false); });
      emitLine(k.index(last), /*isLast=*/true);
      end = last * pitch + x.begin + x.count;
    }
    int64_t lanes = k.isa.lanes, rest = size - end, whole = rest / lanes * lanes;
    emitZeros(k.index(end), whole);
    if (whole != rest)
      emitZeros(k.index(size - lanes), lanes);
  }

private:
  KernelBuilder &k;
  Filled y, x;
  int64_t pitch, size, channels;
  Value mask;

  Type f32() { return k.b.getF32Type(); }
  VectorType type() { return k.vectorType(f32()); }
  Value target(Value channel, Value at) { return k.at(to, f32(), k.add(k.mul(channel, plane), at)); }

  /// Zeros for `count` elements, up to a whole vector, of every plane.
  void emitZeros(Value at, int64_t count) {
    if (count <= 0)
      return;
    k.loop(k.index(0), k.index(channels), 1, [&](Value channel) {
      k.loop(k.index(0), k.index(count), k.isa.lanes, [&](Value i) { k.store(k.zero(type()), target(channel, k.add(at, i))); });
    });
  }

  void emitLine(Value r, bool isLast) {
    int64_t lanes = k.isa.lanes, whole = x.count / lanes * lanes, covered = llvm::alignTo(x.count, lanes);
    Value inputLine = k.add(k.mul(k.sub(r, k.index(y.begin)), k.index(y.stride)), k.index(y.first));
    Value source = k.at(from, f32(), k.add(k.mul(inputLine, line), k.mul(k.index(x.first), position)));
    Value at = k.add(k.mul(r, k.index(pitch)), k.index(x.begin));
    k.loop(k.index(0), k.index(whole), lanes, [&](Value j) { emitSquare(source, at, j, lanes); });
    if (whole != x.count)
      emitSquare(source, at, k.index(whole), x.count - whole);
    if (!isLast)
      emitZeros(k.add(at, k.index(covered)), pitch - covered);
  }

  /// `count` positions from position `j` of the line on; zeros for the rest of a vector.
  void emitSquare(Value source, Value at, Value j, int64_t count) {
    Value step = k.mul(k.index(x.stride), position);
    SmallVector<Value> vectors(k.isa.lanes, k.zero(type()));
    for (int64_t i = 0; i < count; ++i) {
      Value p = k.at(source, f32(), k.mul(k.add(j, k.index(i)), step));
      vectors[i] = mask ? k.loadMasked(type(), p, mask) : k.load(type(), p);
    }
    k.transposeSquare(vectors);
    for (int64_t channel = 0; channel < channels; ++channel)
      k.store(vectors[channel], target(k.index(channel), k.add(at, j)));
  }
};
} // namespace

LogicalResult nnopt::emitImagePlanes(Operation *operation, KernelBuilder &k) {
  auto op = cast<ImagePlanesOp>(operation);
  auto type = cast<MemRefType>(op.getInput().getType()), to = cast<MemRefType>(op.getInit().getType());
  int64_t lanes = k.isa.lanes, pitch = op.getPitch(), size = op.getSize(), lines = op.getLines();
  if (!isF32(op->getOperands()) || !isUnitInnermost(op.getInput()) || !to.getLayout().isIdentity() ||
      llvm::any_of(type.getShape().drop_front(), ShapedType::isDynamic) || lines * pitch + lanes > size)
    return failure();
  Buffer input = k.buffer(op.getInput()), output = k.buffer(op.getInit());
  int64_t channels = type.getDimSize(3), rest = channels % lanes;
  auto emitPhases = [&](Value n, Value channel, int64_t count) {
    for (int64_t p = 0; p < op.getPhases()[0]; ++p)
      for (int64_t q = 0; q < op.getPhases()[1]; ++q) {
        Filled y(type.getDimSize(1), op.getStrides()[0], p, op.getPads()[0], lines);
        Filled x(type.getDimSize(2), op.getStrides()[1], q, op.getPads()[1], pitch);
        KernelCall function(k, op, "planes");
        for (const Filled &side : {y, x})
          function.key(Twine(side.begin) + "," + Twine(side.count) + "," + Twine(side.first) + "," + Twine(side.stride));
        function.key(Twine(pitch) + "," + Twine(size) + "," + Twine(count));
        unsigned from = function.pointer(k.at(input, {n, k.index(0), k.index(0), channel}));
        unsigned target = function.pointer(k.at(output, {n, channel, k.index(p * op.getPhases()[1] + q)}));
        unsigned line = function.number(input.strides[1]), position = function.number(input.strides[2]);
        unsigned plane = function.number(output.strides[1]);
        function.emit([&](KernelBuilder &inner) {
          PlaneEmitter emitter(inner, y, x, pitch, size, count);
          emitter.from = function[from], emitter.to = function[target];
          emitter.line = function[line], emitter.position = function[position], emitter.plane = function[plane];
          emitter.emit();
        });
      }
  };
  SmallVector<Value> sizes{input.extents[0], k.index(llvm::divideCeil(channels, lanes))};
  k.parallel(k.product(sizes), [&](Value item) {
    SmallVector<Value> at = k.delinearize(item, sizes);
    Value channel = k.mul(at[1], k.index(lanes));
    if (rest == 0)
      return emitPhases(at[0], channel, lanes);
    k.when(
        k.less(at[1], k.index(channels / lanes)), [&] { emitPhases(at[0], channel, lanes); },
        [&] { emitPhases(at[0], k.index(channels - rest), rest); });
  });
  return success();
}
