//===- Quantize.cpp - weights and inputs of products to 8 bits ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "QuantizationTask.h"

#include "llvm/ADT/MapVector.h"

namespace nnopt {
#define GEN_PASS_DEF_QUANTIZE
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

static constexpr remark::RemarkOpts kRemark = remark::RemarkOpts::name("quantize").category("nnopt-quantize");

namespace {

/// A layer that becomes integer.
struct QuantizationTask {
  const WeightLayer *layer;
  ConstantData data;
};

/// A value that products read, and how it is quantized.
struct QuantizedInput {
  RealRange seen, range;
  Quantization quantization;
  Value value; ///< dequantized, once it is created
};

struct Quantize : nnopt::impl::QuantizeBase<Quantize> {
  using QuantizeBase::QuantizeBase;

  LogicalResult initialize(MLIRContext *context) override {
    options = {method, weights, activations, llvm::to_vector(ArrayRef<std::string>(exclude)), llvm::to_vector(ArrayRef<std::string>(only)), first, last, report};
    if (llvm::Error error = checkOptions(options))
      return emitError(UnknownLoc::get(context)) << getArgument() << ": " << llvm::toString(std::move(error));
    rangeMethod = llvm::cantFail(RangeMethod::parse(method));
    return success();
  }

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    inputs.clear();
    rows.clear();
    SmallVector<WeightLayer> layers = findLayers(function);
    warnOfUnknownNames(function, layers, exclude, only);
    FailureOr<SmallVector<QuantizationTask>> tasks = collect(layers);
    if (failed(tasks))
      return signalPassFailure();
    if (tasks->empty() && !layers.empty())
      function.emitWarning("nothing is quantized: none of ")
          << layers.size() << (layers.size() == 1 ? " layer" : " layers") << " with constant weights can be";
    for (const QuantizationTask &task : *tasks)
      quantize(task);
    quantizedWeights += tasks->size();
    function.walk([](Operation *op) {
      op->removeAttr(kObservedRangeAttr);
      op->removeAttr(kObservedHistogramAttr);
    });
    if (report)
      function->setAttr(kQuantizationReportAttr, ArrayAttr::get(&getContext(), rows));
  }

private:
  QuantizeOptions options;
  RangeMethod rangeMethod;
  llvm::MapVector<Value, QuantizedInput> inputs;
  SmallVector<Attribute> rows;

  bool isSymmetric() const { return options.activations == "symmetric"; }

  /// Leaves a remark for what stays float.
  FailureOr<SmallVector<QuantizationTask>> collect(ArrayRef<WeightLayer> layers) {
    QuantizeFilter filter(options);
    SmallVector<QuantizationTask> tasks;
    const WeightLayer *wanted = nullptr;
    bool isCalibrated = false;
    for (const WeightLayer &layer : layers) {
      std::optional<ConstantData> data = ConstantData::of(layer.weight);
      std::string obstacle = filter.whyNot(layer, data);
      if (obstacle.empty()) {
        wanted = wanted ? wanted : &layer;
        FailureOr<std::string> reason = readInputs(layer, isCalibrated);
        if (failed(reason))
          return failure();
        obstacle = *reason;
      }
      if (obstacle.empty())
        tasks.push_back({&layer, *data});
      else
        remark::missed(layer.users.front()->getLoc(), kRemark) << remark::reason("{0}", obstacle);
    }
    if (wanted && !isCalibrated)
      return wanted->users.front()->emitError("cannot be quantized without calibration: no product carries '")
             << kObservedRangeAttr << "', which nnopt-compile --calibrate gathers";
    return tasks;
  }

  /// Decides on the inputs of all products of `layer`. Returns why one of them stays float, or nothing.
  FailureOr<std::string> readInputs(const WeightLayer &layer, bool &isCalibrated) {
    for (Operation *user : layer.users) {
      FailureOr<std::optional<InputRange>> found = InputRange::of(user);
      if (failed(found))
        return failure();
      if (!*found)
        return std::string("no calibration of its input");
      isCalibrated = true;
      const InputRange &input = **found;
      if (std::string reason = input.whyNot(rangeMethod); !reason.empty())
        return reason;
      RealRange range = rangeMethod.choose(input.seen, input.counts, isSymmetric());
      QuantizedInput quantized{input.seen, range, quantizationOf(range, isSymmetric()), Value()};
      const QuantizedInput &known = inputs.try_emplace(user->getOperand(0), quantized).first->second;
      if (known.seen.low != input.seen.low || known.seen.high != input.seen.high)
        return user->emitError("expects '") << kObservedRangeAttr << "' of one range on all readers of a value, got " << shortText(known.seen.low) << " to "
                                            << shortText(known.seen.high) << " and " << shortText(input.seen.low) << " to " << shortText(input.seen.high);
    }
    return std::string();
  }

  void quantize(const QuantizationTask &task) {
    WeightLayer layer = *task.layer;
    QuantizedWeight weight = quantizeWeight(layer, task.data, options.weights == "per-channel");
    for (Operation *user : layer.users) {
      QuantizedInput &input = inputs.find(user->getOperand(0))->second;
      if (!input.value)
        input.value = create(user->getOperand(0), input.quantization);
      user->setOperand(0, input.value);
      describe(user, layer, weight, input);
    }
    layer.weight.replaceAllUsesWith(weight.value);
    layer.weight.getDefiningOp()->erase();
  }

  /// To ui8 and back, right after `value`.
  static Value create(Value value, const Quantization &quantization) {
    OpBuilder b(value.getContext());
    b.setInsertionPointAfterValue(value);
    // Not the location of the value: a name stands for one value of the model.
    StringRef name = layerName(value.getLoc());
    Location loc = name.empty() ? value.getLoc() : NameLoc::get(b.getStringAttr(name + ".quantized"));
    auto type = cast<RankedTensorType>(value.getType());
    Type ui8 = IntegerType::get(b.getContext(), 8, IntegerType::Unsigned);
    auto number = [&](Type element, const void *from, size_t size) {
      return createWeight(b, loc, StringAttr(), RankedTensorType::get({}, element), [&](MutableArrayRef<char> to) { std::memcpy(to.data(), from, size); })
          .getResult();
    };
    uint8_t zero = quantization.zeroPoint;
    Value scale = number(b.getF32Type(), &quantization.scale, sizeof(float)), zeroPoint = number(ui8, &zero, sizeof(zero));
    Value integers = QuantizeOp::create(b, loc, RankedTensorType::get(type.getShape(), ui8), value, scale, zeroPoint, IntegerAttr(), IntegerAttr());
    return DequantizeOp::create(b, loc, type, integers, scale, zeroPoint, IntegerAttr(), IntegerAttr());
  }

  void describe(Operation *user, const WeightLayer &layer, const QuantizedWeight &weight, const QuantizedInput &input) {
    std::string decibels = weight.decibels ? llvm::formatv("{0:f1} dB", *weight.decibels).str() : "exact";
    remark::passed(user->getLoc(), kRemark) << remark::add(
        "input of {0} to {1}: [{2}, {3}] by scale {4} and zero point {5}; weight: scales of {6} to {7}, error at most {8}, {9}", shortText(input.seen.low),
        shortText(input.seen.high), shortText(input.range.low), shortText(input.range.high), shortText(input.quantization.scale),
        input.quantization.zeroPoint, shortText(weight.leastScale), shortText(weight.largestScale), shortText(weight.maxError), decibels);
    if (!report)
      return;
    Builder b(&getContext());
    StringAttr name = weightNameOf(layer.weight);
    SmallVector<NamedAttribute> row{
        {"layer", b.getStringAttr(layerName(user->getLoc()))},
        {"weight", name ? name : b.getStringAttr("")},
        {"scale", b.getF64FloatAttr(input.quantization.scale)},
        {"zero_point", b.getI64IntegerAttr(input.quantization.zeroPoint)},
        {"seen", b.getDenseF64ArrayAttr({input.seen.low, input.seen.high})},
        {"range", b.getDenseF64ArrayAttr({input.range.low, input.range.high})},
        {"weight_scales", b.getDenseF64ArrayAttr({weight.leastScale, weight.largestScale})},
        {"max_error", b.getF64FloatAttr(weight.maxError)},
    };
    if (weight.decibels)
      row.push_back({"snr_db", b.getF64FloatAttr(*weight.decibels)});
    rows.push_back(b.getDictionaryAttr(row));
  }
};

} // namespace
