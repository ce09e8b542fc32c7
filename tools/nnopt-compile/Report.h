//===- Report.h - what nnopt-compile prints ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_TOOLS_NNOPT_COMPILE_REPORT_H
#define NNOPT_TOOLS_NNOPT_COMPILE_REPORT_H

#include "nnopt/Driver/Compile.h"

/// One JSON object about a compilation.
void printJson(llvm::raw_ostream &os, llvm::StringRef model, const nnopt::CompileOptions &options,
               const nnopt::CompileReport &report);

/// A table of the zeros of each layer and of how it is stored; one of the scales of quantized layers if there are any.
void printTable(llvm::raw_ostream &os, const nnopt::CompileReport &report);

#endif // NNOPT_TOOLS_NNOPT_COMPILE_REPORT_H
