//===- SweepReport.h - what nnopt-bench --sweep prints ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_TOOLS_NNOPT_BENCH_SWEEPREPORT_H
#define NNOPT_TOOLS_NNOPT_BENCH_SWEEPREPORT_H

#include "nnopt/Bench/Sweep.h"

namespace nnopt {

/// One line per point on standard output: dense and chosen times, measured and estimated.
void printSweepTable(llvm::ArrayRef<SweepResult> results);

/// One object: cpu, isa, rounds, real_time, summary (if anything was measured), points with all forms.
void printSweepJson(llvm::ArrayRef<SweepResult> results, llvm::StringRef isa, int rounds, bool realTime);

/// One line: how often the choice is near the best, and how slow it is at worst.
void printSweepSummary(llvm::raw_ostream &os, llvm::ArrayRef<SweepResult> results);

} // namespace nnopt

#endif // NNOPT_TOOLS_NNOPT_BENCH_SWEEPREPORT_H
