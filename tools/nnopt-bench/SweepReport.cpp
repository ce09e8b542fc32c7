//===- SweepReport.cpp - what nnopt-bench --sweep prints ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "SweepReport.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Host.h"

using namespace nnopt;

void nnopt::printSweepTable(llvm::ArrayRef<SweepResult> results) {
  llvm::outs() << llvm::format("%-36s %10s %10s %10s %10s %7s  %s\n", "point", "dense us", "estimated", "chosen us", "estimated", "gain", "choice");
  for (const SweepResult &result : results) {
    const SweepForm &chosen = result.choice();
    double gain = chosen.measured > 0 ? result.dense.measured / chosen.measured : result.dense.estimated / chosen.estimated;
    llvm::outs() << llvm::format("%-36s %10.1f %10.1f %10.1f %10.1f %6.2fx  %s\n", result.point.name.c_str(), result.dense.measured,
                                 result.dense.estimated, chosen.measured, chosen.estimated, gain, chosen.kernel.c_str());
  }
}

static llvm::json::Object jsonOf(const SweepForm &form) {
  llvm::json::Object object{{"form", form.name}, {"kernel", form.kernel}, {"estimated_us", form.estimated}};
  if (form.measured > 0)
    object["measured_us"] = form.measured;
  return object;
}

static llvm::json::Object jsonOf(const SweepResult &result) {
  llvm::json::Array forms;
  for (const SweepForm &form : result.forms)
    forms.push_back(jsonOf(form));
  const SweepPoint &point = result.point;
  return llvm::json::Object{{"name", point.name},         {"depth", point.size.depth},        {"outputs", point.size.outputs}, {"rows", point.size.rows},
          {"pattern", point.pattern},   {"sparsity", point.sparsity},       {"dense", jsonOf(result.dense)}, {"forms", std::move(forms)},
          {"choice", result.chosen}};
}

void nnopt::printSweepJson(llvm::ArrayRef<SweepResult> results, llvm::StringRef isa, int rounds, bool realTime) {
  llvm::json::Array points;
  for (const SweepResult &result : results)
    points.push_back(jsonOf(result));
  llvm::json::Object report{{"cpu", llvm::sys::getHostCPUName()}, {"isa", isa}, {"threads", 1}, {"points", std::move(points)}};
  if (results.front().dense.measured > 0) {
    SweepSummary summary = summarize(results);
    report["rounds"] = rounds;
    report["real_time"] = realTime;
    report["summary"] = llvm::json::Object{
        {"within_ten_percent_of_best", summary.withinTenPercent}, {"worst_gain", summary.worst}, {"worst_point", summary.worstPoint}};
  }
  llvm::outs() << llvm::formatv("{0:2}", llvm::json::Value(std::move(report))) << '\n';
}

void nnopt::printSweepSummary(llvm::raw_ostream &os, llvm::ArrayRef<SweepResult> results) {
  SweepSummary summary = summarize(results);
  os << llvm::format("%zu points: the choice is within 10 %% of the best measured in %.1f %% of them; at worst it is %.2f times as fast as dense (%s)\n",
                     results.size(), 100 * summary.withinTenPercent, summary.worst, summary.worstPoint.c_str());
}
