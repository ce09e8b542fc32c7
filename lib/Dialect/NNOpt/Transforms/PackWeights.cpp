//===- PackWeights.cpp - constant weights in the order kernels read -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A panel holds 16 outputs: `[groups][ceil(outputs / 16)][depth][16]`, of 8-bit
// integers `[depth / 4][16][4]`, filled up with zeros. The depth of a convolution runs over taps outside and channels
// inside, which is how a channels-last input lies in memory. A depthwise weight
// is `[taps][channels]`.
//===----------------------------------------------------------------------===//

#include "nnopt/Cost/Linear.h"
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

/// The elements of a constant, where they are: a resource may lie unaligned in
/// a mapped file.
class Elements {
public:
  static std::optional<Elements> of(ElementsAttr attribute) {
    Elements result;
    result.width = attribute.getElementType().getIntOrFloatBitWidth() / 8;
    if (auto dense = dyn_cast<DenseElementsAttr>(attribute)) {
      result.bytes = dense.getRawData(), result.isSplat = dense.isSplat();
      return result;
    }
    auto resource = dyn_cast<DenseResourceElementsAttr>(attribute);
    AsmResourceBlob *blob = resource ? resource.getRawHandle().getBlob() : nullptr;
    if (!blob || static_cast<int64_t>(blob->getData().size()) != attribute.getNumElements() * result.width)
      return std::nullopt;
    result.bytes = blob->getData();
    return result;
  }

  int64_t width = 0; ///< bytes of an element

  /// Copies element `i`.
  void copy(int64_t i, char *to) const { std::memcpy(to, bytes.data() + (isSplat ? 0 : i * width), width); }

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

/// Fills `to`, which is zero, with panels in which `inner` elements of the sum
/// lie next to each other.
void packPanels(const Elements &from, const Source &source, int64_t inner, MutableArrayRef<char> to) {
  int64_t depth = source.depth.size();
  for (int64_t g = 0; g < source.groups; ++g)
    for (int64_t p = 0; p < source.panels(); ++p) {
      int64_t first = g * source.outputs + p * kPanel, count = std::min(kPanel, source.outputs - p * kPanel);
      char *panel = to.data() + (g * source.panels() + p) * depth * kPanel * from.width;
      for (int64_t k = 0; k < depth; ++k)
        for (int64_t lane = 0; lane < count; ++lane)
          from.copy((first + lane) * source.outputStride + source.depth[k],
                    panel + ((k / inner * kPanel + lane) * inner + k % inner) * from.width);
    }
}

/// Fills `to` with `[taps][channels]`.
void packDepthwise(const Elements &from, int64_t taps, int64_t channels, MutableArrayRef<char> to) {
  for (int64_t tap = 0; tap < taps; ++tap)
    for (int64_t c = 0; c < channels; ++c)
      from.copy(c * taps + tap, to.data() + (tap * channels + c) * from.width);
}

using Fill = llvm::function_ref<void(MutableArrayRef<char>)>;

/// A constant of `type` whose elements, zero at first, `fill` writes.
ElementsAttr createElements(StringRef name, RankedTensorType type, Fill fill) {
  int64_t bytes = type.getNumElements() * type.getElementTypeBitWidth() / 8;
  if (bytes <= kInlineBytes) {
    SmallVector<char> values(bytes, 0);
    fill(values);
    return DenseElementsAttr::getFromRawBuffer(type, values);
  }
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(bytes, /*align=*/64);
  std::memset(blob.getMutableData().data(), 0, bytes);
  fill(blob.getMutableData());
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
    if (!type.getElementType().isF32() && !type.getElementType().isSignlessInteger(8))
      return {{}, "the weight is neither f32 nor i8"};
    if (type.getNumElements() == 0)
      return {{}, "the weight is empty"};
    return {value, nullptr};
  }

  /// How many elements of the sum kernels read at once, where `run` follow each
  /// other in the input.
  static int64_t innerOf(ElementsAttr weight, int64_t run) {
    return weight.getElementType().isInteger(8) && run % kIntegerRun == 0 ? kIntegerRun : 1;
  }

  static SmallVector<int64_t> panelShape(const Source &source, int64_t inner) {
    int64_t depth = source.depth.size();
    if (inner == 1)
      return {source.panels(), depth, kPanel};
    return {source.panels(), depth / inner, kPanel, inner};
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
    int64_t inner = innerOf(value, depth);
    auto layout = PackAttr::get(&getContext(), source.outputs, depth, kPanel, inner, {});
    auto key = ArrayAttr::get(&getContext(), {layout, op.getWeightKnAttr()});
    return replace(op, value, key, layout, panelShape(source, inner),
                   [&](const Elements &from, MutableArrayRef<char> to) { packPanels(from, source, inner, to); });
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
      auto layout = PackAttr::get(&getContext(), shape[0], taps, /*panel=*/0, /*inner=*/1, shape.drop_front(2));
      return replace(
          op, value, key(layout), layout, {taps, shape[0]},
          [&](const Elements &from, MutableArrayRef<char> to) { packDepthwise(from, taps, shape[0], to); });
    }
    Source source;
    source.groups = groups, source.outputs = shape[0] / groups, source.outputStride = channels * taps;
    for (int64_t tap = 0; tap < taps; ++tap)
      for (int64_t c = 0; c < channels; ++c)
        source.depth.push_back(c * taps + tap);
    int64_t inner = innerOf(value, channels);
    auto layout = PackAttr::get(&getContext(), source.outputs, channels * taps, kPanel, inner, shape.drop_front(2));
    SmallVector<int64_t> packedShape = panelShape(source, inner);
    packedShape.insert(packedShape.begin(), groups);
    return replace(op, value, key(layout), layout, packedShape,
                   [&](const Elements &from, MutableArrayRef<char> to) { packPanels(from, source, inner, to); });
  }

  template <typename Op, typename Packing>
  const char *replace(Op op, ElementsAttr value, Attribute key, PackAttr layout, ArrayRef<int64_t> shape,
                      Packing packing) {
    Value &weight = packed[{value, key}];
    if (!weight) {
      std::optional<Elements> elements = Elements::of(value);
      if (!elements)
        return "the bytes of the weight are not here";
      auto original = op.getWeight().template getDefiningOp<WeightOp>();
      StringAttr name = original ? original.getSymNameAttr() : StringAttr();
      ElementsAttr packedValue = createElements(name ? name.getValue() : "packed", RankedTensorType::get(shape, value.getElementType()),
                                                [&](MutableArrayRef<char> to) { packing(*elements, to); });
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
