//===- PruningTask.h - one weight under pruning -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the passes that set weights to zero share: which layers they take, what they say of them, and how the new weight is stored.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_PRUNINGTASK_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_PRUNINGTASK_H

#include "PrunableLayers.h"

#include "nnopt/Dialect/NNOpt/IR/SparsityPattern.h"

#include "mlir/IR/Remarks.h"

#include <vector>

namespace nnopt {

/// A weight under pruning: its elements, and which of them become zero.
struct PruningTask {
  const WeightLayer *layer;
  ConstantData data;
  std::vector<bool> removed;        ///< by place in row-major order
  int64_t target = 0;               ///< most elements that are to be zero
  std::vector<double> values = {};  ///< of what stays, where pruning changes it; else empty
};

/// Which layers a user wants pruned.
struct LayerFilter {
  SparsityPattern pattern;
  llvm::SmallVector<std::string> exclude, only;
  bool first = false, last = false, depthwise = false;

  /// Why `layer`, whose weight holds `data` if its bytes are known, stays dense; or nothing.
  std::string whyNot(const WeightLayer &layer, const std::optional<ConstantData> &data) const;

private:
  const char *spared(mlir::Operation *user) const;
  std::string tooSmall(const WeightLayout &layout) const;
};

/// What the options of a pass, which are right, say.
template <typename Options>
LayerFilter filterOf(const Options &options) {
  return {llvm::cantFail(SparsityPattern::parse(options.pattern)), options.exclude, options.only, options.first, options.last, options.depthwise};
}

/// 0.9 and not 0.900000.
std::string shortText(double number);

/// Fails with a message if `sparsity` (-1: none was given) is no part, or does not fit the pattern.
llvm::Error checkSparsity(double sparsity, const SparsityPattern &pattern);

/// The tasks for those `layers` of `function` that `filter` takes; the others leave a remark with `remark`. Fails at a weight with a NaN. Warns
/// of names that fit no layer, and if no layer is taken. The tasks refer to `layers`.
mlir::FailureOr<llvm::SmallVector<PruningTask>> collectTasks(mlir::func::FuncOp function, llvm::ArrayRef<WeightLayer> layers,
                                                             const LayerFilter &filter, const mlir::remark::RemarkOpts &remark);

/// Gives every task the part of its elements that the pattern implies, or else `sparsity`, as its target.
void setTargets(llvm::MutableArrayRef<PruningTask> tasks, const SparsityPattern &pattern, double sparsity);

/// Puts the pruned weight of `task` in the place of the old one, with `nnopt.sparsity` and a remark with numbers; or only leaves a remark if nothing
/// changes.
void replaceWeight(const PruningTask &task, const SparsityPattern &pattern, const mlir::remark::RemarkOpts &remark);

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_PRUNINGTASK_H
