//===- EvaluateConstants.h - compute what is constant -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_EVALUATECONSTANTS_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_EVALUATECONSTANTS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace nnopt {

/// Replaces ops of `function` that depend on constants only by `nnopt.weight`, through the interpreter, unless a result needs more than
/// `maxBytes` beyond the constants that it comes from. Returns how many results were replaced.
int64_t evaluateConstants(mlir::func::FuncOp function, int64_t maxBytes);

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_EVALUATECONSTANTS_H
