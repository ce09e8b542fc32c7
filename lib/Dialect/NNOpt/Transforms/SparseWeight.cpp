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

SparseWeight::SparseWeight(const WeightMatrix &weight, SparsePackAttr pack, ArrayRef<int64_t> columnOf) {
  // The elements of a sum in the order of their columns.
  std::vector<std::pair<int64_t, int64_t>> order;
  for (int64_t k = 0; k < weight.depth; ++k)
    order.emplace_back(columnOf.empty() ? k : columnOf[k], k);
  llvm::sort(order);
  std::vector<size_t> chunkStarts;
  for (int64_t chunk = 0; chunk <= pack.chunks(); ++chunk)
    chunkStarts.push_back(llvm::lower_bound(order, std::pair(chunk * pack.getChunk(), int64_t(0))) - order.begin());
  for (int64_t list = 0; list < pack.lists(); ++list) {
    starts.push_back(columns.size());
    int64_t chunk = list / pack.listsPerChunk() % pack.chunks(), first = pack.firstOutput(list);
    for (size_t i = chunkStarts[chunk]; i < chunkStarts[chunk + 1]; ++i)
      if (auto [column, k] = order[i]; weight.hasBlock(first, pack.getRows(), k))
        addBlock(weight, first, pack.getRows(), k, column);
  }
  starts.push_back(columns.size());
  if (columns.empty())
    addBlock(weight, 0, pack.getRows(), order[0].second, order[0].first);
}

void SparseWeight::addBlock(const WeightMatrix &weight, int64_t first, int64_t rows, int64_t k, int64_t column) {
  columns.push_back(column);
  for (int64_t n = first; n < first + rows; ++n)
    values.push_back(n < weight.outputs ? weight.values[n * weight.depth + k] : 0.0f);
}

SmallVector<Value> SparseWeight::create(OpBuilder &b, Value original, SparsePackAttr pack) const {
  int64_t blocks = columns.size(), lists = starts.size();
  return createParts(b, original, {{".values", {blocks, pack.getRows()}, b.getF32Type(), values},
                                   {".columns", {blocks}, b.getI32Type(), columns},
                                   {".starts", {lists}, b.getI32Type(), starts}});
}
