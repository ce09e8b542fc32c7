//===- Weights.cpp - constants as bytes -----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Weights.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Target/StraightLine.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nnopt;

/// Narrow types (i1, i4) take a whole byte each.
static uint64_t elementBytes(Type type) {
  return type.isIndex() ? 8 : llvm::divideCeil(type.getIntOrFloatBitWidth(), 8);
}

/// Elements in their order, `bytes` bytes each.
static void writeValues(DenseElementsAttr value, uint64_t bytes, raw_ostream &os) {
  auto write = [&](const APInt &bits) {
    uint64_t word = bits.getZExtValue();
    os.write(reinterpret_cast<const char *>(&word), bytes);
  };
  if (isa<FloatType>(value.getElementType()))
    for (const APFloat &element : value.getValues<APFloat>())
      write(element.bitcastToAPInt());
  else
    for (const APInt &element : value.getValues<APInt>())
      write(element);
}

static void writeSplat(DenseElementsAttr value, uint64_t bytes, raw_ostream &os) {
  std::string element;
  llvm::raw_string_ostream elementStream(element);
  Attribute splat = value.getSplatValue<Attribute>();
  auto one = RankedTensorType::get({1}, value.getElementType());
  writeValues(DenseElementsAttr::get(one, splat), bytes, elementStream);
  std::string block;
  constexpr int64_t kBlockElements = 8192;
  int64_t left = value.getNumElements();
  for (int64_t i = 0, e = std::min(left, kBlockElements); i < e; ++i)
    block += element;
  for (; left > 0; left -= kBlockElements)
    os.write(block.data(), std::min(left, kBlockElements) * bytes);
}

void nnopt::writeElements(ElementsAttr value, raw_ostream &os) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    ArrayRef<char> data = resource.getRawHandle().getBlob()->getData();
    os.write(data.data(), data.size());
    return;
  }
  auto dense = cast<DenseElementsAttr>(value);
  uint64_t bytes = elementBytes(dense.getElementType());
  if (dense.isSplat())
    writeSplat(dense, bytes, os);
  else if (dense.getElementType().isIntOrFloat() && dense.getElementType().getIntOrFloatBitWidth() == bytes * 8)
    os.write(dense.getRawData().data(), dense.getRawData().size());
  else
    writeValues(dense, bytes, os);
}

/// Checks that `writeElements` can write `bytes` bytes.
static LogicalResult checkValue(LLVM::GlobalOp global, ElementsAttr value, uint64_t bytes) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    const AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob)
      return global.emitError("weight '") << global.getSymName() << "' has no bytes: the file was written without weights";
    if (blob->getData().size() != bytes)
      return global.emitError("weight '") << global.getSymName() << "' has " << blob->getData().size()
                                          << " bytes, its type needs " << bytes;
    return success();
  }
  auto dense = dyn_cast<DenseIntOrFPElementsAttr>(value);
  if (!dense || (!dense.getElementType().isIntOrIndexOrFloat()))
    return global.emitError("weight '") << global.getSymName() << "' has a value that is neither dense nor a resource";
  return success();
}

FailureOr<WeightTable> WeightTable::collect(ModuleOp module, StringRef prefix) {
  WeightTable result;
  for (auto global : module.getOps<LLVM::GlobalOp>()) {
    auto value = global->getAttrOfType<ElementsAttr>(kValueAttr);
    if (!value)
      continue;
    uint64_t bytes = elementBytes(value.getElementType()) * value.getNumElements();
    if (failed(checkValue(global, value, bytes)))
      return failure();
    result.table.push_back({(prefix + global.getSymName()).str(), value, bytes, global->hasAttr(kCodeAttr)});
  }
  return result;
}

void WeightTable::layOut(llvm::function_ref<bool(const Weight &)> isUsed) {
  llvm::erase_if(table, [&](const Weight &weight) { return !isUsed(weight); });
  size = codeSize = 0;
  for (Weight &weight : table) {
    uint64_t &end = weight.isCode ? codeSize : size;
    weight.offset = llvm::alignTo(end, kWeightAlignment);
    end = weight.offset + weight.bytes;
  }
}

void WeightTable::write(raw_ostream &os, bool isCode) const {
  uint64_t written = 0;
  for (const Weight &weight : table) {
    if (weight.isCode != isCode)
      continue;
    os.write_zeros(weight.offset - written);
    writeElements(weight.value, os);
    written = weight.offset + weight.bytes;
  }
}
