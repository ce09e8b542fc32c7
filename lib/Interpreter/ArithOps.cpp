//===- ArithOps.cpp - scalar operations of arith --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "ScalarOps.h"

#include <algorithm>

using namespace nnopt;
using namespace nnopt::interpreter;

using Call = const ScalarCall &;

/// NaN if either is; -0 is below +0.
static double minimum(double x, double y) {
  if (std::isnan(x) || std::isnan(y))
    return NAN;
  return x < y || (x == y && std::signbit(x)) ? x : y;
}
static double maximum(double x, double y) { return -minimum(-x, -y); }

/// Integer division: by 0 it gives 0, and the one quotient that overflows wraps.
static int64_t quotient(int64_t x, int64_t y) {
  if (y == 0)
    return 0;
  return y == -1 ? static_cast<int64_t>(0 - static_cast<uint64_t>(x)) : x / y;
}
static int64_t remainder(int64_t x, int64_t y) { return y == 0 || y == -1 ? 0 : x % y; }
static bool exact(int64_t x, int64_t y) { return remainder(x, y) == 0; }
static int64_t floorQuotient(int64_t x, int64_t y) { return quotient(x, y) - (!exact(x, y) && (x < 0) != (y < 0)); }
static int64_t ceilQuotient(int64_t x, int64_t y) { return quotient(x, y) + (!exact(x, y) && (x < 0) == (y < 0)); }

/// Sums and products wrap: in unsigned arithmetic that is defined.
static int64_t sum(Call c) { return static_cast<uint64_t>(c.integer(0)) + static_cast<uint64_t>(c.integer(1)); }
static int64_t difference(Call c) { return static_cast<uint64_t>(c.integer(0)) - static_cast<uint64_t>(c.integer(1)); }
static int64_t product(Call c) { return static_cast<uint64_t>(c.integer(0)) * static_cast<uint64_t>(c.integer(1)); }

static Scalar truth(bool value) { return fromInteger(-int64_t(value)); }

static Scalar compareIntegers(Call c) {
  int64_t x = c.integer(0), y = c.integer(1);
  uint64_t ux = c.natural(0), uy = c.natural(1);
  switch (c.immediate) { // arith.cmpi's predicates, in their order
  case 0:
    return truth(x == y);
  case 1:
    return truth(x != y);
  case 2:
    return truth(x < y);
  case 3:
    return truth(x <= y);
  case 4:
    return truth(x > y);
  case 5:
    return truth(x >= y);
  case 6:
    return truth(ux < uy);
  case 7:
    return truth(ux <= uy);
  case 8:
    return truth(ux > uy);
  default:
    return truth(ux >= uy);
  }
}

static Scalar compareFloats(Call c) {
  // For what is a predicate true? Bits: equal, greater, less, unordered. In the order of arith.cmpf's predicates.
  static constexpr unsigned kTrueFor[] = {0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 8, 15};
  double x = c.real(0), y = c.real(1);
  unsigned outcome = x == y ? 1 : x > y ? 2 : x < y ? 4 : 8;
  return truth(kTrueFor[c.immediate] & outcome);
}

static Scalar bitcast(Call c) {
  // A float in its own width is the integer of the same bits; both forms go through memory.
  auto element = [](ScalarType type) {
    if (type.isFloat)
      return type.bits == 64   ? ElementType::F64
             : type.bits == 32 ? ElementType::F32
             : type.isBrain    ? ElementType::BF16
                               : ElementType::F16;
    return type.bits == 64   ? ElementType::I64
           : type.bits == 32 ? ElementType::I32
           : type.bits == 16 ? ElementType::I16
                             : ElementType::I8;
  };
  if (c.type.isFloat == c.from.isFloat && c.type.isBrain == c.from.isBrain)
    return c.operand(0);
  char bytes[8] = {};
  storeScalar(element(c.from), bytes, 0, c.operand(0));
  return loadScalar(element(c.type), bytes, 0);
}

/// The high half of a product of numbers of the type's width.
static Scalar highProduct(Call c, bool isSigned) {
  unsigned bits = c.from.bits;
  if (isSigned)
    return c.wrapped(static_cast<int64_t>((static_cast<__int128>(c.integer(0)) * c.integer(1)) >> bits));
  return c.wrapped(static_cast<int64_t>((static_cast<unsigned __int128>(c.natural(0)) * c.natural(1)) >> bits));
}

static Scalar carry(Call c) {
  return truth((static_cast<unsigned __int128>(c.natural(0)) + c.natural(1)) >> c.from.bits);
}

static bool shiftsOut(Call c) { return c.natural(1) >= c.type.bits; }

static constexpr ScalarOp kArith[] = {
    {"arith.addf", [](Call c) { return c.rounded(c.real(0) + c.real(1)); }},
    {"arith.subf", [](Call c) { return c.rounded(c.real(0) - c.real(1)); }},
    {"arith.mulf", [](Call c) { return c.rounded(c.real(0) * c.real(1)); }},
    {"arith.divf", [](Call c) { return c.rounded(c.real(0) / c.real(1)); }},
    {"arith.remf", [](Call c) { return c.rounded(std::fmod(c.real(0), c.real(1))); }},
    {"arith.negf", [](Call c) { return fromFloat(-c.real(0)); }},
    {"arith.maximumf", [](Call c) { return fromFloat(maximum(c.real(0), c.real(1))); }},
    {"arith.minimumf", [](Call c) { return fromFloat(minimum(c.real(0), c.real(1))); }},
    {"arith.maxnumf", [](Call c) { return fromFloat(std::fmax(c.real(0), c.real(1))); }},
    {"arith.minnumf", [](Call c) { return fromFloat(std::fmin(c.real(0), c.real(1))); }},
    {"arith.cmpf", compareFloats},
    {"arith.addi", [](Call c) { return c.wrapped(sum(c)); }},
    {"arith.subi", [](Call c) { return c.wrapped(difference(c)); }},
    {"arith.muli", [](Call c) { return c.wrapped(product(c)); }},
    {"arith.addui_extended", [](Call c) { return c.wrapped(sum(c)); }, carry},
    {"arith.mulsi_extended", [](Call c) { return c.wrapped(product(c)); }, [](Call c) { return highProduct(c, true); }},
    {"arith.mului_extended", [](Call c) { return c.wrapped(product(c)); },
     [](Call c) { return highProduct(c, false); }},
    {"arith.divsi", [](Call c) { return c.wrapped(quotient(c.integer(0), c.integer(1))); }},
    {"arith.divui", [](Call c) { return c.wrapped(c.natural(1) ? c.natural(0) / c.natural(1) : 0); }},
    {"arith.floordivsi", [](Call c) { return c.wrapped(floorQuotient(c.integer(0), c.integer(1))); }},
    {"arith.ceildivsi", [](Call c) { return c.wrapped(ceilQuotient(c.integer(0), c.integer(1))); }},
    {"arith.ceildivui",
     [](Call c) {
       uint64_t x = c.natural(0), y = c.natural(1);
       return c.wrapped(y ? x / y + (x % y != 0) : 0);
     }},
    {"arith.remsi", [](Call c) { return c.wrapped(remainder(c.integer(0), c.integer(1))); }},
    {"arith.remui", [](Call c) { return c.wrapped(c.natural(1) ? c.natural(0) % c.natural(1) : 0); }},
    {"arith.andi", [](Call c) { return c.wrapped(c.integer(0) & c.integer(1)); }},
    {"arith.ori", [](Call c) { return c.wrapped(c.integer(0) | c.integer(1)); }},
    {"arith.xori", [](Call c) { return c.wrapped(c.integer(0) ^ c.integer(1)); }},
    {"arith.shli", [](Call c) { return c.wrapped(shiftsOut(c) ? 0 : c.natural(0) << c.natural(1)); }},
    {"arith.shrui", [](Call c) { return c.wrapped(shiftsOut(c) ? 0 : c.natural(0) >> c.natural(1)); }},
    {"arith.shrsi", [](Call c) { return c.wrapped(c.integer(0) >> std::min<uint64_t>(c.natural(1), 63)); }},
    {"arith.maxsi", [](Call c) { return fromInteger(std::max(c.integer(0), c.integer(1))); }},
    {"arith.minsi", [](Call c) { return fromInteger(std::min(c.integer(0), c.integer(1))); }},
    {"arith.maxui", [](Call c) { return c.wrapped(std::max(c.natural(0), c.natural(1))); }},
    {"arith.minui", [](Call c) { return c.wrapped(std::min(c.natural(0), c.natural(1))); }},
    {"arith.cmpi", compareIntegers},
    {"arith.select", [](Call c) { return c.integer(0) ? c.operand(1) : c.operand(2); }},
    {"arith.extf", [](Call c) { return c.operand(0); }},
    {"arith.truncf", [](Call c) { return c.rounded(c.real(0)); }},
    {"arith.extsi", [](Call c) { return c.operand(0); }},
    {"arith.extui", [](Call c) { return c.wrapped(c.natural(0)); }},
    {"arith.trunci", [](Call c) { return c.wrapped(c.integer(0)); }},
    {"arith.index_cast", [](Call c) { return c.wrapped(c.integer(0)); }},
    {"arith.index_castui", [](Call c) { return c.wrapped(c.natural(0)); }},
    // Straight to f32: through f64, an i64 of more than 53 bits would be rounded twice.
    {"arith.sitofp",
     [](Call c) { return c.type.bits == 32 ? fromFloat(static_cast<float>(c.integer(0))) : c.rounded(c.integer(0)); }},
    {"arith.uitofp",
     [](Call c) { return c.type.bits == 32 ? fromFloat(static_cast<float>(c.natural(0))) : c.rounded(c.natural(0)); }},
    {"arith.fptosi", [](Call c) { return c.wrapped(toSigned(c.real(0), c.type.bits)); }},
    {"arith.fptoui", [](Call c) { return c.wrapped(toUnsigned(c.real(0), c.type.bits)); }},
    {"arith.bitcast", bitcast},
    // Signedness is not part of the number: see Scalar.h.
    {"builtin.unrealized_conversion_cast", [](Call c) { return c.operand(0); }},
};

llvm::ArrayRef<ScalarOp> interpreter::arithOps() { return kArith; }
