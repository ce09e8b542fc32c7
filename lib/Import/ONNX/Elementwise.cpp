//===- Elementwise.cpp - arithmetic, comparisons, logic -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Build.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::onnx;

static void refuseOldBroadcast(OpContext &c) {
  if (c.opset < 7 && (c.hasAttr("broadcast") || c.hasAttr("axis")))
    c.unsupported("uses the broadcasting of opset 6");
}

/// Two operands of one type, one result of that type.
template <typename Body>
static void binary(OpContext &c, Body body) {
  refuseOldBroadcast(c);
  expectSameTypes(c, {c.in(0), c.in(1)});
  if (!c.failed())
    c.set(0, elementwise(c, {c.in(0), c.in(1)}, c.elementType(0),
                         [&](Scalar &s, ValueRange args) { return body(s, args[0], args[1]); }));
}

template <typename Body>
static void unary(OpContext &c, Body body) {
  c.set(0, elementwise(c, {c.in(0)}, c.elementType(0), [&](Scalar &s, ValueRange args) { return body(s, args[0]); }));
}

/// A function that exists for floating-point numbers only.
template <typename Op>
static void floatUnary(OpContext &c) {
  expectFloat(c, c.in(0));
  if (!c.failed())
    unary(c, [](Scalar &s, Value x) -> Value { return Op::create(s.b, s.loc, x); });
}

static void importAdd(OpContext &c) {
  binary(c, [](Scalar &s, Value x, Value y) { return s.add(x, y); });
}
static void importSub(OpContext &c) {
  binary(c, [](Scalar &s, Value x, Value y) { return s.sub(x, y); });
}
/// Quantized weights times their scale, where a model writes dequantization as Cast and Mul: one scale, or one per
/// index of one dimension. Null if this is something else.
static Tensor *dequantizeWeight(OpContext &c, Tensor *real, Tensor *scale) {
  Tensor *weight = real->castFrom;
  if (!weight || !scale->constant || scale->elementType() != real->elementType() || scale->rank() > weight->rank())
    return nullptr;
  std::optional<int64_t> axis;
  int64_t offset = weight->rank() - scale->rank();
  for (int64_t d = 0; d < scale->rank(); ++d) {
    if (scale->dim(d) == 1)
      continue;
    if (axis || scale->dim(d) != weight->dim(offset + d))
      return nullptr;
    axis = offset + d;
  }
  Tensor *scales = reshape(c, scale, axis ? Extents{weight->extents[*axis]} : Extents{});
  IntegerAttr axisAttr = axis ? c.b.getI64IntegerAttr(*axis) : IntegerAttr();
  auto type = RankedTensorType::get(weight->shape(), real->elementType());
  Value result = DequantizeOp::create(c.b, c.loc, type, c.value(weight), c.value(scales), Value(), axisAttr, IntegerAttr());
  return c.tensor(result, weight->extents);
}

static void importMul(OpContext &c) {
  for (auto [weight, scale] : {std::pair(0, 1), std::pair(1, 0)})
    if (Tensor *known = dequantizeWeight(c, c.in(weight), c.in(scale)))
      return c.set(0, known);
  binary(c, [](Scalar &s, Value x, Value y) { return s.mul(x, y); });
}
static void importDiv(OpContext &c) {
  binary(c, [](Scalar &s, Value x, Value y) { return s.div(x, y); });
}

static void importMod(OpContext &c) {
  bool fmod = c.attr("fmod", int64_t(0)) != 0;
  binary(c, [&](Scalar &s, Value x, Value y) { return s.rem(x, y, fmod); });
}

/// Min, Max, Sum and Mean take any number of operands; later results are combined with earlier ones.
template <typename Body>
static Tensor *fold(OpContext &c, Body body) {
  Tensor *result = c.in(0);
  for (unsigned i = 1; i < c.numInputs(); ++i) {
    expectSameTypes(c, {result, c.in(i)});
    if (c.failed())
      break;
    result = elementwise(c, {result, c.in(i)}, c.elementType(0),
                         [&](Scalar &s, ValueRange args) { return body(s, args[0], args[1]); });
  }
  return result;
}

static void importMin(OpContext &c) {
  c.set(0, fold(c, [](Scalar &s, Value x, Value y) { return s.min(x, y); }));
}
static void importMax(OpContext &c) {
  c.set(0, fold(c, [](Scalar &s, Value x, Value y) { return s.max(x, y); }));
}
static Tensor *sum(OpContext &c) {
  return fold(c, [](Scalar &s, Value x, Value y) { return s.add(x, y); });
}
static void importSum(OpContext &c) { c.set(0, sum(c)); }
static void importMean(OpContext &c) {
  Tensor *count = c.scalar(c.elementType(0), c.numInputs());
  c.set(0, elementwise(c, {sum(c), count}, c.elementType(0),
                       [](Scalar &s, ValueRange args) { return s.div(args[0], args[1]); }));
}

/// x^n for a small integer n, by squaring.
static Value integerPower(Scalar &s, Value x, unsigned n) {
  Value result, square = x;
  for (; n != 0; n /= 2) {
    if (n % 2 != 0)
      result = result ? s.mul(result, square) : square;
    if (n > 1)
      square = s.mul(square, square);
  }
  return result ? result : s.constant(1);
}

/// The exponent may be of another type than the base, which the result has.
static void importPow(OpContext &c) {
  refuseOldBroadcast(c);
  Tensor *base = c.in(0), *exponent = c.in(1);
  if (exponent->constant && exponent->hasOneElement()) {
    double n = exponent->constant->numberAt(0);
    if (n == 0.5 && base->isFloat())
      return c.set(0, elementwise(c, {base}, base->elementType(), [](Scalar &s, ValueRange args) -> Value {
                     return math::SqrtOp::create(s.b, s.loc, args[0]);
                   }));
    if (n == std::floor(n) && n >= 0 && n <= 64)
      return c.set(0, elementwise(c, {base}, base->elementType(), [&](Scalar &s, ValueRange args) {
                     return integerPower(s, args[0], unsigned(n));
                   }));
  }
  // In floating point: integers lose nothing below 2^53, where their powers are exact.
  Type compute = base->isFloat() ? base->elementType() : Type(c.b.getF64Type());
  Tensor *result = elementwise(c, {castTo(c, base, compute), castTo(c, exponent, compute)}, compute,
                               [](Scalar &s, ValueRange args) -> Value {
                                 return math::PowFOp::create(s.b, s.loc, args[0], args[1]);
                               });
  c.set(0, castTo(c, result, base->elementType()));
}

template <Scalar::Predicate predicate>
static void compare(OpContext &c) {
  refuseOldBroadcast(c);
  expectSameTypes(c, {c.in(0), c.in(1)});
  if (!c.failed())
    c.set(0, elementwise(c, {c.in(0), c.in(1)}, c.b.getI1Type(), [](Scalar &s, ValueRange args) {
            return s.compare(predicate, args[0], args[1]);
          }));
}

/// And, Or, Xor on bools; the Bitwise ops on integers.
template <typename Op>
static void bitwise(OpContext &c) {
  refuseOldBroadcast(c);
  if (c.in(0)->isFloat())
    c.error("has floating-point operands");
  binary(c, [](Scalar &s, Value x, Value y) -> Value { return Op::create(s.b, s.loc, x, y); });
}

static void importNot(OpContext &c) {
  if (!c.in(0)->isBool())
    c.error("has an operand with elements of type {0}, expected bools", c.elementType(0));
  if (!c.failed())
    unary(c, [](Scalar &s, Value x) { return s.logicalNot(x); });
}

static void importBitwiseNot(OpContext &c) {
  if (c.in(0)->isFloat())
    c.error("has floating-point operands");
  if (!c.failed())
    unary(c, [](Scalar &s, Value x) -> Value {
      APInt ones = APInt::getAllOnes(x.getType().isIndex() ? 64 : x.getType().getIntOrFloatBitWidth());
      return arith::XOrIOp::create(s.b, s.loc, x, arith::ConstantOp::create(s.b, s.loc, s.b.getIntegerAttr(x.getType(), ones)));
    });
}

/// Shifting by the width or more leaves nothing but copies of the sign.
static void importBitShift(OpContext &c) {
  StringRef direction = c.attr("direction", "");
  if (direction != "LEFT" && direction != "RIGHT")
    c.error("has direction '{0}', expected LEFT or RIGHT", direction);
  if (c.in(0)->isFloat() || c.in(0)->isBool())
    c.error("shifts elements of type {0}, expected integers", c.elementType(0));
  binary(c, [&](Scalar &s, Value x, Value y) -> Value {
    int64_t bits = x.getType().isIndex() ? 64 : x.getType().getIntOrFloatBitWidth();
    Value width = arith::ConstantOp::create(s.b, s.loc, s.b.getIntegerAttr(x.getType(), bits));
    if (direction == "RIGHT" && !s.isUnsigned()) {
      Value most = arith::ConstantOp::create(s.b, s.loc, s.b.getIntegerAttr(x.getType(), bits - 1));
      return arith::ShRSIOp::create(s.b, s.loc, x, arith::MinUIOp::create(s.b, s.loc, y, most));
    }
    Value shifted = direction == "LEFT" ? Value(arith::ShLIOp::create(s.b, s.loc, x, y))
                                        : Value(arith::ShRUIOp::create(s.b, s.loc, x, y));
    Value fits = arith::CmpIOp::create(s.b, s.loc, arith::CmpIPredicate::ult, y, width);
    return s.select(fits, shifted, s.constant(0));
  });
}

static void importNeg(OpContext &c) {
  unary(c, [](Scalar &s, Value x) { return s.neg(x); });
}
static void importAbs(OpContext &c) {
  unary(c, [](Scalar &s, Value x) { return s.abs(x); });
}
static void importReciprocal(OpContext &c) {
  expectFloat(c, c.in(0));
  if (!c.failed())
    unary(c, [](Scalar &s, Value x) { return s.div(s.constant(1), x); });
}

static void importSign(OpContext &c) {
  unary(c, [](Scalar &s, Value x) {
    Value zero = s.constant(0), positive = s.select(s.compare(Scalar::GT, x, zero), s.constant(1), s.isFloat() ? x : zero);
    return s.isUnsigned() ? positive : s.select(s.compare(Scalar::LT, x, zero), s.constant(-1), positive);
  });
}

static void importIsNaN(OpContext &c) {
  expectFloat(c, c.in(0));
  if (!c.failed())
    c.set(0, elementwise(c, {c.in(0)}, c.b.getI1Type(), [](Scalar &s, ValueRange args) -> Value {
            return arith::CmpFOp::create(s.b, s.loc, arith::CmpFPredicate::UNO, args[0], args[0]);
          }));
}

static void importIsInf(OpContext &c) {
  bool negative = c.attr("detect_negative", int64_t(1)) != 0, positive = c.attr("detect_positive", int64_t(1)) != 0;
  expectFloat(c, c.in(0));
  if (c.failed())
    return;
  double inf = std::numeric_limits<double>::infinity();
  c.set(0, elementwise(c, {c.in(0)}, c.b.getI1Type(), [&](Scalar &s, ValueRange args) {
          Scalar flag = s.as(s.b.getI1Type());
          Value result = flag.constant(0);
          if (positive)
            result = flag.add(result, s.compare(Scalar::EQ, args[0], s.constant(inf)));
          if (negative)
            result = flag.add(result, s.compare(Scalar::EQ, args[0], s.constant(-inf)));
          return result;
        }));
}

static void importWhere(OpContext &c) {
  expectSameTypes(c, {c.in(1), c.in(2)});
  if (!c.in(0)->isBool())
    c.error("has a condition with elements of type {0}, expected bools", c.elementType(0));
  if (!c.failed())
    c.set(0, elementwise(c, {c.in(0), c.in(1), c.in(2)}, c.elementType(1), [](Scalar &s, ValueRange args) {
            return s.select(args[0], args[1], args[2]);
          }));
}

static void importCast(OpContext &c) {
  int64_t to = c.attr("to", int64_t(0));
  c.ignoreAttr("saturate"); // of float8 only
  c.ignoreAttr("round_mode");
  Type element = elementTypeOf(int32_t(to), c.b.getContext());
  if (!element || element.isInteger(4) || c.elementType(0).getIntOrFloatBitWidth() == 4)
    return c.unsupported("casts from {0} to {1}", c.elementType(0), dataTypeName(int32_t(to)));
  Tensor *result = castTo(c, c.in(0), element);
  if (c.in(0)->constant && c.in(0)->elementType().getIntOrFloatBitWidth() == 8 && isa<FloatType>(element))
    result->castFrom = c.in(0);
  c.set(0, result);
}

static void importCastLike(OpContext &c) {
  c.ignoreAttr("saturate");
  c.ignoreAttr("round_mode");
  if (c.elementType(1).getIntOrFloatBitWidth() == 4 || c.elementType(0).getIntOrFloatBitWidth() == 4)
    return c.unsupported("casts from {0} to {1}", c.elementType(0), c.elementType(1));
  c.set(0, castTo(c, c.in(0), c.elementType(1)));
}

static constexpr Operator kOperators[] = {
    {"Add", 7, 2, 2, importAdd},
    {"Sub", 7, 2, 2, importSub},
    {"Mul", 7, 2, 2, importMul},
    {"Div", 7, 2, 2, importDiv},
    {"Mod", 10, 2, 2, importMod},
    {"Pow", 7, 2, 2, importPow},
    {"Min", 6, 1, kAnyNumber, importMin},
    {"Max", 6, 1, kAnyNumber, importMax},
    {"Sum", 6, 1, kAnyNumber, importSum},
    {"Mean", 6, 1, kAnyNumber, importMean},
    {"Equal", 7, 2, 2, compare<Scalar::EQ>, "strings"},
    {"Less", 7, 2, 2, compare<Scalar::LT>},
    {"LessOrEqual", 12, 2, 2, compare<Scalar::LE>},
    {"Greater", 7, 2, 2, compare<Scalar::GT>},
    {"GreaterOrEqual", 12, 2, 2, compare<Scalar::GE>},
    {"And", 7, 2, 2, bitwise<arith::AndIOp>},
    {"Or", 7, 2, 2, bitwise<arith::OrIOp>},
    {"Xor", 7, 2, 2, bitwise<arith::XOrIOp>},
    {"BitwiseAnd", 18, 2, 2, bitwise<arith::AndIOp>},
    {"BitwiseOr", 18, 2, 2, bitwise<arith::OrIOp>},
    {"BitwiseXor", 18, 2, 2, bitwise<arith::XOrIOp>},
    {"BitwiseNot", 18, 1, 1, importBitwiseNot},
    {"BitShift", 11, 2, 2, importBitShift},
    {"Not", 1, 1, 1, importNot},
    {"Neg", 6, 1, 1, importNeg},
    {"Abs", 6, 1, 1, importAbs},
    {"Sign", 9, 1, 1, importSign},
    {"Reciprocal", 6, 1, 1, importReciprocal},
    {"Floor", 6, 1, 1, floatUnary<math::FloorOp>},
    {"Ceil", 6, 1, 1, floatUnary<math::CeilOp>},
    {"Round", 11, 1, 1, floatUnary<math::RoundEvenOp>},
    {"Sqrt", 6, 1, 1, floatUnary<math::SqrtOp>},
    {"Exp", 6, 1, 1, floatUnary<math::ExpOp>},
    {"Log", 6, 1, 1, floatUnary<math::LogOp>},
    {"Sin", 7, 1, 1, floatUnary<math::SinOp>},
    {"Cos", 7, 1, 1, floatUnary<math::CosOp>},
    {"Tan", 7, 1, 1, floatUnary<math::TanOp>},
    {"Asin", 7, 1, 1, floatUnary<math::AsinOp>},
    {"Acos", 7, 1, 1, floatUnary<math::AcosOp>},
    {"Atan", 7, 1, 1, floatUnary<math::AtanOp>},
    {"Sinh", 9, 1, 1, floatUnary<math::SinhOp>},
    {"Cosh", 9, 1, 1, floatUnary<math::CoshOp>},
    {"Asinh", 9, 1, 1, floatUnary<math::AsinhOp>},
    {"Acosh", 9, 1, 1, floatUnary<math::AcoshOp>},
    {"Atanh", 9, 1, 1, floatUnary<math::AtanhOp>},
    {"IsNaN", 9, 1, 1, importIsNaN},
    {"IsInf", 10, 1, 1, importIsInf},
    {"Where", 9, 3, 3, importWhere},
    {"Cast", 6, 1, 1, importCast, "strings, float8, 4-bit integers"},
    {"CastLike", 15, 2, 2, importCastLike, "strings, float8, 4-bit integers"},
};

ArrayRef<Operator> nnopt::onnx::elementwiseOperators() { return kOperators; }
