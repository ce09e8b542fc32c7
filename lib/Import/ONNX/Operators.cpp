//===- Operators.cpp - the table of operators -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Operators.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/FormatVariadic.h"

#include <tuple>

using namespace nnopt;
using namespace nnopt::onnx;
using llvm::StringRef;

/// "ai.onnx" and "" are the same domain.
static StringRef canonicalDomain(StringRef domain) { return domain == "ai.onnx" ? "" : domain; }

static const std::vector<const Operator *> &table() {
  static const std::vector<const Operator *> kRows = [] {
    std::vector<const Operator *> rows;
    for (auto family : {elementwiseOperators, activationOperators, constantOperators, shapeOperators, productOperators,
                        windowOperators, normOperators, reduceOperators, layoutOperators, indexingOperators,
                        resizeOperators, quantizedOperators, scatterOperators, lossOperators})
      for (const Operator &row : family())
        rows.push_back(&row);
    llvm::sort(rows, [](const Operator *a, const Operator *b) {
      return std::tuple<StringRef, StringRef, int64_t>(a->domain, a->name, a->since) <
             std::tuple<StringRef, StringRef, int64_t>(b->domain, b->name, b->since);
    });
    return rows;
  }();
  return kRows;
}

const Operator *nnopt::onnx::findOperator(StringRef domain, StringRef name, int64_t opset, std::string &why) {
  domain = canonicalDomain(domain);
  std::string versions;
  for (const Operator *row : table()) {
    if (row->name != name || row->domain != domain)
      continue;
    if (row->since <= opset && opset <= row->until)
      return row;
    versions += (versions.empty() ? "" : ", ") + std::to_string(row->since) + " to " + std::to_string(row->until);
  }
  why = versions.empty() ? "nnopt has no such operator" : "nnopt supports versions " + versions;
  return nullptr;
}

llvm::SmallVector<OnnxOperatorInfo> nnopt::onnxOperatorTable() {
  return llvm::map_to_vector(table(), [](const Operator *row) {
    return OnnxOperatorInfo{row->domain, row->name, row->domain.empty() ? std::max(row->since, kOldestOpset) : row->since, row->until, row->notes};
  });
}

std::string nnopt::onnxOperatorPage() {
  std::string page = llvm::formatv(
      "# ONNX operators\n\nModels of opset {0} to {1} are read; an operator, attribute or version outside this table is one "
      "error that names it.\nMade from the importer's table (`lib/Import/ONNX`) by the build.\n\n"
      "| operator | versions | not supported |\n|---|---|---|\n", kOldestOpset, kNewestOpset);
  for (const OnnxOperatorInfo &row : onnxOperatorTable())
    page += llvm::formatv("| {0}{1}{2} | {3} to {4} | {5} |\n", row.domain, row.domain.empty() ? "" : ".", row.name,
                          row.since, row.until, row.notes);
  return page;
}
