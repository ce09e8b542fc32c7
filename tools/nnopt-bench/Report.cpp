//===- Report.cpp - what nnopt-bench prints -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Report.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Host.h"

using namespace nnopt;

void nnopt::printTable(const std::vector<Measurement> &rows, bool realTime) {
  if (!realTime)
    llvm::outs() << "ordinary scheduling (real-time is not permitted): other processes disturb\n";
  llvm::outs() << llvm::format("%-32s %10s %7s %9s %8s %7s  %s\n", "layer", "ms", "spread", "GFLOP/s", "GB/s", "% limit", "limit");
  for (const Measurement &row : rows)
    llvm::outs() << llvm::format("%-32s %10.4f %6.1f%% %9.1f %8.1f %7.1f  %s\n", row.name.c_str(), row.milliseconds, row.spread * 100, row.gflops,
                                 row.gigabytes, row.percent, row.memoryBound ? "memory" : "multiply-adds");
}

void nnopt::printJson(const std::vector<Measurement> &rows, llvm::StringRef isa, int threads, int rounds, bool realTime) {
  llvm::json::Array array;
  for (const Measurement &row : rows)
    array.push_back(llvm::json::Object{{"name", row.name},
                                       {"median_ms", row.milliseconds},
                                       {"spread", row.spread},
                                       {"gflops", row.gflops},
                                       {"gigabytes_per_s", row.gigabytes},
                                       {"peak_gflops", row.peakGflops},
                                       {"peak_gigabytes_per_s", row.peakGigabytes},
                                       {"limit", row.memoryBound ? "memory" : "multiply-adds"},
                                       {"percent_of_limit", row.percent}});
  llvm::json::Object report{{"cpu", llvm::sys::getHostCPUName()}, {"isa", isa},          {"threads", threads},
                            {"rounds", rounds},                   {"real_time", realTime}, {"rows", std::move(array)}};
  llvm::outs() << llvm::formatv("{0:2}", llvm::json::Value(std::move(report))) << '\n';
}
