//===- Interpreter.h - the meaning of tensor-level IR -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs a function on tensors with plain loops: the nnopt ops with and without destination, epilogue and packed weight,
// linalg, tensor, arith, math, affine and scf. This is the reference that compiled code is compared with.
//
// What other definitions leave open is fixed here: sums of products, softmax and normalisation are formed in f64 and
// rounded once; sums in linalg bodies are rounded after every step, as written; functions of math are those of libm in
// f64, rounded to the type. An integer divided by 0 gives 0; a float converted to an integer saturates and NaN gives 0;
// shifting by the width or more shifts everything out. tensor.empty holds NaN (0 for integers). Reading outside a
// tensor is an error.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_INTERPRETER_INTERPRETER_H
#define NNOPT_INTERPRETER_INTERPRETER_H

#include "nnopt/Support/HostTensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <functional>

namespace nnopt {

struct InterpreterOptions {
  /// Called with every tensor that an op of the function's body (or of a function it calls) yields.
  std::function<void(mlir::OpResult, const HostTensor &)> observe;
  /// Called before with the same tensors, and may change their elements.
  std::function<void(mlir::OpResult, HostTensor &)> alter;
  /// Called functions and nested regions deeper than this are an error.
  unsigned maxDepth = 200;
};

/// Runs `function` on `inputs`, one per argument. Fails with a diagnostic at the op that cannot be run, or at the
/// function if the inputs do not fit its type.
mlir::FailureOr<llvm::SmallVector<HostTensor>> interpret(mlir::func::FuncOp function, llvm::ArrayRef<HostTensor> inputs,
                                                         const InterpreterOptions &options = {});

} // namespace nnopt

#endif // NNOPT_INTERPRETER_INTERPRETER_H
