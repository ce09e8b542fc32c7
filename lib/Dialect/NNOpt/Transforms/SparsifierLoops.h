//===- SparsifierLoops.h - what upstream's sparsifier does for us -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_SPARSIFIERLOOPS_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_SPARSIFIERLOOPS_H

#include "nnopt/Dialect/NNOpt/IR/SparseLevels.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"

namespace nnopt {

/// Empty if upstream's sparsifier takes the type.
llvm::StringRef whyNotSparsifier(mlir::sparse_tensor::AssembleOp op, llvm::ArrayRef<SparseLevel> levels);

/// The passes that turn one linalg op on assembled values into loops.
void addSparsifier(mlir::OpPassManager &pm);

/// Checks that `function` has become loops on its arguments, whose last one it fills, and makes them ours: outer parallel loops `nnopt.parallel_for`,
/// products and sums free to be fused. Fails with the reason in `why`.
mlir::LogicalResult finishLoops(mlir::func::FuncOp function, std::string &why);

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_SPARSIFIERLOOPS_H
