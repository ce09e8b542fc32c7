//===- Scalar.cpp - numbers as the interpreter computes them --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Support/Scalar.h"

#include <algorithm>

using namespace mlir;
using namespace nnopt;
using namespace nnopt;

std::optional<ScalarType> nnopt::scalarTypeOf(Type type) {
  if (type.isIndex())
    return ScalarType{false, false, 64};
  if (type.isF32())
    return ScalarType{true, false, 32};
  if (type.isF64())
    return ScalarType{true, false, 64};
  if (type.isF16())
    return kHalf;
  if (type.isBF16())
    return kBfloat;
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer || integer.getWidth() == 0 || integer.getWidth() > 64)
    return std::nullopt;
  return ScalarType{false, false, static_cast<uint8_t>(integer.getWidth())};
}

ScalarType nnopt::scalarTypeOf(ElementType type) {
  switch (type) {
  case ElementType::BF16:
    return kBfloat;
  case ElementType::Bool:
    return {false, false, 1};
  case ElementType::I4:
  case ElementType::U4:
    return {false, false, 4};
  default:
    return {isFloat(type), false, static_cast<uint8_t>(8 * byteWidth(type))};
  }
}

Scalar nnopt::loadScalar(ElementType type, const char *bytes, int64_t i) {
  switch (type) {
  case ElementType::F32:
    return fromFloat(readAs<float>(bytes, i));
  case ElementType::F64:
    return fromFloat(readAs<double>(bytes, i));
  case ElementType::F16:
    return fromFloat(halfToDouble(readAs<uint16_t>(bytes, i)));
  case ElementType::BF16:
    return fromFloat(bfloatToDouble(readAs<uint16_t>(bytes, i)));
  case ElementType::Bool:
    return fromInteger(-int64_t(bytes[i] != 0));
  case ElementType::I4:
  case ElementType::U4:
    return fromInteger(wrapTo({false, false, 4}, bytes[i]));
  case ElementType::I8:
  case ElementType::U8:
    return fromInteger(readAs<int8_t>(bytes, i));
  case ElementType::I16:
  case ElementType::U16:
    return fromInteger(readAs<int16_t>(bytes, i));
  case ElementType::I32:
  case ElementType::U32:
    return fromInteger(readAs<int32_t>(bytes, i));
  case ElementType::I64:
  case ElementType::U64:
    return fromInteger(readAs<int64_t>(bytes, i));
  }
  llvm_unreachable("every element type is handled");
}

void nnopt::storeScalar(ElementType type, char *bytes, int64_t i, Scalar value) {
  switch (type) {
  case ElementType::F32:
    return writeAs<float>(bytes, i, static_cast<float>(value.f));
  case ElementType::F64:
    return writeAs<double>(bytes, i, value.f);
  case ElementType::F16:
    return writeAs<uint16_t>(bytes, i, doubleToHalf(value.f));
  case ElementType::BF16:
    return writeAs<uint16_t>(bytes, i, doubleToBfloat(value.f));
  case ElementType::Bool:
    return writeAs<char>(bytes, i, value.i & 1);
  case ElementType::U4:
    return writeAs<char>(bytes, i, value.i & 15);
  case ElementType::I4:
    return writeAs<char>(bytes, i, wrapTo({false, false, 4}, value.i));
  case ElementType::I8:
  case ElementType::U8:
    return writeAs<int8_t>(bytes, i, value.i);
  case ElementType::I16:
  case ElementType::U16:
    return writeAs<int16_t>(bytes, i, value.i);
  case ElementType::I32:
  case ElementType::U32:
    return writeAs<int32_t>(bytes, i, value.i);
  case ElementType::I64:
  case ElementType::U64:
    return writeAs<int64_t>(bytes, i, value.i);
  }
}

static bool isUnsignedElement(ElementType type) {
  switch (type) {
  case ElementType::Bool:
  case ElementType::U4:
  case ElementType::U8:
  case ElementType::U16:
  case ElementType::U32:
  case ElementType::U64:
    return true;
  default:
    return false;
  }
}

int64_t nnopt::loadInteger(ElementType type, const char *bytes, int64_t i) {
  Scalar value = loadScalar(type, bytes, i);
  if (isFloat(type))
    return toSigned(value.f, 64);
  return isUnsignedElement(type) ? unsignedOf(scalarTypeOf(type), value.i) : value.i;
}

double nnopt::loadElement(ElementType type, const char *bytes, int64_t i) {
  Scalar value = loadScalar(type, bytes, i);
  if (isFloat(type))
    return value.f;
  return isUnsignedElement(type) ? static_cast<double>(unsignedOf(scalarTypeOf(type), value.i))
                                 : static_cast<double>(value.i);
}

void nnopt::storeElement(ElementType type, char *bytes, int64_t i, double value) {
  if (isFloat(type))
    return storeScalar(type, bytes, i, fromFloat(value));
  unsigned bits = scalarTypeOf(type).bits;
  int64_t integer = isUnsignedElement(type) ? static_cast<int64_t>(toUnsigned(value, bits)) : toSigned(value, bits);
  storeScalar(type, bytes, i, fromInteger(integer));
}

int64_t nnopt::toSigned(double value, unsigned bits) {
  if (std::isnan(value))
    return 0;
  double limit = std::ldexp(1.0, bits - 1);
  if (value >= limit)
    return static_cast<int64_t>((uint64_t(1) << (bits - 1)) - 1);
  if (value <= -limit)
    return -static_cast<int64_t>((uint64_t(1) << (bits - 1)) - 1) - 1;
  return static_cast<int64_t>(value);
}

uint64_t nnopt::toUnsigned(double value, unsigned bits) {
  if (std::isnan(value) || value <= 0)
    return 0;
  if (value >= std::ldexp(1.0, bits))
    return ~uint64_t(0) >> (64 - bits);
  return static_cast<uint64_t>(value);
}
