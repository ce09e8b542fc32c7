//===- WorkEstimate.h - how much a region computes --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_CONVERSION_NNOPTTOLLVM_WORKESTIMATE_H
#define NNOPT_LIB_CONVERSION_NNOPTTOLLVM_WORKESTIMATE_H

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace nnopt {

/// Counts operations, loops by their bounds where these follow from constants, calls by the function called. An operation of any width counts 1,
/// a transcendental function 10.
class WorkEstimate {
public:
  explicit WorkEstimate(mlir::ModuleOp module) : module(module) {}

  /// Operations of the whole range, or nothing where a bound is not constant.
  std::optional<double> of(ParallelForOp op);

private:
  std::optional<double> of(mlir::Region &region);
  std::optional<double> of(mlir::Operation &op);
  std::optional<double> of(mlir::func::CallOp call, mlir::func::FuncOp callee);
  std::optional<double> trips(mlir::Value lower, mlir::Value upper, mlir::Value step);
  /// The value of an integer, if it follows from constants and what is known.
  std::optional<int64_t> valueOf(mlir::Value value);

  mlir::ModuleOp module;
  llvm::DenseMap<mlir::Value, int64_t> known; ///< arguments of the regions and functions looked into
  llvm::DenseSet<mlir::Operation *> active;    ///< functions looked into
};

} // namespace nnopt

#endif // NNOPT_LIB_CONVERSION_NNOPTTOLLVM_WORKESTIMATE_H
