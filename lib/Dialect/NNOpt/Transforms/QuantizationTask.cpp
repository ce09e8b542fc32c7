//===- QuantizationTask.cpp - which products become integers --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "QuantizationTask.h"

#include "nnopt/Dialect/NNOpt/Transforms/Calibration.h"
#include "nnopt/Support/HostTensor.h"

#include <cmath>

using namespace mlir;
using namespace nnopt;

llvm::Error nnopt::checkOptions(const QuantizeOptions &options) {
  if (llvm::Expected<RangeMethod> method = RangeMethod::parse(options.method); !method)
    return method.takeError();
  if (options.weights != "per-channel" && options.weights != "per-tensor")
    return llvm::createStringError("unknown weights '" + options.weights + "', expected per-channel or per-tensor");
  if (options.activations != "asymmetric" && options.activations != "symmetric")
    return llvm::createStringError("unknown activations '" + options.activations + "', expected asymmetric or symmetric");
  return checkNamePatterns(options.exclude, options.only);
}

bool nnopt::needsHistogram(const QuantizeOptions &options) { return llvm::cantFail(RangeMethod::parse(options.method)).needsHistogram(); }

QuantizeFilter::QuantizeFilter(const QuantizeOptions &options) : exclude(options.exclude), only(options.only) {
  rest.first = options.first, rest.last = options.last, rest.depthwise = true;
}

std::string QuantizeFilter::whyNot(const WeightLayer &layer, const std::optional<ConstantData> &data) const {
  SmallVector<StringRef> names = namesOf(layer.weight, layer.users);
  if (matchesAny(names, exclude) || (!only.empty() && !matchesAny(names, only)))
    return "left float by its name";
  for (Operation *user : layer.users) {
    if (!isa<LinearOp, ConvOp>(user))
      return llvm::formatv("{0} has no form in integers", user->getName()).str();
    if (user->getOperand(0).getDefiningOp<DequantizeOp>())
      return "its input is quantized already";
  }
  if (std::string reason = rest.whyNot(layer, data); !reason.empty())
    return reason;
  if (!layer.sameLayout)
    return "products read the weight in different layouts";
  for (int64_t i = 0; i < data->size(); ++i)
    if (!std::isfinite(data->at(i)))
      return llvm::formatv("element {0} of the weight is {1}", i, shortText(data->at(i))).str();
  return "";
}

FailureOr<std::optional<InputRange>> InputRange::of(Operation *product) {
  auto range = product->getAttrOfType<ElementsAttr>(kObservedRangeAttr);
  if (!range)
    return std::optional<InputRange>();
  auto read = [&](StringRef name, ElementsAttr elements, ElementType type) -> FailureOr<HostTensor> {
    std::string problem;
    FailureOr<HostTensor> tensor = HostTensor::fromAttribute(elements, problem);
    if (failed(tensor))
      return product->emitError("'") << name << "': " << problem;
    if (tensor->type() != type || tensor->rank() != 1 || (type == ElementType::F32 ? tensor->size() != 2 : tensor->size() == 0))
      return product->emitError("expects '") << name << "' of " << (type == ElementType::F32 ? "tensor<2xf32>" : "tensor<Nxi64>") << ", got "
                                             << tensor->typeText();
    return tensor;
  };
  InputRange result;
  FailureOr<HostTensor> numbers = read(kObservedRangeAttr, range, ElementType::F32);
  if (failed(numbers))
    return failure();
  result.seen.low = loadElement(ElementType::F32, numbers->bytes(), 0), result.seen.high = loadElement(ElementType::F32, numbers->bytes(), 1);
  if (auto histogram = product->getAttrOfType<ElementsAttr>(kObservedHistogramAttr)) {
    FailureOr<HostTensor> counts = read(kObservedHistogramAttr, histogram, ElementType::I64);
    if (failed(counts))
      return failure();
    for (int64_t i = 0; i < counts->size(); ++i)
      result.counts.push_back(static_cast<int64_t>(loadElement(ElementType::I64, counts->bytes(), i)));
  }
  return std::optional(std::move(result));
}

std::string InputRange::whyNot(const RangeMethod &method) const {
  if (seen.low == INFINITY && seen.high == -INFINITY)
    return "calibration saw no element of its input";
  if (!std::isfinite(seen.low) || !std::isfinite(seen.high) || seen.low > seen.high)
    return llvm::formatv("its input was between {0} and {1} in calibration", shortText(seen.low), shortText(seen.high)).str();
  // What is always the same has no parts.
  return method.needsHistogram() && counts.empty() && seen.low < seen.high ? "the method needs a histogram of its input" : "";
}

namespace {
/// Which scale an element of a weight has.
class ScalePlaces {
public:
  ScalePlaces(const WeightLayer &layer, RankedTensorType type, bool perChannel) {
    if (!perChannel)
      return;
    auto linear = dyn_cast<LinearOp>(layer.users.front());
    axis = linear && linear.getWeightKn() ? 1 : 0;
    count = type.getDimSize(*axis);
    inner = ShapedType::getNumElements(type.getShape().drop_front(*axis + 1));
  }
  int64_t of(int64_t element) const { return axis ? element / inner % count : 0; }

  std::optional<int64_t> axis;
  int64_t count = 1, inner = 1;
};
} // namespace

static std::vector<float> scalesOf(const ConstantData &data, const ScalePlaces &places) {
  std::vector<double> most(places.count);
  for (int64_t i = 0; i < data.size(); ++i) {
    double &largest = most[places.of(i)];
    largest = std::max(largest, std::abs(data.at(i)));
  }
  std::vector<float> scales;
  for (double largest : most)
    scales.push_back(scaleFor(largest, 127));
  return scales;
}

/// Rounded as `nnopt.quantize` does.
static int8_t quantized(double value, float scale, bool isDouble) {
  double quotient = isDouble ? value / scale : static_cast<float>(value) / scale;
  return static_cast<int8_t>(std::clamp(std::nearbyint(quotient), -127.0, 127.0));
}

QuantizedWeight nnopt::quantizeWeight(const WeightLayer &layer, const ConstantData &data, bool perChannel) {
  Value old = layer.weight;
  OpBuilder b(old.getDefiningOp());
  Location loc = old.getLoc();
  StringAttr name = weightNameOf(old);
  ScalePlaces places(layer, data.type, perChannel);
  std::vector<float> scales = scalesOf(data, places);
  auto [least, largest] = std::minmax_element(scales.begin(), scales.end());
  QuantizedWeight result{{}, *least, *largest, 0, std::nullopt};
  double squares = 0, errors = 0;
  bool isDouble = data.type.getElementType().isF64();
  WeightOp integers = createWeight(b, loc, name, RankedTensorType::get(data.type.getShape(), b.getI8Type()), [&](MutableArrayRef<char> bytes) {
    for (int64_t i = 0; i < data.size(); ++i) {
      double value = data.at(i);
      float scale = scales[places.of(i)];
      int8_t q = quantized(value, scale, isDouble);
      bytes[i] = static_cast<char>(q);
      double error = std::abs(value - static_cast<double>(q * scale));
      squares += value * value, errors += error * error;
      result.maxError = std::max(result.maxError, error);
    }
  });
  if (errors > 0)
    result.decibels = 10 * std::log10(squares / errors);
  carrySparsity(old, integers);
  auto scaleType = RankedTensorType::get(perChannel ? SmallVector<int64_t>{places.count} : SmallVector<int64_t>{}, b.getF32Type());
  StringAttr scaleName = name ? b.getStringAttr(name.getValue() + "_scale") : StringAttr();
  WeightOp scale = createWeight(b, loc, scaleName, scaleType, [&](MutableArrayRef<char> bytes) {
    std::memcpy(bytes.data(), scales.data(), bytes.size());
  });
  IntegerAttr axis = places.axis ? b.getI64IntegerAttr(*places.axis) : IntegerAttr();
  result.value = DequantizeOp::create(b, loc, data.type, integers.getResult(), scale.getResult(), Value(), axis, IntegerAttr());
  return result;
}
