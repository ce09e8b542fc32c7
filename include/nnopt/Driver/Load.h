//===- Load.h - read a model ------------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_DRIVER_LOAD_H
#define NNOPT_DRIVER_LOAD_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <map>
#include <string>
#include <vector>

namespace nnopt {

/// Fixes extents that the model leaves open. For ONNX models only.
struct LoadOptions {
  std::map<std::string, std::vector<int64_t>> inputShapes; ///< by the input's name
  std::map<std::string, int64_t> dims;                     ///< by the dimension's name
};

struct LoadResult {
  mlir::OwningOpRef<mlir::ModuleOp> module; ///< null after an error
  bool unsupported = false;                 ///< the model is valid, but uses something that nnopt does not have
};

/// Adds the dialects and interfaces that models and stages use.
void registerCompilerDialects(mlir::DialectRegistry &registry);

/// Reads `.onnx`, `.mlir` or `.mlirbc`. On failure there was one error diagnostic. Inputs and outputs of `@main` without a name
/// get one: in0, in1, ..., out0, ...; the module remembers the file in `nnopt.stamp`.
LoadResult loadModel(llvm::StringRef path, const LoadOptions &options, mlir::MLIRContext &context);

/// On the module: which file it came from, for the artefact's stamp.
inline constexpr llvm::StringLiteral kStampAttr = "nnopt.stamp";

} // namespace nnopt

#endif // NNOPT_DRIVER_LOAD_H
