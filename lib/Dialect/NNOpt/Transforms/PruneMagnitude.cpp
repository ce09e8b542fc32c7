//===- PruneMagnitude.cpp - set the smallest weights to zero --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "MagnitudeRanking.h"

#include "mlir/IR/Remarks.h"

#include <cmath>

namespace nnopt {
#define GEN_PASS_DEF_PRUNEMAGNITUDE
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

static constexpr remark::RemarkOpts kRemark = remark::RemarkOpts::name("prune").category("nnopt-prune-magnitude");

/// 0.9 and not 0.900000.
static std::string text(double number) { return llvm::formatv("{0}", llvm::format("%g", number)).str(); }

static llvm::Error checkSparsity(double sparsity, const SparsityPattern &pattern) {
  bool isGiven = sparsity != -1;
  if (isGiven && !(sparsity >= 0 && sparsity <= 1))
    return llvm::createStringError("expects a sparsity of 0 to 1, got " + text(sparsity));
  if (pattern.kind != SparsityPattern::NM)
    return isGiven ? llvm::Error::success() : llvm::createStringError("expects a sparsity for pattern '" + pattern.str() + "'");
  double implied = 1 - static_cast<double>(pattern.kept) / pattern.group;
  if (isGiven && std::abs(sparsity - implied) > 1e-6)
    return llvm::createStringError("pattern '" + pattern.str() + "' makes a sparsity of " + text(implied) + ", got " + text(sparsity));
  return llvm::Error::success();
}

llvm::Error nnopt::checkOptions(const PruneMagnitudeOptions &options) {
  llvm::Expected<SparsityPattern> pattern = SparsityPattern::parse(options.pattern);
  if (!pattern)
    return pattern.takeError();
  if (llvm::Error error = checkSparsity(options.sparsity, *pattern))
    return error;
  if (options.scope != "uniform" && options.scope != "global" && options.scope != "erk")
    return llvm::createStringError("unknown scope '" + options.scope + "', expected uniform, global or erk");
  if (pattern->kind == SparsityPattern::NM && options.scope != "uniform")
    return llvm::createStringError("pattern '" + pattern->str() + "' has the same sparsity in every layer, scope '" + options.scope +
                                   "' does not apply");
  if (options.norm != "l1" && options.norm != "l2")
    return llvm::createStringError("unknown norm '" + options.norm + "', expected l1 or l2");
  return checkNamePatterns(options.exclude, options.only);
}

namespace {

struct PruneMagnitude : nnopt::impl::PruneMagnitudeBase<PruneMagnitude> {
  using PruneMagnitudeBase::PruneMagnitudeBase;

  LogicalResult initialize(MLIRContext *context) override {
    PruneMagnitudeOptions options{sparsity, pattern, scope, norm, llvm::to_vector(ArrayRef<std::string>(exclude)),
                                  llvm::to_vector(ArrayRef<std::string>(only)), first, last, depthwise};
    if (llvm::Error error = checkOptions(options))
      return emitError(UnknownLoc::get(context)) << getArgument() << ": " << llvm::toString(std::move(error));
    parsed = *SparsityPattern::parse(pattern);
    return success();
  }

  void runOnOperation() override {
    SmallVector<WeightLayer> layers = findLayers(getOperation());
    warnOfUnknownNames(getOperation(), layers, exclude, only);
    SmallVector<PruningTask> tasks;
    for (const WeightLayer &layer : layers) {
      std::optional<ConstantData> data = ConstantData::of(layer.weight);
      if (std::string obstacle = whyNot(layer, data); !obstacle.empty())
        remark::missed(layer.users.front()->getLoc(), kRemark) << remark::reason("{0}", obstacle);
      else if (failed(checkNumbers(layer.users.front(), layer.weight, *data)))
        return signalPassFailure();
      else
        tasks.push_back({&layer, *data, std::vector<bool>(data->size()), 0});
    }
    if (tasks.empty() && !layers.empty())
      getOperation().emitWarning("nothing is pruned: none of ")
          << layers.size() << (layers.size() == 1 ? " layer" : " layers") << " with constant weights can be";
    chooseZeros(tasks);
    for (PruningTask &task : tasks)
      replace(task);
    prunedWeights += tasks.size();
  }

private:
  SparsityPattern parsed;

  /// Why `layer` stays dense, or nothing.
  std::string whyNot(const WeightLayer &layer, const std::optional<ConstantData> &data) {
    SmallVector<StringRef> names = namesOf(layer.weight, layer.users);
    if (matchesAny(names, exclude) || (!only.empty() && !matchesAny(names, only)))
      return "left dense by its name";
    if (!isa<FloatType>(getElementTypeOrSelf(layer.weight.getType())))
      return llvm::formatv("the weight is {0}, no float", getElementTypeOrSelf(layer.weight.getType())).str();
    if (!data)
      return "the bytes of the weight are not here";
    if (layer.layout.size() == 0)
      return "the weight is empty";
    if (!llvm::all_of(layer.weight.getUsers(), [&](Operation *user) { return llvm::is_contained(layer.users, user); }))
      return "something that is no product reads the weight";
    if (!layer.sameLayout && parsed.kind != SparsityPattern::Unstructured)
      return "products read the weight in different layouts";
    for (Operation *user : layer.users)
      if (const char *role = spared(user))
        return role;
    return tooSmall(layer.layout);
  }

  /// What is left dense because of its place in the model.
  const char *spared(Operation *user) {
    auto conv = dyn_cast<ConvOp>(user);
    if (!depthwise && conv && conv.isDepthwise())
      return "a depthwise convolution";
    if (!first && conv && comesFromInput(conv.getInput()))
      return "a convolution that reads an input of the model";
    return !last && reachesOutput(user) ? "makes an output of the model" : nullptr;
  }

  std::string tooSmall(const WeightLayout &layout) {
    if (layout.outputs < parsed.rows || layout.inputs < parsed.columns)
      return llvm::formatv("blocks of {0} need {1} outputs and {2} inputs, it has {3} and {4}", parsed.str(), parsed.rows, parsed.columns,
                           layout.outputs, layout.inputs).str();
    if (layout.inputs < parsed.group)
      return llvm::formatv("{0} needs {1} inputs, it has {2}", parsed.str(), parsed.group, layout.inputs).str();
    return "";
  }

  void chooseZeros(MutableArrayRef<PruningTask> tasks) {
    if (parsed.kind == SparsityPattern::NM) {
      for (PruningTask &task : tasks) {
        task.target = std::llround((1 - static_cast<double>(parsed.kept) / parsed.group) * task.data.size());
        removeWithinGroups(task, parsed);
      }
      return;
    }
    SmallVector<PruningTask *> all;
    int64_t elements = 0;
    for (PruningTask &task : tasks) {
      all.push_back(&task);
      elements += task.data.size();
      task.target = std::llround(sparsity * task.data.size());
    }
    bool squares = norm == "l2";
    if (scope == "global")
      return removeSmallestBlocks(all, parsed, squares, std::llround(sparsity * elements));
    if (scope == "erk")
      shareByErdosRenyi(tasks, sparsity);
    for (PruningTask *&task : all)
      removeSmallestBlocks(MutableArrayRef(task), parsed, squares, task->target);
  }

  void replace(const PruningTask &task) {
    Value old = task.layer->weight;
    bool changes = llvm::any_of(llvm::seq(task.data.size()), [&](int64_t i) { return task.removed[i] && task.data.at(i) != 0; });
    Location loc = task.layer->users.front()->getLoc();
    if (!changes) {
      remark::missed(loc, kRemark) << remark::reason("{0} of {1} weights are zero already, {2} were to be", countZeros(task.data), task.data.size(),
                                                     task.target);
      return;
    }
    auto isRemoved = [&](int64_t i) { return task.removed[i]; };
    int64_t zeros = replaceByZeroed(old, task.data, isRemoved, SparsityOrigin::pruned, parsed.str()).getZeros();
    remark::passed(loc, kRemark) << remark::add("{0}: {1} of {2} weights are zero ({3}), asked {4} ({5})", parsed.str(), zeros,
                                                task.data.size(), percent(zeros, task), task.target, percent(task.target, task));
  }

  static std::string percent(int64_t part, const PruningTask &task) {
    return llvm::formatv("{0:f2} %", 100.0 * part / task.data.size()).str();
  }
};

} // namespace
