//===- Windows.cpp - sliding windows --------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Windows.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::interpreter;

ImageLayout::ImageLayout(ArrayRef<int64_t> shape, bool channelsLast) {
  SmallVector<int64_t> strides = stridesOf(shape);
  size_t channelDim = channelsLast ? shape.size() - 1 : 1, first = channelsLast ? 1 : 2;
  batch = shape[0], channels = shape[channelDim];
  batchStride = strides[0], channelStride = strides[channelDim];
  spatial.assign(shape.begin() + first, shape.begin() + first + shape.size() - 2);
  spatialStrides.assign(strides.begin() + first, strides.begin() + first + shape.size() - 2);
}

SmallVector<int64_t> interpreter::imageShape(int64_t batch, int64_t channels, ArrayRef<int64_t> spatial,
                                             bool channelsLast) {
  SmallVector<int64_t> shape{batch};
  if (!channelsLast)
    shape.push_back(channels);
  llvm::append_range(shape, spatial);
  if (channelsLast)
    shape.push_back(channels);
  return shape;
}

SmallVector<int64_t> Window::outputExtents(ArrayRef<int64_t> spatial, bool ceil) const {
  SmallVector<int64_t> extents;
  for (size_t d = 0; d < kernel.size(); ++d)
    extents.push_back(windowResult(spatial[d], (kernel[d] - 1) * dilations[d] + 1, strides[d], pads[d],
                                   pads[kernel.size() + d], ceil));
  return extents;
}

void Window::offsets(ArrayRef<int64_t> out, const ImageLayout &input, std::vector<int64_t> &result) const {
  result.clear();
  (void)forEachIndex(kernel, [&](ArrayRef<int64_t> tap) {
    int64_t offset = 0;
    for (size_t d = 0; d < kernel.size(); ++d) {
      int64_t position = out[d] * strides[d] + tap[d] * dilations[d] - pads[d];
      if (position < 0 || position >= input.spatial[d]) {
        offset = -1;
        break;
      }
      offset += position * input.spatialStrides[d];
    }
    result.push_back(offset);
    return success();
  });
}

int64_t Window::tapsInPaddedInput(ArrayRef<int64_t> out, ArrayRef<int64_t> spatial) const {
  int64_t count = 1;
  for (size_t d = 0; d < kernel.size(); ++d) {
    int64_t padded = spatial[d] + pads[d] + pads[kernel.size() + d], inside = 0;
    for (int64_t tap = 0; tap < kernel[d]; ++tap)
      inside += out[d] * strides[d] + tap * dilations[d] < padded;
    count *= inside;
  }
  return count;
}
