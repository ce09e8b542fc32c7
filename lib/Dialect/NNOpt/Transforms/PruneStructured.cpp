//===- PruneStructured.cpp - remove whole channels, neurons and heads -----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "PrunableLayers.h"
#include "PruningTask.h"
#include "StructuredSets.h"

#include "mlir/IR/Remarks.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/Support/Error.h"

#include <cmath>
#include <numeric>

namespace nnopt {
#define GEN_PASS_DEF_PRUNESTRUCTURED
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

static constexpr remark::RemarkOpts kRemark = remark::RemarkOpts::name("prune").category("nnopt-prune-structured");
static constexpr StringLiteral kKinds[] = {"channels", "neurons", "heads"};

llvm::Error nnopt::checkOptions(const PruneStructuredOptions &options) {
  for (auto [kind, part] : llvm::zip_equal(kKinds, std::array{options.channels, options.neurons, options.heads}))
    if (!(part >= 0 && part < 1))
      return llvm::createStringError(kind + " expects a part of 0 to below 1, which leaves something, got " + shortText(part));
  if (options.channels == 0 && options.neurons == 0 && options.heads == 0)
    return llvm::createStringError("expects what to remove: channels=, neurons= or heads= and a part above 0");
  if (options.scope != "uniform" && options.scope != "global")
    return llvm::createStringError("unknown scope '" + options.scope + "', expected uniform or global");
  if (options.norm != "l1" && options.norm != "l2")
    return llvm::createStringError("unknown norm '" + options.norm + "', expected l1 or l2");
  if (options.multiple < 1)
    return llvm::createStringError("multiple expects at least 1, got " + Twine(options.multiple));
  return checkNamePatterns(options.exclude, options.only);
}

namespace {

/// A set under pruning.
struct StructuredTask {
  const StructuredSet *set;
  std::vector<double> scores;
  int64_t asked = 0; ///< groups that are to go, before rounding
};

struct PruneStructured : nnopt::impl::PruneStructuredBase<PruneStructured> {
  using PruneStructuredBase::PruneStructuredBase;

  LogicalResult initialize(MLIRContext *context) override {
    PruneStructuredOptions options{channels, neurons, heads, scope, norm, multiple, llvm::to_vector(ArrayRef<std::string>(exclude)),
                                   llvm::to_vector(ArrayRef<std::string>(only)), first, zeroOnly};
    if (llvm::Error error = checkOptions(options))
      return emitError(UnknownLoc::get(context)) << getArgument() << ": " << llvm::toString(std::move(error));
    return success();
  }

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    SmallVector<WeightLayer> layers = findLayers(function);
    warnOfUnknownNames(function, layers, exclude, only);
    separateSmallConstants(function);
    DependencyGroups groups(function);
    std::vector<SharedDim> dims = sharedDims(groups);
    std::vector<StructuredSet> sets = findStructuredSets(groups, dims);
    tellPinned(groups, dims);
    FailureOr<std::vector<StructuredTask>> tasks = collectTasks(sets, groups);
    if (failed(tasks))
      return signalPassFailure();
    shareOut(*tasks);
    llvm::DenseSet<int64_t> removed;
    for (const StructuredTask &task : *tasks)
      choose(task, removed);
    if (removed.empty()) {
      function.emitWarning("nothing is removed: none of ") << sets.size() << " sets of channels, neurons and heads can lose what is asked";
      return;
    }
    keepOneSlice(function, groups, removed);
    removedGroups += removed.size();
    zeroOnly ? writeZeros(groups, dims, removed) : removeGroups(function, groups, removed);
  }

private:
  double partOf(StructuredSet::Kind kind) const { return std::array<double, 3>{channels, neurons, heads}[kind]; }

  /// Why the outputs of layers stay, once per layer.
  void tellPinned(DependencyGroups &groups, ArrayRef<SharedDim> dims) {
    for (const SharedDim &dim : dims) {
      int64_t extent = cast<RankedTensorType>(dim.weight.getType()).getDimSize(dim.dim);
      Operation *pin = dim.role == SliceRole::Output && extent > 0 ? groups.pinnedBy(groups.groupOf(dim.weight, dim.dim, 0)) : nullptr;
      if (!pin)
        continue;
      remark::missed(dim.users.front()->getLoc(), kRemark) << remark::reason("its {0} outputs stay: {1}", extent, describePin(pin, groups.change()));
    }
  }

  /// Why `set` stays whole, or nothing.
  std::string whyNot(const StructuredSet &set) {
    bool isNamed = false;
    for (const SharedDim *dim : set.dims) {
      if (dim->role != SliceRole::Output)
        continue;
      SmallVector<StringRef> names = namesOf(dim->weight, dim->users);
      if (matchesAny(names, exclude))
        return "left whole by its name";
      isNamed |= matchesAny(names, only);
      for (Operation *user : dim->users)
        if (auto conv = dyn_cast<ConvOp>(user); conv && !first && comesFromInput(conv.getInput()))
          return "channels of a convolution that reads an input of the model";
    }
    return only.empty() || isNamed ? "" : "left whole by its name";
  }

  FailureOr<std::vector<StructuredTask>> collectTasks(ArrayRef<StructuredSet> sets, DependencyGroups &groups) {
    std::vector<StructuredTask> tasks;
    for (const StructuredSet &set : sets) {
      if (partOf(set.kind) == 0)
        continue;
      if (std::string obstacle = whyNot(set); !obstacle.empty()) {
        remark::missed(set.location(), kRemark) << remark::reason("{0}", obstacle);
        continue;
      }
      tasks.push_back({&set, scoreGroups(set, groups, norm == "l2")});
      // A sum is NaN where an element is.
      if (llvm::none_of(tasks.back().scores, [](double score) { return std::isnan(score); }))
        continue;
      for (const SharedDim *dim : set.dims)
        if (failed(checkNumbers(dim->users.front(), dim->weight, *ConstantData::of(dim->weight))))
          return failure();
    }
    return tasks;
  }

  /// How many groups of each set are to go.
  void shareOut(std::vector<StructuredTask> &tasks) {
    for (StructuredTask &task : tasks)
      task.asked = std::llround(partOf(task.set->kind) * task.set->groups.size());
    if (scope == "uniform")
      return;
    for (StructuredSet::Kind kind : {StructuredSet::Channels, StructuredSet::Neurons, StructuredSet::Heads}) {
      std::vector<std::tuple<double, size_t, size_t>> ranked;
      for (auto [t, task] : llvm::enumerate(tasks)) {
        if (task.set->kind != kind)
          continue;
        task.asked = 0;
        for (auto [i, score] : llvm::enumerate(task.scores))
          ranked.push_back({score, t, i});
      }
      llvm::sort(ranked);
      for (const auto &entry : ArrayRef(ranked).take_front(std::llround(partOf(kind) * ranked.size())))
        ++tasks[std::get<1>(entry)].asked;
    }
  }

  /// What stays of a set: the nearest multiple, at least one.
  int64_t keptOf(const StructuredTask &task) const {
    int64_t count = task.set->groups.size(), width = task.set->width;
    int64_t step = task.set->kind == StructuredSet::Heads ? 1 : multiple / std::gcd<int64_t>(multiple, width);
    int64_t kept = (count - task.asked + step / 2) / step * step;
    return std::min(count, std::max(kept, step));
  }

  void choose(const StructuredTask &task, llvm::DenseSet<int64_t> &removed) {
    int64_t count = task.set->groups.size(), kept = keptOf(task);
    StringRef kind = kKinds[task.set->kind];
    Location loc = task.set->location();
    if (kept == count) {
      remark::missed(loc, kRemark) << remark::reason("all {0} {1} of {2} stay: {3} were to go, what stays is a multiple of {4}", count, kind,
                                                     task.set->names(), task.asked, multiple.getValue());
      return;
    }
    std::vector<std::pair<double, size_t>> order;
    for (auto [i, score] : llvm::enumerate(task.scores))
      order.push_back({score, i});
    llvm::sort(order);
    for (const auto &entry : ArrayRef(order).drop_back(kept))
      removed.insert(task.set->groups[entry.second]);
    remark::passed(loc, kRemark) << remark::add("{0} of {1} {2} of {3} stay, {4} were to go", kept, count, kind, task.set->names(), task.asked);
  }

  /// The weights with zeros where slices would go.
  void writeZeros(DependencyGroups &groups, ArrayRef<SharedDim> dims, const llvm::DenseSet<int64_t> &removed) {
    llvm::MapVector<Value, SmallVector<std::pair<int64_t, llvm::BitVector>>> masks;
    for (const SharedDim &dim : dims) {
      llvm::BitVector mask(cast<RankedTensorType>(dim.weight.getType()).getDimSize(dim.dim));
      for (unsigned i = 0; i < mask.size(); ++i)
        mask[i] = removed.contains(groups.groupOf(dim.weight, dim.dim, i));
      if (mask.any())
        masks[dim.weight].push_back({dim.dim, mask});
    }
    for (auto &[weight, zeros] : masks)
      writeZeros(weight, zeros);
  }

  void writeZeros(Value old, ArrayRef<std::pair<int64_t, llvm::BitVector>> masks) {
    ConstantData data = *ConstantData::of(old);
    auto isRemoved = [&](int64_t i) {
      return llvm::any_of(masks, [&](const auto &mask) {
        int64_t inner = ShapedType::getNumElements(data.type.getShape().drop_front(mask.first + 1));
        return mask.second[i / inner % mask.second.size()];
      });
    };
    replaceByZeroed(old, data, isRemoved, SparsityOrigin::pruned, "unstructured");
  }
};

} // namespace
