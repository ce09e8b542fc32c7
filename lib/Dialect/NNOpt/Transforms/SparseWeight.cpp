//===- SparseWeight.cpp - a pruned weight as constants --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "SparseWeight.h"

using namespace mlir;
using namespace nnopt;

SmallVector<Value> nnopt::createParts(OpBuilder &b, Value original, ArrayRef<WeightPart> parts) {
  StringAttr name = weightNameOf(original);
  return llvm::map_to_vector(parts, [&](const WeightPart &part) -> Value {
    StringAttr full = b.getStringAttr((name ? name.getValue() : "sparse") + part.suffix);
    return createWeight(b, original.getLoc(), full, RankedTensorType::get(part.shape, part.element),
                        [&](MutableArrayRef<char> to) { llvm::copy(part.bytes, to.begin()); });
  });
}

SparseWeight::SparseWeight(const WeightMatrix &weight, SparsePackAttr pack) {
  for (int64_t list = 0; list < pack.lists(); ++list) {
    starts.push_back(columns.size());
    int64_t chunk = list / pack.listsPerChunk() % pack.chunks(), first = pack.firstOutput(list);
    for (int64_t k = chunk * pack.getChunk(); k < std::min((chunk + 1) * pack.getChunk(), weight.depth); ++k)
      if (weight.hasBlock(first, pack.getRows(), k))
        addBlock(weight, first, pack.getRows(), k);
  }
  starts.push_back(columns.size());
  if (columns.empty())
    addBlock(weight, 0, pack.getRows(), 0);
}

void SparseWeight::addBlock(const WeightMatrix &weight, int64_t first, int64_t rows, int64_t k) {
  columns.push_back(k);
  for (int64_t n = first; n < first + rows; ++n)
    values.push_back(n < weight.outputs ? weight.values[n * weight.depth + k] : 0.0f);
}

SmallVector<Value> SparseWeight::create(OpBuilder &b, Value original, SparsePackAttr pack) const {
  int64_t blocks = columns.size(), lists = starts.size();
  return createParts(b, original, {{".values", {blocks, pack.getRows()}, b.getF32Type(), values},
                                   {".columns", {blocks}, b.getI32Type(), columns},
                                   {".starts", {lists}, b.getI32Type(), starts}});
}
