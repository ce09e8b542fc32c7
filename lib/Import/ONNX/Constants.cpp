//===- Constants.cpp - contents of ONNX tensors ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Constants.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include "llvm/Support/MathExtras.h"

#include <cstring>

using namespace mlir;
using namespace nnopt::onnx;

/// Larger constants become resources; up to this size text is worth more than sharing.
static constexpr size_t kLargestInline = 1024;

Type nnopt::onnx::elementTypeOf(int32_t dataType, MLIRContext *context) {
  Builder b(context);
  switch (dataType) {
  case kFloat: return b.getF32Type();
  case kDouble: return b.getF64Type();
  case kFloat16: return b.getF16Type();
  case kBFloat16: return b.getBF16Type();
  case kBool: return b.getI1Type();
  case kInt4: return b.getIntegerType(4);
  case kInt8: return b.getI8Type();
  case kInt16: return b.getI16Type();
  case kInt32: return b.getI32Type();
  case kInt64: return b.getI64Type();
  case kUint4: return b.getIntegerType(4, /*isSigned=*/false);
  case kUint8: return b.getIntegerType(8, /*isSigned=*/false);
  case kUint16: return b.getIntegerType(16, /*isSigned=*/false);
  case kUint32: return b.getIntegerType(32, /*isSigned=*/false);
  case kUint64: return b.getIntegerType(64, /*isSigned=*/false);
  default: return {};
  }
}

std::string nnopt::onnx::dataTypeName(int32_t dataType) {
  static constexpr llvm::StringLiteral kNames[] = {
      "undefined", "float", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16",
      "double", "uint32", "uint64", "complex64", "complex128", "bfloat16", "float8e4m3fn", "float8e4m3fnuz",
      "float8e5m2", "float8e5m2fnuz", "uint4", "int4", "float4e2m1", "float8e8m0", "uint2", "int2"};
  if (dataType >= 0 && dataType < int32_t(std::size(kNames)))
    return kNames[dataType].str();
  return std::to_string(dataType);
}

int64_t nnopt::onnx::elementBytes(Type type) { return type.isIndex() ? 8 : llvm::divideCeil(type.getIntOrFloatBitWidth(), 8); }

std::optional<int64_t> nnopt::onnx::countElements(ArrayRef<int64_t> shape) {
  constexpr int64_t kMost = int64_t(1) << 43;
  int64_t count = 1;
  for (int64_t extent : shape) {
    // A zero elsewhere in the shape does not excuse extents that overflow: strides are products too.
    if (extent < 0 || extent > kMost || (extent != 0 && count > kMost / extent))
      return std::nullopt;
    if (extent != 0)
      count *= extent;
  }
  return llvm::is_contained(shape, 0) ? 0 : count;
}

//===----------------------------------------------------------------------===//
// Constant
//===----------------------------------------------------------------------===//

Constant Constant::copy(RankedTensorType type, std::vector<char> data) {
  auto owner = std::make_shared<std::vector<char>>(std::move(data));
  return {type, ArrayRef<char>(owner->data(), owner->size()), owner};
}

Constant Constant::fromScalars(RankedTensorType type, ArrayRef<Attribute> scalars) {
  int64_t width = elementBytes(type.getElementType());
  std::vector<char> data(scalars.size() * width);
  for (auto [i, scalar] : llvm::enumerate(scalars)) {
    APInt bits = isa<FloatAttr>(scalar) ? cast<FloatAttr>(scalar).getValue().bitcastToAPInt()
                                        : cast<IntegerAttr>(scalar).getValue();
    uint64_t word = bits.getBitWidth() > 1 && isa<IntegerAttr>(scalar) ? bits.getSExtValue() : bits.getZExtValue();
    std::memcpy(&data[i * width], &word, width); // little-endian, as ONNX is
  }
  return copy(type, std::move(data));
}

int64_t Constant::integerAt(int64_t i) const {
  Type element = type.getElementType();
  int64_t width = elementBytes(element);
  uint64_t word = 0;
  std::memcpy(&word, bytes.data() + i * width, width);
  unsigned bits = element.getIntOrFloatBitWidth();
  if (bits == 1)
    return word != 0;
  if (element.isUnsignedInteger() || bits == 64)
    return word;
  return llvm::SignExtend64(word, bits);
}

Attribute Constant::at(int64_t i) const {
  Builder b(type.getContext());
  Type element = type.getElementType();
  if (element.isInteger(1))
    return b.getBoolAttr(integerAt(i) != 0);
  if (!isa<FloatType>(element))
    return b.getIndexAttr(integerAt(i));
  auto floating = cast<FloatType>(element);
  uint64_t word = 0;
  std::memcpy(&word, bytes.data() + i * elementBytes(element), elementBytes(element));
  return FloatAttr::get(floating, APFloat(floating.getFloatSemantics(), APInt(floating.getWidth(), word)));
}

double Constant::numberAt(int64_t i) const {
  if (!isa<FloatType>(type.getElementType()))
    return type.getElementType().isUnsignedInteger() ? double(uint64_t(integerAt(i))) : double(integerAt(i));
  return cast<FloatAttr>(at(i)).getValueAsDouble();
}

Constant Constant::reshaped(ArrayRef<int64_t> shape) const {
  return {RankedTensorType::get(shape, type.getElementType()), bytes, owner};
}

ElementsAttr Constant::attribute(StringRef name) const {
  if (bytes.size() <= kLargestInline && type.getElementType().isInteger(1)) {
    SmallVector<bool> bools;
    for (char byte : bytes)
      bools.push_back(byte != 0);
    return DenseElementsAttr::get(type, bools);
  }
  if (bytes.size() <= kLargestInline)
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  // The deleter owns a reference to the mapping, so the bytes live as long as the context's resources.
  auto keep = [owner = owner](void *, size_t, size_t) mutable { owner.reset(); };
  AsmResourceBlob blob(bytes, elementBytes(type.getElementType()), std::move(keep), /*dataIsMutable=*/false);
  return DenseResourceElementsAttr::get(type, name.empty() ? "constant" : name, std::move(blob));
}
