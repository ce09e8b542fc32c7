//===- BranchOnRows.h - two ways to compute, by the number of rows -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_BRANCHONROWS_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_BRANCHONROWS_H

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

namespace nnopt {

/// Puts `op`, a product with the rows of `input`, where there are fewer of them than `fromRows`, and a copy of it where there are not. Returns
/// the copy, which may be replaced by something else that writes to its destination.
mlir::Operation *branchOnRows(mlir::Operation *op, mlir::Value input, int64_t fromRows);

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_BRANCHONROWS_H
