//===- WeightMasks.cpp - masks by the names of weights --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "WeightMasks.h"

#include "nnopt/Dialect/NNOpt/IR/SparsityPattern.h"
#include "nnopt/Support/Npz.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>
#include <optional>

using namespace llvm;
using namespace nnopt;

/// "a uint8 array of one dimension" and what is there instead.
static Error checkVector(StringRef name, const HostTensor &tensor, ElementType type) {
  if (tensor.type() == type && tensor.rank() == 1)
    return Error::success();
  return createStringError("'" + name + "' is " + tensor.typeText() + ", expected a vector of " + elementName(type));
}

/// The product of the extents, or nothing if it is not a count.
static std::optional<int64_t> countOf(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t extent : shape)
    if (extent < 0 || MulOverflow(count, extent, count))
      return std::nullopt;
  return count;
}

static Error setShape(WeightMask &mask, StringRef entry, const HostTensor &tensor) {
  if (Error error = checkVector(entry, tensor, ElementType::I64))
    return error;
  mask.shape.resize(tensor.size());
  std::memcpy(mask.shape.data(), tensor.bytes(), tensor.byteSize());
  return Error::success();
}

static Error setPattern(WeightMask &mask, StringRef entry, const HostTensor &tensor) {
  if (Error error = checkVector(entry, tensor, ElementType::U8))
    return error;
  mask.pattern.assign(tensor.bytes(), tensor.size());
  Expected<SparsityPattern> pattern = SparsityPattern::parse(mask.pattern);
  return pattern ? Error::success() : createStringError("'" + entry + "': " + toString(pattern.takeError()));
}

static Error checkBits(const WeightMask &mask) {
  std::optional<int64_t> count = countOf(mask.shape);
  int64_t bytes = mask.data.size();
  if (!count || divideCeil(static_cast<uint64_t>(*count), 8) != static_cast<uint64_t>(bytes))
    return createStringError(formatv("'{0}:bits' holds {1} bytes, the shape {2} needs {3}", mask.name, bytes, mask.shapeText(),
                                     count ? std::to_string(divideCeil(static_cast<uint64_t>(*count), 8)) : "another number"));
  return Error::success();
}

/// Reads the parts that stand beside the bits of `mask`.
static Error readPacked(WeightMask &mask, const StringMap<const HostTensor *> &entries) {
  std::string bits = mask.name + ":bits", shape = mask.name + ":shape", pattern = mask.name + ":pattern";
  if (Error error = checkVector(bits, mask.data, ElementType::U8))
    return error;
  if (!entries.contains(shape))
    return createStringError("'" + bits + "' has no '" + shape + "' beside it");
  if (Error error = setShape(mask, shape, *entries.lookup(shape)))
    return error;
  if (const HostTensor *text = entries.lookup(pattern))
    if (Error error = setPattern(mask, pattern, *text))
      return error;
  return checkBits(mask);
}

static Error readPlain(WeightMask &mask) {
  if (mask.data.type() != ElementType::Bool)
    return createStringError("mask '" + mask.name + "' is " + mask.data.typeText() + ", expected bool");
  mask.shape.assign(mask.data.shape().begin(), mask.data.shape().end());
  return Error::success();
}

Expected<WeightMasks> WeightMasks::read(StringRef path) {
  Expected<NamedTensors> entries = readNpz(path);
  if (!entries)
    return entries.takeError();
  StringMap<const HostTensor *> byName;
  for (const auto &[name, tensor] : *entries)
    byName[name] = &tensor;
  WeightMasks result;
  for (const auto &[name, tensor] : *entries) {
    StringRef weight(name);
    if (weight.consume_back(":shape") || weight.consume_back(":pattern")) {
      if (!byName.contains((weight + ":bits").str()))
        return createStringError("'" + name + "' has no '" + weight + ":bits' beside it");
      continue;
    }
    WeightMask mask;
    mask.packed = weight.consume_back(":bits");
    mask.name = weight.str(), mask.data = tensor;
    if (Error error = mask.packed ? readPacked(mask, byName) : readPlain(mask))
      return error;
    result.masks.push_back(std::move(mask));
  }
  return result;
}
