//===- Reduce.cpp - reductions, ArgMax, ArgMin, Hardmax -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Build.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::onnx;

namespace {
/// The axes of a reduction: an attribute once, an input since `inputSince`.
struct Axes {
  SmallVector<int64_t> axes;
  bool keep, isIdentity = false;

  Axes(OpContext &c, int64_t inputSince) {
    keep = c.attr("keepdims", int64_t(1)) != 0;
    bool noop = c.attr("noop_with_empty_axes", int64_t(0)) != 0;
    SmallVector<int64_t> given = c.opset >= inputSince ? (c.hasInput(1) ? c.integers(1, "axes") : SmallVector<int64_t>())
                                                       : c.attr("axes", ArrayRef<int64_t>());
    axes = c.axes(given, c.in(0)->rank());
    isIdentity = given.empty() && noop;
    if (given.empty() && !noop)
      axes = llvm::to_vector(llvm::seq<int64_t>(0, c.in(0)->rank()));
  }
};
} // namespace

static constexpr int64_t kAxesAreInput = 18, kSumAxesAreInput = 13;

using Map = Value (*)(Scalar &, Value);
using Combine = Value (*)(Scalar &, Value, Value);

static Value add(Scalar &s, Value x, Value y) { return s.add(x, y); }
static Value multiply(Scalar &s, Value x, Value y) { return s.mul(x, y); }
static Value larger(Scalar &s, Value x, Value y) { return s.max(x, y); }
static Value smaller(Scalar &s, Value x, Value y) { return s.min(x, y); }
static Value square(Scalar &s, Value x) { return s.mul(x, x); }
static Value magnitude(Scalar &s, Value x) { return s.abs(x); }
static Value squareRoot(Scalar &s, Value x) { return math::SqrtOp::create(s.b, s.loc, x); }
static Value logarithm(Scalar &s, Value x) { return math::LogOp::create(s.b, s.loc, x); }

/// before, then the sum or product along the axes, then `after` (in floating point, whatever the elements are).
template <Combine combine, int neutral, Map before, Map after, int64_t inputSince>
static void reduction(OpContext &c) {
  Axes axes(c, inputSince);
  if (c.failed())
    return;
  Tensor *x = c.in(0);
  Type element = x->elementType(), real = isa<FloatType>(element) ? element : Type(c.b.getF64Type());
  auto unary = [&](Tensor *tensor, Map function) {
    return elementwise(c, {tensor}, tensor->elementType(), [&](Scalar &s, ValueRange args) { return function(s, args[0]); });
  };
  if (axes.isIdentity) {
    x = before != nullptr ? unary(x, before) : x;
  } else {
    x = reduce(c, x, axes.axes, axes.keep, {scalarAttr(element, neutral), combine, before});
  }
  if (after != nullptr)
    x = castTo(c, unary(castTo(c, x, real), after), element);
  c.set(0, x);
}

static void importReduceMean(OpContext &c) {
  Axes axes(c, kAxesAreInput);
  if (!c.failed())
    c.set(0, axes.isIdentity ? c.in(0) : reduceMean(c, c.in(0), axes.axes, axes.keep));
}

/// The smallest value of the type, or the largest: what no element loses against.
static TypedAttr extreme(Type element, bool lowest) {
  if (isa<FloatType>(element)) {
    double inf = std::numeric_limits<double>::infinity();
    return scalarAttr(element, lowest ? -inf : inf);
  }
  unsigned width = element.getIntOrFloatBitWidth();
  bool isUnsigned = element.isUnsignedInteger() || width == 1;
  APInt value = isUnsigned ? (lowest ? APInt::getMinValue(width) : APInt::getMaxValue(width))
                           : (lowest ? APInt::getSignedMinValue(width) : APInt::getSignedMaxValue(width));
  return IntegerAttr::get(signlessOf(element), value);
}

template <bool isMax>
static void importReduceExtreme(OpContext &c) {
  Axes axes(c, kAxesAreInput);
  if (c.failed())
    return;
  c.set(0, axes.isIdentity ? c.in(0)
                           : reduce(c, c.in(0), axes.axes, axes.keep,
                                    {extreme(c.elementType(0), isMax), isMax ? larger : smaller}));
}

/// log(sum(exp(x))), from the largest element on so that nothing overflows.
static void importReduceLogSumExp(OpContext &c) {
  Axes axes(c, kAxesAreInput);
  expectFloat(c, c.in(0));
  if (c.failed())
    return;
  if (axes.isIdentity)
    return c.set(0, c.in(0));
  Type element = c.elementType(0);
  Tensor *top = reduce(c, c.in(0), axes.axes, /*keep=*/true, {extreme(element, true), larger});
  // An infinite maximum would make the difference undefined.
  Tensor *shift = elementwise(c, {top}, element, [](Scalar &s, ValueRange args) {
    Value finite = s.compare(Scalar::LT, s.abs(args[0]), s.constant(std::numeric_limits<double>::infinity()));
    return s.select(finite, args[0], s.constant(0));
  });
  Tensor *powers = elementwise(c, {c.in(0), shift}, element, [](Scalar &s, ValueRange args) -> Value {
    return math::ExpOp::create(s.b, s.loc, s.sub(args[0], args[1]));
  });
  Tensor *sum = reduceSum(c, powers, axes.axes, /*keep=*/true);
  Tensor *result = elementwise(c, {sum, shift}, element, [](Scalar &s, ValueRange args) {
    return s.add(logarithm(s, args[0]), args[1]);
  });
  if (!axes.keep) {
    Extents extents;
    for (int64_t d = 0; d < result->rank(); ++d)
      if (!llvm::is_contained(axes.axes, d))
        extents.push_back(result->extents[d]);
    result = reshape(c, result, extents);
  }
  c.set(0, result);
}

//===----------------------------------------------------------------------===//
// ArgMax, ArgMin, Hardmax
//===----------------------------------------------------------------------===//

/// Where the best element along `axis` is, without that dimension: one pass that carries the element and its place.
static Tensor *placeOfBest(OpContext &c, Tensor *x, int64_t axis, bool isMax, bool takesLast) {
  Type element = x->elementType(), place = c.b.getI64Type();
  Extents kept(x->extents);
  kept.erase(kept.begin() + axis);
  auto init = [&](Type type, TypedAttr value) {
    Value empty = tensor::EmptyOp::create(c.b, c.loc, kept, type);
    Value scalar = withSign(c.b, c.loc, arith::ConstantOp::create(c.b, c.loc, value), type);
    return linalg::FillOp::create(c.b, c.loc, scalar, empty).getResult(0);
  };
  Value best = init(element, extreme(element, isMax)), at = init(place, c.b.getI64IntegerAttr(takesLast ? 0 : -1));
  SmallVector<AffineExpr> exprs;
  SmallVector<utils::IteratorType> loops(x->rank(), utils::IteratorType::parallel);
  loops[axis] = utils::IteratorType::reduction;
  for (int64_t d = 0; d < x->rank(); ++d)
    if (d != axis)
      exprs.push_back(c.b.getAffineDimExpr(d));
  AffineMap target = AffineMap::get(x->rank(), 0, exprs, c.b.getContext());
  AffineMap maps[] = {c.b.getMultiDimIdentityMap(x->rank()), target, target};
  auto emit = [&](OpBuilder &b, Location loc, ValueRange args) {
    Scalar s{b, loc, element};
    Value value = withSign(b, loc, args[0], signlessOf(element)), old = withSign(b, loc, args[1], signlessOf(element));
    Value index = arith::IndexCastOp::create(b, loc, place, linalg::IndexOp::create(b, loc, axis));
    Scalar flag = s.as(b.getI1Type());
    Value wins = s.compare(isMax ? (takesLast ? Scalar::GE : Scalar::GT) : (takesLast ? Scalar::LE : Scalar::LT), value, old);
    // The first element wins even if it is the extreme value itself.
    if (!takesLast)
      wins = flag.add(wins, s.as(place).compare(Scalar::LT, args[2], s.constant(place, 0)));
    Value results[] = {withSign(b, loc, s.select(wins, value, old), element), s.select(wins, index, args[2])};
    linalg::YieldOp::create(b, loc, results);
  };
  auto op = linalg::GenericOp::create(c.b, c.loc, TypeRange{best.getType(), at.getType()}, ValueRange{c.value(x)},
                                      ValueRange{best, at}, maps, loops, emit);
  return c.tensor(op.getResult(1), kept);
}

template <bool isMax>
static void importArg(OpContext &c) {
  Tensor *x = c.in(0);
  int64_t axis = c.axis(c.attr("axis", int64_t(0)), x->rank());
  bool keep = c.attr("keepdims", int64_t(1)) != 0, takesLast = c.attr("select_last_index", int64_t(0)) != 0;
  if (c.failed())
    return;
  if (x->rank() == 0)
    return c.set(0, c.scalar(c.b.getI64Type(), 0));
  Tensor *places = placeOfBest(c, x, axis, isMax, takesLast);
  c.set(0, keep ? collapse(c, places, axis, axis) : places);
}

/// 1 at the first largest element along the axis, 0 elsewhere. Before opset 13 over all dimensions from the axis on.
static void importHardmax(OpContext &c) {
  Tensor *x = c.in(0);
  expectFloat(c, x);
  int64_t axis = c.axis(c.attr("axis", c.opset < 13 ? int64_t(1) : int64_t(-1)), x->rank());
  if (c.failed())
    return;
  Tensor *rows = c.opset < 13 || x->rank() == 0 ? collapse(c, x, axis, x->rank()) : x;
  Tensor *places = placeOfBest(c, rows, axis, /*isMax=*/true, /*takesLast=*/false);
  Value where = c.value(places);
  Tensor *y = generate(c, rows->extents, x->elementType(), [&](Scalar &s, ValueRange at) {
    SmallVector<Value> row(at);
    row.erase(row.begin() + axis);
    Scalar place = s.as(s.b.getI64Type());
    Value isBest = place.compare(Scalar::EQ, place.fromIndex(at[axis]), readElement(s, where, row));
    return s.select(isBest, s.constant(1), s.constant(0));
  });
  c.set(0, reshape(c, y, x->extents));
}

static constexpr Operator kOperators[] = {
    {"ReduceSum", 1, 1, 2, reduction<add, 0, nullptr, nullptr, kSumAxesAreInput>},
    {"ReduceProd", 1, 1, 2, reduction<multiply, 1, nullptr, nullptr, kAxesAreInput>},
    {"ReduceL1", 1, 1, 2, reduction<add, 0, magnitude, nullptr, kAxesAreInput>},
    {"ReduceL2", 1, 1, 2, reduction<add, 0, square, squareRoot, kAxesAreInput>},
    {"ReduceSumSquare", 1, 1, 2, reduction<add, 0, square, nullptr, kAxesAreInput>},
    {"ReduceLogSum", 1, 1, 2, reduction<add, 0, nullptr, logarithm, kAxesAreInput>},
    {"ReduceLogSumExp", 1, 1, 2, importReduceLogSumExp},
    {"ReduceMean", 1, 1, 2, importReduceMean},
    {"ReduceMax", 1, 1, 2, importReduceExtreme<true>},
    {"ReduceMin", 1, 1, 2, importReduceExtreme<false>},
    {"ArgMax", 1, 1, 1, importArg<true>},
    {"Hardmax", 1, 1, 1, importHardmax},
    {"ArgMin", 1, 1, 1, importArg<false>},
};

ArrayRef<Operator> nnopt::onnx::reduceOperators() { return kOperators; }
