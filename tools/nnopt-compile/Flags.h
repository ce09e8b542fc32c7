//===- Flags.h - nnopt-compile's command line -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_TOOLS_NNOPT_COMPILE_FLAGS_H
#define NNOPT_TOOLS_NNOPT_COMPILE_FLAGS_H

#include "nnopt/Driver/Compile.h"
#include "nnopt/Driver/Load.h"

struct Flags {
  std::string model;
  nnopt::LoadOptions load;
  nnopt::CompileOptions compile;
  std::string calibrate; ///< data to calibrate with, if the way to prune or quantize needs them
  int64_t calibrateMemory = 0; ///< bytes of sums at a time
  bool json = false;
  std::optional<std::string> report; ///< file for the report, empty: a table on standard output
  bool listOperators = false; ///< nothing else is asked for then
  std::string remarks; ///< regular expression of pass names, empty for none
};

/// Reads the command line. After wrong usage, one error is on standard error and there is no result.
std::optional<Flags> parseFlags(int argc, char **argv);

#endif // NNOPT_TOOLS_NNOPT_COMPILE_FLAGS_H
