//===- Windows.h - sliding windows ------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_INTERPRETER_WINDOWS_H
#define NNOPT_LIB_INTERPRETER_WINDOWS_H

#include "Frame.h"

namespace nnopt::interpreter {

/// Where batch, channel and spatial dimensions are in a shape.
struct ImageLayout {
  llvm::SmallVector<int64_t> spatial;
  int64_t batch, channels;
  int64_t batchStride, channelStride;
  llvm::SmallVector<int64_t> spatialStrides;

  ImageLayout(llvm::ArrayRef<int64_t> shape, bool channelsLast);
};

/// The shape that `batch`, `channels` and `spatial` make.
llvm::SmallVector<int64_t> imageShape(int64_t batch, int64_t channels, llvm::ArrayRef<int64_t> spatial,
                                      bool channelsLast);

/// The elements under a window: `out * stride + tap * dilation - pad` in each dimension.
class Window {
public:
  llvm::SmallVector<int64_t> kernel, strides, dilations, pads;

  /// Extents of the result.
  llvm::SmallVector<int64_t> outputExtents(llvm::ArrayRef<int64_t> spatial, bool ceil) const;

  /// For every tap of the window at `out`, in row-major order: the offset of its element, or -1 outside the input.
  void offsets(llvm::ArrayRef<int64_t> out, const ImageLayout &input, std::vector<int64_t> &result) const;

  /// Number of taps at `out` that are inside the input with its padding.
  int64_t tapsInPaddedInput(llvm::ArrayRef<int64_t> out, llvm::ArrayRef<int64_t> spatial) const;
};

} // namespace nnopt::interpreter

#endif // NNOPT_LIB_INTERPRETER_WINDOWS_H
