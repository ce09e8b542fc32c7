//===- PruneSparseGPT.cpp - prune and correct the rest --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "InputMoments.h"
#include "Reconstruct.h"

#include "mlir/IR/Threading.h"

#include "llvm/ADT/MapVector.h"

#include <cmath>

namespace nnopt {
#define GEN_PASS_DEF_PRUNESPARSEGPT
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

static constexpr remark::RemarkOpts kRemark = remark::RemarkOpts::name("prune").category("nnopt-prune-sparsegpt");

llvm::Error nnopt::checkOptions(const PruneSparseGPTOptions &options) {
  if (!(options.damping > 0 && options.damping <= 1))
    return llvm::createStringError("expects a damping above 0, at most 1, got " + shortText(options.damping));
  if (options.window < 1)
    return llvm::createStringError("expects a window of at least 1 input, got " + Twine(options.window));
  return checkCalibratedOptions(options.pattern, options.sparsity, options.scope, options.exclude, options.only);
}

namespace {

struct PruneSparseGPT : nnopt::impl::PruneSparseGPTBase<PruneSparseGPT> {
  using PruneSparseGPTBase::PruneSparseGPTBase;

  LogicalResult initialize(MLIRContext *context) override {
    PruneSparseGPTOptions options{sparsity, pattern, scope, llvm::to_vector(ArrayRef<std::string>(exclude)), llvm::to_vector(ArrayRef<std::string>(only)), first, last, depthwise,
                                  damping, window};
    if (llvm::Error error = checkOptions(options))
      return emitError(UnknownLoc::get(context)) << getArgument() << ": " << llvm::toString(std::move(error));
    filter = filterOf(options);
    return success();
  }

  void runOnOperation() override {
    CalibratedLayers layers;
    if (failed(layers.collect(getOperation(), filter, sparsity, scope, /*needsGram=*/true, kRemark)))
      return signalPassFailure();
    if (failed(pruneAll(layers.tasks)))
      return signalPassFailure();
    // In the order of the layers: the first of several errors is always the same.
    for (CalibratedTask &task : layers.tasks)
      if (failed(checkCorrected(*task.task)))
        return signalPassFailure();
    for (CalibratedTask &task : layers.tasks)
      replaceWeight(*task.task, filter.pattern, kRemark);
    dropMoments(getOperation());
    prunedWeights += layers.tasks.size();
  }

private:
  LayerFilter filter;

  /// Layers that read the same value share its factor; the others run at the same time.
  LogicalResult pruneAll(MutableArrayRef<CalibratedTask> tasks) {
    llvm::MapVector<Attribute, SmallVector<CalibratedTask *>> byInput;
    for (CalibratedTask &task : tasks)
      byInput[task.moments.key].push_back(&task);
    // The costliest first: no thread is left with it at the end.
    auto sharing = byInput.takeVector();
    llvm::stable_sort(sharing, [](const auto &a, const auto &b) { return a.second.front()->moments.depth > b.second.front()->moments.depth; });
    SmallVector<char> isDone(sharing.size()); // bytes: threads write them at the same time
    parallelFor(&getContext(), 0, sharing.size(), [&](size_t i) { isDone[i] = succeeded(prune(sharing[i].second)); });
    auto *undone = llvm::find(isDone, false);
    if (undone == isDone.end())
      return success();
    return sharing[undone - isDone.begin()].second.front()->task->layer->users.front()->emitError(
               "the calibration data leave its inputs dependent: their products are not positive definite with a damping of ")
           << shortText(damping);
  }

  /// Fails at a number that would be infinite in the weight.
  LogicalResult checkCorrected(const PruningTask &task) {
    auto type = cast<FloatType>(task.data.type.getElementType());
    double largest = APFloat::getLargest(type.getFloatSemantics()).convertToDouble();
    for (auto [i, value] : llvm::enumerate(task.values))
      if (!task.removed[i] && !(std::abs(value) <= largest))
        return task.layer->users.front()->emitError("corrects weight ")
               << i << " to " << shortText(value) << ", which " << type << " does not hold; a larger damping than " << shortText(damping) << " may help";
    return success();
  }

  /// Fails if the damped products of a group of inputs are not positive definite.
  LogicalResult prune(ArrayRef<CalibratedTask *> sharing) {
    const InputMoments &moments = sharing.front()->moments;
    for (CalibratedTask *task : sharing)
      task->task->values.resize(task->task->data.size());
    for (int64_t g = 0; g < moments.groups; ++g) {
      FailureOr<InverseFactor> factor = InverseFactor::create(moments, g, damping);
      if (failed(factor))
        return failure();
      for (CalibratedTask *task : sharing) {
        // Exactly the target over all groups.
        auto upTo = [&](int64_t g) { return std::llround(static_cast<double>(task->task->target) * g / moments.groups); };
        reconstruct(*task, g, *factor, filter.pattern, window, upTo(g + 1) - upTo(g));
      }
    }
    return success();
  }
};

} // namespace
