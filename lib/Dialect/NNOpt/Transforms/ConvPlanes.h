//===- ConvPlanes.h - where a convolution finds its inputs in planes -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_CONVPLANES_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_CONVPLANES_H

#include "PlaneChains.h"

#include "nnopt/Cost/Kernels.h"

#include "llvm/Support/Error.h"

namespace nnopt {

/// True if `op` is a linear layer over positions, which needs no planes: one group, one tap, no stride and no padding.
bool isPointwise(ConvOp op);

/// The planes that `nnopt.image_planes` makes of a convolution's input, and where the taps lie in them.
struct ConvPlanes {
  llvm::SmallVector<int64_t, 2> strides, phases, pads, extents; ///< pads: of the begin; extents: of the result
  int64_t channels, lines, pitch, size;
  llvm::SmallVector<int64_t> taps; ///< for each tap, in the order of the filter, its element among the planes of a channel

  int64_t perChannel() const { return phases[0] * phases[1] * size; }
  /// Positions that are computed: those of the result, what lies between its lines, and up to a whole vector.
  int64_t positions() const;
  /// Elements under all taps of `count` positions, of one channel.
  int64_t footprint(int64_t count) const;
  /// Where element k of a sum (channel, then tap) lies in the planes of an image, for all k.
  std::vector<int64_t> columns() const;

  /// Tells the cost table of them, in the size of a layer whose rows, outputs and depth are known.
  void describe(LayerSize &layer) const;
  /// How to store a weight in blocks of so many of its outputs. Chunks are whole channels.
  SparsePackAttr pack(mlir::MLIRContext *context, int64_t outputs, int64_t blockRows) const;

  /// The planes for `op`, wherever it has its channels; a reason if it has none. `pitch`: the distance of lines if it is not free.
  static llvm::Expected<ConvPlanes> of(ConvOp op, std::optional<int64_t> pitch = std::nullopt);
  /// What `op`, which has planes, finds in those of a chain.
  static ConvPlanes in(ConvOp op, const PlaneFrame &frame);

  /// The least distance of lines for `op`, which has planes; and the one to take if there is a reason for `least`.
  static int64_t leastPitch(ConvOp op);
  static int64_t evenPitch(ConvOp op, int64_t least);
  /// Elements of a plane of the chain that `op` may read or write.
  static int64_t reach(ConvOp op, const PlaneFrame &frame, bool readsPlanes);

private:
  int64_t channelsPerChunk() const;
};

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_CONVPLANES_H
