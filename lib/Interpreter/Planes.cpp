//===- Planes.cpp - pruned convolutions -----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Elements.h"
#include "Weights.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::interpreter;

static LogicalResult runImagePlanes(Frame &, ImagePlanesOp op, OpCall &call) {
  const HostTensor &input = call.tensor(op.getInput());
  ArrayRef<int64_t> from = input.shape(), strides = op.getStrides(), pads = op.getPads();
  int64_t columns = op.getPhases()[1], pitch = op.getPitch(), size = op.getSize();
  SmallVector<int64_t> shape{from[0], from[3], op.getPhases()[0] * columns, size};
  FailureOr<HostTensor> planes = call.allocateResult(shape);
  if (failed(planes))
    return failure();
  int64_t width = byteWidth(input.type());
  char *to = planes->mutableBytes();
  (void)forEachIndex(shape, [&](ArrayRef<int64_t> at) {
    int64_t y = at[3] / pitch * strides[0] + at[2] / columns - pads[0];
    int64_t x = at[3] % pitch * strides[1] + at[2] % columns - pads[1];
    if (at[3] < static_cast<int64_t>(op.getLines()) * pitch && y >= 0 && y < from[1] && x >= 0 && x < from[2])
      std::memcpy(to, input.bytes() + (((at[0] * from[1] + y) * from[2] + x) * from[3] + at[1]) * width, width);
    to += width;
    return success();
  });
  return call.yield(std::move(*planes));
}

/// Sums the blocks of one output for the position `at`, of which `planes` is the first element of the image.
template <typename T> static SumOf<T> sumAt(ArrayRef<SparseTerm> terms, const Elements<T> &values, const T *planes) {
  SumOf<T> sum(0);
  for (const SparseTerm &term : terms)
    sum += static_cast<SumOf<T>>(values[term.value]) * static_cast<SumOf<T>>(planes[term.element]);
  return sum;
}

namespace {
/// What an element of the result is.
struct Place {
  int64_t output, position;
  bool isPosition; ///< else it lies between lines or in the frame
};
} // namespace

static Place placeOf(SparseConvOp op, ArrayRef<int64_t> at) {
  int64_t pitch = op.getPitch();
  auto frame = op.getFrame();
  if (!frame)
    return {at[3], at[1] * pitch + at[2], true};
  int64_t position = at[3] - (*frame)[0];
  return {at[1], position, position >= 0 && position / pitch < op.getExtents()[0] && position % pitch < op.getExtents()[1]};
}

static LogicalResult runSparseConv(Frame &frame, SparseConvOp op, OpCall &call) {
  const HostTensor &planes = call.tensor(op.getPlanes());
  SparsePackAttr pack = op.getPack();
  int64_t outputs = pack.getOutputs(), pitch = op.getPitch(), image = countOf(planes.shape().drop_front());
  std::vector<std::vector<SparseTerm>> terms(outputs);
  int64_t span = (op.getExtents()[0] - 1) * pitch + op.getExtents()[1];
  if (failed(expectExtent(op, "elements of an image", pack.getDepth(), image)) ||
      (op.getBias() && failed(expectExtent(op, "bias elements", outputs, call.tensor(op.getBias()).size()))) ||
      failed(sparseTerms(op, pack, call.tensor(op.getValues()), call.tensor(op.getColumns()), call.tensor(op.getStarts()), span, terms)))
    return failure();
  int64_t batch = planes.shape()[0];
  SmallVector<int64_t> shape{batch, op.getExtents()[0], op.getExtents()[1], outputs};
  if (auto frame = op.getFrame())
    shape = {batch, outputs, 1, (*frame)[1]};
  return runSums(frame, op, call, shape, [&](auto type, auto *bias, Epilogue &epilogue) {
    using T = decltype(type);
    Elements<T> x(planes), values(call.tensor(op.getValues()));
    return forEachIndex(shape, [&](ArrayRef<int64_t> at) {
      Place place = placeOf(op, at);
      if (!place.isPosition)
        return epilogue.clear(at), success();
      SumOf<T> sum = sumAt<T>(terms[place.output], values, x + (at[0] * image + place.position));
      if (bias)
        sum += static_cast<SumOf<T>>((*bias)[place.output]);
      return epilogue.finish(at, sumScalar(sum));
    });
  });
}

void interpreter::addPlanes(HandlerTable &table) {
  table.add<ImagePlanesOp, runImagePlanes>();
  table.add<SparseConvOp, runSparseConv>();
}
