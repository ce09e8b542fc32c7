//===- HostTensor.cpp - a dense tensor in memory --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Support/HostTensor.h"

#include "mlir/IR/DialectResourceBlobManager.h"

#include "llvm/ADT/StringExtras.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

using namespace mlir;
using namespace nnopt;

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

namespace {
struct ElementRow {
  ElementType type;
  llvm::StringLiteral name;
  int64_t bytes;
};
} // namespace

static constexpr ElementRow kElements[] = {
    {ElementType::F32, "f32", 4},   {ElementType::U8, "ui8", 1},   {ElementType::I8, "i8", 1},
    {ElementType::U16, "ui16", 2},  {ElementType::I16, "i16", 2},  {ElementType::I32, "i32", 4},
    {ElementType::I64, "i64", 8},   {ElementType::Bool, "i1", 1},  {ElementType::F16, "f16", 2},
    {ElementType::F64, "f64", 8},   {ElementType::U32, "ui32", 4}, {ElementType::U64, "ui64", 8},
    {ElementType::BF16, "bf16", 2}, {ElementType::U4, "ui4", 1},   {ElementType::I4, "i4", 1}};

static const ElementRow &row(ElementType type) {
  return *llvm::find_if(kElements, [&](const ElementRow &row) { return row.type == type; });
}

int64_t nnopt::byteWidth(ElementType type) { return row(type).bytes; }
StringRef nnopt::elementName(ElementType type) { return row(type).name; }

bool nnopt::isKnown(ElementType type) {
  return llvm::any_of(kElements, [&](const ElementRow &row) { return row.type == type; });
}

bool nnopt::isFloat(ElementType type) {
  return type == ElementType::F32 || type == ElementType::F64 || type == ElementType::F16 || type == ElementType::BF16;
}

std::optional<ElementType> nnopt::elementTypeOf(Type type) {
  if (type.isIndex())
    return ElementType::I64;
  if (type.isF32())
    return ElementType::F32;
  if (type.isF64())
    return ElementType::F64;
  if (type.isF16())
    return ElementType::F16;
  if (type.isBF16())
    return ElementType::BF16;
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer)
    return std::nullopt;
  bool isUnsigned = integer.isUnsigned();
  switch (integer.getWidth()) {
  case 1:
    return ElementType::Bool;
  case 4:
    return isUnsigned ? ElementType::U4 : ElementType::I4;
  case 8:
    return isUnsigned ? ElementType::U8 : ElementType::I8;
  case 16:
    return isUnsigned ? ElementType::U16 : ElementType::I16;
  case 32:
    return isUnsigned ? ElementType::U32 : ElementType::I32;
  case 64:
    return isUnsigned ? ElementType::U64 : ElementType::I64;
  default:
    return std::nullopt;
  }
}

std::string nnopt::typeText(ElementType type, ArrayRef<int64_t> shape) {
  std::string text = "tensor<";
  for (int64_t extent : shape)
    text += (extent < 0 ? std::string("?") : std::to_string(extent)) + "x";
  return text + elementName(type).str() + ">";
}

//===----------------------------------------------------------------------===//
// Two-byte floats
//===----------------------------------------------------------------------===//

double nnopt::roundToNarrow(bool isBrain, double value) {
  if (!std::isfinite(value) || value == 0)
    return value;
  // Significant bits, the step of subnormal numbers, and the first number that rounds to infinity.
  const int precision = isBrain ? 8 : 11, smallest = isBrain ? -133 : -24;
  const double limit = std::ldexp(1.0, isBrain ? 128 : 16);
  int exponent = 0;
  std::frexp(value, &exponent);
  int step = std::max(exponent - precision, smallest);
  double rounded = std::ldexp(std::nearbyint(std::ldexp(value, -step)), step);
  return std::fabs(rounded) < limit ? rounded : std::copysign(INFINITY, value);
}

double nnopt::halfToDouble(uint16_t bits) {
  int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double sign = bits >> 15 ? -1 : 1;
  if (exponent == 31)
    return fraction ? NAN : sign * INFINITY;
  return sign * (exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(fraction + 1024, exponent - 25));
}

uint16_t nnopt::doubleToHalf(double value) {
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  if (std::isnan(value))
    return sign | 0x7e00;
  double magnitude = std::fabs(roundToNarrow(/*isBrain=*/false, value));
  if (std::isinf(magnitude))
    return sign | 0x7c00;
  int exponent = 0;
  std::frexp(magnitude, &exponent);     // magnitude in [2^(exponent - 1), 2^exponent)
  if (magnitude == 0 || exponent < -13) // subnormal: in steps of 2^-24
    return sign | static_cast<uint16_t>(std::ldexp(magnitude, 24));
  return sign |
         static_cast<uint16_t>((exponent + 14) << 10 | (static_cast<int>(std::ldexp(magnitude, 11 - exponent)) & 1023));
}

double nnopt::bfloatToDouble(uint16_t bits) {
  uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

uint16_t nnopt::doubleToBfloat(double value) {
  if (std::isnan(value))
    return std::signbit(value) ? 0xffc0 : 0x7fc0;
  float rounded = static_cast<float>(roundToNarrow(/*isBrain=*/true, value));
  uint32_t wide;
  std::memcpy(&wide, &rounded, sizeof wide);
  return wide >> 16;
}

//===----------------------------------------------------------------------===//
// HostTensor
//===----------------------------------------------------------------------===//

/// Number of elements; nothing if an extent is negative or the bytes do not fit an address space of 2^46.
static std::optional<int64_t> countOf(ElementType type, ArrayRef<int64_t> shape) {
  int64_t count = 1, bytes = 0;
  if (llvm::is_contained(shape, 0))
    count = 0;
  for (int64_t extent : shape)
    if (extent < 0 || (count != 0 && llvm::MulOverflow(count, extent, count)))
      return std::nullopt;
  if (llvm::MulOverflow(count, byteWidth(type), bytes) || bytes > int64_t(1) << 46)
    return std::nullopt;
  return count;
}

std::optional<HostTensor> HostTensor::allocate(ElementType type, ArrayRef<int64_t> shape) {
  constexpr size_t kAlignment = 64;
  std::optional<int64_t> count = countOf(type, shape);
  if (!count)
    return std::nullopt;
  // calloc gives pages that cost nothing until they are touched.
  auto *base = static_cast<char *>(std::calloc(*count * byteWidth(type) + kAlignment, 1));
  if (!base)
    return std::nullopt;
  HostTensor tensor;
  tensor.elementType = type;
  tensor.extents.assign(shape.begin(), shape.end());
  tensor.count = *count;
  char *aligned = base + (kAlignment - reinterpret_cast<uintptr_t>(base) % kAlignment);
  tensor.storage = std::shared_ptr<char>(aligned, [base](char *) { std::free(base); });
  tensor.data = aligned;
  return tensor;
}

HostTensor HostTensor::borrow(ElementType type, ArrayRef<int64_t> shape, const void *bytes) {
  HostTensor tensor;
  tensor.elementType = type;
  tensor.extents.assign(shape.begin(), shape.end());
  tensor.count = countOf(type, shape).value_or(0);
  tensor.data = static_cast<const char *>(bytes);
  return tensor;
}

char *HostTensor::mutableBytes() {
  if (!storage || storage.use_count() != 1) {
    std::optional<HostTensor> copy = allocate(elementType, extents);
    if (!copy)
      return nullptr;
    if (data && byteSize())
      std::memcpy(copy->storage.get(), data, byteSize());
    *this = std::move(*copy);
  }
  return storage.get();
}

HostTensor HostTensor::reshaped(ArrayRef<int64_t> shape) const {
  HostTensor result = *this;
  result.extents.assign(shape.begin(), shape.end());
  return result;
}

HostTensor HostTensor::reinterpreted(ElementType type) const {
  HostTensor result = *this;
  result.elementType = type;
  return result;
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

/// Four-bit values are stored one per byte here, with the sign extended.
static char unpackNibble(ElementType type, unsigned nibble) {
  return type == ElementType::I4 && nibble >= 8 ? static_cast<char>(nibble - 16) : static_cast<char>(nibble);
}

static FailureOr<HostTensor> fromResource(DenseResourceElementsAttr value, ElementType type, std::string &problem) {
  AsmResourceBlob *blob = value.getRawHandle().getBlob();
  if (!blob) {
    problem =
        ("the resource '" + value.getRawHandle().getKey() + "' has no bytes (was it elided when the IR was printed?)")
            .str();
    return failure();
  }
  ArrayRef<char> bytes = blob->getData();
  ArrayRef<int64_t> shape = value.getType().getShape();
  std::optional<HostTensor> tensor = HostTensor::allocate(type, shape);
  int64_t count = tensor ? tensor->size() : 0, size = bytes.size();
  bool nibbles = (type == ElementType::I4 || type == ElementType::U4) && size == (count + 1) / 2;
  if (!tensor || (!nibbles && size != tensor->byteSize())) {
    problem = ("the resource '" + value.getRawHandle().getKey() + "' has " + Twine(size) + " bytes, " +
               typeText(type, shape) + " needs " + Twine(count * byteWidth(type)))
                  .str();
    return failure();
  }
  if (nibbles) {
    char *to = tensor->mutableBytes();
    for (int64_t i = 0; i < count; ++i)
      to[i] = unpackNibble(type, static_cast<uint8_t>(bytes[i / 2]) >> (i % 2 * 4) & 15);
    return *tensor;
  }
  if (reinterpret_cast<uintptr_t>(bytes.data()) % byteWidth(type) == 0)
    return HostTensor::borrow(type, shape, bytes.data());
  std::memcpy(tensor->mutableBytes(), bytes.data(), size);
  return *tensor;
}

static FailureOr<HostTensor> fromDense(DenseElementsAttr value, ElementType type, std::string &problem) {
  ArrayRef<int64_t> shape = value.getType().getShape();
  std::optional<HostTensor> tensor = HostTensor::allocate(type, shape);
  if (!tensor) {
    problem = "there is no memory for " + typeText(type, shape);
    return failure();
  }
  char *to = tensor->mutableBytes();
  int64_t width = byteWidth(type), count = tensor->size();
  ArrayRef<char> raw = value.getRawData();
  // Bits and nibbles are stored in ways of their own: through APInt.
  if (type == ElementType::Bool || type == ElementType::I4 || type == ElementType::U4) {
    for (auto [i, element] : llvm::enumerate(value.getValues<APInt>()))
      to[i] = type == ElementType::Bool ? element.getBoolValue() : unpackNibble(type, element.getZExtValue() & 15);
    return *tensor;
  }
  if (!value.isSplat()) {
    std::memcpy(to, raw.data(), count * width);
    return *tensor;
  }
  for (int64_t i = 0; i < count; ++i)
    std::memcpy(to + i * width, raw.data(), width);
  return *tensor;
}

FailureOr<HostTensor> HostTensor::fromAttribute(ElementsAttr value, std::string &problem) {
  std::optional<ElementType> type = elementTypeOf(value.getElementType());
  if (!type) {
    llvm::raw_string_ostream(problem) << "no support for elements of type " << value.getElementType();
    return failure();
  }
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value))
    return fromResource(resource, *type, problem);
  if (auto dense = dyn_cast<DenseElementsAttr>(value))
    return fromDense(dense, *type, problem);
  problem = "no support for this kind of constant";
  return failure();
}
