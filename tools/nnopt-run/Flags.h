//===- Flags.h - nnopt-run's command line -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_TOOLS_NNOPT_RUN_FLAGS_H
#define NNOPT_TOOLS_NNOPT_RUN_FLAGS_H

#include "nnopt/Run/Run.h"

struct Flags {
  nnopt::RunOptions run;
  bool json = false;
};

/// Reads the command line. After wrong usage, one error is on standard error and there is no result.
std::optional<Flags> parseFlags(int argc, char **argv);

#endif // NNOPT_TOOLS_NNOPT_RUN_FLAGS_H
