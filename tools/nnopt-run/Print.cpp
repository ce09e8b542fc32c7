//===- Print.cpp - what nnopt-run prints ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Print.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"

using namespace nnopt;
using llvm::format;

/// The first elements, for a look.
static void printElements(llvm::raw_ostream &os, const HostTensor &tensor) {
  constexpr int64_t kShown = 6;
  os << "[";
  for (int64_t i = 0; i < std::min(tensor.size(), kShown); ++i)
    os << (i ? ", " : "") << format("%.6g", loadElement(tensor.type(), tensor.bytes(), i));
  os << (tensor.size() > kShown ? ", ...]" : "]");
}

void printReport(llvm::raw_ostream &os, const RunOptions &options, const RunReport &report) {
  for (auto [argument, output] : llvm::zip_equal(report.signature.outputs, report.outputs)) {
    os << argument.name << ": " << output.typeText() << " ";
    printElements(os, output);
    os << "\n";
  }
  for (const ProbeStage &stage : report.probe) {
    os << "probe, " << stage.name << ": " << stage.compared << " values compared with the imported model's; ";
    if (stage.first)
      os << "the first that differs is node '" << stage.first->name << "' (" << stage.op
         << "): " << stage.first->problem << "\n";
    else
      os << "all agree\n";
  }
  for (const Difference &difference : report.differences) {
    os << difference.name << ": " << (difference.agrees ? "agrees" : "differs") << ", largest error "
       << format("%.3g", difference.maxAbsolute) << ", which is " << format("%.3g", difference.maxRelative)
       << " of the largest value (allowed: " << format("%.3g", difference.tolerance) << ")";
    if (!difference.agrees)
      os << "; " << difference.problem;
    os << "\n";
  }
  if (report.timing) {
    const Timing &timing = *report.timing;
    os << format("median %.4g ms, 10%% below %.4g, 90%% below %.4g", timing.medianMs, timing.p10Ms, timing.p90Ms)
       << " (" << timing.runs << " runs, " << report.isa << ", ";
    if (report.threads)
      os << report.threads << " threads)\n";
    else
      os << (options.threads == 0 ? "no threads)\n" : "threads as the runtime is set)\n");
  }
}

void printJson(llvm::raw_ostream &os, const RunOptions &options, const RunReport &report) {
  llvm::json::OStream json(os, /*IndentSize=*/2);
  json.object([&] {
    json.attribute("model", options.model);
    json.attribute("isa", report.isa);
    json.attribute("threads", report.threads);
    json.attributeArray("outputs", [&] {
      for (auto [argument, output] : llvm::zip_equal(report.signature.outputs, report.outputs))
        json.object([&, &argument = argument, &output = output] {
          json.attribute("name", argument.name);
          json.attribute("type", output.typeText());
        });
    });
    if (report.timing) {
      json.attribute("median_ms", report.timing->medianMs);
      json.attribute("p10_ms", report.timing->p10Ms);
      json.attribute("p90_ms", report.timing->p90Ms);
      json.attribute("min_ms", report.timing->minMs);
      json.attribute("runs", report.timing->runs);
    }
    if (!options.probe.empty())
      json.attributeArray("probe", [&] {
        for (const ProbeStage &stage : report.probe)
          json.object([&] {
            json.attribute("stage", stage.name);
            json.attribute("compared", stage.compared);
            json.attribute("first_different",
                           stage.first ? llvm::json::Value(stage.first->name) : llvm::json::Value(nullptr));
          });
      });
    if (!options.check)
      return;
    json.attributeArray("differences", [&] {
      for (const Difference &difference : report.differences)
        json.object([&] {
          json.attribute("name", difference.name);
          json.attribute("agrees", difference.agrees);
          json.attribute("max_absolute", difference.maxAbsolute);
          json.attribute("max_relative", difference.maxRelative);
          json.attribute("tolerance", difference.tolerance);
          json.attribute("problem", difference.problem);
        });
    });
  });
  os << "\n";
}
