//===- Report.cpp - what nnopt-compile prints -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Report.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace nnopt;

void printJson(llvm::raw_ostream &os, llvm::StringRef model, const CompileOptions &options, const CompileReport &report) {
  llvm::json::OStream json(os, /*IndentSize=*/2);
  json.object([&] {
    json.attribute("model", model);
    json.attribute("output", options.output);
    if (!report.header.empty())
      json.attribute("header", report.header);
    json.attribute("target", options.triple.str());
    json.attributeArray("isas", [&] {
      for (const std::string &isa : options.isas)
        json.value(isa);
    });
    json.attribute("output_bytes", static_cast<int64_t>(report.outputBytes));
    json.attribute("weight_bytes", static_cast<int64_t>(report.weightBytes));
    // Null: depends on the shapes of the inputs.
    json.attribute("workspace_bytes", report.workspaceBytes ? llvm::json::Value(*report.workspaceBytes) : llvm::json::Value(nullptr));
    if (options.prune || !options.mask.empty())
      json.attributeArray("pruned", [&] {
        for (const PrunedWeight &weight : report.pruned)
          json.object([&] {
            json.attribute("weight", weight.name);
            json.attribute("pattern", weight.pattern);
            json.attribute("origin", weight.origin);
            json.attribute("elements", weight.elements);
            json.attribute("zeros", weight.zeros);
            json.attribute("sparsity", static_cast<double>(weight.zeros) / weight.elements);
          });
      });
    double total = 0;
    json.attributeObject("seconds", [&] {
      for (const auto &[stage, seconds] : report.seconds) {
        json.attribute(stage, seconds);
        total += seconds;
      }
      json.attribute("total", total);
    });
  });
  os << "\n";
}
