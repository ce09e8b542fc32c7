//===- Signature.cpp - inputs, outputs and constants of a model -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "mlir/IR/Iterators.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::onnx;

/// What nnopt_tensor of the C interface has room for.
static constexpr int64_t kLargestRank = 8;

LogicalResult Importer::readOpsets() {
  for (const OperatorSetId &opset : model.opsets)
    opsets[opset.domain == "ai.onnx" ? StringRef() : opset.domain] = opset.version;
  auto standard = opsets.find("");
  if (standard == opsets.end())
    return success();
  int64_t version = standard->second;
  if (version < 1)
    return error(fileLoc, "the model imports opset " + Twine(version) + ", which does not exist");
  if (version < kOldestOpset || version > kNewestOpset)
    return error(fileLoc, "the model imports opset " + Twine(version) + "; nnopt supports " + Twine(kOldestOpset) + " to " +
                              Twine(kNewestOpset), /*unsupported=*/true);
  return success();
}

LogicalResult Importer::readFunctions() {
  for (const FunctionProto &function : model.functions)
    if (!functions.try_emplace((function.domain + "\n" + function.name + "\n" + function.overload).str(), &function).second)
      return error(fileLoc, "the model has two functions '" + function.name + "' of domain '" + function.domain + "'");
  return success();
}

LogicalResult Importer::addInitializers(const GraphProto &graph) {
  for (const TensorProto &proto : graph.initializers) {
    if (proto.name.empty())
      return error(fileLoc, "an initializer has no name");
    // Duplicates are found before anything is loaded for them.
    if (current->values.contains(proto.name))
      return error(fileLoc, "the name '" + proto.name + "' is given to two values");
    std::optional<Constant> loaded = load(proto, fileLoc, "initializer '" + proto.name + "' ");
    if (!loaded || failed(define(proto.name, constant(std::move(*loaded), proto.name), fileLoc)))
      return failure();
  }
  for (const SparseTensorProto &proto : graph.sparseInitializers) {
    std::optional<Constant> loaded = load(proto, fileLoc, "sparse initializer '" + proto.values.name + "' ");
    if (!loaded || failed(define(proto.values.name, constant(std::move(*loaded), proto.values.name), fileLoc)))
      return failure();
  }
  return success();
}

std::optional<SmallVector<int64_t>> Importer::inputShape(const ValueInfoProto &input, SmallVectorImpl<std::string> &names) {
  SmallVector<int64_t> shape;
  auto given = options.inputShapes.find(input.name);
  bool replaced = given != options.inputShapes.end();
  if (replaced && input.hasShape && given->second.size() != input.dims.size())
    return (void)error(fileLoc, "input '" + input.name + "' has " + Twine(input.dims.size()) + " dimensions, but a shape of " +
                                    Twine(given->second.size()) + " was asked for"), std::nullopt;
  if (!replaced && !input.hasShape)
    return (void)error(fileLoc, "input '" + input.name + "' has no shape in the model; give it one (--input-shape)",
                       /*unsupported=*/true), std::nullopt;
  size_t rank = replaced ? given->second.size() : input.dims.size();
  for (size_t d = 0; d < rank; ++d) {
    Dimension declared = input.hasShape ? input.dims[d] : Dimension();
    auto fixed = options.dims.find(declared.symbol);
    int64_t extent = declared.value.value_or(ShapedType::kDynamic);
    if (!declared.symbol.empty() && fixed != options.dims.end())
      extent = fixed->second;
    if (replaced && !ShapedType::isDynamic(given->second[d])) {
      if (declared.value && *declared.value != given->second[d])
        return (void)error(fileLoc, "input '" + input.name + "' has extent " + Twine(*declared.value) + " in dimension " +
                                        Twine(d) + ", but " + Twine(given->second[d]) + " was asked for"), std::nullopt;
      extent = given->second[d];
    }
    if (extent < 0 && !ShapedType::isDynamic(extent))
      return (void)error(fileLoc, "input '" + input.name + "' has the negative extent " + Twine(extent)), std::nullopt;
    shape.push_back(extent);
    names.push_back(!ShapedType::isDynamic(extent) ? std::to_string(extent)
                    : declared.symbol.empty()      ? "?"
                                                   : declared.symbol.str());
  }
  return shape;
}

LogicalResult Importer::addInput(const ValueInfoProto &input) {
  if (input.name.empty())
    return error(fileLoc, "an input has no name");
  if (!input.isTensor)
    return error(fileLoc, "input '" + input.name + "' is not a tensor", /*unsupported=*/true);
  Type element = elementTypeOf(input.elementType, b.getContext());
  if (!element || element.isInteger(4))
    return error(fileLoc, "input '" + input.name + "' has elements of type " + dataTypeName(input.elementType) +
                              ", which nnopt does not support", /*unsupported=*/true);
  SmallVector<std::string> names;
  std::optional<SmallVector<int64_t>> shape = inputShape(input, names);
  if (!shape)
    return failure();
  if (int64_t(shape->size()) > kLargestRank)
    return error(fileLoc, "input '" + input.name + "' has " + Twine(shape->size()) + " dimensions; nnopt supports " +
                              Twine(kLargestRank), /*unsupported=*/true);
  SmallVector<int64_t> known = llvm::map_to_vector(*shape, [](int64_t d) { return ShapedType::isDynamic(d) ? 1 : d; });
  if (!countElements(known))
    return error(fileLoc, "input '" + input.name + "' has more elements than memory can hold");
  auto type = RankedTensorType::get(*shape, element);
  Location loc = NameLoc::get(b.getStringAttr(input.name), fileLoc);
  unsigned index = entry.getNumArguments();
  auto strings = llvm::map_to_vector(names, [](const std::string &name) { return StringRef(name); });
  NamedAttribute attributes[] = {b.getNamedAttr(kNameAttr, b.getStringAttr(input.name)),
                                 b.getNamedAttr(kDimsAttr, b.getStrArrayAttr(strings))};
  if (failed(entry.insertArgument(index, type, b.getDictionaryAttr(attributes), loc)))
    return error(fileLoc, "input '" + input.name + "' cannot be added");
  Value argument = entry.getArgument(index);
  Extents extents;
  for (auto [d, name] : llvm::enumerate(names)) {
    if (!type.isDynamicDim(d)) {
      extents.push_back(shapes->constant(type.getDimSize(d)));
      continue;
    }
    Value &symbol = symbols[name == "?" ? (input.name + "\n" + Twine(d)).str() : name];
    if (!symbol) {
      symbol = tensor::DimOp::create(b, loc, argument, d);
      shapes->addSymbol(symbol);
      symbolNames[symbol] = name;
    }
    extents.push_back(symbol);
  }
  return define(input.name, tensor(argument, extents), loc);
}

LogicalResult Importer::addInputs(const GraphProto &graph) {
  llvm::StringSet<> seen;
  for (const ValueInfoProto &input : graph.inputs) {
    if (!seen.insert(input.name).second)
      return error(fileLoc, "the name '" + input.name + "' is given to two values");
    // Before IR version 4 every initializer was an input too, a default that nobody overrides.
    if (!current->values.contains(input.name) && failed(addInput(input)))
      return failure();
  }
  for (const auto &given : options.inputShapes)
    if (!seen.contains(given.getKey()))
      return error(fileLoc, "a shape is given for input '" + given.getKey() + "', which the model does not have");
  return success();
}

std::string Importer::dimName(OpFoldResult extent, StringRef declared) {
  if (std::optional<int64_t> known = ShapeMath::get(extent))
    return std::to_string(*known);
  auto name = symbolNames.find(cast<Value>(extent));
  if (name != symbolNames.end() && name->second != "?")
    return name->second;
  return declared.empty() ? "?" : declared.str();
}

LogicalResult Importer::addOutputs(const GraphProto &graph) {
  SmallVector<Value> values;
  llvm::StringSet<> seen;
  if (graph.outputs.empty())
    return error(fileLoc, "the graph has no outputs");
  for (auto [i, output] : llvm::enumerate(graph.outputs)) {
    if (!seen.insert(output.name).second)
      return error(fileLoc, "output '" + output.name + "' is listed twice");
    Tensor *tensor = lookup(output.name, fileLoc, "the list of outputs");
    if (!tensor)
      return failure();
    if (tensor->rank() > kLargestRank || tensor->elementType().isIntOrFloat() == false ||
        tensor->elementType().getIntOrFloatBitWidth() == 4)
      return error(fileLoc, llvm::formatv("output '{0}' has type {1}, which nnopt cannot return", output.name, tensor->type).str(),
                   /*unsupported=*/true);
    if (output.elementType != 0 && elementTypeOf(output.elementType, b.getContext()) != tensor->elementType())
      return error(fileLoc, llvm::formatv("output '{0}' is declared with elements of type {1}, but has {2}", output.name,
                                          dataTypeName(output.elementType), tensor->elementType()).str());
    values.push_back(value(tensor));
  }
  func::ReturnOp::create(b, fileLoc, values);
  SmallVector<Type> types(ValueRange(values).getTypes());
  entry.setType(b.getFunctionType(entry.getArgumentTypes(), types));
  for (auto [i, output] : llvm::enumerate(graph.outputs)) {
    Tensor *tensor = current->values.lookup(output.name);
    SmallVector<std::string> names;
    for (auto [d, extent] : llvm::enumerate(tensor->extents))
      names.push_back(dimName(extent, d < output.dims.size() ? output.dims[d].symbol : StringRef()));
    auto strings = llvm::map_to_vector(names, [](const std::string &name) { return StringRef(name); });
    entry.setResultAttr(i, kNameAttr, b.getStringAttr(output.name));
    entry.setResultAttr(i, kDimsAttr, b.getStrArrayAttr(strings));
  }
  return success();
}

/// Extents and constants that turned out to be unused.
static void eraseDeadOps(func::FuncOp entry) {
  entry.walk<WalkOrder::PostOrder, ReverseIterator>([](Operation *op) {
    if (isOpTriviallyDead(op))
      op->erase();
  });
}

/// The name that stage bufferize gives to an extent of an input.
std::string Importer::symbolName(Value symbol) {
  auto found = symbolNames.find(symbol);
  if (found != symbolNames.end() && found->second != "?")
    return found->second;
  auto dim = symbol.getDefiningOp<tensor::DimOp>();
  auto argument = cast<BlockArgument>(dim.getSource());
  return ("dim_" + Twine(argument.getArgNumber()) + "_" + Twine(*dim.getConstantIndex())).str();
}

/// Hands what broadcasts rely on to the code that checks the inputs of a call.
void Importer::addRequirements(ModuleOp module) {
  SetVector<Attribute> rows;
  for (const ShapeMath::Requirement &requirement : shapes->requirements()) {
    NamedAttrList row;
    row.set("symbol", b.getStringAttr(symbolName(requirement.symbol)));
    if (requirement.equals) {
      row.set("equals", b.getStringAttr(symbolName(requirement.equals)));
    } else {
      if (requirement.least > 0)
        row.set("least", b.getI64IntegerAttr(requirement.least));
      row.set("most", b.getI64IntegerAttr(requirement.most));
    }
    rows.insert(row.getDictionary(b.getContext()));
  }
  if (!rows.empty())
    module->setAttr(kRequirementsAttr, b.getArrayAttr(rows.getArrayRef()));
}

OwningOpRef<ModuleOp> Importer::run() {
  OwningOpRef<ModuleOp> module = ModuleOp::create(fileLoc);
  b.setInsertionPointToStart(module->getBody());
  entry = func::FuncOp::create(b, fileLoc, kEntryName, b.getFunctionType({}, {}));
  b.setInsertionPointToStart(entry.addEntryBlock());
  // Three places: constants before `weights`, arithmetic on extents after it, then the ops.
  weights = arith::ConstantIndexOp::create(b, fileLoc, 0);
  Operation *symbolsEnd = arith::ConstantIndexOp::create(b, fileLoc, 0);
  shapes = std::make_unique<ShapeMath>(symbolsEnd);
  b.setInsertionPoint(symbolsEnd);
  if (!model.graph)
    return (void)error(fileLoc, "the file holds no ONNX graph"), nullptr;
  const GraphProto &graph = *model.graph;
  pushScope(nullptr);
  if (failed(readOpsets()) || failed(readFunctions()) || failed(addInitializers(graph)) || failed(addInputs(graph)))
    return nullptr;
  b.setInsertionPointToEnd(&entry.front());
  Body body{graph.nodes, llvm::map_to_vector(graph.outputs, [](const ValueInfoProto &output) { return output.name; })};
  if (failed(importBody(body)) || failed(addOutputs(graph)))
    return nullptr;
  addRequirements(*module);
  eraseDeadOps(entry);
  return module;
}
