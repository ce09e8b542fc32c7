//===- PackWeights.cpp - constant weights in the order kernels read -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A panel holds 16 outputs: `[groups][ceil(outputs / 16)][depth][16]`, filled
// up with zeros. The depth of a convolution runs over taps outside and channels
// inside, which is how a channels-last input lies in memory. A depthwise weight
// is `[taps][channels]`.
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"

namespace nnopt {
#define GEN_PASS_DEF_PACKWEIGHTS
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

static constexpr int64_t kPanel = 16;
// Constants up to this size are written as plain attributes, which tests can
// read.
static constexpr int64_t kInlineBytes = 1024;

namespace {

/// The elements of an f32 constant, where they are: a resource may lie
/// unaligned in a mapped file.
class FloatElements {
public:
  static std::optional<FloatElements> of(ElementsAttr attribute) {
    FloatElements result;
    if (auto dense = dyn_cast<DenseElementsAttr>(attribute)) {
      result.bytes = dense.getRawData(), result.isSplat = dense.isSplat();
      return result;
    }
    auto resource = dyn_cast<DenseResourceElementsAttr>(attribute);
    AsmResourceBlob *blob = resource ? resource.getRawHandle().getBlob() : nullptr;
    int64_t expected = attribute.getNumElements() * sizeof(float);
    if (!blob || static_cast<int64_t>(blob->getData().size()) != expected)
      return std::nullopt;
    result.bytes = blob->getData();
    return result;
  }

  float operator[](int64_t i) const {
    float value;
    std::memcpy(&value, bytes.data() + (isSplat ? 0 : i * sizeof(float)), sizeof(float));
    return value;
  }

private:
  ArrayRef<char> bytes;
  bool isSplat = false;
};

/// How a weight is read: output `o` of group `g` at depth `d` is element `(g *
/// outputs + o) * outputStride + depth[d]`.
struct Source {
  int64_t groups = 1, outputs = 0, outputStride = 0;
  SmallVector<int64_t> depth;

  int64_t panels() const { return llvm::divideCeil(outputs, kPanel); }
};

/// Fills `to` with panels.
void packPanels(const FloatElements &from, const Source &source, MutableArrayRef<float> to) {
  float *next = to.data();
  for (int64_t g = 0; g < source.groups; ++g)
    for (int64_t p = 0; p < source.panels(); ++p) {
      int64_t first = g * source.outputs + p * kPanel, count = std::min(kPanel, source.outputs - p * kPanel);
      for (int64_t depth : source.depth) {
        for (int64_t lane = 0; lane < kPanel; ++lane)
          *next++ = lane < count ? from[(first + lane) * source.outputStride + depth] : 0.0f;
      }
    }
}

/// Fills `to` with `[taps][channels]`.
void packDepthwise(const FloatElements &from, int64_t taps, int64_t channels, MutableArrayRef<float> to) {
  for (int64_t tap = 0; tap < taps; ++tap)
    for (int64_t c = 0; c < channels; ++c)
      to[tap * channels + c] = from[c * taps + tap];
}

using Fill = llvm::function_ref<void(MutableArrayRef<float>)>;

/// A constant of `shape` whose elements `fill` writes.
ElementsAttr createElements(MLIRContext *context, StringRef name, ArrayRef<int64_t> shape, Fill fill) {
  auto type = RankedTensorType::get(shape, Float32Type::get(context));
  int64_t count = type.getNumElements(), bytes = count * sizeof(float);
  if (bytes <= kInlineBytes) {
    SmallVector<float> values(count);
    fill(values);
    return DenseElementsAttr::get(type, ArrayRef<float>(values));
  }
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(bytes, /*align=*/64);
  fill(MutableArrayRef(reinterpret_cast<float *>(blob.getMutableData().data()), count));
  return DenseResourceElementsAttr::get(type, name, std::move(blob));
}

class PackWeights : public nnopt::impl::PackWeightsBase<PackWeights> {
public:
  using PackWeightsBase::PackWeightsBase;

  void runOnOperation() override {
    getOperation().walk([&](Operation *op) {
      const char *reason = nullptr;
      if (auto linear = dyn_cast<LinearOp>(op); linear && !linear.getPack())
        reason = pack(linear);
      else if (auto conv = dyn_cast<ConvOp>(op); conv && !conv.getPack())
        reason = pack(conv);
      if (reason)
        remark::missed(op->getLoc(), remark::RemarkOpts::name("pack").category("nnopt-pack-weights"))
            << remark::reason(reason);
    });
  }

private:
  /// Packed weights by what they were packed from and how.
  llvm::DenseMap<std::pair<Attribute, Attribute>, Value> packed;

  /// The constant that `weight` is, or a reason why it cannot be packed.
  static std::pair<ElementsAttr, const char *> constantOf(Value weight) {
    ElementsAttr value;
    auto type = cast<ShapedType>(weight.getType());
    if (!matchPattern(weight, m_Constant(&value)))
      return {{}, "the weight is computed"};
    if (!type.getElementType().isF32())
      return {{}, "the weight is not f32"};
    if (type.getNumElements() == 0)
      return {{}, "the weight is empty"};
    return {value, nullptr};
  }

  /// Packs the weight of `op`; a reason if it stays.
  const char *pack(LinearOp op) {
    auto [value, reason] = constantOf(op.getWeight());
    if (reason)
      return reason;
    ArrayRef<int64_t> shape = cast<ShapedType>(op.getWeight().getType()).getShape();
    bool isKn = op.getWeightKn();
    int64_t depth = shape[isKn ? 0 : 1];
    Source source;
    source.outputs = shape[isKn ? 1 : 0], source.outputStride = isKn ? 1 : depth;
    for (int64_t d = 0; d < depth; ++d)
      source.depth.push_back(isKn ? d * source.outputs : d);
    auto layout = PackAttr::get(&getContext(), source.outputs, depth, kPanel, {});
    auto key = ArrayAttr::get(&getContext(), {layout, op.getWeightKnAttr()});
    int64_t packedShape[] = {source.panels(), depth, kPanel};
    return replace(op, value, key, layout, packedShape,
                   [&](const FloatElements &from, MutableArrayRef<float> to) { packPanels(from, source, to); });
  }

  const char *pack(ConvOp op) {
    if (!op.getChannelsLast())
      return "the channels are not last";
    auto [value, reason] = constantOf(op.getWeight());
    if (reason)
      return reason;
    ArrayRef<int64_t> shape = cast<ShapedType>(op.getWeight().getType()).getShape();
    int64_t groups = op.getGroups(), channels = shape[1], taps = ShapedType::getNumElements(shape.drop_front(2));
    auto key = [&](PackAttr layout) { return ArrayAttr::get(&getContext(), {layout, op.getGroupsAttr()}); };
    if (op.isDepthwise()) {
      auto layout = PackAttr::get(&getContext(), shape[0], taps, /*panel=*/0, shape.drop_front(2));
      return replace(
          op, value, key(layout), layout, {taps, shape[0]},
          [&](const FloatElements &from, MutableArrayRef<float> to) { packDepthwise(from, taps, shape[0], to); });
    }
    Source source;
    source.groups = groups, source.outputs = shape[0] / groups, source.outputStride = channels * taps;
    for (int64_t tap = 0; tap < taps; ++tap)
      for (int64_t c = 0; c < channels; ++c)
        source.depth.push_back(c * taps + tap);
    auto layout = PackAttr::get(&getContext(), source.outputs, channels * taps, kPanel, shape.drop_front(2));
    int64_t packedShape[] = {groups, source.panels(), channels * taps, kPanel};
    return replace(op, value, key(layout), layout, packedShape,
                   [&](const FloatElements &from, MutableArrayRef<float> to) { packPanels(from, source, to); });
  }

  template <typename Op, typename Packing>
  const char *replace(Op op, ElementsAttr value, Attribute key, PackAttr layout, ArrayRef<int64_t> shape,
                      Packing packing) {
    Value &weight = packed[{value, key}];
    if (!weight) {
      std::optional<FloatElements> elements = FloatElements::of(value);
      if (!elements)
        return "the bytes of the weight are not here";
      auto original = op.getWeight().template getDefiningOp<WeightOp>();
      StringAttr name = original ? original.getSymNameAttr() : StringAttr();
      ElementsAttr packedValue = createElements(&getContext(), name ? name.getValue() : "packed", shape,
                                                [&](MutableArrayRef<float> to) { packing(*elements, to); });
      // At the start: later users may come before the one that is packed now.
      OpBuilder b = OpBuilder::atBlockBegin(&getOperation().front());
      weight = WeightOp::create(b, op.getWeight().getLoc(), packedValue.getType(), name, packedValue);
    }
    Operation *before = op.getWeight().getDefiningOp();
    op.getWeightMutable().assign(weight);
    op.setPackAttr(layout);
    if constexpr (std::is_same_v<Op, LinearOp>)
      op.setWeightKn(false);
    if (isOpTriviallyDead(before))
      before->erase();
    ++packedOps;
    return nullptr;
  }
};

} // namespace
