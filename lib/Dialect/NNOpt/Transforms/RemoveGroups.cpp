//===- RemoveGroups.cpp - tensors without some of their slices ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "ConstantData.h"
#include "DependencyGroups.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Matchers.h"

#include <cstring>

using namespace mlir;
using namespace nnopt;

namespace {

/// Writes a function anew without some groups.
class Shrinker {
public:
  Shrinker(DependencyGroups &groups, const llvm::DenseSet<int64_t> &removed) : groups(groups), removed(removed) {}

  void run(func::FuncOp function) {
    // First all decisions, which the types still tell; then the changes.
    for (Operation &op : function.getBody().front()) {
      for (Value result : op.getResults())
        plan(result);
      planAttributes(&op);
    }
    for (auto &[value, kept] : shrunk)
      matchPattern(value, m_Constant()) ? replaceConstant(value, kept) : value.setType(typeOf(value).clone(extents(kept)));
    for (auto &change : changes)
      change();
  }

private:
  /// Slices that stay, by dimension; empty where the extent is unknown.
  using Kept = SmallVector<SmallVector<int64_t>>;

  DependencyGroups &groups;
  const llvm::DenseSet<int64_t> &removed;
  std::vector<std::pair<Value, Kept>> shrunk;
  std::vector<std::function<void()>> changes;

  static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

  bool goes(Value value, int64_t dim, int64_t index) {
    int64_t group = groups.groupOf(value, dim, index);
    return group >= 0 && removed.contains(group);
  }

  int64_t keptBefore(Value value, int64_t dim, int64_t end) {
    int64_t kept = 0;
    for (int64_t i = 0; i < end; ++i)
      kept += !goes(value, dim, i);
    return kept;
  }

  static SmallVector<int64_t> extents(const Kept &kept) {
    return llvm::map_to_vector(kept, [](const auto &slices) {
      return slices.empty() ? ShapedType::kDynamic : static_cast<int64_t>(slices.size());
    });
  }

  void plan(Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type)
      return;
    Kept kept(type.getRank());
    bool changes = false;
    for (auto [dim, extent] : llvm::enumerate(type.getShape()))
      for (int64_t i = 0; i < extent; ++i)
        goes(value, dim, i) ? void(changes = true) : kept[dim].push_back(i);
    if (changes)
      shrunk.push_back({value, std::move(kept)});
  }

  /// Attributes that count slices.
  void planAttributes(Operation *op) {
    if (auto conv = dyn_cast<ConvOp>(op))
      planGroups(conv, conv.getChannelsLast() ? conv.getSpatialRank() + 1 : 1);
    else if (auto conv = dyn_cast<ConvTransposeOp>(op))
      planGroups(conv, 1);
    else if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
      changes.push_back([expand]() mutable { expand.setStaticOutputShape(typeOf(expand.getResult()).getShape()); });
    else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
      planSlice(slice);
  }

  template <typename Conv>
  void planGroups(Conv conv, int64_t channels) {
    int64_t before = typeOf(conv.getInput()).getDimSize(channels), count = conv.getGroups();
    if (count > 1)
      changes.push_back([conv, channels, before, count]() mutable {
        conv.setGroups(typeOf(conv.getInput()).getDimSize(channels) / (before / count));
      });
  }

  void planSlice(tensor::ExtractSliceOp slice) {
    Value source = slice.getSource();
    if (typeOf(source).getRank() != slice.getType().getRank())
      return;
    SmallVector<int64_t> offsets(slice.getStaticOffsets()), sizes(slice.getStaticSizes());
    for (auto [dim, extent] : llvm::enumerate(typeOf(source).getShape())) {
      if (ShapedType::isDynamic(extent) || ShapedType::isDynamic(offsets[dim]) || ShapedType::isDynamic(sizes[dim]))
        continue;
      sizes[dim] = keptBefore(slice.getResult(), dim, sizes[dim]);
      offsets[dim] = keptBefore(source, dim, offsets[dim]);
    }
    changes.push_back([slice, offsets, sizes]() mutable {
      slice.setStaticOffsets(offsets);
      slice.setStaticSizes(sizes);
    });
  }

  static void replaceConstant(Value old, const Kept &kept) {
    // Others are pinned.
    std::optional<ConstantData> data = ConstantData::of(old);
    OpBuilder b(old.getDefiningOp());
    RankedTensorType type = typeOf(old).clone(extents(kept));
    if (DenseElementsAttr dense; matchPattern(old, m_Constant(&dense)) && dense.isSplat()) {
      auto weight = WeightOp::create(b, old.getLoc(), type, weightNameOf(old), dense.resizeSplat(type));
      old.replaceAllUsesWith(weight.getResult());
      old.getDefiningOp()->erase();
      return;
    }
    SmallVector<int64_t> strides = computeStrides(typeOf(old).getShape());
    int64_t zeros = 0;
    auto fill = [&](MutableArrayRef<char> bytes) {
      char *to = bytes.data();
      for (int64_t i = 0, count = type.getNumElements(); i < count; ++i) {
        int64_t place = 0;
        for (int64_t rest = i, dim = type.getRank() - 1; dim >= 0; --dim) {
          int64_t extent = kept[dim].size();
          place += kept[dim][rest % extent] * strides[dim];
          rest /= extent;
        }
        ArrayRef<char> from = data->bytesAt(place);
        zeros += data->at(place) == 0;
        std::memcpy(to, from.data(), from.size());
        to += from.size();
      }
    };
    WeightOp weight = createWeight(b, old.getLoc(), weightNameOf(old), type, fill);
    // Zeros in groups along a dimension may not be so without some of its slices.
    if (auto sparsity = old.getDefiningOp()->getAttrOfType<SparsityAttr>(kSparsityAttr))
      weight->setAttr(kSparsityAttr, SparsityAttr::get(b.getContext(), sparsity.getOrigin(), "unstructured", zeros));
    old.replaceAllUsesWith(weight.getResult());
    old.getDefiningOp()->erase();
  }
};

} // namespace

void nnopt::removeGroups(func::FuncOp function, DependencyGroups &groups, const llvm::DenseSet<int64_t> &removed) {
  Shrinker(groups, removed).run(function);
}
