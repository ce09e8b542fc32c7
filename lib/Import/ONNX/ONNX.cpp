//===- ONNX.cpp - entry points of the importer ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"

#include "llvm/Support/Path.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::onnx;

static ImportResult importBuffer(std::shared_ptr<llvm::MemoryBuffer> buffer, std::string folder, Location loc,
                                 const ImportOptions &options) {
  MLIRContext &context = *loc.getContext();
  context.loadDialect<NNOptDialect, func::FuncDialect, arith::ArithDialect, math::MathDialect, tensor::TensorDialect,
                      linalg::LinalgDialect, scf::SCFDialect, affine::AffineDialect>();
  // One error for one problem: what follows the first is silent.
  unsigned errors = 0;
  ScopedDiagnosticHandler first(&context, [&](Diagnostic &diagnostic) {
    return success(diagnostic.getSeverity() == DiagnosticSeverity::Error && errors++ > 0);
  });
  ImportResult result;
  ModelProto model;
  std::string error;
  if (!parseModel(buffer->getBuffer(), model, error)) {
    emitError(loc) << "not a valid ONNX model: " << error;
    return result;
  }
  ConstantLoader loader(buffer, std::move(folder), &context);
  Importer importer(model, loader, options, loc);
  result.module = importer.run();
  result.unsupported = importer.isUnsupported;
  if (result.module && failed(verify(*result.module)))
    result.module = nullptr;
  return result;
}

ImportResult nnopt::importONNX(StringRef path, const ImportOptions &options, MLIRContext &context) {
  Location loc = FileLineColLoc::get(&context, path, 0, 0);
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer) {
    emitError(loc) << "cannot read '" << path << "': " << buffer.getError().message();
    return {};
  }
  StringRef folder = llvm::sys::path::parent_path(path);
  return importBuffer(std::move(*buffer), folder.empty() ? "." : folder.str(), loc, options);
}

ImportResult nnopt::importONNX(llvm::MemoryBufferRef buffer, const ImportOptions &options, MLIRContext &context) {
  Location loc = FileLineColLoc::get(&context, buffer.getBufferIdentifier(), 0, 0);
  return importBuffer(llvm::MemoryBuffer::getMemBufferCopy(buffer.getBuffer(), buffer.getBufferIdentifier()), "", loc, options);
}
