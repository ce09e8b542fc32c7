//===- OpContext.cpp - what an operator's importer works with -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::onnx;

OpContext::OpContext(Importer &importer, const NodeProto &node, int64_t opset, Location loc, SmallVector<Tensor *> inputs)
    : loc(loc), b(importer.b), shapes(*importer.shapes), opset(opset), importer(importer), node(node),
      inputs(std::move(inputs)) {}

void OpContext::report(std::string text, bool unsupported) {
  if (!hasFailed)
    (void)importer.error(loc, describe(node, opset) + " " + text, unsupported);
  hasFailed = true;
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

Value OpContext::value(Tensor *tensor) { return importer.value(tensor); }

const Extents *OpContext::entries(Tensor *tensor) { return importer.entries(tensor); }

Extents OpContext::indices(unsigned i, StringRef what) {
  if (!hasInput(i)) {
    error("lacks {0}, its input {1}", what, i);
    return {};
  }
  Tensor *tensor = in(i);
  if (tensor->isFloat() || tensor->isBool()) {
    error("has {0} of type {1}, expected integers", what, tensor->elementType());
    return {};
  }
  if (tensor->constant && tensor->constant->size() <= (1 << 16)) {
    Extents all;
    for (int64_t k = 0; k < tensor->constant->size(); ++k)
      all.push_back(shapes.constant(tensor->constant->integerAt(k)));
    return all;
  }
  if (const Extents *known = entries(tensor))
    return *known;
  unsupported("has {0} ('{1}') that depend on the data: shapes must follow from the shapes of the inputs", what, tensor->name);
  return {};
}

SmallVector<int64_t> OpContext::integers(unsigned i, StringRef what) {
  SmallVector<int64_t> values;
  for (OpFoldResult entry : indices(i, what)) {
    std::optional<int64_t> known = ShapeMath::get(entry);
    if (!known) {
      unsupported("has {0} that depend on a dynamic dimension", what);
      return {};
    }
    values.push_back(*known);
  }
  return values;
}

double OpContext::number(unsigned i, double otherwise, StringRef what) {
  if (!hasInput(i))
    return otherwise;
  Tensor *tensor = in(i);
  if (!tensor->hasOneElement()) {
    error("has a {0} of type {1}, expected one element", what, tensor->type);
    return otherwise;
  }
  if (tensor->constant)
    return tensor->constant->numberAt(0);
  const Extents *known = entries(tensor);
  if (known && ShapeMath::get(known->front()))
    return double(*ShapeMath::get(known->front()));
  unsupported("has a {0} that is no constant", what);
  return otherwise;
}

bool OpContext::isOnlyUse(unsigned i) const {
  Scope *scope = importer.scope();
  auto uses = scope->uses.find(node.inputs[i]);
  return scope->values.contains(node.inputs[i]) && uses != scope->uses.end() && uses->second == 1;
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

const AttributeProto *OpContext::rawAttr(StringRef name) {
  asked.insert(name);
  for (const AttributeProto &attribute : node.attributes) {
    if (attribute.name != name)
      continue;
    if (attribute.referenced.empty())
      return &attribute;
    // Inside a function: the caller's value, or the function's default.
    auto given = importer.scope()->attributes.find(attribute.referenced);
    return given == importer.scope()->attributes.end() ? nullptr : given->second;
  }
  return nullptr;
}

static StringRef typeName(AttributeType type) {
  static constexpr llvm::StringLiteral kNames[] = {
      "unknown", "float", "int", "string", "tensor", "graph", "floats", "ints", "strings", "tensors", "graphs",
      "sparse tensor", "sparse tensors", "type", "types"};
  unsigned index = static_cast<unsigned>(type);
  return index < std::size(kNames) ? kNames[index] : kNames[0];
}

const AttributeProto *OpContext::attr(StringRef name, AttributeType type) {
  const AttributeProto *attribute = rawAttr(name);
  // An empty list may leave its type out.
  if (!attribute || attribute->type == type)
    return attribute;
  error("has attribute '{0}' of type {1}, expected {2}", name, typeName(attribute->type), typeName(type));
  return nullptr;
}

bool OpContext::hasAttr(StringRef name) { return rawAttr(name) != nullptr; }

int64_t OpContext::attr(StringRef name, int64_t otherwise) {
  const AttributeProto *found = attr(name, AttributeType::Int);
  return found ? found->i : otherwise;
}

double OpContext::attr(StringRef name, double otherwise) {
  const AttributeProto *found = attr(name, AttributeType::Float);
  return found ? found->f : otherwise;
}

StringRef OpContext::attr(StringRef name, const char *otherwise) {
  const AttributeProto *found = attr(name, AttributeType::String);
  return found ? found->s : StringRef(otherwise);
}

SmallVector<int64_t> OpContext::attr(StringRef name, ArrayRef<int64_t> otherwise) {
  const AttributeProto *found = attr(name, AttributeType::Ints);
  return found ? SmallVector<int64_t>(found->ints.begin(), found->ints.end()) : SmallVector<int64_t>(otherwise);
}

std::vector<float> OpContext::floats(StringRef name) {
  const AttributeProto *found = attr(name, AttributeType::Floats);
  return found ? found->floats : std::vector<float>();
}

std::vector<StringRef> OpContext::strings(StringRef name) {
  const AttributeProto *found = attr(name, AttributeType::Strings);
  return found ? found->strings : std::vector<StringRef>();
}

std::optional<Constant> OpContext::tensorAttr(StringRef name) {
  const AttributeProto *found = attr(name, AttributeType::Tensor);
  if (!found || !found->t) {
    error("has no tensor attribute '{0}'", name);
    return std::nullopt;
  }
  std::optional<Constant> result = importer.load(*found->t, loc, describe(node, opset) + " has a tensor '" + name + "' that ");
  hasFailed |= !result;
  return result;
}

const GraphProto *OpContext::graphAttr(StringRef name) {
  const AttributeProto *found = attr(name, AttributeType::Graph);
  if (found && found->g)
    return found->g.get();
  error("has no graph attribute '{0}'", name);
  return nullptr;
}

StringRef OpContext::unknownAttr() const {
  for (const AttributeProto &attribute : node.attributes)
    if (!asked.contains(attribute.name))
      return attribute.name;
  return {};
}

int64_t OpContext::axis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= std::max<int64_t>(rank, 1)) {
    error("has axis {0}, but its tensor has {1} dimensions", axis, rank);
    return 0;
  }
  return axis < 0 ? axis + rank : axis;
}

SmallVector<int64_t> OpContext::axes(ArrayRef<int64_t> given, int64_t rank) {
  SmallVector<int64_t> result;
  for (int64_t value : given) {
    if (value < -rank || value >= rank) {
      error("has axis {0}, but its tensor has {1} dimensions", value, rank);
      return {};
    }
    result.push_back(value < 0 ? value + rank : value);
  }
  llvm::sort(result);
  if (auto twice = std::adjacent_find(result.begin(), result.end()); twice != result.end()) {
    error("names axis {0} twice", *twice);
    return {};
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Outputs
//===----------------------------------------------------------------------===//

bool OpContext::hasOutput(unsigned i) const { return i < node.outputs.size() && !node.outputs[i].empty(); }

unsigned OpContext::numOutputs() const { return node.outputs.size(); }

void OpContext::set(unsigned i, Tensor *tensor) {
  if (failed() || !tensor || !hasOutput(i))
    return;
  results.resize(std::max<size_t>(results.size(), i + 1));
  results[i] = tensor;
}

Tensor *OpContext::tensor(Value value, ExtentsRef extents) {
  if (!countElements(llvm::map_to_vector(ShapeMath::staticShape(extents),
                                         [](int64_t d) { return ShapedType::isDynamic(d) ? 1 : d; })))
    error("has a result of the impossible type {0}", value.getType());
  return importer.tensor(value, extents);
}

Tensor *OpContext::constant(Constant constant) { return importer.constant(std::move(constant)); }

Tensor *OpContext::fromEntries(ArrayRef<int64_t> shape, Type elementType, Extents entries) {
  return importer.fromEntries(shape, elementType, std::move(entries));
}

Tensor *OpContext::scalar(Type elementType, double value) {
  return constant(Constant::fromScalars(RankedTensorType::get({}, elementType), {scalarAttr(elementType, value)}));
}

/// An extent that an op's inference wrote in terms of its operands, in terms of the extents that the importer shares.
static OpFoldResult sharedExtent(OpFoldResult extent, ShapeMath &shapes, const llvm::DenseMap<Value, Extents> &known) {
  auto value = dyn_cast<Value>(extent);
  Operation *op = value ? value.getDefiningOp() : nullptr;
  auto operands = [&] {
    return llvm::map_to_vector(op->getOperands(), [&](Value operand) { return sharedExtent(operand, shapes, known); });
  };
  if (auto dim = dyn_cast_or_null<tensor::DimOp>(op))
    if (auto source = known.find(dim.getSource()); source != known.end())
      return source->second[*dim.getConstantIndex()];
  if (auto apply = dyn_cast_or_null<affine::AffineApplyOp>(op))
    return shapes.apply(apply.getAffineMap(), operands());
  if (auto min = dyn_cast_or_null<affine::AffineMinOp>(op))
    return shapes.affineMin(min.getMap(), operands());
  return extent;
}

Tensor *OpContext::finishStructured(Operation *op) {
  auto structured = cast<StructuredOpInterface>(op);
  Type element = cast<RankedTensorType>(op->getResult(0).getType()).getElementType();
  if (mlir::failed(verify(op))) { // the op's own diagnostic names the node by its location
    importer.noteFailure();
    hasFailed = true;
    return scalar(element, 0);
  }
  llvm::DenseMap<Value, Extents> known;
  for (Value operand : op->getOperands())
    if (const Tensor *tensor = importer.tensorOf(operand))
      known.try_emplace(operand, tensor->extents);
  Extents extents = llvm::map_to_vector(structured.inferResultShape(b), [&](OpFoldResult extent) {
    return sharedExtent(extent, shapes, known);
  });
  op->getResult(0).setType(RankedTensorType::get(ShapeMath::staticShape(extents), element));
  return tensor(op->getResult(0), extents);
}
