//===- ConstantData.cpp - elements of constant tensors --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "ConstantData.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"

#include <cstring>

using namespace mlir;
using namespace nnopt;

/// Larger constants become resources.
static constexpr int64_t kLargestInline = 1024;

std::optional<ConstantData> ConstantData::of(Value value) {
  ElementsAttr elements;
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.getElementType().isIntOrFloat() || type.getElementTypeBitWidth() == 1 ||
      !matchPattern(value, m_Constant(&elements)))
    return std::nullopt;
  ConstantData result;
  result.type = type;
  result.width = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  if (auto dense = dyn_cast<DenseElementsAttr>(elements)) {
    result.bytes = dense.getRawData();
    result.splat = dense.isSplat();
    return result;
  }
  auto resource = dyn_cast<DenseResourceElementsAttr>(elements);
  AsmResourceBlob *blob = resource ? resource.getRawHandle().getBlob() : nullptr;
  if (!blob || static_cast<int64_t>(blob->getData().size()) != type.getNumElements() * result.width)
    return std::nullopt;
  result.bytes = blob->getData();
  return result;
}

ArrayRef<char> ConstantData::bytesAt(int64_t i) const { return bytes.slice(splat ? 0 : i * width, width); }

double ConstantData::at(int64_t i) const {
  if (type.getElementType().isF32()) { // what passes over all weights of a model read
    float number;
    std::memcpy(&number, bytesAt(i).data(), sizeof(number));
    return number;
  }
  uint64_t word = 0;
  std::memcpy(&word, bytesAt(i).data(), width);
  APInt bits = APInt(64, word).trunc(type.getElementTypeBitWidth());
  if (auto floating = dyn_cast<FloatType>(type.getElementType())) {
    APFloat number(floating.getFloatSemantics(), bits);
    bool losesInfo;
    number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
    return number.convertToDouble();
  }
  return type.getElementType().isUnsignedInteger() ? static_cast<double>(bits.getZExtValue())
                                                   : static_cast<double>(bits.getSExtValue());
}

std::optional<double> nnopt::splatOf(Value value) {
  std::optional<ConstantData> data = ConstantData::of(value);
  if (!data || data->size() == 0)
    return std::nullopt;
  ElementsAttr elements;
  matchPattern(value, m_Constant(&elements));
  if (data->size() != 1 && !elements.isSplat())
    return std::nullopt;
  return data->at(0);
}

ElementsAttr nnopt::makeElements(StringAttr name, RankedTensorType type, function_ref<void(MutableArrayRef<char>)> fill) {
  int64_t width = llvm::divideCeil(type.getElementTypeBitWidth(), 8), bytes = type.getNumElements() * width;
  if (bytes <= kLargestInline) {
    SmallVector<char> data(bytes);
    fill(data);
    return type.getElementType().isInteger(1)
               ? DenseElementsAttr::get(type, llvm::map_to_vector(data, [](char byte) { return byte != 0; }))
               : DenseElementsAttr::getFromRawBuffer(type, data);
  }
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(bytes, /*align=*/64);
  fill(blob.getMutableData());
  return DenseResourceElementsAttr::get(type, name ? name.getValue() : "constant", std::move(blob));
}

WeightOp nnopt::createWeight(OpBuilder &b, Location loc, StringAttr name, RankedTensorType type,
                             function_ref<void(MutableArrayRef<char>)> fill) {
  return WeightOp::create(b, loc, type, name, makeElements(name, type, fill));
}

int64_t nnopt::countZeros(const ConstantData &data) {
  int64_t zeros = 0;
  for (int64_t i = 0; i < data.size(); ++i)
    zeros += data.at(i) == 0;
  return zeros;
}

bool nnopt::isSliceOf(const ConstantData &data, int64_t dim, int64_t index, double number) {
  int64_t inner = ShapedType::getNumElements(data.type.getShape().drop_front(dim + 1)), stride = inner * data.type.getDimSize(dim);
  for (int64_t first = index * inner; first < data.size(); first += stride)
    for (int64_t i = first; i < first + inner; ++i)
      if (data.at(i) != number)
        return false;
  return true;
}

WeightOp nnopt::createZeroed(OpBuilder &b, Value old, const ConstantData &data, llvm::function_ref<bool(int64_t)> isRemoved) {
  return createWeight(b, old.getLoc(), weightNameOf(old), data.type, [&](MutableArrayRef<char> bytes) {
    char *to = bytes.data();
    for (int64_t i = 0; i < data.size(); ++i) {
      ArrayRef<char> from = data.bytesAt(i);
      // +0 of every float type is all zero bits.
      isRemoved(i) ? std::memset(to, 0, from.size()) : std::memcpy(to, from.data(), from.size());
      to += from.size();
    }
  });
}

SparsityAttr nnopt::replaceBySparse(Value old, WeightOp weight, SparsityOrigin origin, StringRef pattern) {
  auto sparsity = SparsityAttr::get(weight.getContext(), origin, pattern, countZeros(*ConstantData::of(weight.getResult())));
  weight->setAttr(kSparsityAttr, sparsity);
  old.replaceAllUsesWith(weight.getResult());
  old.getDefiningOp()->erase();
  return sparsity;
}

SparsityAttr nnopt::replaceByZeroed(Value old, const ConstantData &data, llvm::function_ref<bool(int64_t)> isRemoved, SparsityOrigin origin,
                                    StringRef pattern) {
  OpBuilder b(old.getDefiningOp());
  return replaceBySparse(old, createZeroed(b, old, data, isRemoved), origin, pattern);
}

WeightOp nnopt::carrySparsity(Value old, WeightOp weight, StringRef pattern) {
  auto from = old.getDefiningOp<WeightOp>();
  auto sparsity = from ? from->getAttrOfType<SparsityAttr>(kSparsityAttr) : SparsityAttr();
  std::optional<ConstantData> data = sparsity ? ConstantData::of(weight.getResult()) : std::nullopt;
  if (!data)
    return weight;
  weight->setAttr(kSparsityAttr, SparsityAttr::get(weight.getContext(), sparsity.getOrigin(),
                                                   pattern.empty() ? sparsity.getPattern() : pattern, countZeros(*data)));
  return weight;
}

StringAttr nnopt::weightNameOf(Value value) {
  auto weight = value.getDefiningOp<WeightOp>();
  return weight ? weight.getSymNameAttr() : StringAttr();
}
