//===- PruneWanda.cpp - prune by weight times activation ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// M. Sun, Z. Liu, A. Bair, J. Z. Kolter: A Simple and Effective Pruning Approach for Large Language Models, 2023.
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "InputMoments.h"

#include <cmath>

namespace nnopt {
#define GEN_PASS_DEF_PRUNEWANDA
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

static constexpr remark::RemarkOpts kRemark = remark::RemarkOpts::name("prune").category("nnopt-prune-wanda");

llvm::Error nnopt::checkOptions(const PruneWandaOptions &options) {
  return checkCalibratedOptions(options.pattern, options.sparsity, options.scope, options.exclude, options.only);
}

/// Marks what goes: in every output, or row of blocks, the same part.
static void chooseZeros(CalibratedTask &calibrated, const SparsityPattern &pattern) {
  PruningTask &task = *calibrated.task;
  const WeightLayout &layout = task.layer->layout;
  const InputMoments &moments = calibrated.moments;
  int64_t seen = 0, removed = 0;
  for (int64_t g = 0; g < moments.groups; ++g) {
    std::vector<double> norms(moments.depth);
    for (int64_t k = 0; k < moments.depth; ++k)
      norms[k] = std::sqrt(moments.square(g, k));
    auto score = [&](int64_t o, int64_t k) { return std::abs(task.data.at(calibrated.place(g, o, k))) * norms[k]; };
    auto remove = [&](int64_t o, int64_t k) { task.removed[calibrated.place(g, o, k)] = true; };
    for (int64_t o = 0; o < layout.outputs; o += pattern.rows) {
      int64_t end = std::min(o + pattern.rows, layout.outputs);
      seen += (end - o) * moments.depth;
      if (pattern.kind != SparsityPattern::NM) {
        // What rounding left over of the last row goes to this one.
        int64_t target = std::llround(static_cast<double>(task.target) * seen / task.data.size()) - removed;
        removed += removeLowestBlocks(pattern, o, end, 0, moments.depth, layout.inputs, target, score, remove);
        continue;
      }
      for (int64_t k = 0, next; k < moments.depth; k = next) {
        next = std::min(k + pattern.group, (k / layout.inputs + 1) * layout.inputs);
        removeAllBut(pattern.kept, k, next, [&](int64_t k) { return score(o, k); }, [&](int64_t k) { remove(o, k); });
      }
    }
  }
}

namespace {

struct PruneWanda : nnopt::impl::PruneWandaBase<PruneWanda> {
  using PruneWandaBase::PruneWandaBase;

  LogicalResult initialize(MLIRContext *context) override {
    PruneWandaOptions options{sparsity, pattern, scope, llvm::to_vector(ArrayRef<std::string>(exclude)), llvm::to_vector(ArrayRef<std::string>(only)), first, last, depthwise};
    if (llvm::Error error = checkOptions(options))
      return emitError(UnknownLoc::get(context)) << getArgument() << ": " << llvm::toString(std::move(error));
    filter = filterOf(options);
    return success();
  }

  void runOnOperation() override {
    CalibratedLayers layers;
    if (failed(layers.collect(getOperation(), filter, sparsity, scope, /*needsGram=*/false, kRemark)))
      return signalPassFailure();
    for (CalibratedTask &task : layers.tasks) {
      chooseZeros(task, filter.pattern);
      replaceWeight(*task.task, filter.pattern, kRemark);
    }
    dropMoments(getOperation());
    prunedWeights += layers.tasks.size();
  }

private:
  LayerFilter filter;
};

} // namespace
