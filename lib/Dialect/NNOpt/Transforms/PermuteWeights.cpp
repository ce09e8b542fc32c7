//===- PermuteWeights.cpp - reorder channels for the kernels -----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "LayerTimes.h"
#include "OrderedLayer.h"
#include "RowClusters.h"
#include "StructuredSets.h"

#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "mlir/IR/Remarks.h"

#include "llvm/Support/FormatVariadic.h"

namespace nnopt {
#define GEN_PASS_DEF_PERMUTEWEIGHTS
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

static constexpr remark::RemarkOpts kRemark = remark::RemarkOpts::name("permute").category("nnopt-permute-weights");

// What threads gain by parts that are alike is less certain than the time of one.
static constexpr double kLeastEvening = 0.1;

namespace {

/// Layers between which channels may change places.
struct Neighbours {
  StructuredSet set; ///< groups in the order of the outputs of the first producer
  SmallVector<OrderedLayer> producers, consumers;

  /// Is there a layer whose time the order may change?
  bool isSparse() const {
    return llvm::any_of(producers, [](const OrderedLayer &layer) { return layer.isSparse(); }) ||
           llvm::any_of(consumers, [](const OrderedLayer &layer) { return layer.isSparse() && layer.hasFewRows(); });
  }
};

/// An order of the channels, what it does to the weights of the layers, and what that costs.
struct ChannelOrder {
  std::vector<int64_t> order;
  SliceMoves weights;
  OrderEstimate cost;
};

struct PermuteWeights : nnopt::impl::PermuteWeightsBase<PermuteWeights> {
  using PermuteWeightsBase::PermuteWeightsBase;

  LogicalResult initialize(MLIRContext *context) override {
    return findTargets(context, getArgument(), isas, targets);
  }

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    auto isSparse = [](const WeightLayer &layer) {
      auto ordered = OrderedLayer::of(layer, layer.users.front());
      return ordered && ordered->isSparse();
    };
    layers = findLayers(function);
    if (llvm::none_of(layers, isSparse))
      return;
    separateSmallConstants(function);
    layers = findLayers(function);
    DependencyGroups groups(function, SliceChange::Reorder);
    std::vector<SharedDim> dims = sharedDims(groups);
    tellPinned(groups, dims);
    for (const StructuredSet &set : findStructuredSets(groups, dims)) {
      Neighbours neighbours = neighboursOf(set, groups);
      if (neighbours.isSparse())
        decide(neighbours, groups);
    }
  }

private:
  SmallVector<const Isa *> targets;
  SmallVector<WeightLayer> layers;

  /// What a dimension of a weight is to the layers that read it.
  SmallVector<OrderedLayer> layersOf(const SharedDim &dim) {
    SmallVector<OrderedLayer> result;
    for (const WeightLayer &layer : layers)
      if (layer.weight == dim.weight)
        for (Operation *user : layer.users)
          if (auto ordered = OrderedLayer::of(layer, user))
            result.push_back(std::move(*ordered));
    return result;
  }

  Neighbours neighboursOf(const StructuredSet &set, DependencyGroups &groups) {
    Neighbours neighbours{set, {}, {}};
    for (const SharedDim *dim : set.dims)
      if (dim->role != SliceRole::Along)
        llvm::append_range(dim->role == SliceRole::Output ? neighbours.producers : neighbours.consumers, layersOf(*dim));
    if (neighbours.producers.empty())
      return neighbours;
    llvm::DenseMap<int64_t, int64_t> places;
    const OrderedLayer &first = neighbours.producers.front();
    for (int64_t i = 0; i < first.bits().rows(); ++i)
      places.try_emplace(groups.groupOf(first.weight(), first.outputDim(), i), i);
    llvm::sort(neighbours.set.groups, [&](int64_t a, int64_t b) { return places.lookup(a) < places.lookup(b); });
    return neighbours;
  }

  /// Why the outputs of sparse layers stay.
  void tellPinned(DependencyGroups &groups, ArrayRef<SharedDim> dims) {
    for (const SharedDim &dim : dims) {
      int64_t extent = cast<RankedTensorType>(dim.weight.getType()).getDimSize(dim.dim);
      Operation *pin = dim.role == SliceRole::Output && extent > 0 ? groups.pinnedBy(groups.groupOf(dim.weight, dim.dim, 0)) : nullptr;
      if (pin && llvm::any_of(layersOf(dim), [](const OrderedLayer &layer) { return layer.isSparse(); }))
        remark::missed(dim.users.front()->getLoc(), kRemark)
            << remark::reason("outputs keep their order: {0}", describePin(pin, SliceChange::Reorder));
    }
  }

  void decide(const Neighbours &neighbours, DependencyGroups &groups) {
    Location loc = neighbours.set.location();
    if (neighbours.set.width > 1) {
      remark::missed(loc, kRemark) << remark::reason("outputs keep their order: they go together by {0}", neighbours.set.width);
      return;
    }
    ChannelOrder before{{}, {}, costOf(neighbours, {})};
    std::optional<ChannelOrder> best;
    for (std::vector<int64_t> &order : candidates(neighbours, groups)) {
      std::optional<SliceMoves> weights = movesOfWeights(neighbours, SliceOrder(groups, neighbours.set.groups, order));
      OrderEstimate cost = weights ? costOf(neighbours, *weights) : OrderEstimate();
      if (weights && (!best || isBetter(cost, best->cost)))
        best = {std::move(order), std::move(*weights), cost};
    }
    std::string compared = best ? describe(neighbours, before, *best) : "the layers have not equally many of each";
    if (!best || !pays(before.cost, best->cost)) {
      remark::missed(loc, kRemark) << remark::reason("outputs keep their order: {0}", compared);
      return;
    }
    std::optional<SliceMoves> moves = SliceOrder(groups, neighbours.set.groups, best->order).moves(getOperation());
    if (!moves) {
      remark::missed(loc, kRemark) << remark::reason("outputs keep their order: an op between reads them in an order of its own");
      return;
    }
    remark::passed(loc, kRemark) << remark::add("outputs are reordered: {0}; {1} weights of layers take part", compared,
                                                neighbours.producers.size() + neighbours.consumers.size());
    moveSlices(*moves);
    ++reorderedGroups;
  }

  static std::optional<SliceMoves> movesOfWeights(const Neighbours &neighbours, const SliceOrder &order) {
    SliceMoves moves;
    for (const SharedDim *dim : neighbours.set.dims) {
      std::optional<SmallVector<int64_t>> from = order.sourcesOf(dim->weight, dim->dim);
      if (!from)
        return std::nullopt;
      if (!from->empty())
        moves[{dim->weight, dim->dim}] = std::move(*from);
    }
    return moves;
  }

  OrderEstimate costOf(const Neighbours &neighbours, const SliceMoves &moves) {
    OrderEstimate sum;
    for (const OrderedLayer &layer : neighbours.producers)
      sum += layer.estimate(targets, moves);
    // Of what reads them, only windows of inputs know one order from another.
    for (const OrderedLayer &layer : neighbours.consumers)
      if (layer.hasFewRows())
        sum += layer.estimate(targets, moves);
    return sum;
  }

  /// Equal to the precision of the estimate, the one of more even parts.
  static bool isBetter(const OrderEstimate &a, const OrderEstimate &b) {
    bool isAlike = std::abs(a.microseconds - b.microseconds) <= 0.01 * b.microseconds;
    return isAlike ? a.uneven < b.uneven : a.microseconds < b.microseconds;
  }

  bool pays(const OrderEstimate &before, const OrderEstimate &after) const {
    bool isFaster = after.microseconds < (1 - minGain) * before.microseconds;
    return isFaster || (after.microseconds <= before.microseconds && after.uneven < (1 - kLeastEvening) * before.uneven);
  }

  /// Orders of the groups of a set: like outputs side by side, in blocks of each size that are spread evenly; or full and empty ones in turn.
  static SmallVector<std::vector<int64_t>> candidates(const Neighbours &neighbours, DependencyGroups &groups) {
    SmallVector<std::vector<int64_t>> orders;
    NonzeroBits outputs = bitsOf(neighbours, groups);
    std::vector<int64_t> counts(outputs.rows());
    for (int64_t i = 0; i < outputs.rows(); ++i)
      counts[i] = outputs.count(i);
    for (int64_t size : {4, 8})
      orders.push_back(spreadEvenly(clusterRows(outputs, size), counts, size));
    orders.push_back(spreadEvenly(sortByCount(counts), counts, 1));
    auto hasFewRows = [](const OrderedLayer &layer) { return layer.hasFewRows(); };
    if (llvm::any_of(neighbours.producers, hasFewRows)) {
      orders.push_back(spreadEvenly(clusterRows(outputs, kPanelRows), counts, kPanelRows));
      // A panel takes as many slots as its fullest output.
      orders.push_back(spreadEvenly(sortByCount(counts), counts, kPanelRows));
    }
    if (llvm::any_of(neighbours.consumers, hasFewRows)) {
      std::vector<int64_t> inputs = inputCounts(neighbours, groups);
      orders.push_back(spreadEvenly(sortByCount(inputs), inputs, 1));
    }
    return orders;
  }

  static llvm::DenseMap<int64_t, int64_t> indicesOf(const Neighbours &neighbours) {
    llvm::DenseMap<int64_t, int64_t> indices;
    for (auto [i, group] : llvm::enumerate(neighbours.set.groups))
      indices[group] = i;
    return indices;
  }

  /// A row per group, with the bits of all producers.
  static NonzeroBits bitsOf(const Neighbours &neighbours, DependencyGroups &groups) {
    llvm::DenseMap<int64_t, int64_t> indices = indicesOf(neighbours);
    int64_t columns = 0;
    for (const OrderedLayer &layer : neighbours.producers)
      columns += layer.bits().columns();
    NonzeroBits all(indices.size(), columns);
    columns = 0;
    for (const OrderedLayer &layer : neighbours.producers) {
      for (int64_t n = 0; n < layer.bits().rows(); ++n)
        if (auto entry = indices.find(groups.groupOf(layer.weight(), layer.outputDim(), n)); entry != indices.end())
          all.place(entry->second, layer.bits().row(n), columns);
      columns += layer.bits().columns();
    }
    return all;
  }

  /// By group, what layers of few rows multiply with it.
  static std::vector<int64_t> inputCounts(const Neighbours &neighbours, DependencyGroups &groups) {
    llvm::DenseMap<int64_t, int64_t> indices = indicesOf(neighbours);
    std::vector<int64_t> counts(indices.size());
    for (const OrderedLayer &layer : neighbours.consumers)
      for (int64_t c = 0; layer.hasFewRows() && c < layer.bits().columns(); ++c) {
        auto entry = indices.find(groups.groupOf(layer.weight(), layer.inputDim(), layer.inputOf(c)));
        for (int64_t n = 0; entry != indices.end() && n < layer.bits().rows(); ++n)
          counts[entry->second] += layer.bits().at(n, c);
      }
    return counts;
  }

  /// The part of the blocks of the producers that is not zero in both orders, and the times.
  static std::string describe(const Neighbours &neighbours, const ChannelOrder &before, const ChannelOrder &after) {
    constexpr int64_t kRows = 4;
    auto density = [&](const SliceMoves &moves) {
      double full = 0, all = 0;
      for (const OrderedLayer &layer : neighbours.producers) {
        auto [count, left] = layer.blocks(kRows, moves);
        all += count, full += left;
      }
      return all ? 100 * full / all : 0.0;
    };
    return llvm::formatv("{0:f1} % of the {1}x1 blocks hold something as they come, {2:f1} % reordered; {3:f1} us and {4:f1} us, {5:f1} us and "
                         "{6:f1} us where threads wait for the fullest part", density(before.weights), kRows, density(after.weights),
                         before.cost.microseconds, after.cost.microseconds, before.cost.uneven, after.cost.uneven).str();
  }
};

} // namespace
