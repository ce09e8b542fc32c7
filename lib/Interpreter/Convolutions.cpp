//===- Convolutions.cpp - convolution and its transpose -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Elements.h"
#include "Weights.h"
#include "Windows.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::interpreter;

static SmallVector<int64_t> list(ArrayRef<int64_t> values) { return SmallVector<int64_t>(values); }

//===----------------------------------------------------------------------===//
// conv
//===----------------------------------------------------------------------===//

namespace {
/// What a convolution's loops need; extents are those of the values, not of the types.
struct Convolution {
  Window window;
  ImageLayout input;
  int64_t groups, outputsPerGroup, channelsPerGroup, taps;
  SmallVector<int64_t> outputSpatial;
  bool channelsLast;
};
} // namespace

/// Computes every output: the elements under a window are gathered once, zeros for padding, for all outputs of a group.
template <typename T>
static LogicalResult convolve(const Convolution &c, const Elements<T> &x, const Elements<T> &w, const Elements<T> *bias,
                              Epilogue &epilogue) {
  int64_t depth = c.channelsPerGroup * c.taps;
  std::vector<T> column(depth);
  std::vector<int64_t> offsets;
  SmallVector<int64_t> space{c.input.batch};
  llvm::append_range(space, c.outputSpatial);
  return forEachIndex(space, [&](ArrayRef<int64_t> at) {
    ArrayRef<int64_t> out = at.drop_front();
    c.window.offsets(out, c.input, offsets);
    SmallVector<int64_t> to = imageShape(at[0], 0, out, c.channelsLast);
    for (int64_t group = 0; group < c.groups; ++group) {
      for (int64_t i = 0; i < c.channelsPerGroup; ++i) {
        int64_t channel = at[0] * c.input.batchStride + (group * c.channelsPerGroup + i) * c.input.channelStride;
        for (int64_t tap = 0; tap < c.taps; ++tap)
          column[i * c.taps + tap] = offsets[tap] < 0 ? T(0) : x[channel + offsets[tap]];
      }
      for (int64_t o = group * c.outputsPerGroup, end = o + c.outputsPerGroup; o < end; ++o) {
        SumOf<T> sum = dot(column.data(), w + o * depth, depth);
        if (bias)
          sum += static_cast<SumOf<T>>((*bias)[o]);
        to[c.channelsLast ? to.size() - 1 : 1] = o;
        if (failed(epilogue.finish(to, sumScalar(sum))))
          return failure();
      }
    }
    return success();
  });
}

static LogicalResult runConv(Frame &frame, ConvOp op, OpCall &call) {
  const HostTensor &input = call.tensor(op.getInput());
  FailureOr<HostTensor> weight = convWeight(op, call);
  if (failed(weight))
    return failure();
  SmallVector<int64_t> kernel =
      op.getPack() ? op.getKernelShape() : list(call.tensor(op.getWeight()).shape().drop_front(2));
  Convolution c{{kernel, list(op.getStrides()), list(op.getDilations()), list(op.getPads())},
                ImageLayout(input.shape(), op.getChannelsLast()),
                static_cast<int64_t>(op.getGroups()),
                0,
                weight->shape()[1],
                weight->shape()[2],
                {},
                op.getChannelsLast()};
  int64_t outputs = weight->shape()[0];
  if (failed(expectExtent(op, "input channels", c.groups * c.channelsPerGroup, c.input.channels)) ||
      failed(expectExtent(op, "outputs in whole groups", outputs - outputs % c.groups, outputs)) ||
      (op.getBias() && failed(expectExtent(op, "bias elements", outputs, call.tensor(op.getBias()).size()))))
    return failure();
  c.outputsPerGroup = outputs / c.groups;
  c.outputSpatial = c.window.outputExtents(c.input.spatial, /*ceil=*/false);
  SmallVector<int64_t> shape = imageShape(c.input.batch, outputs, c.outputSpatial, c.channelsLast);
  return runSums(frame, op, call, shape, [&](auto type, auto *bias, Epilogue &epilogue) {
    using T = decltype(type);
    return convolve<T>(c, Elements<T>(input), Elements<T>(*weight), bias, epilogue);
  });
}

//===----------------------------------------------------------------------===//
// conv_transpose
//===----------------------------------------------------------------------===//

/// Adds every input element, times its group's filters, to the outputs that it reaches.
template <typename T>
static void scatter(ConvTransposeOp op, const HostTensor &input, const HostTensor &weight, ArrayRef<int64_t> shape,
                    std::vector<SumOf<T>> &sums) {
  Elements<T> x(input), w(weight);
  ImageLayout from(input.shape(), false), to(shape, false);
  int64_t groups = op.getGroups(), perIn = from.channels / groups, perOut = weight.shape()[1];
  ArrayRef<int64_t> kernel = weight.shape().drop_front(2);
  int64_t taps = countOf(kernel), positions = countOf(from.spatial), position = 0;
  std::vector<std::pair<int64_t, int64_t>> reached; // tap and offset
  (void)forEachIndex(from.spatial, [&](ArrayRef<int64_t> in) {
    reached.clear();
    int64_t number = 0;
    (void)forEachIndex(kernel, [&](ArrayRef<int64_t> tap) {
      int64_t offset = 0;
      bool inside = true;
      for (size_t d = 0; d < kernel.size(); ++d) {
        int64_t out = in[d] * op.getStrides()[d] + tap[d] * op.getDilations()[d] - op.getPads()[d];
        inside &= out >= 0 && out < to.spatial[d];
        offset += out * to.spatialStrides[d];
      }
      if (inside)
        reached.emplace_back(number, offset);
      ++number;
      return success();
    });
    for (int64_t n = 0; n < from.batch; ++n)
      for (int64_t c = 0; c < from.channels; ++c) {
        auto value = static_cast<SumOf<T>>(x[(n * from.channels + c) * positions + position]);
        for (int64_t o = 0; o < perOut; ++o)
          for (auto [tap, offset] : reached)
            sums[n * to.batchStride + (c / perIn * perOut + o) * to.channelStride + offset] +=
                value * static_cast<SumOf<T>>(w[(c * perOut + o) * taps + tap]);
      }
    ++position;
    return success();
  });
}

static LogicalResult runConvTranspose(Frame &, ConvTransposeOp op, OpCall &call) {
  const HostTensor &input = call.tensor(op.getInput()), &weight = call.tensor(op.getWeight());
  int64_t rank = op.getStrides().size(), groups = op.getGroups();
  ImageLayout from(input.shape(), false);
  int64_t outputs = weight.shape()[1] * groups;
  if (failed(expectExtent(op, "input channels (the weight's)", weight.shape()[0], from.channels)) ||
      failed(
          expectExtent(op, "input channels in whole groups", from.channels - from.channels % groups, from.channels)) ||
      (op.getBias() && failed(expectExtent(op, "bias elements", outputs, call.tensor(op.getBias()).size()))))
    return failure();
  SmallVector<int64_t> spatial;
  for (int64_t d = 0; d < rank; ++d)
    spatial.push_back(std::max<int64_t>(0, op.getStrides()[d] * (from.spatial[d] - 1) + op.getOutputPadding()[d] +
                                               (weight.shape()[2 + d] - 1) * op.getDilations()[d] + 1 -
                                               op.getPads()[d] - op.getPads()[rank + d]));
  SmallVector<int64_t> shape = imageShape(from.batch, outputs, spatial, /*channelsLast=*/false);
  FailureOr<HostTensor> output = call.allocateResult(shape);
  if (failed(output))
    return failure();
  char *bytes = output->mutableBytes();
  withElements(scalarTypeOf(output->type()), [&](auto type) {
    using T = decltype(type);
    std::vector<SumOf<T>> sums(output->size(), 0);
    scatter<T>(op, input, weight, shape, sums);
    Elements<T> bias(op.getBias() ? call.tensor(op.getBias()) : HostTensor());
    int64_t positions = countOf(spatial);
    for (int64_t i = 0; i < output->size(); ++i)
      storeScalar(output->type(), bytes, i,
                  sumScalar(op.getBias() ? sums[i] + static_cast<SumOf<T>>(bias[i / positions % outputs]) : sums[i]));
  });
  return call.yield(std::move(*output));
}

void interpreter::addConvolutions(HandlerTable &table) {
  table.add<ConvOp, runConv>();
  table.add<ConvTransposeOp, runConvTranspose>();
}
