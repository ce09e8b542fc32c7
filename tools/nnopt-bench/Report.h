//===- Report.h - what nnopt-bench prints -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_TOOLS_NNOPT_BENCH_REPORT_H
#define NNOPT_TOOLS_NNOPT_BENCH_REPORT_H

#include "nnopt/Bench/Measure.h"

namespace nnopt {

/// One line per row on standard output.
void printTable(const std::vector<Measurement> &rows);

/// One object: cpu, isa, threads, rounds, rows.
void printJson(const std::vector<Measurement> &rows, llvm::StringRef isa, int threads, int rounds);

} // namespace nnopt

#endif // NNOPT_TOOLS_NNOPT_BENCH_REPORT_H
