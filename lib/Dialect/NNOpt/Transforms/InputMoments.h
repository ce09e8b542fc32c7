//===- InputMoments.h - what calibration measured of a layer ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_INPUTMOMENTS_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_INPUTMOMENTS_H

#include "PruningTask.h"

#include "nnopt/Support/HostTensor.h"

namespace nnopt {

/// Fails with a message that names the first value that passes which prune by calibration do not take.
llvm::Error checkCalibratedOptions(llvm::StringRef pattern, double sparsity, llvm::StringRef scope, llvm::ArrayRef<std::string> exclude,
                                   llvm::ArrayRef<std::string> only);

/// The second moments of what a weight is applied to, summed over all products that read it. Element `k` of a group's sum is input `k % inputs` of tap
/// `k / inputs`, as `nnopt.observe` counts.
class InputMoments {
public:
  /// From `nnopt.observed` of the products of `layer`. Nothing if one of them has none; fails with a diagnostic if it has another shape than the
  /// weight asks for, or a number that is not finite.
  static mlir::FailureOr<std::optional<InputMoments>> of(const WeightLayer &layer);

  int64_t groups = 0, depth = 0;
  /// Whether products of two elements were measured, not only squares.
  bool hasGram() const { return gram; }

  double square(int64_t group, int64_t k) const { return gram ? product(group, k, k) : sum(group * depth + k); }
  double product(int64_t group, int64_t i, int64_t j) const { return sum((group * depth + i) * depth + j); }

  /// The attributes that this was read from: equal ones are equal moments.
  mlir::Attribute key;

private:
  double sum(int64_t at) const {
    double sum = 0;
    for (const HostTensor &part : parts)
      sum += loadElement(part.type(), part.bytes(), at);
    return sum;
  }

  bool gram = false;
  llvm::SmallVector<HostTensor, 1> parts; ///< one per product
};

/// A task and the moments of its inputs.
struct CalibratedTask {
  PruningTask *task;
  InputMoments moments;

  /// Where element `k` of output `o` of `group` is in the weight.
  int64_t place(int64_t group, int64_t o, int64_t k) const {
    const WeightLayout &layout = task->layer->layout;
    return layout.at(group * layout.taps + k / layout.inputs, o, k % layout.inputs);
  }
};

/// The layers of a function that are pruned by calibration. Tasks refer to each other, so it stays where it is.
class CalibratedLayers {
public:
  CalibratedLayers() = default;
  CalibratedLayers(const CalibratedLayers &) = delete;

  /// Finds those that `filter` takes and that were calibrated, with Gram matrices if `needsGram`, and gives them their targets; the others leave a
  /// remark. Fails with a diagnostic as collectTasks does, if moments are wrong, or if no task has any.
  mlir::LogicalResult collect(mlir::func::FuncOp function, const LayerFilter &filter, double sparsity, llvm::StringRef scope, bool needsGram,
                              const mlir::remark::RemarkOpts &remark);

  llvm::SmallVector<CalibratedTask> tasks;

private:
  llvm::SmallVector<WeightLayer> layers;
  llvm::SmallVector<PruningTask> all;

  mlir::LogicalResult attachMoments(bool needsGram, const mlir::remark::RemarkOpts &remark);
};

/// Takes the moments, which are large, off the products of `function`.
void dropMoments(mlir::func::FuncOp function);

/// Removes, of the blocks of `pattern` in rows [firstRow, lastRow) and columns [firstColumn, lastColumn), those of the smallest mean `score`, as long as
/// `target` elements are not exceeded; equal ones in the order of their places. Blocks do not cross multiples of `inputs` columns. Returns how many
/// elements went.
int64_t removeLowestBlocks(const SparsityPattern &pattern, int64_t firstRow, int64_t lastRow, int64_t firstColumn, int64_t lastColumn,
                           int64_t inputs, int64_t target, llvm::function_ref<double(int64_t o, int64_t k)> score,
                           llvm::function_ref<void(int64_t o, int64_t k)> remove);

/// Removes all but the `kept` largest of columns [first, last) in one row.
void removeAllBut(int64_t kept, int64_t first, int64_t last, llvm::function_ref<double(int64_t k)> score,
                  llvm::function_ref<void(int64_t k)> remove);

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_INPUTMOMENTS_H
