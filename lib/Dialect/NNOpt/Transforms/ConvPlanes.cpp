//===- ConvPlanes.cpp - where a convolution finds its inputs in planes ----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// With o the position of a result, t a tap, s the stride and d the dilation, the input lies at X = o * s + t * d, counted from the corner of
// the padding. Phase X mod s has it at X div s = o + (t * d) div s: in its plane every tap is a constant distance from the result's position.
//===----------------------------------------------------------------------===//

#include "ConvPlanes.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nnopt;

// Positions are computed in vectors of so many at most.
static constexpr int64_t kVector = 16;
// Lines of whole vectors make the loads of a column of taps aligned; they may cost one vector in so many.
static constexpr int64_t kAlignmentShare = 32;
// Elements of planes that the first-level cache holds beside what else a step reads, and the positions that are computed at once.
static constexpr int64_t kSlab = 6 * 1024, kPositions = 64;
// The sums of a strip, for the positions that are computed at once, lie on the stack: 32 KiB.
static constexpr int64_t kConvStrip = 128;

bool nnopt::isPointwise(ConvOp op) {
  auto isOne = [](int64_t extent) { return extent == 1; };
  return op.getGroups() == 1 && llvm::all_of(op.getKernelShape(), isOne) && llvm::all_of(op.getStrides(), isOne) &&
         llvm::none_of(op.getPads(), [](int64_t pad) { return pad != 0; });
}

int64_t ConvPlanes::positions() const { return llvm::alignTo((extents[0] - 1) * pitch + extents[1], kVector); }

int64_t ConvPlanes::footprint(int64_t count) const {
  SmallVector<int64_t> sorted(taps);
  llvm::sort(sorted);
  int64_t total = 0, end = 0;
  for (int64_t tap : sorted) {
    total += tap + count - std::max(tap, end);
    end = tap + count;
  }
  return total;
}

std::vector<int64_t> ConvPlanes::columns() const {
  std::vector<int64_t> result;
  for (int64_t channel = 0; channel < channels; ++channel)
    for (int64_t tap : taps)
      result.push_back(channel * perChannel() + tap);
  return result;
}

int64_t ConvPlanes::channelsPerChunk() const {
  int64_t most = std::max<int64_t>(1, kSlab / footprint(kPositions));
  return llvm::divideCeil(channels, llvm::divideCeil(channels, most));
}

void ConvPlanes::describe(LayerSize &layer) const {
  layer.taps = taps.size(), layer.stride = strides[0];
  double images = static_cast<double>(layer.product.rows) / (extents[0] * extents[1]);
  layer.positions = images * positions(), layer.planeElements = images * channels * perChannel();
  layer.chunks = llvm::divideCeil(channels, channelsPerChunk());
}

SparsePackAttr ConvPlanes::pack(MLIRContext *context, int64_t outputs, int64_t blockRows) const {
  int64_t strip = llvm::alignTo(llvm::divideCeil(outputs, llvm::divideCeil(outputs, kConvStrip)), 16);
  return SparsePackAttr::get(context, outputs, channels * perChannel(), blockRows, strip, channelsPerChunk() * perChannel());
}

namespace {
/// One dimension of the image.
struct Axis {
  int64_t input, kernel, stride, dilation, padBegin, padEnd;

  int64_t result() const { return windowResult(input, (kernel - 1) * dilation + 1, stride, padBegin, padEnd, /*ceil=*/false); }
  int64_t phaseOf(int64_t tap) const { return tap * dilation % stride; }
  int64_t shiftOf(int64_t tap) const { return tap * dilation / stride; }
  int64_t phases() const {
    int64_t most = 0;
    for (int64_t tap = 0; tap < kernel; ++tap)
      most = std::max(most, phaseOf(tap));
    return most + 1;
  }
  /// Positions of a phase that taps read.
  int64_t read() const { return result() + shiftOf(kernel - 1); }
  /// Positions of a phase up to the end of the input.
  int64_t filled() const { return std::min<int64_t>(read(), llvm::divideCeil(padBegin + input, stride)); }
  /// Positions that are padding at the begin, in every phase.
  int64_t clear() const { return padBegin / stride; }
};
} // namespace

/// The least distance of lines: a line may end where the next one's leading zeros serve as its padding.
static int64_t leastPitchOf(const Axis &x) { return std::max<int64_t>({x.filled(), x.read() - x.clear(), x.result()}); }

static int64_t evenPitchOf(const Axis &y, const Axis &x, int64_t least) {
  auto vectors = [&](int64_t pitch) { return int64_t(llvm::divideCeil((y.result() - 1) * pitch + x.result(), kVector)); };
  int64_t aligned = llvm::alignTo(least, kVector);
  return vectors(aligned) <= vectors(least) + vectors(least) / kAlignmentShare ? aligned : least;
}

/// The dimension of the height.
static int64_t firstExtentOf(ConvOp op) { return op.getChannelsLast() ? 1 : 2; }

static std::pair<Axis, Axis> axesOf(ConvOp op) {
  ArrayRef<int64_t> input = cast<ShapedType>(op.getInput().getType()).getShape();
  SmallVector<int64_t> kernel = op.getKernelShape();
  int64_t firstExtent = firstExtentOf(op);
  auto axis = [&](unsigned d) {
    return Axis{input[firstExtent + d], kernel[d], op.getStrides()[d], op.getDilations()[d], op.getPads()[d], op.getPads()[d + 2]};
  };
  return {axis(0), axis(1)};
}

static llvm::Error reason(const llvm::Twine &text) { return llvm::createStringError(text); }

llvm::Expected<ConvPlanes> ConvPlanes::of(ConvOp op, std::optional<int64_t> pitch) {
  ArrayRef<int64_t> input = cast<ShapedType>(op.getInput().getType()).getShape();
  if (op.getSpatialRank() != 2)
    return reason(llvm::formatv("the image has {0} dimensions, planes have 2", op.getSpatialRank()).str());
  if (op.getGroups() != 1)
    return reason(llvm::formatv("{0} groups of channels share no input", static_cast<int64_t>(op.getGroups())).str());
  if (llvm::any_of(input.slice(firstExtentOf(op), 2), ShapedType::isDynamic))
    return reason("the height or width of the image is not known, so taps have no constant places");
  auto [y, x] = axesOf(op);
  if (y.result() < 1 || x.result() < 1)
    return reason("the result is empty");
  ConvPlanes planes;
  planes.strides = {y.stride, x.stride}, planes.phases = {y.phases(), x.phases()};
  planes.pads = {y.padBegin, x.padBegin}, planes.extents = {y.result(), x.result()};
  planes.channels = input[op.getChannelsLast() ? 3 : 1], planes.lines = y.filled(), planes.pitch = pitch ? *pitch : evenPitchOf(y, x, leastPitchOf(x));
  int64_t lastTap = y.shiftOf(y.kernel - 1) * planes.pitch + x.shiftOf(x.kernel - 1);
  // A vector more than what is filled, so that a store of whole vectors stays in its plane.
  planes.size = llvm::alignTo(std::max<int64_t>(planes.positions() + lastTap, planes.lines * planes.pitch + kVector), kVector);
  for (int64_t ky = 0; ky < y.kernel; ++ky)
    for (int64_t kx = 0; kx < x.kernel; ++kx)
      planes.taps.push_back((y.phaseOf(ky) * planes.phases[1] + x.phaseOf(kx)) * planes.size + y.shiftOf(ky) * planes.pitch + x.shiftOf(kx));
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  if (planes.perChannel() > kMost / planes.channels)
    return reason(llvm::formatv("{0} planes of {1} elements are too large for 32-bit columns", planes.channels, planes.perChannel()).str());
  return planes;
}

ConvPlanes ConvPlanes::in(ConvOp op, const PlaneFrame &frame) {
  auto [y, x] = axesOf(op);
  ConvPlanes planes;
  planes.strides = planes.phases = {1, 1};
  planes.pads = {y.padBegin, x.padBegin}, planes.extents = {y.result(), x.result()};
  planes.channels = cast<ShapedType>(op.getWeight().getType()).getDimSize(1);
  planes.lines = y.input, planes.pitch = frame.pitch, planes.size = frame.size;
  for (int64_t ky = 0; ky < y.kernel; ++ky)
    for (int64_t kx = 0; kx < x.kernel; ++kx)
      planes.taps.push_back(frame.lead + (y.shiftOf(ky) - y.padBegin) * frame.pitch + x.shiftOf(kx) - x.padBegin);
  return planes;
}

int64_t ConvPlanes::leastPitch(ConvOp op) {
  auto [y, x] = axesOf(op);
  // In planes that are handed on, what follows a line is the padding of its end and of the next one's begin.
  int64_t handedOn = x.stride == 1 ? x.input + std::max(x.padBegin, x.read() - x.padBegin - x.input) : 0;
  return std::max(handedOn, leastPitchOf(x));
}

int64_t ConvPlanes::evenPitch(ConvOp op, int64_t least) {
  auto [y, x] = axesOf(op);
  return evenPitchOf(y, x, least);
}

int64_t ConvPlanes::reach(ConvOp op, const PlaneFrame &frame, bool readsPlanes) {
  auto [y, x] = axesOf(op);
  int64_t positions = llvm::alignTo((y.result() - 1) * frame.pitch + x.result(), kVector);
  int64_t lastTap = readsPlanes ? (y.shiftOf(y.kernel - 1) - y.padBegin) * frame.pitch + x.shiftOf(x.kernel - 1) - x.padBegin : 0;
  // Whole lines, so that a result can be cut in them.
  return frame.lead + std::max(positions + std::max<int64_t>(0, lastTap), y.result() * frame.pitch);
}
