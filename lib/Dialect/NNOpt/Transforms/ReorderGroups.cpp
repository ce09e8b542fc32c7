//===- ReorderGroups.cpp - slices that change places ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A group may have several slices in one dimension, such as the pixels of a flattened channel: the first takes the place of the first, and so on.
// Whether this is what every op does is checked on the ties: where each slice comes from must be tied by the same op again.
//===----------------------------------------------------------------------===//

#include "ConstantData.h"
#include "DependencyGroups.h"

#include "mlir/IR/Matchers.h"

#include <cstring>

using namespace mlir;
using namespace nnopt;

SliceOrder::SliceOrder(DependencyGroups &groups, ArrayRef<int64_t> set, ArrayRef<int64_t> order) : groups(groups), order(order) {
  for (auto [i, group] : llvm::enumerate(set))
    indexOf[group] = i;
}

std::optional<SmallVector<int64_t>> SliceOrder::sourcesOf(Value value, int64_t dim) const {
  int64_t extent = cast<RankedTensorType>(value.getType()).getDimSize(dim);
  std::vector<SmallVector<int64_t, 1>> places(order.size());
  bool isTouched = false;
  for (int64_t i = 0; i < extent; ++i)
    if (auto entry = indexOf.find(groups.groupOf(value, dim, i)); entry != indexOf.end()) {
      places[entry->second].push_back(i);
      isTouched = true;
    }
  SmallVector<int64_t> from;
  if (!isTouched)
    return from;
  from = llvm::to_vector(llvm::seq(extent));
  for (auto [to, source] : llvm::enumerate(order)) {
    if (places[to].size() != places[source].size())
      return std::nullopt;
    for (auto [place, comesFrom] : llvm::zip_equal(places[to], places[source]))
      from[place] = comesFrom;
  }
  return from;
}

/// True if whatever was tied is tied by the same op where it comes from.
static bool keepsTies(ArrayRef<DependencyGroups::Tie> ties, const llvm::DenseMap<int64_t, int64_t> &sourceOf) {
  llvm::DenseSet<std::tuple<int64_t, int64_t, int64_t>> known;
  SmallVector<DependencyGroups::Tie> asked;
  for (const DependencyGroups::Tie &tie : ties) {
    if (!sourceOf.contains(tie.a) && !sourceOf.contains(tie.b))
      continue;
    known.insert({tie.rule, tie.a, tie.b});
    auto source = [&](int64_t slice) {
      auto entry = sourceOf.find(slice);
      return entry == sourceOf.end() ? slice : entry->second;
    };
    asked.push_back({tie.rule, source(tie.a), source(tie.b)});
  }
  return llvm::all_of(asked, [&](const DependencyGroups::Tie &tie) { return known.contains({tie.rule, tie.a, tie.b}); });
}

std::optional<SliceMoves> SliceOrder::moves(func::FuncOp function) const {
  llvm::DenseMap<int64_t, int64_t> sourceOf;
  SliceMoves moves;
  for (Operation &op : function.getBody().front())
    for (Value result : op.getResults()) {
      auto type = dyn_cast<RankedTensorType>(result.getType());
      for (int64_t dim = 0, rank = type ? type.getRank() : 0; dim < rank; ++dim) {
        std::optional<SmallVector<int64_t>> from = sourcesOf(result, dim);
        if (!from)
          return std::nullopt;
        for (auto [place, source] : llvm::enumerate(*from))
          sourceOf[groups.sliceOf(result, dim, place)] = groups.sliceOf(result, dim, source);
        if (!from->empty())
          moves[{result, dim}] = std::move(*from);
      }
    }
  return keepsTies(groups.ties(), sourceOf) ? std::optional(std::move(moves)) : std::nullopt;
}

/// `constant` with the slice `from[i]` of dimension `dim` at `i`.
static void moveSlices(Value constant, int64_t dim, ArrayRef<int64_t> from) {
  if (splatOf(constant))
    return;
  ConstantData data = *ConstantData::of(constant); // others are pinned
  int64_t extent = data.type.getDimSize(dim), inner = ShapedType::getNumElements(data.type.getShape().drop_front(dim + 1));
  ElementsAttr elements = makeElements(weightNameOf(constant), data.type, [&](MutableArrayRef<char> bytes) {
    char *to = bytes.data();
    for (int64_t i = 0; i < data.size(); ++i) {
      int64_t outer = i / inner / extent, at = i / inner % extent;
      ArrayRef<char> element = data.bytesAt((outer * extent + from[at]) * inner + i % inner);
      std::memcpy(to, element.data(), element.size());
      to += element.size();
    }
  });
  Operation *op = constant.getDefiningOp();
  op->setAttr("value", elements);
  // The zeros are as many, their pattern is another: nnopt-find-sparsity names it.
  if (auto known = op->getAttrOfType<SparsityAttr>(kSparsityAttr))
    op->setAttr(kSparsityAttr, SparsityAttr::get(op->getContext(), known.getOrigin(), "unstructured", known.getZeros()));
}

void nnopt::moveSlices(const SliceMoves &moves) {
  for (const auto &[place, from] : moves)
    if (matchPattern(place.first, m_Constant()))
      ::moveSlices(place.first, place.second, from);
}
