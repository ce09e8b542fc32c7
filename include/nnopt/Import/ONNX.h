//===- ONNX.h - reads ONNX models into nnopt ops ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_IMPORT_ONNX_H
#define NNOPT_IMPORT_ONNX_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MemoryBufferRef.h"

#include <string>

namespace nnopt {

/// Versions of ONNX's default operator set that the importer knows.
inline constexpr int64_t kOldestOpset = 7, kNewestOpset = 28;

struct ImportOptions {
  /// Input name to extents; replaces the shape that the model gives.
  llvm::StringMap<llvm::SmallVector<int64_t>> inputShapes;
  /// Symbol (ONNX's dim_param) to extent.
  llvm::StringMap<int64_t> dims;
};

struct ImportResult {
  /// Null on failure; then exactly one error was emitted.
  mlir::OwningOpRef<mlir::ModuleOp> module;
  /// The model is well-formed, but uses something that nnopt cannot compile.
  bool unsupported = false;
};

/// Reads the model in file `path` as the import stage of docs/Architecture.md describes. The file and its external
/// data are mapped into memory; weights of the module point into the mapping and keep it alive with `context`.
ImportResult importONNX(llvm::StringRef path, const ImportOptions &options, mlir::MLIRContext &context);

/// Reads a model from memory; the weights are copied. External data is refused.
ImportResult importONNX(llvm::MemoryBufferRef buffer, const ImportOptions &options, mlir::MLIRContext &context);

/// One row of the table of operators: versions `since` to `until` of `domain` (both included).
struct OnnxOperatorInfo {
  llvm::StringRef domain, name;
  int64_t since, until;
  llvm::StringRef notes; ///< what is not supported, empty if everything is
};

/// All operators that the importer knows, sorted by domain and name.
llvm::SmallVector<OnnxOperatorInfo> onnxOperatorTable();

/// The table as the Markdown page docs/Operators.md.
std::string onnxOperatorPage();

} // namespace nnopt

#endif // NNOPT_IMPORT_ONNX_H
