//===- Report.h - what nnopt-bench prints -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_TOOLS_NNOPT_BENCH_REPORT_H
#define NNOPT_TOOLS_NNOPT_BENCH_REPORT_H

#include "nnopt/Bench/Measure.h"

namespace nnopt {

/// One line per row on standard output, and one before if other processes could disturb.
void printTable(const std::vector<Measurement> &rows, bool realTime);

/// One object: cpu, isa, threads, rounds, real_time, rows.
void printJson(const std::vector<Measurement> &rows, llvm::StringRef isa, int threads, int rounds, bool realTime);

} // namespace nnopt

#endif // NNOPT_TOOLS_NNOPT_BENCH_REPORT_H
