//===- ConstantOps.cpp - Constant, ConstantOfShape, Range, EyeLike --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "Importer.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::onnx;

template <typename T>
static Tensor *listConstant(OpContext &c, Type element, ArrayRef<T> values, bool isScalar) {
  SmallVector<int64_t> shape;
  if (!isScalar)
    shape.push_back(values.size());
  std::vector<char> bytes(values.size() * sizeof(T));
  std::copy_n(reinterpret_cast<const char *>(values.data()), bytes.size(), bytes.data());
  return c.constant(Constant::copy(RankedTensorType::get(shape, element), std::move(bytes)));
}

static void importConstant(OpContext &c) {
  if (c.hasAttr("value")) {
    if (std::optional<Constant> value = c.tensorAttr("value")) {
      Tensor *tensor = c.constant(std::move(*value));
      tensor->name = c.node.outputs.empty() ? "" : c.node.outputs.front();
      c.set(0, tensor);
    }
    return;
  }
  if (c.hasAttr("value_float")) {
    float value = c.attr("value_float", 0.0);
    return c.set(0, listConstant<float>(c, c.b.getF32Type(), value, /*isScalar=*/true));
  }
  if (c.hasAttr("value_int")) {
    int64_t value = c.attr("value_int", int64_t(0));
    return c.set(0, listConstant<int64_t>(c, c.b.getI64Type(), value, /*isScalar=*/true));
  }
  if (c.hasAttr("value_floats")) {
    std::vector<float> values = c.floats("value_floats");
    return c.set(0, listConstant<float>(c, c.b.getF32Type(), values, /*isScalar=*/false));
  }
  if (c.hasAttr("value_ints")) {
    SmallVector<int64_t> values = c.attr("value_ints", ArrayRef<int64_t>());
    return c.set(0, listConstant<int64_t>(c, c.b.getI64Type(), values, /*isScalar=*/false));
  }
  if (const AttributeProto *attribute = c.rawAttr("sparse_value"); attribute && attribute->sparse) {
    if (std::optional<Constant> value = c.importer.load(*attribute->sparse, c.loc, "a sparse constant "))
      c.set(0, c.constant(std::move(*value)));
    return;
  }
  c.unsupported("has no value that is a number");
}

static void importConstantOfShape(OpContext &c) {
  if (c.in(0)->rank() > 1)
    return c.error("has a shape of type {0}, expected one dimension", c.in(0)->type);
  Extents extents = c.indices(0, "the shape");
  Type element = c.b.getF32Type();
  TypedAttr value = c.b.getF32FloatAttr(0);
  if (c.hasAttr("value")) {
    std::optional<Constant> given = c.tensorAttr("value");
    if (!given)
      return;
    if (given->size() != 1)
      return c.error("has a value of type {0}, expected one element", given->type);
    element = given->type.getElementType();
    value = isa<FloatType>(element) ? cast<TypedAttr>(given->at(0))
                                    : TypedAttr(IntegerAttr::get(signlessOf(element), given->integerAt(0)));
  }
  for (OpFoldResult extent : extents)
    if (ShapeMath::get(extent).value_or(0) < 0)
      return c.error("has the negative extent {0}", *ShapeMath::get(extent));
  c.set(0, filled(c, extents, element, value));
}

/// The element of a floating-point scalar as an index, if it is known to be a whole number: a constant, or a converted extent.
static OpFoldResult wholeNumber(OpContext &c, Tensor *tensor) {
  const Extents *entries = c.entries(tensor);
  if (!entries)
    return {};
  if (auto attr = dyn_cast<Attribute>(entries->front())) {
    double number = cast<FloatAttr>(attr).getValueAsDouble();
    bool isWhole = number == std::floor(number) && std::abs(number) < double(1 << 24);
    return isWhole ? OpFoldResult(c.shapes.constant(int64_t(number))) : OpFoldResult();
  }
  auto real = cast<Value>(entries->front()).getDefiningOp<arith::SIToFPOp>();
  auto wide = real ? real.getIn().getDefiningOp<arith::IndexCastOp>() : arith::IndexCastOp();
  return wide ? OpFoldResult(wide.getIn()) : OpFoldResult();
}

/// How many elements there are from `start` to `limit` in steps of `step`.
static OpFoldResult countSteps(OpContext &c, OpFoldResult start, OpFoldResult limit, OpFoldResult step) {
  if (ShapeMath::is(step, 0)) {
    c.error("counts in steps of 0");
    return c.shapes.constant(0);
  }
  return c.shapes.max(c.shapes.ceilDiv(c.shapes.sub(limit, start), step), c.shapes.constant(0));
}

/// start, start + step, ...: the number of elements must follow from shapes.
static void importRange(OpContext &c) {
  expectSameTypes(c, {c.in(0), c.in(1), c.in(2)});
  for (unsigned i = 0; i < 3; ++i)
    if (!c.in(i)->hasOneElement())
      return c.error("has an operand of type {0}, expected one element", c.in(i)->type);
  if (c.failed())
    return;
  Type element = c.elementType(0);
  OpFoldResult count;
  OpFoldResult whole[] = {{}, {}, {}};
  for (unsigned i = 0; i < 3 && c.in(0)->isFloat(); ++i)
    whole[i] = wholeNumber(c, c.in(i));
  if (whole[0] && whole[1] && whole[2]) {
    count = countSteps(c, whole[0], whole[1], whole[2]);
  } else if (c.in(0)->isFloat()) {
    double start = c.number(0, 0, "start"), limit = c.number(1, 0, "limit"), step = c.number(2, 1, "step");
    double steps = step == 0 ? -1 : std::ceil((limit - start) / step);
    if (!c.failed() && !(step != 0 && steps < double(int64_t(1) << 40)))
      return c.error("counts from {0} to {1} in steps of {2}", start, limit, step);
    count = c.shapes.constant(std::max<int64_t>(0, int64_t(steps)));
  } else {
    Extents start = c.indices(0, "a start"), limit = c.indices(1, "a limit"), step = c.indices(2, "a step");
    if (!c.failed() && (start.size() != 1 || limit.size() != 1 || step.size() != 1))
      c.error("counts from {0} numbers to {1} in steps of {2}, expected 1 of each", start.size(), limit.size(), step.size());
    if (!c.failed())
      count = countSteps(c, start[0], limit[0], step[0]);
  }
  if (c.failed())
    return;
  std::optional<int64_t> known = ShapeMath::get(count);
  const Extents *start = c.entries(c.in(0)), *step = c.entries(c.in(2));
  if (!c.in(0)->isFloat() && known && *known <= kMostEntries && start && step) {
    Extents entries;
    for (int64_t i = 0; i < *known; ++i)
      entries.push_back(c.shapes.add((*start)[0], c.shapes.mul((*step)[0], c.shapes.constant(i))));
    return c.set(0, c.fromEntries({*known}, element, entries));
  }
  Value first = c.value(0), increment = c.value(2);
  c.set(0, generate(c, {count}, element, [&](Scalar &s, ValueRange i) {
          auto scalar = [&](Value tensor) {
            int64_t rank = cast<RankedTensorType>(tensor.getType()).getRank();
            SmallVector<Value> zeros(rank, s.as(s.b.getIndexType()).constant(0));
            return readElement(s, tensor, zeros);
          };
          return s.add(scalar(first), s.mul(s.fromIndex(i[0]), scalar(increment)));
        }));
}

static void importEyeLike(OpContext &c) {
  int64_t diagonal = c.attr("k", int64_t(0));
  Type element = c.elementType(0);
  if (c.hasAttr("dtype"))
    element = elementTypeOf(int32_t(c.attr("dtype", int64_t(0))), c.b.getContext());
  if (!element)
    return c.unsupported("has an unsupported dtype");
  if (c.in(0)->rank() != 2)
    return c.error("has an operand of {0} dimensions, expected 2", c.in(0)->rank());
  c.set(0, generate(c, c.in(0)->extents, element, [&](Scalar &s, ValueRange at) {
          Scalar index = s.as(s.b.getIndexType());
          Value isOne = index.compare(Scalar::EQ, index.add(at[0], index.constant(diagonal)), at[1]);
          return s.select(isOne, s.constant(1), s.constant(0));
        }));
}

static void importIdentity(OpContext &c) { c.set(0, c.in(0)); }

/// At inference dropout does nothing.
static void importDropout(OpContext &c) {
  c.ignoreAttr("ratio");
  c.ignoreAttr("seed");
  c.ignoreAttr("is_test");
  if (c.hasInput(2) && (!c.isConstant(2) || c.number(2, 0, "training mode") != 0))
    c.unsupported("is in training mode");
  c.set(0, c.in(0));
  if (c.hasOutput(1))
    c.set(1, filled(c, c.in(0)->extents, c.b.getI1Type(), 1.0));
}

static constexpr Operator kOperators[] = {
    {"Constant", 1, 0, 0, importConstant, "strings"},
    {"ConstantOfShape", 9, 1, 1, importConstantOfShape, "shapes that depend on data"},
    {"Range", 11, 3, 3, importRange, "lengths that depend on data"},
    {"EyeLike", 9, 1, 1, importEyeLike},
    {"Identity", 1, 1, 1, importIdentity},
    {"Dropout", 7, 1, 3, importDropout, "training mode"},
};

ArrayRef<Operator> nnopt::onnx::constantOperators() { return kOperators; }
