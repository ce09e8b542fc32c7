//===- Importer.cpp - walks a model's graph -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include "llvm/ADT/ScopeExit.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::onnx;

/// Function calls nest in the file; a function that calls itself would nest for ever.
static constexpr unsigned kDeepestCall = 32;

Importer::Importer(const ModelProto &model, ConstantLoader &loader, const ImportOptions &options, Location fileLoc)
    : b(fileLoc.getContext()), model(model), loader(loader), options(options), fileLoc(fileLoc) {}

LogicalResult Importer::error(Location loc, const Twine &text, bool unsupported) {
  if (!hasFailed) {
    emitError(loc) << text;
    isUnsupported = unsupported;
  }
  hasFailed = true;
  return failure();
}

Location Importer::locOf(const NodeProto &node) {
  StringRef name = node.name;
  for (StringRef output : node.outputs)
    if (name.empty())
      name = output;
  return NameLoc::get(b.getStringAttr(name.empty() ? node.opType : name), fileLoc);
}

std::string nnopt::onnx::describe(const NodeProto &node, int64_t opset) {
  std::string op = node.domain.empty() ? node.opType.str() : (node.domain + "." + node.opType).str();
  return llvm::formatv("{0} (opset {1})", op, opset).str();
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

Tensor *Importer::tensor(Value value, ExtentsRef extents) {
  auto type = cast<RankedTensorType>(value.getType());
  Tensor &result = tensors.emplace_back();
  result.type = type;
  result.extents.assign(extents.begin(), extents.end());
  result.value = value;
  shapes->addExtents(extents);
  byValue.try_emplace(value, &result);
  return &result;
}

Tensor *Importer::constant(Constant constant, StringRef name) {
  Tensor &result = tensors.emplace_back();
  result.name = name;
  result.type = constant.type;
  result.extents = shapes->constants(constant.type.getShape());
  result.constant = std::move(constant);
  return &result;
}

Tensor *Importer::fromEntries(ArrayRef<int64_t> shape, Type elementType, Extents entries) {
  auto type = RankedTensorType::get(shape, elementType);
  if (llvm::all_of(entries, [](OpFoldResult entry) { return isa<Attribute>(entry); })) {
    SmallVector<Attribute> attributes =
        llvm::map_to_vector(entries, [](OpFoldResult entry) { return cast<Attribute>(entry); });
    return constant(Constant::fromScalars(type, attributes));
  }
  Tensor &result = tensors.emplace_back();
  result.type = type;
  result.extents = shapes->constants(shape);
  result.entries = std::move(entries);
  return &result;
}

const Extents *Importer::entries(Tensor *tensor) {
  if (!tensor->entries && tensor->type.hasStaticShape() && tensor->type.getNumElements() == 0)
    tensor->entries.emplace(); // whatever it is computed from
  if (!tensor->entries && tensor->constant && tensor->constant->size() <= kMostEntries &&
      !tensor->elementType().isUnsignedInteger()) {
    tensor->entries.emplace();
    for (int64_t i = 0; i < tensor->constant->size(); ++i)
      tensor->entries->push_back(tensor->constant->at(i));
  }
  return tensor->entries ? &*tensor->entries : nullptr;
}

/// A trained constant is a weight; what the importer computed is a plain constant, unless arith cannot hold it.
static Value materialize(OpBuilder &b, Location loc, const Constant &constant, StringRef name) {
  ElementsAttr elements = constant.attribute(name);
  bool isWeight = (!name.empty() && constant.size() != 1) || constant.type.getElementType().isUnsignedInteger() ||
                  !isa<DenseElementsAttr>(elements);
  if (!isWeight)
    return arith::ConstantOp::create(b, loc, constant.type, cast<TypedAttr>(elements));
  auto weight = WeightOp::create(b, loc, constant.type, name.empty() ? StringAttr() : b.getStringAttr(name), elements);
  if (constant.storedElements) // nnopt-find-sparsity counts again: zeros may be stored
    weight->setAttr(kSparsityAttr, SparsityAttr::get(b.getContext(), SparsityOrigin::imported, "unstructured",
                                                     constant.size() - *constant.storedElements));
  return weight;
}

Value Importer::value(Tensor *tensor) {
  if (tensor->value)
    return tensor->value;
  OpBuilder::InsertPoint before = b.saveInsertionPoint();
  Location loc = tensor->name.empty() ? fileLoc : Location(NameLoc::get(b.getStringAttr(tensor->name), fileLoc));
  if (tensor->constant) {
    b.setInsertionPoint(weights);
    tensor->value = materialize(b, loc, *tensor->constant, tensor->name);
  } else {
    // Beside the arithmetic that computes the elements, so that inner graphs may use it too.
    SmallVector<Value> elements =
        llvm::map_to_vector(*tensor->entries, [&](OpFoldResult entry) { return shapes->asValue(entry); });
    b.restoreInsertionPoint(shapes->builderAfter(getAsOpFoldResult(elements)).saveInsertionPoint());
    Scalar index{b, loc, b.getIndexType()};
    for (Value &element : elements)
      if (element.getType().isIndex())
        element = index.cast(element, tensor->elementType());
    tensor->value = tensor::FromElementsOp::create(b, loc, tensor->type, elements);
  }
  b.restoreInsertionPoint(before);
  byValue.try_emplace(tensor->value, tensor);
  return tensor->value;
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

Scope &Importer::pushScope(Scope *parent) {
  scopes.push_back(std::make_unique<Scope>());
  scopes.back()->parent = parent;
  return *(current = scopes.back().get());
}

void Importer::popScope() {
  scopes.pop_back();
  current = scopes.empty() ? nullptr : scopes.back().get();
}

LogicalResult Importer::define(StringRef name, Tensor *tensor, Location loc) {
  if (tensor->name.empty() && !tensor->constant)
    tensor->name = name;
  if (!current->values.try_emplace(name, tensor).second)
    return error(loc, "the name '" + name + "' is given to two values");
  return success();
}

Tensor *Importer::lookup(StringRef name, Location loc, const Twine &user) {
  for (Scope *scope = current; scope; scope = scope->parent) {
    if (Tensor *tensor = scope->values.lookup(name))
      return tensor;
    if (auto reason = scope->missing.find(name); reason != scope->missing.end())
      return (void)error(loc, user + " needs '" + name + "', but " + reason->second, /*unsupported=*/true), nullptr;
  }
  return (void)error(loc, user + " needs '" + name + "', which no node, input or initializer provides"), nullptr;
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

LogicalResult Importer::importBody(const Body &body) {
  SmallVector<const NodeProto *> order;
  if (failed(orderNodes(body, order)))
    return failure();
  for (const NodeProto *node : order)
    if (failed(importNode(*node)))
      return failure();
  return success();
}

LogicalResult Importer::importNode(const NodeProto &node) {
  Location loc = locOf(node);
  auto version = opsets.find(node.domain == "ai.onnx" ? StringRef() : node.domain);
  int64_t opset = version == opsets.end() ? 0 : version->second;
  std::string key = (node.domain + "\n" + node.opType + "\n" + node.overload).str();
  if (auto function = functions.find(key); function != functions.end())
    return importCall(node, *function->second, loc);
  if (version == opsets.end())
    return error(loc, describe(node, opset) + " is of domain '" + node.domain + "', which the model does not import");
  std::string why;
  const Operator *row = findOperator(node.domain, node.opType, opset, why);
  if (!row)
    return error(loc, describe(node, opset) + " is not supported: " + why, /*unsupported=*/true);
  SmallVector<Tensor *> inputs;
  for (StringRef name : node.inputs) {
    inputs.push_back(name.empty() ? nullptr : lookup(name, loc, describe(node, opset)));
    if (hasError())
      return failure();
  }
  while (!inputs.empty() && !inputs.back())
    inputs.pop_back();
  if (int(inputs.size()) < row->minInputs || int(inputs.size()) > row->maxInputs ||
      llvm::is_contained(ArrayRef(inputs).take_front(row->minInputs), nullptr))
    return error(loc, describe(node, opset) + " has " + Twine(inputs.size()) + " inputs, expected " + Twine(row->minInputs) +
                          (row->maxInputs == kAnyNumber ? " or more" : " to " + std::to_string(row->maxInputs)));
  OpContext context(*this, node, opset, loc, std::move(inputs));
  row->import(context);
  if (!context.failed() && !context.unknownAttr().empty())
    context.unsupported("has attribute '{0}', which nnopt does not know", context.unknownAttr());
  if (context.failed() || hasError())
    return failure();
  context.results.resize(node.outputs.size());
  for (auto [i, name] : llvm::enumerate(node.outputs)) {
    if (name.empty())
      continue;
    if (!context.results[i])
      current->missing[name] = describe(node, opset) + " does not support its output " + std::to_string(i);
    else if (failed(define(name, context.results[i], loc)))
      return failure();
  }
  return success();
}

LogicalResult Importer::importCall(const NodeProto &node, const FunctionProto &function, Location loc) {
  if (callDepth == kDeepestCall)
    return error(loc, "function '" + function.name + "' calls itself or nests too deeply");
  if (node.inputs.size() > function.inputs.size() || node.outputs.size() > function.outputs.size())
    return error(loc, "calls function '" + function.name + "' with " + Twine(node.inputs.size()) +
                          " inputs and " + Twine(node.outputs.size()) + " outputs, expected at most " +
                          Twine(function.inputs.size()) + " and " + Twine(function.outputs.size()));
  Scope *caller = current;
  Scope inner;
  for (auto [formal, actual] : llvm::zip_first(node.inputs, function.inputs))
    if (Tensor *tensor = formal.empty() ? nullptr : lookup(formal, loc, "a call of function '" + function.name + "'"))
      inner.values[actual] = tensor;
  if (hasError())
    return failure();
  for (const AttributeProto &attribute : function.defaults)
    inner.attributes[attribute.name] = &attribute;
  for (const AttributeProto &attribute : node.attributes) {
    const AttributeProto *given = attribute.referenced.empty() ? &attribute : caller->attributes.lookup(attribute.referenced);
    if (given)
      inner.attributes[attribute.name] = given;
  }
  pushScope(nullptr) = std::move(inner);
  llvm::StringMap<int64_t> outer = opsets;
  for (const OperatorSetId &opset : function.opsets)
    opsets[opset.domain == "ai.onnx" ? StringRef() : opset.domain] = opset.version;
  ++callDepth;
  Body body{function.nodes, SmallVector<StringRef>(function.outputs.begin(), function.outputs.end())};
  SmallVector<Tensor *> results;
  LogicalResult imported = importBody(body);
  for (size_t i = 0; succeeded(imported) && i < node.outputs.size(); ++i)
    if (!node.outputs[i].empty())
      results.push_back(lookup(function.outputs[i], loc, "function '" + function.name + "'"));
  --callDepth;
  opsets = std::move(outer);
  popScope();
  current = caller;
  if (hasError())
    return failure();
  for (auto [i, name] : llvm::enumerate(llvm::make_filter_range(node.outputs, [](StringRef s) { return !s.empty(); })))
    if (failed(define(name, results[i], loc)))
      return failure();
  return success();
}

std::optional<SmallVector<Tensor *>> Importer::importSubgraph(const GraphProto &graph, ArrayRef<Tensor *> arguments,
                                                              Location loc) {
  Scope *outer = current;
  llvm::scope_exit leave([&] {
    popScope();
    current = outer;
  });
  pushScope(outer);
  if (graph.inputs.size() != arguments.size())
    return (void)error(loc, "an inner graph has " + Twine(graph.inputs.size()) + " inputs, expected " + Twine(arguments.size())),
           std::nullopt;
  for (auto [input, argument] : llvm::zip_equal(graph.inputs, arguments))
    if (failed(define(input.name, argument, loc)))
      return std::nullopt;
  if (failed(addInitializers(graph)))
    return std::nullopt;
  Body body{graph.nodes, llvm::map_to_vector(graph.outputs, [](const ValueInfoProto &output) { return output.name; })};
  if (failed(importBody(body)))
    return std::nullopt;
  SmallVector<Tensor *> results;
  for (const ValueInfoProto &output : graph.outputs)
    results.push_back(lookup(output.name, loc, "an inner graph"));
  return hasError() ? std::nullopt : std::optional(results);
}
