//===- Signature.cpp - what a run takes and gives -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Run/Signature.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include "llvm/ADT/StringSet.h"

#include <cstring>
#include <random>

using namespace mlir;
using namespace nnopt;

llvm::Error nnopt::runError(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

//===----------------------------------------------------------------------===//
// Signatures
//===----------------------------------------------------------------------===//

static FailureOr<RunArgument> argumentOf(func::FuncOp entry, Type type, DictionaryAttr attributes, StringRef kind,
                                         unsigned number) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  std::optional<ElementType> element = tensor ? elementTypeOf(tensor.getElementType()) : std::nullopt;
  if (!element) {
    entry.emitOpError() << kind << " #" << number << " has type " << type << ", expected a ranked tensor of numbers";
    return failure();
  }
  RunArgument argument{((kind == "input" ? "in" : "out") + llvm::Twine(number)).str(), *element, {}, {}};
  if (auto name = attributes ? attributes.getAs<StringAttr>(kNameAttr) : StringAttr())
    argument.name = name.str();
  auto dims = attributes ? attributes.getAs<ArrayAttr>(kDimsAttr) : ArrayAttr();
  for (int64_t d = 0; d < tensor.getRank(); ++d) {
    argument.shape.push_back(tensor.isDynamicDim(d) ? -1 : tensor.getDimSize(d));
    auto name = dims && d < static_cast<int64_t>(dims.size()) ? dyn_cast<StringAttr>(dims[d]) : StringAttr();
    argument.dims.push_back(name ? name.str() : "");
  }
  return argument;
}

FailureOr<RunSignature> nnopt::signatureOf(func::FuncOp entry) {
  RunSignature signature;
  FunctionType type = entry.getFunctionType();
  for (auto [i, input] : llvm::enumerate(type.getInputs())) {
    auto argument = argumentOf(entry, input, entry.getArgAttrDict(i), "input", i);
    if (failed(argument))
      return failure();
    signature.inputs.push_back(std::move(*argument));
  }
  for (auto [i, output] : llvm::enumerate(type.getResults())) {
    auto argument = argumentOf(entry, output, entry.getResultAttrDict(i), "output", i);
    if (failed(argument))
      return failure();
    signature.outputs.push_back(std::move(*argument));
  }
  return signature;
}

//===----------------------------------------------------------------------===//
// Made inputs
//===----------------------------------------------------------------------===//

static bool speaksOf(StringRef name, std::initializer_list<StringRef> words) {
  std::string lower = name.lower();
  return llvm::any_of(words, [&](StringRef word) { return StringRef(lower).contains(word); });
}

static int64_t madeExtent(StringRef dim, size_t position, const InputOptions &options) {
  if (auto given = options.dims.find(dim.str()); given != options.dims.end())
    return given->second;
  bool unnamed = dim.empty() || dim == "?";
  return speaksOf(dim, {"batch"}) || dim == "N" || (unnamed && position == 0) ? 1 : 16;
}

static llvm::Expected<std::vector<int64_t>> madeShape(const RunArgument &input, const InputOptions &options) {
  auto given = options.shapes.find(input.name);
  std::vector<int64_t> shape = given == options.shapes.end() ? input.shape : given->second;
  if (shape.size() != input.shape.size())
    return runError("input '" + input.name + "' has rank " + llvm::Twine(input.shape.size()) +
                    ", --input-shape gives " + llvm::Twine(shape.size()) + " extents");
  for (auto [d, extent] : llvm::enumerate(shape)) {
    if (extent < 0)
      extent = madeExtent(input.dims[d], d, options);
    else if (input.shape[d] >= 0 && input.shape[d] != extent)
      return runError("input '" + input.name + "' has extent " + llvm::Twine(input.shape[d]) + " in dimension " +
                      llvm::Twine(d) + ", --input-shape gives " + llvm::Twine(extent));
  }
  return shape;
}

static void fillRandom(HostTensor &tensor, StringRef name, std::mt19937_64 &random) {
  char *bytes = tensor.mutableBytes();
  bool isBinary = tensor.type() == ElementType::Bool || speaksOf(name, {"mask", "type", "segment"});
  for (int64_t i = 0; i < tensor.size(); ++i) {
    // The standard's distributions differ between libraries; this does not.
    double unit = static_cast<double>(random() >> 11) * 0x1p-53;
    double value = 2 * unit - 1;
    if (!isFloat(tensor.type())) {
      bool isByte = tensor.type() == ElementType::U8 || tensor.type() == ElementType::I8;
      value = std::floor(unit * (isBinary ? 2
                                 : isByte ? 256
                                          : 8)) -
              (tensor.type() == ElementType::I8 && !isBinary ? 128 : 0);
    }
    storeElement(tensor.type(), bytes, i, value);
  }
}

llvm::Expected<std::vector<HostTensor>> nnopt::makeInputs(const RunSignature &signature, const InputOptions &options) {
  for (const auto &[name, shape] : options.shapes)
    if (llvm::none_of(signature.inputs, [&, &name = name](const RunArgument &input) { return input.name == name; }))
      return runError("--input-shape names '" + name + "', which is not an input");
  std::mt19937_64 random(options.seed);
  std::vector<HostTensor> inputs;
  for (const RunArgument &input : signature.inputs) {
    llvm::Expected<std::vector<int64_t>> shape = madeShape(input, options);
    if (!shape)
      return shape.takeError();
    std::optional<HostTensor> tensor = HostTensor::allocate(input.type, *shape);
    if (!tensor)
      return runError("there is no memory for input '" + input.name + "' of type " + typeText(input.type, *shape));
    fillRandom(*tensor, input.name, random);
    inputs.push_back(std::move(*tensor));
  }
  return inputs;
}

//===----------------------------------------------------------------------===//
// Given inputs
//===----------------------------------------------------------------------===//

static std::string inputNames(const RunSignature &signature) {
  std::string names;
  for (const RunArgument &input : signature.inputs)
    names += (names.empty() ? "'" : ", '") + input.name + "'";
  return names;
}

/// numpy has no bf16 and no four-bit integers: f32, i8 and ui8 stand for them.
static llvm::Error convertStandIn(const RunArgument &input, HostTensor &tensor) {
  if (tensor.type() == input.type)
    return llvm::Error::success();
  bool known = (input.type == ElementType::BF16 && tensor.type() == ElementType::F32) ||
               (input.type == ElementType::I4 && tensor.type() == ElementType::I8) ||
               (input.type == ElementType::U4 && tensor.type() == ElementType::U8);
  std::optional<HostTensor> converted = known ? HostTensor::allocate(input.type, tensor.shape()) : std::nullopt;
  if (!converted)
    return runError("input '" + input.name + "' has elements of type " + elementName(input.type) + ", the file's are " +
                    elementName(tensor.type()));
  char *bytes = converted->mutableBytes();
  for (int64_t i = 0; i < tensor.size(); ++i)
    storeElement(input.type, bytes, i, loadElement(tensor.type(), tensor.bytes(), i));
  tensor = std::move(*converted);
  return llvm::Error::success();
}

llvm::Expected<std::vector<HostTensor>> nnopt::matchInputs(const RunSignature &signature, NamedTensors tensors) {
  if (tensors.size() == 1 && tensors[0].first.empty() && signature.inputs.size() == 1)
    tensors[0].first = signature.inputs[0].name;
  for (const auto &[name, tensor] : tensors)
    if (llvm::none_of(signature.inputs, [&, &name = name](const RunArgument &input) { return input.name == name; }))
      return runError("the file has '" + name + "', the model's inputs are " + inputNames(signature));
  std::vector<HostTensor> inputs;
  for (const RunArgument &input : signature.inputs) {
    auto found = llvm::find_if(tensors, [&](const auto &entry) { return entry.first == input.name; });
    if (found == tensors.end())
      return runError("the file has no '" + input.name + "', the model's inputs are " + inputNames(signature));
    HostTensor tensor = found->second;
    if (llvm::Error error = convertStandIn(input, tensor))
      return std::move(error);
    bool fits = tensor.shape().size() == input.shape.size();
    for (size_t d = 0; fits && d < input.shape.size(); ++d)
      fits = input.shape[d] < 0 || input.shape[d] == tensor.shape()[d];
    if (!fits)
      return runError("input '" + input.name + "' has type " + typeText(input.type, input.shape) + ", the file's is " +
                      tensor.typeText());
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

NamedTensors nnopt::nameOutputs(const RunSignature &signature, ArrayRef<HostTensor> outputs) {
  NamedTensors named;
  for (auto [argument, tensor] : llvm::zip_equal(signature.outputs, outputs))
    named.emplace_back(argument.name, tensor);
  return named;
}
