//===- Diagnostics.h - errors as tools print them ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_DRIVER_DIAGNOSTICS_H
#define NNOPT_DRIVER_DIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace nnopt {

/// Where it was, what it is and what was said, on one line per diagnostic and note:
/// `model.mlir:3:5: error: ...` or `tool: error: node 'conv1': ...`.
void printDiagnostic(llvm::raw_ostream &os, llvm::StringRef tool, mlir::Diagnostic &diagnostic);

/// Turns the remarks of passes whose name matches the regular expression into diagnostics of `context`. Fails with a message on a
/// wrong expression.
llvm::Error enableRemarks(mlir::MLIRContext &context, llvm::StringRef filter);

} // namespace nnopt

#endif // NNOPT_DRIVER_DIAGNOSTICS_H
