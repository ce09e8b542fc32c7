//===- FoldConstants.cpp - constants, and arithmetic into weights ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What depends on constants only is computed (EvaluateConstants.h). Then per-channel arithmetic moves into weights.
// For y = W x + b, an elementwise op that computes s[c] y + t[c] for output channel c is W' = s W and b' = s b + t. The op's body is run
// once per channel on affine forms (slope, offset), which tells both whether it is affine and what s and t are.
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "ConstantData.h"
#include "Elementwise.h"
#include "EvaluateConstants.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"

#include <cmath>
#include <cstring>

namespace nnopt {
#define GEN_PASS_DEF_FOLDCONSTANTS
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

static constexpr remark::RemarkOpts kRemark = remark::RemarkOpts::name("channel-arithmetic").category("nnopt-fold-constants");

namespace {

/// slope * y + offset, y being an element of the product.
struct AffineForm {
  double slope, offset;
};

/// Follows the body of an elementwise op for one channel after the other.
class ChannelBody {
public:
  ChannelBody(linalg::GenericOp op, Value product, unsigned channelDim) : op(op), product(product), channelDim(channelDim) {}

  /// Finds the constants; false if an operand depends on more than the channel.
  bool prepare() {
    for (OpOperand *input : op.getDpsInputOperands()) {
      if (input->get() == product)
        continue;
      std::optional<ConstantData> data = ConstantData::of(input->get());
      if (!data || !isa<FloatType>(data->type.getElementType()))
        return false;
      int64_t channels = 1;
      for (auto [result, extent] : llvm::zip_equal(op.getMatchingIndexingMap(input).getResults(), data->type.getShape())) {
        auto dim = dyn_cast<AffineDimExpr>(result);
        if (dim && dim.getPosition() == channelDim)
          channels = extent;
        else if (extent != 1)
          return false;
      }
      operands.push_back({op.getMatchingBlockArgument(input), *data, channels});
    }
    return true;
  }

  /// What the op computes for `channel`; nullopt if that is not affine.
  std::optional<AffineForm> run(int64_t channel) {
    forms.clear();
    for (OpOperand *input : op.getDpsInputOperands())
      if (input->get() == product)
        forms[op.getMatchingBlockArgument(input)] = {1.0, 0.0};
    for (const Operand &operand : operands)
      forms[operand.argument] = {0.0, operand.data.at(operand.channels == 1 ? 0 : channel)};
    for (Operation &inner : op.getBody()->without_terminator()) {
      std::optional<AffineForm> form = compute(inner);
      if (!form)
        return std::nullopt;
      forms[inner.getResult(0)] = *form;
    }
    return get(op.getBody()->getTerminator()->getOperand(0));
  }

private:
  struct Operand {
    Value argument;
    ConstantData data;
    int64_t channels;
  };

  linalg::GenericOp op;
  Value product;
  unsigned channelDim;
  SmallVector<Operand> operands;
  llvm::DenseMap<Value, AffineForm> forms;

  std::optional<AffineForm> get(Value value) {
    if (auto known = forms.find(value); known != forms.end())
      return known->second;
    FloatAttr constant;
    if (matchPattern(value, m_Constant(&constant)))
      return AffineForm{0.0, constant.getValueAsDouble()};
    return std::nullopt;
  }

  std::optional<AffineForm> compute(Operation &inner) {
    if (inner.getNumResults() != 1)
      return std::nullopt;
    if (isa<arith::ConstantOp>(inner))
      return get(inner.getResult(0));
    SmallVector<AffineForm, 2> in;
    for (Value operand : inner.getOperands()) {
      std::optional<AffineForm> form = get(operand);
      if (!form)
        return std::nullopt;
      in.push_back(*form);
    }
    if (isa<arith::AddFOp>(inner))
      return AffineForm{in[0].slope + in[1].slope, in[0].offset + in[1].offset};
    if (isa<arith::SubFOp>(inner))
      return AffineForm{in[0].slope - in[1].slope, in[0].offset - in[1].offset};
    if (isa<arith::NegFOp>(inner))
      return AffineForm{-in[0].slope, -in[0].offset};
    if (isa<arith::MulFOp>(inner) && (in[0].slope == 0 || in[1].slope == 0)) {
      auto [factor, form] = in[0].slope == 0 ? std::pair(in[0].offset, in[1]) : std::pair(in[1].offset, in[0]);
      return AffineForm{form.slope * factor, form.offset * factor};
    }
    if (isa<arith::DivFOp>(inner) && in[1].slope == 0)
      return AffineForm{in[0].slope / in[1].offset, in[0].offset / in[1].offset};
    if (isa<math::SqrtOp>(inner) && in[0].slope == 0)
      return AffineForm{0.0, std::sqrt(in[0].offset)};
    if (isa<math::RsqrtOp>(inner) && in[0].slope == 0)
      return AffineForm{0.0, 1.0 / std::sqrt(in[0].offset)};
    return std::nullopt;
  }
};

void writeFloat(MutableArrayRef<char> bytes, int64_t i, double value) {
  float rounded = static_cast<float>(value);
  std::memcpy(&bytes[i * sizeof(float)], &rounded, sizeof(float));
}

/// A product whose weight and bias take what follows it.
template <typename Op>
class ProductFolder {
public:
  ProductFolder(Op product, linalg::GenericOp consumer, unsigned channelDim, unsigned outputDim)
      : product(product), consumer(consumer), channelDim(channelDim), outputDim(outputDim) {}

  /// Folds if possible; says why not if only a property of the constants is in the way.
  bool run() {
    if (!computeForms())
      return false;
    if (const char *obstacle = whyNot()) {
      remark::missed(consumer.getLoc(), kRemark) << remark::reason("{0}", obstacle);
      return false;
    }
    OpBuilder b(product);
    if (isScaled)
      product.getWeightMutable().assign(scaledWeight(b));
    product.getBiasMutable().assign(newBias(b));
    consumer.getResult(0).replaceAllUsesWith(product.getResult());
    // The value is the consumer's now: nnopt-run --probe goes by the last name.
    product->setLoc(b.getFusedLoc({product.getLoc(), consumer.getLoc()}));
    remark::passed(consumer.getLoc(), kRemark)
        << remark::add("{0} of {1} channels are in the constants of the product", isScaled ? "scale and bias" : "bias", forms.size());
    consumer.erase();
    return true;
  }

private:
  Op product;
  linalg::GenericOp consumer;
  unsigned channelDim, outputDim;
  std::vector<AffineForm> forms;
  std::optional<ConstantData> weight, bias;
  bool isScaled = false, isFinite = true;

  bool computeForms() {
    int64_t channels = cast<RankedTensorType>(product.getType(0)).getDimSize(channelDim);
    ChannelBody body(consumer, product.getResult(), channelDim);
    if (ShapedType::isDynamic(channels) || !body.prepare())
      return false;
    forms.reserve(channels);
    for (int64_t c = 0; c < channels; ++c) {
      std::optional<AffineForm> form = body.run(c);
      // Not a function of the product: constant folding is another matter.
      if (!form || form->slope == 0)
        return false;
      isScaled |= form->slope != 1;
      isFinite &= std::isfinite(form->slope) && std::isfinite(form->offset);
      forms.push_back(*form);
    }
    return channels > 0;
  }

  const char *whyNot() {
    if (!isFinite)
      return "a scale or an offset is not finite";
    bias = product.getBias() ? ConstantData::of(product.getBias()) : std::nullopt;
    if (product.getBias() && !bias)
      return "the bias is no constant";
    if (!isScaled)
      return nullptr;
    weight = ConstantData::of(product.getWeight());
    if (!weight)
      return "the weight is no constant";
    return product.getWeight().hasOneUse() ? nullptr : "the weight has another reader";
  }

  WeightOp scaledWeight(OpBuilder &b) {
    ArrayRef<int64_t> shape = weight->type.getShape();
    int64_t inner = 1;
    for (int64_t extent : shape.drop_front(outputDim + 1))
      inner *= extent;
    Location loc = product.getWeight().getLoc();
    WeightOp scaled = createWeight(b, loc, weightNameOf(product.getWeight()), weight->type, [&](MutableArrayRef<char> bytes) {
      for (int64_t i = 0; i < weight->size(); ++i)
        writeFloat(bytes, i, weight->at(i) * forms[i / inner % shape[outputDim]].slope);
    });
    return carrySparsity(product.getWeight(), scaled);
  }

  WeightOp newBias(OpBuilder &b) {
    auto type = RankedTensorType::get({static_cast<int64_t>(forms.size())}, b.getF32Type());
    StringAttr name = product.getBias() ? weightNameOf(product.getBias()) : StringAttr();
    return createWeight(b, consumer.getLoc(), name, type, [&](MutableArrayRef<char> bytes) {
      for (auto [c, form] : llvm::enumerate(forms))
        writeFloat(bytes, c, (bias ? bias->at(c) : 0.0) * form.slope + form.offset);
    });
  }
};

/// What any product needs for `consumer` to be folded: plain form, f32, and no other reader.
template <typename Op>
bool isFoldable(Op product, linalg::GenericOp consumer) {
  auto type = dyn_cast<RankedTensorType>(consumer.getResultTypes()[0]);
  if (product.getInit() || product.getPack() || !product.getEpilogue().empty() || product.getType(0) != type ||
      !type.getElementType().isF32() || !cast<ShapedType>(product.getWeight().getType()).getElementType().isF32())
    return false;
  for (OpOperand &use : product.getResult().getUses())
    if (use.getOwner() != consumer || !readsOwnElement(consumer.getMatchingIndexingMap(&use), type.getShape()))
      return false;
  return true;
}

bool foldIntoProduct(linalg::GenericOp consumer) {
  if (!isElementwise(consumer))
    return false;
  for (OpOperand *input : consumer.getDpsInputOperands()) {
    unsigned rank = consumer.getNumLoops();
    if (auto linear = input->get().getDefiningOp<LinearOp>(); linear && isFoldable(linear, consumer))
      return ProductFolder<LinearOp>(linear, consumer, rank - 1, linear.getWeightKn() ? 1 : 0).run();
    if (auto conv = input->get().getDefiningOp<ConvOp>(); conv && isFoldable(conv, consumer))
      return ProductFolder<ConvOp>(conv, consumer, conv.getChannelsLast() ? rank - 1 : 1, 0).run();
  }
  return false;
}

struct FoldConstants : nnopt::impl::FoldConstantsBase<FoldConstants> {
  using FoldConstantsBase::FoldConstantsBase;

  LogicalResult initialize(MLIRContext *context) override {
    if (maxBytes >= 0)
      return success();
    return emitError(UnknownLoc::get(context)) << getArgument() << ": max-bytes must not be negative, got " << maxBytes.getValue();
  }

  void runOnOperation() override {
    evaluatedResults += evaluateConstants(getOperation(), maxBytes);
    SmallVector<linalg::GenericOp> consumers;
    getOperation().walk([&](linalg::GenericOp op) { consumers.push_back(op); });
    // In order: a chain folds one op after the other.
    for (linalg::GenericOp consumer : consumers)
      if (foldIntoProduct(consumer))
        ++foldedOps;
  }
};

} // namespace
