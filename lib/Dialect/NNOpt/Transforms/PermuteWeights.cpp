//===- PermuteWeights.cpp - reorder outputs so that zeros form blocks -----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "ChannelGroups.h"
#include "RowClusters.h"
#include "WeightSparsity.h"

#include "nnopt/Cost/Kernels.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "mlir/IR/Remarks.h"

#include <cstring>
#include <numeric>

namespace nnopt {
#define GEN_PASS_DEF_PERMUTEWEIGHTS
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

static constexpr remark::RemarkOpts kRemark = remark::RemarkOpts::name("permute").category("nnopt-permute-weights");

// Blocks of so many outputs are what kernels store.
static constexpr int64_t kBlockRows[] = {4, 8};
// The estimate is not exact: a smaller gain is none.
static constexpr double kLeastGain = 0.03;
// Nothing is stored without its zeros below.
static constexpr double kLeastZeros = 0.3;

namespace {

/// A layer whose outputs may be reordered.
struct Producer {
  Operation *op;
  LayerSize size;
  NonzeroBits bits; ///< a row per output, with the bits of all taps
};

/// The estimated time of some layers in one order of their outputs.
struct Estimate {
  double microseconds = 0;
  int64_t rows = 1, blocks = 0; ///< the blocks of the layer that takes longest, and how many of them there are
};

struct PermuteWeights : nnopt::impl::PermuteWeightsBase<PermuteWeights> {
  using PermuteWeightsBase::PermuteWeightsBase;

  LogicalResult initialize(MLIRContext *context) override {
    targets.clear();
    for (const std::string &name : isas) {
      const Isa *isa = findIsa(name);
      if (!isa)
        return emitError(UnknownLoc::get(context)) << getArgument() << ": unknown instruction set '" << name << "'";
      targets.push_back(isa);
    }
    if (targets.empty())
      targets.push_back(&isaTable().front());
    return success();
  }

  void runOnOperation() override {
    // Before any weight is replaced.
    SmallVector<Operation *> sparse;
    for (const WeightLayer &layer : findLayers(getOperation()))
      if (isSparse(layer))
        llvm::copy_if(layer.users, std::back_inserter(sparse), [](Operation *op) { return isa<LinearOp, ConvOp>(op); });
    llvm::SmallDenseSet<Operation *> done;
    for (Operation *op : sparse)
      if (!done.contains(op))
        decide(op, done);
  }

private:
  SmallVector<const Isa *> targets;

  static bool isSparse(const WeightLayer &layer) {
    std::optional<ConstantData> data = ConstantData::of(layer.weight);
    if (!data || layer.layout.size() == 0 || layer.layout.groups != 1)
      return false;
    int64_t nonzeros = 0;
    for (int64_t matrix = 0; matrix < layer.layout.matrices(); ++matrix)
      nonzeros += NonzeroBits(*data, layer.layout, matrix).count();
    return nonzeros < (1 - kLeastZeros) * layer.layout.size() && nonzeros > 0;
  }

  void decide(Operation *op, llvm::SmallDenseSet<Operation *> &done) {
    std::string obstacle;
    std::optional<ChannelGroup> group = findChannelGroup(op, obstacle);
    if (!group) {
      done.insert(op);
      remark::missed(op->getLoc(), kRemark) << remark::reason("outputs keep their order: {0}", obstacle);
      return;
    }
    SmallVector<Producer> producers;
    for (const ChannelGroup::Use &use : group->producers) {
      done.insert(use.operand->getOwner());
      if (auto producer = producerOf(use))
        producers.push_back(std::move(*producer));
    }
    std::vector<int64_t> identity(producers.empty() ? 0 : producers.front().bits.rows()), order;
    std::iota(identity.begin(), identity.end(), 0);
    Estimate before = estimate(producers, identity), after;
    NonzeroBits all = joined(producers, identity.size());
    for (int64_t size : kBlockRows) {
      std::vector<int64_t> candidate = clusterRows(all, size);
      if (Estimate here = estimate(producers, candidate); order.empty() || here.microseconds < after.microseconds)
        after = here, order = std::move(candidate);
    }
    std::string compared = describe(producers, identity, order, before, after);
    if (!(after.microseconds < (1 - kLeastGain) * before.microseconds)) {
      remark::missed(op->getLoc(), kRemark) << remark::reason("outputs keep their order: {0}", compared);
      return;
    }
    remark::passed(op->getLoc(), kRemark) << remark::add("outputs are reordered: {0}; {1} weights of layers take part", compared,
                                                         group->producers.size() + group->consumers.size());
    apply(*group, order);
    ++reorderedGroups;
  }

  /// The fewest rows there can be, and the stride.
  static LayerSize sizeOf(Operation *op, const WeightLayout &layout) {
    auto conv = dyn_cast<ConvOp>(op);
    SmallVector<int64_t> shape(cast<ShapedType>(op->getResult(0).getType()).getShape());
    shape.erase(conv && !conv.getChannelsLast() ? shape.begin() + 1 : shape.end() - 1);
    LayerSize size{{1, layout.outputs, layout.inputs * layout.taps}, layout.taps, 1};
    for (int64_t extent : shape)
      if (!ShapedType::isDynamic(extent) && llvm::MulOverflow(size.product.rows, extent, size.product.rows))
        size.product.rows = std::numeric_limits<int32_t>::max();
    for (int64_t stride : conv ? conv.getStrides() : ArrayRef<int64_t>())
      size.stride = std::max(size.stride, stride);
    return size;
  }

  std::optional<Producer> producerOf(const ChannelGroup::Use &use) {
    Operation *op = use.operand->getOwner();
    std::optional<ConstantData> data = ConstantData::of(use.operand->get());
    for (const WeightLayer &layer : findLayers(getOperation())) {
      if (layer.weight != use.operand->get() || !layer.sameLayout || !data->type.getElementType().isF32())
        continue;
      const WeightLayout &layout = layer.layout;
      NonzeroBits bits(layout.outputs, layout.inputs * layout.taps);
      for (int64_t tap = 0; tap < layout.taps; ++tap)
        bits.place(NonzeroBits(*data, layout, tap), tap * layout.inputs);
      return Producer{op, sizeOf(op, layout), std::move(bits)};
    }
    return std::nullopt;
  }

  static NonzeroBits joined(ArrayRef<Producer> producers, int64_t rows) {
    int64_t columns = 0;
    for (const Producer &producer : producers)
      columns += producer.bits.columns();
    NonzeroBits all(rows, columns);
    columns = 0;
    for (const Producer &producer : producers) {
      all.place(producer.bits, columns);
      columns += producer.bits.columns();
    }
    return all;
  }

  Estimate estimate(ArrayRef<Producer> producers, ArrayRef<int64_t> order) {
    Estimate sum;
    double longest = -1;
    for (const Producer &producer : producers) {
      SmallVector<BlockCount> forms{{1, static_cast<double>(producer.bits.count())}};
      for (int64_t size : kBlockRows)
        forms.push_back({size, static_cast<double>(countBlocks(producer.bits, order, size))});
      FormChoice choice = chooseForm(targets, producer.size, forms);
      double here = choice.gains() ? choice.sparse.microseconds : choice.dense.microseconds;
      sum.microseconds += here;
      if (here > longest) {
        longest = here;
        sum.rows = choice.blocks.rows, sum.blocks = static_cast<int64_t>(choice.blocks.count);
      }
    }
    return sum;
  }

  /// Of the first producer, the part of its blocks that is not zero in both orders; and the times of all.
  static std::string describe(ArrayRef<Producer> producers, ArrayRef<int64_t> identity, ArrayRef<int64_t> order, const Estimate &before,
                              const Estimate &after) {
    if (producers.empty())
      return "no layer of the group has a weight of f32";
    int64_t rows = std::max<int64_t>(after.rows, kBlockRows[0]);
    auto density = [&](ArrayRef<int64_t> of) {
      int64_t blocks = 0, all = 0;
      for (const Producer &producer : producers) {
        blocks += countBlocks(producer.bits, of, rows);
        all += llvm::divideCeil(producer.bits.rows(), rows) * producer.bits.columns();
      }
      return all ? 100.0 * blocks / all : 0.0;
    };
    return llvm::formatv("{0:f1} % of the {1}x1 blocks hold something as they come, {2:f1} % reordered; {3:f1} us and {4:f1} us", density(identity), rows,
                         density(order), before.microseconds, after.microseconds).str();
  }

  void apply(const ChannelGroup &group, ArrayRef<int64_t> order) {
    llvm::DenseMap<std::pair<Value, int64_t>, Value> reordered;
    for (ArrayRef<ChannelGroup::Use> list : {ArrayRef(group.producers), ArrayRef(group.consumers), ArrayRef(group.parameters)})
      for (const ChannelGroup::Use &use : list) {
        Value &to = reordered[{use.operand->get(), use.dim}];
        if (!to)
          to = permuted(use.operand->get(), use.dim, order);
        use.operand->set(to);
      }
    llvm::SetVector<Operation *> replaced;
    for (auto [from, to] : reordered)
      if (from.first != to && from.first.use_empty())
        replaced.insert(from.first.getDefiningOp());
    for (Operation *op : replaced)
      op->erase();
  }

  /// `constant` with element `order[i]` of dimension `dim` at `i`.
  static Value permuted(Value constant, int64_t dim, ArrayRef<int64_t> order) {
    ConstantData data = *ConstantData::of(constant);
    if (splatOf(constant))
      return constant;
    ArrayRef<int64_t> shape = data.type.getShape();
    int64_t extent = shape[dim], inner = ShapedType::getNumElements(shape.drop_front(dim + 1));
    OpBuilder b(constant.getDefiningOp());
    WeightOp result = createWeight(b, constant.getLoc(), weightNameOf(constant), data.type, [&](MutableArrayRef<char> bytes) {
      char *to = bytes.data();
      for (int64_t i = 0; i < data.size(); ++i) {
        int64_t outer = i / inner / extent, at = i / inner % extent;
        ArrayRef<char> from = data.bytesAt((outer * extent + order[at]) * inner + i % inner);
        std::memcpy(to, from.data(), from.size());
        to += from.size();
      }
    });
    // The zeros are as many, their pattern is another: nnopt-find-sparsity names it.
    if (auto known = constant.getDefiningOp()->getAttrOfType<SparsityAttr>(kSparsityAttr))
      result->setAttr(kSparsityAttr, SparsityAttr::get(b.getContext(), known.getOrigin(), "unstructured", known.getZeros()));
    return result;
  }
};

} // namespace
