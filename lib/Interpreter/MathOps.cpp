//===- MathOps.cpp - scalar operations of math ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "ScalarOps.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/bit.h"

#include <algorithm>

using namespace nnopt;
using namespace nnopt::interpreter;

using Call = const ScalarCall &;

/// A function of libm, in f64, rounded to the type.
template <double (*Function)(double)> static Scalar unary(Call c) { return c.rounded(Function(c.real(0))); }

static double roundEven(double x) { return std::nearbyint(x); }

static double reciprocalRoot(double x) { return 1 / std::sqrt(x); }

/// One rounding: in f32 by the function for it, since f64 would round twice.
static Scalar multiplyAdd(Call c) {
  if (c.type.bits == 32)
    return fromFloat(
        std::fmaf(static_cast<float>(c.real(0)), static_cast<float>(c.real(1)), static_cast<float>(c.real(2))));
  return c.rounded(std::fma(c.real(0), c.real(1), c.real(2)));
}

/// Powers of integers wrap; a negative exponent gives what integer division of 1 gives.
static Scalar integerPower(Call c) {
  int64_t base = c.integer(0), exponent = c.integer(1);
  if (exponent < 0)
    return c.wrapped(base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0);
  uint64_t result = 1, power = base;
  for (; exponent; exponent >>= 1, power *= power)
    if (exponent & 1)
      result *= power;
  return c.wrapped(result);
}

static Scalar truth(bool value) { return fromInteger(-int64_t(value)); }

/// The least normal number of the operand's type.
static double leastNormal(ScalarType type) {
  return std::ldexp(1.0, type.bits == 64 ? -1022 : type.bits == 32 || type.isBrain ? -126 : -14);
}

static Scalar leadingZeros(Call c) { return c.wrapped(llvm::countl_zero(c.natural(0)) - (64 - c.type.bits)); }
static Scalar trailingZeros(Call c) {
  return c.wrapped(std::min<int64_t>(c.type.bits, llvm::countr_zero(c.natural(0))));
}

static constexpr ScalarOp kMath[] = {
    {"math.absf", unary<std::fabs>},
    {"math.acos", unary<std::acos>},
    {"math.acosh", unary<std::acosh>},
    {"math.asin", unary<std::asin>},
    {"math.asinh", unary<std::asinh>},
    {"math.atan", unary<std::atan>},
    {"math.atanh", unary<std::atanh>},
    {"math.cbrt", unary<std::cbrt>},
    {"math.ceil", unary<std::ceil>},
    {"math.cos", unary<std::cos>},
    {"math.cosh", unary<std::cosh>},
    {"math.erf", unary<std::erf>},
    {"math.erfc", unary<std::erfc>},
    {"math.exp", unary<std::exp>},
    {"math.exp2", unary<std::exp2>},
    {"math.expm1", unary<std::expm1>},
    {"math.floor", unary<std::floor>},
    {"math.log", unary<std::log>},
    {"math.log10", unary<std::log10>},
    {"math.log1p", unary<std::log1p>},
    {"math.log2", unary<std::log2>},
    {"math.round", unary<std::round>},
    {"math.roundeven", unary<roundEven>},
    {"math.rsqrt", unary<reciprocalRoot>},
    {"math.sin", unary<std::sin>},
    {"math.sincos", unary<std::sin>, unary<std::cos>},
    {"math.sinh", unary<std::sinh>},
    {"math.sqrt", unary<std::sqrt>},
    {"math.tan", unary<std::tan>},
    {"math.tanh", unary<std::tanh>},
    {"math.trunc", unary<std::trunc>},
    {"math.atan2", [](Call c) { return c.rounded(std::atan2(c.real(0), c.real(1))); }},
    {"math.powf", [](Call c) { return c.rounded(std::pow(c.real(0), c.real(1))); }},
    {"math.fpowi", [](Call c) { return c.rounded(std::pow(c.real(0), static_cast<double>(c.integer(1)))); }},
    {"math.copysign", [](Call c) { return fromFloat(std::copysign(c.real(0), c.real(1))); }},
    {"math.clampf", [](Call c) { return fromFloat(std::fmin(std::fmax(c.real(0), c.real(1)), c.real(2))); }},
    {"math.fma", multiplyAdd},
    {"math.isfinite", [](Call c) { return truth(std::isfinite(c.real(0))); }},
    {"math.isinf", [](Call c) { return truth(std::isinf(c.real(0))); }},
    {"math.isnan", [](Call c) { return truth(std::isnan(c.real(0))); }},
    {"math.isnormal",
     [](Call c) { return truth(std::isfinite(c.real(0)) && std::fabs(c.real(0)) >= leastNormal(c.from)); }},
    {"math.absi",
     [](Call c) { return c.wrapped(c.integer(0) < 0 ? 0 - static_cast<uint64_t>(c.integer(0)) : c.integer(0)); }},
    {"math.ctlz", leadingZeros},
    {"math.cttz", trailingZeros},
    {"math.ctpop", [](Call c) { return c.wrapped(llvm::popcount(c.natural(0))); }},
    {"math.ipowi", integerPower},
};

llvm::ArrayRef<ScalarOp> interpreter::mathOps() { return kMath; }

const ScalarOp *interpreter::findScalarOp(llvm::StringRef name) {
  static const llvm::StringMap<const ScalarOp *> index = [] {
    llvm::StringMap<const ScalarOp *> map;
    for (llvm::ArrayRef<ScalarOp> table : {arithOps(), mathOps()})
      for (const ScalarOp &op : table)
        map[op.name] = &op;
    return map;
  }();
  return index.lookup(name);
}
