//===- SparsityReport.h - what was decided for each weight ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_SPARSITYREPORT_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_SPARSITYREPORT_H

#include "WeightSparsity.h"

namespace nnopt {

/// Gathers a row per layer, which go with the function to who asked for them (`nnopt.sparsity_report`).
class SparsityReport {
public:
  /// The form that is chosen and the times that were compared, if any were.
  struct Decision {
    std::string format;
    int64_t rows;
    double denseMicroseconds, sparseMicroseconds;
  };
  void add(mlir::Operation *layer, mlir::Value weight, const WeightSparsity &sparsity, const std::optional<Decision> &decision);
  /// Adds the layers of `function` that none of `rows` is of.
  void addOthers(mlir::func::FuncOp function);
  void attach(mlir::func::FuncOp function) const;

private:
  llvm::SmallVector<mlir::Attribute> rows;
  llvm::SmallDenseSet<mlir::Operation *> known;
};

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_SPARSITYREPORT_H
