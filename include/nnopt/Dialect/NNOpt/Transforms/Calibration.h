//===- Calibration.h - measure what weights are applied to ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_DIALECT_NNOPT_TRANSFORMS_CALIBRATION_H
#define NNOPT_DIALECT_NNOPT_TRANSFORMS_CALIBRATION_H

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace nnopt {

/// A value that weights are applied to, all in the same way.
struct ObservedInput {
  llvm::SmallVector<mlir::Operation *> users; ///< `nnopt.linear` or `nnopt.conv`
  int64_t groups = 0, depth = 0;              ///< as `nnopt.observe` has them
  bool windows = true;                        ///< rows are what the products read; else every position is a row of all channels
  llvm::SmallVector<float> range = {};        ///< least and largest element, once known

  /// The type of the statistic, for instance tensor<1x384x384xf32>.
  mlir::RankedTensorType statistic(ObserveKind kind) const;
};

/// The inputs of the products that the pass with these options would prune, in the order of their first readers, so that a clone of `function`
/// gives the same list. Products inside other ops are left out.
llvm::SmallVector<ObservedInput> findObservedInputs(mlir::func::FuncOp function, const PruneWandaOptions &options);
llvm::SmallVector<ObservedInput> findObservedInputs(mlir::func::FuncOp function, const PruneSparseGPTOptions &options);

/// The inputs of the products that `nnopt-quantize` would quantize if they are observed: every value once.
llvm::SmallVector<ObservedInput> findObservedInputs(mlir::func::FuncOp function, const QuantizeOptions &options);

/// Gives `function` one more result per input: its `nnopt.observe`. Histograms are taken over the input's range.
void addObservations(mlir::func::FuncOp function, llvm::ArrayRef<ObservedInput> inputs, ObserveKind kind);

/// Puts `sums`, the statistic over all samples, on the products that read `input`, as `nnopt.observed`.
void attachMoments(const ObservedInput &input, ObserveKind kind, llvm::ArrayRef<double> sums);

/// Puts the range of `input` on the products that read it, as `nnopt.observed_range`, and `counts`, if there are any, as `nnopt.observed_histogram`.
void attachRange(const ObservedInput &input, llvm::ArrayRef<int64_t> counts);

/// True if the pass with these options needs histograms.
bool needsHistogram(const QuantizeOptions &options);

} // namespace nnopt

#endif // NNOPT_DIALECT_NNOPT_TRANSFORMS_CALIBRATION_H
