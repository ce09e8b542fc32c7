//===- Reducer.h - make a module that shows a bug small ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Delta debugging on IR. Upstream's reducer (mlir-reduce) erases ops from under their users and hands the broken module to the test; here
// every candidate passes the verifier before it is tested, because an erased op's results become operands of their own kind or arguments
// of the function.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_REDUCER_REDUCER_H
#define NNOPT_REDUCER_REDUCER_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include "llvm/Support/Error.h"

namespace nnopt {

/// Whether a module still shows what is looked for. Sees only modules that verify. An error ends the reduction.
using InterestingFn = llvm::function_ref<llvm::Expected<bool>(mlir::ModuleOp)>;

/// One way to make a module smaller. Its items are numbered from 0; taking some away makes a candidate.
struct ReductionStrategy {
  llvm::StringLiteral name, summary;
  size_t (*count)(mlir::ModuleOp);
  /// Takes the items `begin` to `end` away. The result need not verify; false if nothing changed.
  bool (*apply)(mlir::ModuleOp, size_t begin, size_t end);
};

/// All strategies, in the order in which they are tried: what makes later candidates cheap comes first.
llvm::ArrayRef<ReductionStrategy> reductionStrategies();

/// What a reduction did.
struct ReductionReport {
  size_t operationsBefore = 0, operationsAfter = 0;
  size_t tested = 0, accepted = 0; ///< candidates
};

/// Shrinks `module` as far as the strategies can while `interesting` holds. Fails if it does not hold at the start, or with its error.
llvm::Expected<ReductionReport> reduceModule(mlir::OwningOpRef<mlir::ModuleOp> &module, InterestingFn interesting);

} // namespace nnopt

#endif // NNOPT_REDUCER_REDUCER_H
