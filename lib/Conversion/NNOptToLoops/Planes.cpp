//===- Planes.cpp - pruned convolutions as loops --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "LoopEmitter.h"

using namespace mlir;
using namespace nnopt;

LogicalResult nnopt::lowerToLoops(ImagePlanesOp op, LoopEmitter &e) {
  Value destination = op.getInit(), input = op.getInput();
  Type type = cast<MemRefType>(input.getType()).getElementType();
  ArrayRef<int64_t> strides = op.getStrides(), pads = op.getPads();
  Value pitch = e.index(op.getPitch()), columns = e.index(op.getPhases()[1]);
  auto position = [&](Value line, Value phase, unsigned d) {
    return e.sub(e.add(e.mul(line, e.index(strides[d])), phase), e.index(pads[d]));
  };
  e.forEach(e.extents(destination), [&](LoopEmitter::Coordinates at) {
    Value y = position(e.div(at[3], pitch), e.div(at[2], columns), 0);
    Value x = position(e.rem(at[3], pitch), e.rem(at[2], columns), 1);
    Value inside = e.both(e.inside(y, e.extent(input, 1)), e.inside(x, e.extent(input, 2)));
    inside = e.both(inside, e.less(at[3], e.index(op.getLines() * op.getPitch())));
    Value element = e.guarded(inside, e.zeroOf(type), [&]() -> SmallVector<Value> { return {e.read(input, {at[0], y, x, at[1]}, type)}; })[0];
    e.write(element, destination, at);
  });
  return success();
}

LogicalResult nnopt::lowerToLoops(SparseConvOp op, LoopEmitter &e) {
  Value destination = op.getInit(), planes = op.getPlanes();
  auto planesType = cast<MemRefType>(planes.getType());
  Type sumType = e.accumulatorType(planesType.getElementType());
  auto lists = SparseConstants::of(op);
  SmallVector<Value> sizes = llvm::map_to_vector(planesType.getShape().drop_front(), [&](int64_t extent) { return e.index(extent); });
  auto emitResult = [&](LoopEmitter::Coordinates at, Value output, Value position) {
    Value initial = op.getBias() ? e.read(op.getBias(), {output}, sumType) : e.zero(sumType);
    Value sum = e.foldBlocks(lists, output, initial, [&](Value column) {
      SmallVector<Value> from = e.delinearize(e.add(column, position), sizes);
      from.insert(from.begin(), at[0]);
      return e.read(planes, from, sumType);
    });
    e.finish(sum, op.getEpilogue(), op.getEpilogueOperands(), op.getEpilogueMaps(), destination, at);
  };
  Value pitch = e.index(op.getPitch());
  auto frame = op.getFrame();
  if (!frame) {
    e.forEach(e.extents(destination), [&](LoopEmitter::Coordinates at) { emitResult(at, at[3], e.add(e.mul(at[1], pitch), at[2])); });
    return success();
  }
  // Zeros first: positions are some of the elements.
  Type element = cast<MemRefType>(destination.getType()).getElementType();
  e.forEach(e.extents(destination), [&](LoopEmitter::Coordinates at) { e.write(e.zeroOf(element), destination, at); });
  SmallVector<Value> results{e.extent(destination, 0), e.index(op.getPack().getOutputs()), e.index(op.getExtents()[0]), e.index(op.getExtents()[1])};
  e.forEach(results, [&](LoopEmitter::Coordinates at) {
    Value position = e.add(e.mul(at[2], pitch), at[3]);
    SmallVector<Value> to{at[0], at[1], e.index(0), e.add(position, e.index((*frame)[0]))};
    emitResult(to, at[1], position);
  });
  return success();
}
