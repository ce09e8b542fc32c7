//===- Diagnostics.cpp - errors as tools print them -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Driver/Diagnostics.h"

#include "mlir/IR/Location.h"
#include "mlir/IR/Remarks.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Regex.h"

using namespace mlir;

static StringRef severityName(DiagnosticSeverity severity) {
  switch (severity) {
  case DiagnosticSeverity::Note:
    return "note";
  case DiagnosticSeverity::Warning:
    return "warning";
  case DiagnosticSeverity::Error:
    return "error";
  case DiagnosticSeverity::Remark:
    return "remark";
  }
  llvm_unreachable("unknown severity");
}

static void printOne(raw_ostream &os, StringRef tool, Diagnostic &diagnostic) {
  FileLineColLoc file;
  NameLoc node;
  diagnostic.getLocation()->walk([&](Location loc) {
    if (auto found = dyn_cast<FileLineColLoc>(loc); found && !file)
      file = found;
    if (auto found = dyn_cast<NameLoc>(loc); found && !node)
      node = found;
    return WalkResult::advance();
  });
  if (file) {
    os << file.getFilename().getValue();
    if (file.getLine() != 0)
      os << ":" << file.getLine() << ":" << file.getColumn();
  } else {
    os << tool;
  }
  os << ": " << severityName(diagnostic.getSeverity()) << ": ";
  if (node)
    os << "node '" << node.getName().getValue() << "': ";
  os << diagnostic << "\n";
}

void nnopt::printDiagnostic(raw_ostream &os, StringRef tool, Diagnostic &diagnostic) {
  printOne(os, tool, diagnostic);
  for (Diagnostic &note : diagnostic.getNotes())
    printOne(os, tool, note);
}

llvm::Error nnopt::enableRemarks(MLIRContext &context, StringRef filter) {
  std::string message;
  if (!llvm::Regex(filter).isValid(message))
    return llvm::createStringError(llvm::inconvertibleErrorCode(), "'" + filter + "' is not a regular expression: " + message);
  remark::RemarkCategories categories;
  categories.passed = categories.missed = categories.analysis = categories.failed = filter.str();
  (void)remark::enableOptimizationRemarks(context, /*streamer=*/nullptr, std::make_unique<remark::RemarkEmittingPolicyAll>(), categories,
                                          /*printAsEmitRemarks=*/true);
  return llvm::Error::success();
}
