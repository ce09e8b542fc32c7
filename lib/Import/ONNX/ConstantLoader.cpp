//===- ConstantLoader.cpp - reads TensorProto messages --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Constants.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"

#include <cstring>

using namespace mlir;
using namespace nnopt::onnx;

using Result = ConstantLoader::Result;

/// The dense form of a sparse tensor is the one thing here that the file's size does not bound.
static constexpr int64_t kLargestExpanded = int64_t(1) << 28;

static Result fail(std::string error) { return {std::nullopt, std::move(error), false}; }

static std::string shapeText(ArrayRef<int64_t> shape) {
  return "[" + llvm::join(llvm::map_range(shape, [](int64_t d) { return std::to_string(d); }), ", ") + "]";
}

/// The type of a tensor with these dimensions, or the reason why there is none.
static Result typeOf(ArrayRef<int64_t> dims, int32_t dataType, MLIRContext *context, RankedTensorType &type) {
  Type element = elementTypeOf(dataType, context);
  if (!element) {
    bool known = dataType >= kFloat && dataType <= kInt2;
    return {std::nullopt, llvm::formatv("has elements of type {0}, which {1}", dataTypeName(dataType),
                                        known ? "nnopt does not support" : "ONNX does not define").str(), known};
  }
  if (!countElements(dims))
    return fail("has the impossible shape " + shapeText(dims));
  type = RankedTensorType::get(dims, element);
  return {};
}

static bool isSubByte(Type element) { return element.isInteger(4); }

static uint64_t packedBytes(RankedTensorType type) {
  uint64_t count = type.getNumElements();
  return isSubByte(type.getElementType()) ? llvm::divideCeil(count, 2) : count * elementBytes(type.getElementType());
}

/// Two elements per byte, low nibble first, become one byte each.
static std::vector<char> unpackNibbles(RankedTensorType type, StringRef raw) {
  std::vector<char> data(type.getNumElements());
  bool isSigned = !type.getElementType().isUnsignedInteger();
  for (size_t i = 0; i < data.size(); ++i) {
    uint8_t nibble = (uint8_t(raw[i / 2]) >> (i % 2 * 4)) & 0xf;
    data[i] = isSigned ? char(llvm::SignExtend32<4>(nibble)) : char(nibble);
  }
  return data;
}

Result ConstantLoader::fromRaw(RankedTensorType type, int32_t dataType, StringRef raw,
                               std::shared_ptr<const void> owner) {
  uint64_t expected = packedBytes(type);
  if (raw.size() != expected)
    return fail(llvm::formatv("of shape {0} and type {1} needs {2} bytes, but has {3}", shapeText(type.getShape()),
                              dataTypeName(dataType), expected, raw.size()).str());
  Type element = type.getElementType();
  if (isSubByte(element))
    return {Constant::copy(type, unpackNibbles(type, raw)), "", false};
  ArrayRef<char> bytes(raw.data(), raw.size());
  if (element.isInteger(1) && llvm::any_of(bytes, [](char byte) { return byte != 0 && byte != 1; })) {
    std::vector<char> data(bytes.begin(), bytes.end());
    llvm::for_each(data, [](char &byte) { byte = byte != 0; });
    return {Constant::copy(type, std::move(data)), "", false};
  }
  // Protobuf aligns nothing; vector loads and the resource's readers need the natural alignment.
  if (reinterpret_cast<uintptr_t>(raw.data()) % elementBytes(element) != 0)
    return {Constant::copy(type, std::vector<char>(bytes.begin(), bytes.end())), "", false};
  return {Constant{type, bytes, std::move(owner)}, "", false};
}

template <typename Stored, typename Source>
static std::vector<char> convert(const std::vector<Source> &source) {
  std::vector<char> data(source.size() * sizeof(Stored));
  for (size_t i = 0; i < source.size(); ++i) {
    Stored value = static_cast<Stored>(source[i]);
    std::memcpy(&data[i * sizeof(Stored)], &value, sizeof(Stored));
  }
  return data;
}

Result ConstantLoader::fromFields(RankedTensorType type, const TensorProto &tensor) {
  auto take = [&](auto tag, const auto &source) -> Result {
    using Stored = decltype(tag);
    if (int64_t(source.size()) != type.getNumElements())
      return fail(llvm::formatv("of shape {0} needs {1} elements of type {2}, but has {3}", shapeText(type.getShape()),
                                type.getNumElements(), dataTypeName(tensor.dataType), source.size()).str());
    return {Constant::copy(type, convert<Stored>(source)), "", false};
  };
  switch (tensor.dataType) {
  case kFloat: return take(float(), tensor.floatData);
  case kDouble: return take(double(), tensor.doubleData);
  case kInt64: return take(int64_t(), tensor.int64Data);
  case kUint64: return take(uint64_t(), tensor.uint64Data);
  case kUint32: return take(uint32_t(), tensor.uint64Data);
  case kInt32: return take(int32_t(), tensor.int32Data);
  case kBool: {
    Result result = take(int8_t(), tensor.int32Data);
    return result.constant ? fromRaw(type, kBool, StringRef(result.constant->bytes.data(), result.constant->bytes.size()),
                                     result.constant->owner)
                           : result;
  }
  case kInt4:
  case kUint4: { // int32_data holds packed bytes
    std::vector<char> packed = convert<uint8_t>(tensor.int32Data);
    return fromRaw(type, tensor.dataType, StringRef(packed.data(), packed.size()), nullptr);
  }
  default: // 8 and 16 bits, floating or not: the low bits of int32_data
    return elementBytes(type.getElementType()) == 1 ? take(int8_t(), tensor.int32Data)
                                                    : take(int16_t(), tensor.int32Data);
  }
}

/// Maps the file `location` below the model's folder.
std::shared_ptr<llvm::MemoryBuffer> ConstantLoader::map(StringRef location, std::string &error) {
  if (auto known = mapped.find(location); known != mapped.end())
    return known->second;
  auto refuse = [&](Twine why) {
    error = ("has external data in '" + location + "', " + why).str();
    return nullptr;
  };
  if (folder.empty())
    return refuse("but the model is not a file");
  if (location.empty() || location.contains('\0') || llvm::sys::path::is_absolute(location) ||
      llvm::is_contained(llvm::make_range(llvm::sys::path::begin(location), llvm::sys::path::end(location)), ".."))
    return refuse("which is not a path inside the model's folder");
  SmallString<256> path(folder), root, real;
  llvm::sys::path::append(path, location);
  if (std::error_code code = llvm::sys::fs::real_path(folder, root))
    return refuse("but the model's folder cannot be read: " + code.message());
  if (std::error_code code = llvm::sys::fs::real_path(path, real))
    return refuse("which cannot be read: " + code.message());
  // Links may point anywhere inside the folder, but not out of it.
  if (!real.starts_with(root) || (real.size() > root.size() && !llvm::sys::path::is_separator(real[root.size()]) &&
                                  !llvm::sys::path::is_separator(root.back())))
    return refuse("a link to outside the model's folder");
  if (!llvm::sys::fs::is_regular_file(real))
    return refuse("which is not a file");
  auto buffer = llvm::MemoryBuffer::getFile(real, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return refuse("which cannot be read: " + buffer.getError().message());
  return mapped[location] = std::move(*buffer);
}

Result ConstantLoader::fromExternal(RankedTensorType type, const TensorProto &tensor) {
  StringRef location;
  uint64_t offset = 0, length = packedBytes(type);
  for (auto [key, value] : tensor.externalData) {
    if (key == "location")
      location = value;
    else if ((key == "offset" && value.getAsInteger(10, offset)) || (key == "length" && value.getAsInteger(10, length)))
      return fail(llvm::formatv("has external data with {0} '{1}', which is not a number", key, value).str());
  }
  std::string error;
  std::shared_ptr<llvm::MemoryBuffer> buffer = map(location, error);
  if (!buffer)
    return fail(std::move(error));
  uint64_t size = buffer->getBufferSize();
  if (offset > size || length > size - offset)
    return fail(llvm::formatv("reads {0} bytes at offset {1} of '{2}', which has {3}", length, offset, location, size).str());
  return fromRaw(type, tensor.dataType, buffer->getBuffer().substr(offset, length), buffer);
}

Result ConstantLoader::load(const TensorProto &tensor) {
  RankedTensorType type;
  if (Result problem = typeOf(tensor.dims, tensor.dataType, context, type); !type)
    return problem;
  if (tensor.isSegment)
    return {std::nullopt, "is stored in segments, which nnopt does not support", true};
  if (tensor.isExternal)
    return fromExternal(type, tensor);
  if (tensor.hasRawData)
    return fromRaw(type, tensor.dataType, tensor.rawData, file);
  return fromFields(type, tensor);
}

/// Where a value goes in the dense form: indices are linear, or one row of coordinates per value. On failure says which is outside.
static std::optional<int64_t> linearIndex(const Constant &indices, int64_t row, ArrayRef<int64_t> shape, int64_t count, std::string &error) {
  auto outside = [&](int64_t index, int64_t extent) {
    error = llvm::formatv("has index {0} at value {1}, outside its shape {2} (at most {3})", index, row, shapeText(shape), extent - 1).str();
    return std::nullopt;
  };
  if (indices.type.getRank() == 1) {
    int64_t index = indices.integerAt(row);
    if (index < 0 || index >= count)
      return outside(index, count);
    return index;
  }
  int64_t linear = 0;
  for (auto [d, extent] : llvm::enumerate(shape)) {
    int64_t index = indices.integerAt(row * shape.size() + d);
    if (index < 0 || index >= extent)
      return outside(index, extent);
    linear = linear * extent + index;
  }
  return linear;
}

/// Why `values` and `indices` do not make a sparse tensor of `shape`, or nothing.
static std::string sparseMismatch(ArrayRef<int64_t> shape, const Constant &values, const Constant &indices) {
  RankedTensorType type = indices.type;
  if (values.type.getRank() != 1)
    return llvm::formatv("stores its values in the shape {0}, expected one dimension", shapeText(values.type.getShape())).str();
  bool isLinear = type.getRank() == 1, isRows = type.getRank() == 2 && type.getDimSize(1) == static_cast<int64_t>(shape.size());
  if (!type.getElementType().isInteger(64) || !(isLinear || isRows) || type.getDimSize(0) != values.size())
    return llvm::formatv("stores {0} values with indices of shape {1}", values.size(), shapeText(type.getShape())).str();
  return "";
}

Result ConstantLoader::load(const SparseTensorProto &tensor) {
  RankedTensorType type;
  if (Result problem = typeOf(tensor.dims, tensor.values.dataType, context, type); !type)
    return problem;
  Result values = load(tensor.values), indices = load(tensor.indices);
  if (!values.constant || !indices.constant)
    return values.constant ? indices : values;
  if (std::string mismatch = sparseMismatch(tensor.dims, *values.constant, *indices.constant); !mismatch.empty())
    return fail(std::move(mismatch));
  int64_t stored = values.constant->size(), count = type.getNumElements(), width = elementBytes(type.getElementType());
  if (count * width > kLargestExpanded)
    return {std::nullopt, llvm::formatv("is sparse and takes {0} bytes when expanded; nnopt expands at most {1}", count * width,
                                        kLargestExpanded).str(), true};
  std::vector<char> data(count * width);
  int64_t before = -1;
  for (int64_t row = 0; row < stored; ++row) {
    std::string error;
    std::optional<int64_t> at = linearIndex(*indices.constant, row, tensor.dims, count, error);
    if (!at)
      return fail(std::move(error));
    // The format asks for it; of two values in one place, readers would disagree about which counts.
    if (*at <= before)
      return fail(llvm::formatv("has value {0} at element {1}, {2}; indices must ascend", row, *at,
                                *at == before ? "as the value before" : llvm::formatv("after element {0}", before).str()).str());
    before = *at;
    std::memcpy(&data[*at * width], values.constant->bytes.data() + row * width, width);
  }
  Constant dense = Constant::copy(type, std::move(data));
  dense.storedElements = stored;
  return {std::move(dense), "", false};
}
