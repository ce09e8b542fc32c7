//===- FormIntegerProducts.cpp - products of quantized numbers ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// sum (x - z) sx * w sw = sx sw * (sum x w - z sum w): the sums are of integers, exact in any order, and what is left is elementwise.
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "LayerTimes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>

namespace nnopt {
#define GEN_PASS_DEF_FORMINTEGERPRODUCTS
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

static constexpr remark::RemarkOpts kRemark = remark::RemarkOpts::name("integer-product").category("nnopt-form-integer-products");
// Magnitude of the difference of two numbers of 8 bits.
static constexpr double kMostDifference = 255;

static Type elementOf(Value value) { return cast<RankedTensorType>(value.getType()).getElementType(); }

/// The one number that a constant holds, 0 for no value; nullopt for anything else.
static std::optional<double> numberOf(Value value) {
  if (!value)
    return 0.0;
  std::optional<ConstantData> data = ConstantData::of(value);
  return data && data->size() == 1 ? std::optional(data->at(0)) : std::nullopt;
}

static bool isScale(double scale) { return std::isfinite(scale) && scale > 0; }

namespace {

/// A product whose operands are dequantized.
class QuantizedLinear {
public:
  explicit QuantizedLinear(LinearOp op)
      : op(op), input(op.getInput().getDefiningOp<DequantizeOp>()), weight(op.getWeight().getDefiningOp<DequantizeOp>()) {}

  LinearOp op;
  DequantizeOp input, weight;
  ConstantData data{};                ///< of the weight
  double inputScale = 0, inputZero = 0;
  std::vector<float> scales;          ///< one, or one per output
  std::vector<double> sums;           ///< of an output's weights

  explicit operator bool() const { return input && weight; }

  /// Reads what is constant; what stands against a product of integers otherwise.
  std::string read() {
    std::optional<ConstantData> found = ConstantData::of(weight.getInput());
    if (!found || !found->type.getElementType().isSignlessInteger(8))
      return llvm::formatv("the weight is no constant of i8, but {0}", weight.getInput().getType());
    data = *found;
    if (!op.getEpilogue().empty() || op.getPack() || !elementOf(op.getResult()).isF32())
      return "it is no plain product of f32";
    if (std::string reason = readInput(); !reason.empty())
      return reason;
    if (std::string reason = readWeight(); !reason.empty())
      return reason;
    return sumUp();
  }

  int64_t outputs() { return data.type.getDimSize(op.getWeightKn() ? 1 : 0); }
  int64_t depth() { return data.type.getDimSize(op.getWeightKn() ? 0 : 1); }

private:
  std::string readInput() {
    Type stored = elementOf(input.getInput());
    bool isUnsigned = stored.isUnsignedInteger(8);
    if (!stored.isSignlessInteger(8) && !(isUnsigned && input.getInput().getDefiningOp<QuantizeOp>()))
      return llvm::formatv("the activations are {0}, not i8, nor ui8 that is quantized here", stored);
    std::optional<double> scale = numberOf(input.getScale()), zero = numberOf(input.getZeroPoint());
    if (!scale || !zero || !elementOf(input.getScale()).isF32())
      return "the activations do not have one constant scale of f32";
    if (!isScale(*scale))
      return llvm::formatv("the activations' scale is {0}", *scale);
    inputScale = *scale, inputZero = *zero - (isUnsigned ? 128 : 0);
    return "";
  }

  std::string readWeight() {
    std::optional<ConstantData> scale = ConstantData::of(weight.getScale());
    bool isPerOutput = weight.getAxis() && static_cast<int64_t>(*weight.getAxis()) == (op.getWeightKn() ? 1 : 0);
    if (!scale || !scale->type.getElementType().isF32() || weight.getBlockSize() || (scale->size() != 1 && !isPerOutput))
      return "the weight does not have a constant scale of f32, or one per output";
    for (int64_t i = 0; i < scale->size(); ++i) {
      if (!isScale(scale->at(i)))
        return llvm::formatv("the weight's scale is {0}", scale->at(i));
      scales.push_back(static_cast<float>(inputScale) * static_cast<float>(scale->at(i)));
    }
    if (!weight.getZeroPoint())
      return "";
    std::optional<ConstantData> zero = ConstantData::of(weight.getZeroPoint());
    if (!zero || countZeros(*zero) != zero->size())
      return "the weight has zero points that are not zero";
    return "";
  }

  std::string sumUp() {
    if (depth() % kIntegerRun != 0)
      return llvm::formatv("its sums have {0} elements, no multiple of {1}", depth(), kIntegerRun);
    std::vector<double> magnitudes(outputs());
    sums.assign(outputs(), 0);
    for (int64_t i = 0; i < data.size(); ++i) {
      int64_t n = op.getWeightKn() ? i % outputs() : i / depth();
      magnitudes[n] += std::abs(data.at(i)), sums[n] += data.at(i);
    }
    // Also of parts of a sum, in any order.
    for (auto [n, magnitude] : llvm::enumerate(magnitudes))
      if (kMostDifference * magnitude > std::numeric_limits<int32_t>::max())
        return llvm::formatv("a sum of output {0} could reach {1}, more than i32 holds", n, kMostDifference * magnitude);
    return "";
  }
};

struct FormIntegerProducts : nnopt::impl::FormIntegerProductsBase<FormIntegerProducts> {
  using FormIntegerProductsBase::FormIntegerProductsBase;

  SmallVector<const Isa *> targets;

  LogicalResult initialize(MLIRContext *context) override {
    return findTargets(context, getArgument(), isas, targets);
  }

  void runOnOperation() override {
    SmallVector<LinearOp> candidates;
    getOperation().walk([&](LinearOp op) { candidates.push_back(op); });
    for (LinearOp op : candidates) {
      QuantizedLinear product(op);
      if (!product)
        continue;
      std::string reason = product.read();
      if (reason.empty())
        reason = whyFasterAsFloats(product);
      if (!reason.empty()) {
        remark::missed(op.getLoc(), kRemark) << remark::reason("{0}", reason);
        continue;
      }
      form(product);
      ++formedProducts;
    }
  }

private:
  /// Products of floats that leave out zeros gain more than those of integers that do not.
  std::string whyFasterAsFloats(const QuantizedLinear &product) {
    LinearOp op = product.op;
    LayerTimes layer({op.getWeight(), {op}, weightOf(op).second}, targets, expectedRows);
    LayerTimes::Times times = layer.asStored(product.data), dense = layer.dense();
    if (!times.gains)
      return "";
    for (auto [isa, sparse, all] : llvm::zip(targets, times.microseconds, dense.microseconds))
      if (sparse >= all / integerGain(*isa))
        return "";
    return llvm::formatv("{0} of {1} weights are zero: leaving them out of products of floats takes an estimated {2:F1} us, products of integers {3:F1}",
                         countZeros(product.data), product.data.size(), times.microseconds.back(),
                         dense.microseconds.back() / integerGain(*targets.back()));
  }

  /// The activations as i8.
  Value signedInput(DequantizeOp dequantize) {
    Value stored = dequantize.getInput();
    if (elementOf(stored).isSignlessInteger(8))
      return stored;
    auto quantize = stored.getDefiningOp<QuantizeOp>();
    OpBuilder b(quantize);
    Type i8 = b.getI8Type();
    auto point = [&](Value zero) -> Value {
      double number = numberOf(zero).value_or(0);
      auto type = RankedTensorType::get(cast<RankedTensorType>(quantize.getScale().getType()).getShape(), i8);
      return arith::ConstantOp::create(b, quantize.getLoc(), DenseElementsAttr::get(type, b.getI8IntegerAttr(static_cast<int8_t>(number - 128))));
    };
    Value zero = point(quantize.getZeroPoint());
    auto type = RankedTensorType::get(cast<RankedTensorType>(stored.getType()).getShape(), i8);
    auto made = QuantizeOp::create(b, quantize.getLoc(), type, quantize.getInput(), quantize.getScale(), zero, quantize.getAxisAttr(), quantize.getBlockSizeAttr());
    for (Operation *user : llvm::make_early_inc_range(stored.getUsers()))
      if (auto reader = dyn_cast<DequantizeOp>(user); reader && reader.getInput() == stored && numberOf(reader.getZeroPoint())) {
        Value shifted = point(reader.getZeroPoint());
        reader.getInputMutable().assign(made.getResult());
        reader.getZeroPointMutable().assign(shifted);
      }
    if (quantize->use_empty())
      quantize.erase();
    return made;
  }

  void form(QuantizedLinear &product) {
    LinearOp op = product.op;
    OpBuilder b(op);
    Location loc = op.getLoc();
    auto resultType = cast<RankedTensorType>(op.getType(0));
    int64_t outputs = product.outputs();
    StringAttr name = weightNameOf(product.weight.getInput());
    auto sumType = RankedTensorType::get(resultType.getShape(), b.getI32Type());
    Value bias;
    if (product.inputZero != 0)
      bias = createWeight(b, loc, suffixed(name, "zero_point_sums"), RankedTensorType::get({outputs}, b.getI32Type()), [&](MutableArrayRef<char> bytes) {
        for (int64_t n = 0; n < outputs; ++n) {
          int32_t sum = static_cast<int32_t>(-product.inputZero * product.sums[n]);
          std::memcpy(bytes.data() + n * sizeof(sum), &sum, sizeof(sum));
        }
      });
    Value input = signedInput(product.input);
    auto sums = LinearOp::create(b, loc, sumType, input, product.weight.getInput(), bias, ValueRange(), Value(), op.getWeightKn(), PackAttr(), ArrayAttr());

    int64_t rank = resultType.getRank();
    auto perOutput = AffineMap::get(rank, 0, {b.getAffineDimExpr(rank - 1)}, b.getContext());
    SmallVector<Value> inputs{sums->getResult(0)};
    SmallVector<AffineMap> maps{b.getMultiDimIdentityMap(rank)};
    bool hasOneScale = product.scales.size() == 1;
    inputs.push_back(createWeight(b, loc, suffixed(name, "scales"), RankedTensorType::get({hasOneScale ? 1 : outputs}, b.getF32Type()),
                                  [&](MutableArrayRef<char> bytes) { std::memcpy(bytes.data(), product.scales.data(), bytes.size()); }));
    maps.push_back(hasOneScale ? AffineMap::get(rank, 0, {b.getAffineConstantExpr(0)}, b.getContext()) : perOutput);
    if (op.getBias()) {
      inputs.push_back(op.getBias());
      maps.push_back(perOutput);
    }
    maps.push_back(maps.front());
    Value init = tensor::EmptyOp::create(b, loc, tensor::getMixedSizes(b, loc, sums->getResult(0)), b.getF32Type());
    SmallVector<utils::IteratorType> loops(rank, utils::IteratorType::parallel);
    auto scaled = linalg::GenericOp::create(b, loc, TypeRange{resultType}, inputs, ValueRange{init}, maps, loops, [](OpBuilder &b, Location loc, ValueRange args) {
      Value result = arith::MulFOp::create(b, loc, arith::SIToFPOp::create(b, loc, b.getF32Type(), args[0]), args[1]);
      if (args.size() > 3)
        result = arith::AddFOp::create(b, loc, result, args[2]);
      linalg::YieldOp::create(b, loc, result);
    });
    op->getResult(0).replaceAllUsesWith(scaled.getResult(0));
    op.erase();
    for (DequantizeOp dead : {product.input, product.weight})
      if (dead->use_empty())
        dead.erase();
  }

  static StringAttr suffixed(StringAttr name, StringRef suffix) {
    return name ? StringAttr::get(name.getContext(), name.getValue() + "." + suffix) : StringAttr();
  }
};

} // namespace
