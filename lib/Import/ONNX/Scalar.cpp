//===- Scalar.cpp - arithmetic on one element -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Scalar.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using namespace nnopt::onnx;

Type nnopt::onnx::signlessOf(Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  return integer ? IntegerType::get(type.getContext(), integer.getWidth()) : type;
}

Value nnopt::onnx::withSign(OpBuilder &b, Location loc, Value value, Type type) {
  if (value.getType() == type)
    return value;
  return UnrealizedConversionCastOp::create(b, loc, type, value).getResult(0);
}

TypedAttr nnopt::onnx::scalarAttr(Type type, double value) {
  if (auto floating = dyn_cast<FloatType>(type))
    return FloatAttr::get(floating, value);
  if (type.isIndex())
    return IntegerAttr::get(type, static_cast<int64_t>(value));
  unsigned width = type.getIntOrFloatBitWidth();
  bool isUnsigned = type.isUnsignedInteger() || width == 1;
  llvm::APSInt bits(width, isUnsigned);
  bool exact;
  APFloat(value).convertToInteger(bits, APFloat::rmTowardZero, &exact); // saturates
  return IntegerAttr::get(signlessOf(type), bits);
}

Value Scalar::constant(Type of, double value) const {
  return arith::ConstantOp::create(b, loc, scalarAttr(of, value));
}

Value Scalar::add(Value x, Value y) const {
  if (isFloat())
    return arith::AddFOp::create(b, loc, x, y);
  return isBool() ? Value(arith::OrIOp::create(b, loc, x, y)) : Value(arith::AddIOp::create(b, loc, x, y));
}

Value Scalar::sub(Value x, Value y) const {
  return isFloat() ? Value(arith::SubFOp::create(b, loc, x, y)) : Value(arith::SubIOp::create(b, loc, x, y));
}

Value Scalar::mul(Value x, Value y) const {
  return isFloat() ? Value(arith::MulFOp::create(b, loc, x, y)) : Value(arith::MulIOp::create(b, loc, x, y));
}

/// A divisor that no integer division traps on. A constant one needs no check.
static Value safeDivisor(const Scalar &s, Value y) {
  if (auto constant = y.getDefiningOp<arith::ConstantOp>())
    if (auto integer = dyn_cast<IntegerAttr>(constant.getValue()); integer && !integer.getValue().isZero())
      return y;
  return s.select(s.compare(Scalar::EQ, y, s.constant(0)), s.constant(1), y);
}

Value Scalar::div(Value x, Value y) const {
  if (isFloat())
    return arith::DivFOp::create(b, loc, x, y);
  if (isUnsigned())
    return arith::DivUIOp::create(b, loc, x, safeDivisor(*this, y));
  // The smallest integer by -1 traps as well.
  auto constant = y.getDefiningOp<arith::ConstantOp>();
  auto known = constant ? dyn_cast<IntegerAttr>(constant.getValue()) : IntegerAttr();
  if (type.isIndex() || (known && !known.getValue().isAllOnes()))
    return arith::DivSIOp::create(b, loc, x, safeDivisor(*this, y));
  Value minusOne = compare(EQ, y, this->constant(-1));
  Value quotient = arith::DivSIOp::create(b, loc, x, select(minusOne, this->constant(1), safeDivisor(*this, y)));
  return select(minusOne, neg(x), quotient);
}

Value Scalar::rem(Value x, Value y, bool fmod) const {
  if (isFloat()) {
    Value r = arith::RemFOp::create(b, loc, x, y);
    if (fmod)
      return r;
    Value differs = arith::AndIOp::create(b, loc, compare(NE, r, constant(0)),
                                          as(b.getI1Type()).compare(NE, compare(LT, r, constant(0)), compare(LT, y, constant(0))));
    return select(differs, add(r, y), r);
  }
  if (isUnsigned())
    return arith::RemUIOp::create(b, loc, x, safeDivisor(*this, y));
  Value divisor = type.isIndex() ? safeDivisor(*this, y)
                                 : select(compare(EQ, y, constant(-1)), constant(1), safeDivisor(*this, y));
  Value r = arith::RemSIOp::create(b, loc, x, divisor);
  if (fmod)
    return r;
  Value differs = arith::AndIOp::create(b, loc, compare(NE, r, constant(0)),
                                        as(b.getI1Type()).compare(NE, compare(LT, r, constant(0)), compare(LT, y, constant(0))));
  return select(differs, add(r, y), r);
}

Value Scalar::min(Value x, Value y) const {
  if (isFloat())
    return arith::MinimumFOp::create(b, loc, x, y);
  return isUnsigned() || isBool() ? Value(arith::MinUIOp::create(b, loc, x, y)) : Value(arith::MinSIOp::create(b, loc, x, y));
}

Value Scalar::max(Value x, Value y) const {
  if (isFloat())
    return arith::MaximumFOp::create(b, loc, x, y);
  return isUnsigned() || isBool() ? Value(arith::MaxUIOp::create(b, loc, x, y)) : Value(arith::MaxSIOp::create(b, loc, x, y));
}

Value Scalar::neg(Value x) const { return isFloat() ? Value(arith::NegFOp::create(b, loc, x)) : sub(constant(0), x); }

Value Scalar::abs(Value x) const {
  if (isFloat())
    return math::AbsFOp::create(b, loc, x);
  return isUnsigned() ? x : select(compare(LT, x, constant(0)), neg(x), x);
}

Value Scalar::compare(Predicate predicate, Value x, Value y) const {
  using F = arith::CmpFPredicate;
  using I = arith::CmpIPredicate;
  static constexpr F kFloats[] = {F::OEQ, F::UNE, F::OLT, F::OLE, F::OGT, F::OGE};
  static constexpr I kSigned[] = {I::eq, I::ne, I::slt, I::sle, I::sgt, I::sge};
  static constexpr I kUnsigned[] = {I::eq, I::ne, I::ult, I::ule, I::ugt, I::uge};
  if (isFloat())
    return arith::CmpFOp::create(b, loc, kFloats[predicate], x, y);
  return arith::CmpIOp::create(b, loc, (isUnsigned() || isBool() ? kUnsigned : kSigned)[predicate], x, y);
}

Value Scalar::logicalNot(Value x) const {
  return arith::XOrIOp::create(b, loc, x, arith::ConstantOp::create(b, loc, b.getBoolAttr(true)));
}

/// Between integer widths, by the sign of what is converted.
static Value resize(const Scalar &s, Value x, unsigned width) {
  unsigned from = x.getType().getIntOrFloatBitWidth();
  Type to = s.b.getIntegerType(width);
  if (from == width)
    return x;
  if (from > width)
    return arith::TruncIOp::create(s.b, s.loc, to, x);
  if (s.isUnsigned() || s.isBool())
    return arith::ExtUIOp::create(s.b, s.loc, to, x);
  return arith::ExtSIOp::create(s.b, s.loc, to, x);
}

static Value castFloat(const Scalar &s, Value x, FloatType to) {
  auto from = cast<FloatType>(s.type);
  if (from == to)
    return x;
  if (from.getWidth() < to.getWidth())
    return arith::ExtFOp::create(s.b, s.loc, to, x);
  if (from.getWidth() > to.getWidth())
    return arith::TruncFOp::create(s.b, s.loc, to, x);
  // f16 and bf16 share a width.
  return arith::TruncFOp::create(s.b, s.loc, to, arith::ExtFOp::create(s.b, s.loc, s.b.getF32Type(), x));
}

/// Narrow integers go through 64 bits, as NumPy on x86 does: wrapping is better than an undefined conversion.
static Value castToInteger(const Scalar &s, Value x, Type to) {
  unsigned width = to.getIntOrFloatBitWidth();
  if (width == 64 && to.isUnsignedInteger())
    return arith::FPToUIOp::create(s.b, s.loc, signlessOf(to), x);
  Value wide = arith::FPToSIOp::create(s.b, s.loc, s.b.getIntegerType(width <= 16 ? 32 : 64), x);
  return resize(s.as(wide.getType()), wide, width);
}

Value Scalar::cast(Value x, Type to) const {
  if (to == type)
    return x;
  if (type.isIndex()) { // followed element by element; 64 bits hold every index
    Value wide = arith::IndexCastOp::create(b, loc, b.getI64Type(), x);
    return to.isInteger(64) ? wide : as(b.getI64Type()).cast(wide, to);
  }
  if (to.isIndex())
    return arith::IndexCastOp::create(b, loc, to, as(type).cast(x, b.getI64Type()));
  if (to.isInteger(1))
    return compare(NE, x, constant(0));
  auto floating = dyn_cast<FloatType>(to);
  if (isFloat())
    return floating ? castFloat(*this, x, floating) : castToInteger(*this, x, to);
  if (!floating)
    return resize(*this, x, to.getIntOrFloatBitWidth());
  if (isUnsigned() || isBool())
    return arith::UIToFPOp::create(b, loc, to, x);
  return arith::SIToFPOp::create(b, loc, to, x);
}

Value Scalar::fromIndex(Value index) const {
  if (type.isIndex())
    return index;
  return as(b.getIndexType()).cast(index, type);
}
