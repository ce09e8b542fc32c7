//===- Print.h - what nnopt-run prints --------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_TOOLS_NNOPT_RUN_PRINT_H
#define NNOPT_TOOLS_NNOPT_RUN_PRINT_H

#include "nnopt/Run/Run.h"

/// A table for people: outputs, differences, times.
void printReport(llvm::raw_ostream &os, const nnopt::RunOptions &options, const nnopt::RunReport &report);

/// One JSON object with the same.
void printJson(llvm::raw_ostream &os, const nnopt::RunOptions &options, const nnopt::RunReport &report);

#endif // NNOPT_TOOLS_NNOPT_RUN_PRINT_H
