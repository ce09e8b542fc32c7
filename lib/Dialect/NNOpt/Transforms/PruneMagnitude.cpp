//===- PruneMagnitude.cpp - set the smallest weights to zero --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "MagnitudeRanking.h"

#include <cmath>

namespace nnopt {
#define GEN_PASS_DEF_PRUNEMAGNITUDE
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

static constexpr remark::RemarkOpts kRemark = remark::RemarkOpts::name("prune").category("nnopt-prune-magnitude");

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
    filter = filterOf(options);
    return success();
  }

  void runOnOperation() override {
    SmallVector<WeightLayer> layers = findLayers(getOperation());
    FailureOr<SmallVector<PruningTask>> tasks = collectTasks(getOperation(), layers, filter, kRemark);
    if (failed(tasks))
      return signalPassFailure();
    chooseZeros(*tasks);
    for (const PruningTask &task : *tasks)
      replaceWeight(task, filter.pattern, kRemark);
    prunedWeights += tasks->size();
  }

private:
  LayerFilter filter;

  void chooseZeros(MutableArrayRef<PruningTask> tasks) {
    const SparsityPattern &parsed = filter.pattern;
    setTargets(tasks, parsed, sparsity);
    if (parsed.kind == SparsityPattern::NM) {
      for (PruningTask &task : tasks)
        removeWithinGroups(task, parsed);
      return;
    }
    SmallVector<PruningTask *> all;
    int64_t elements = 0;
    for (PruningTask &task : tasks) {
      all.push_back(&task);
      elements += task.data.size();
    }
    bool squares = norm == "l2";
    if (scope == "global")
      return removeSmallestBlocks(all, parsed, squares, std::llround(sparsity * elements));
    if (scope == "erk")
      shareByErdosRenyi(tasks, sparsity);
    for (PruningTask *&task : all)
      removeSmallestBlocks(MutableArrayRef(task), parsed, squares, task->target);
  }
};

} // namespace
