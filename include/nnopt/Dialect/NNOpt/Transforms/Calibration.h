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

  /// The type of the statistic, for instance tensor<1x384x384xf32>.
  mlir::RankedTensorType statistic(ObserveKind kind) const;
};

/// The inputs of the products that the pass with these options would prune, in the order of their first readers, so that a clone of `function`
/// gives the same list. Products inside other ops are left out.
llvm::SmallVector<ObservedInput> findObservedInputs(mlir::func::FuncOp function, const PruneWandaOptions &options);
llvm::SmallVector<ObservedInput> findObservedInputs(mlir::func::FuncOp function, const PruneSparseGPTOptions &options);

/// Gives `function` one more result per input: its `nnopt.observe`.
void addObservations(mlir::func::FuncOp function, llvm::ArrayRef<ObservedInput> inputs, ObserveKind kind);

/// Puts `sums`, the statistic over all samples, on the products that read `input`, as `nnopt.observed`.
void attachMoments(const ObservedInput &input, ObserveKind kind, llvm::ArrayRef<double> sums);

} // namespace nnopt

#endif // NNOPT_DIALECT_NNOPT_TRANSFORMS_CALIBRATION_H
