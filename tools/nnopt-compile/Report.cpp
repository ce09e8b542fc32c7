//===- Report.cpp - what nnopt-compile prints -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Report.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace nnopt;

static void writeSparsity(llvm::json::OStream &json, const CompileReport &report) {
  json.attributeArray("layers", [&] {
    for (const SparsityRow &row : report.sparsity)
      json.object([&] {
        json.attribute("layer", row.layer);
        json.attribute("weight", row.weight);
        json.attributeArray("shape", [&] {
          for (int64_t extent : row.shape)
            json.value(extent);
        });
        json.attribute("elements", row.elements);
        json.attribute("zeros", row.zeros);
        json.attribute("pattern", row.pattern);
        json.attribute("format", row.format);
        if (!row.microseconds)
          return;
        json.attribute("least_rows", row.microseconds->rows);
        json.attribute("dense_us", row.microseconds->dense);
        json.attribute("sparse_us", row.microseconds->sparse);
      });
  });
}

static void writeQuantization(llvm::json::OStream &json, const CompileReport &report) {
  auto pair = [&](llvm::StringRef name, std::pair<double, double> numbers) { json.attribute(name, llvm::json::Array{numbers.first, numbers.second}); };
  json.attributeArray("quantized", [&] {
    for (const QuantizedRow &row : report.quantized)
      json.object([&] {
        json.attribute("layer", row.layer);
        json.attribute("weight", row.weight);
        json.attribute("scale", row.scale);
        json.attribute("zero_point", row.zeroPoint);
        pair("seen", row.seen);
        pair("range", row.range);
        pair("weight_scales", row.weightScales);
        json.attribute("weight_max_error", row.maxError);
        // Null: the weight is exact.
        json.attribute("weight_snr_db", row.decibels ? llvm::json::Value(*row.decibels) : llvm::json::Value(nullptr));
      });
  });
}

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
    if (options.quantize)
      writeQuantization(json, report);
    writeSparsity(json, report);
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

static void printQuantization(llvm::raw_ostream &os, const CompileReport &report) {
  size_t width = 5;
  for (const QuantizedRow &row : report.quantized)
    width = std::max(width, row.layer.size());
  auto line = [&](llvm::StringRef layer, llvm::StringRef seen, llvm::StringRef range, llvm::StringRef scale, llvm::StringRef zero, llvm::StringRef error,
                  llvm::StringRef decibels) {
    os << layer << std::string(width - layer.size(), ' ')
       << llvm::formatv("  {0,-24} {1,-24} {2,12} {3,10} {4,12} {5,8}", seen, range, scale, zero, error, decibels) << "\n";
  };
  auto text = [](double number) { return llvm::formatv("{0}", llvm::format("%g", number)).str(); };
  auto pair = [&](std::pair<double, double> numbers) { return text(numbers.first) + " to " + text(numbers.second); };
  os << "\n";
  line("layer", "input seen", "input kept", "scale", "zero point", "weight error", "SNR dB");
  for (const QuantizedRow &row : report.quantized)
    line(row.layer, pair(row.seen), pair(row.range), text(row.scale), std::to_string(row.zeroPoint), text(row.maxError),
         row.decibels ? llvm::formatv("{0:f1}", *row.decibels).str() : "exact");
}

void printTable(llvm::raw_ostream &os, const CompileReport &report) {
  size_t width = 5;
  for (const SparsityRow &row : report.sparsity)
    width = std::max(width, row.layer.size());
  auto line = [&](llvm::StringRef layer, const std::string &shape, const std::string &zeros, llvm::StringRef pattern, llvm::StringRef format,
                  const std::string &dense, const std::string &sparse) {
    os << layer << std::string(width - layer.size(), ' ')
       << llvm::formatv("  {0,-16} {1,8} {2,-14} {3,-12} {4,10} {5,10}", shape, zeros, pattern, format, dense, sparse) << "\n";
  };
  line("layer", "weight", "zeros", "pattern", "stored", "dense us", "sparse us");
  for (const SparsityRow &row : report.sparsity) {
    std::string shape = llvm::join(llvm::map_range(row.shape, [](int64_t extent) { return std::to_string(extent); }), "x");
    auto time = [&](double SparsityRow::Times::*which) {
      return row.microseconds ? llvm::formatv("{0:f1}", (*row.microseconds).*which).str() : "-";
    };
    line(row.layer, shape, llvm::formatv("{0:f2} %", 100.0 * row.zeros / row.elements).str(), row.pattern, row.format,
         time(&SparsityRow::Times::dense), time(&SparsityRow::Times::sparse));
  }
  if (!report.quantized.empty())
    printQuantization(os, report);
}
