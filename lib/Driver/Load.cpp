//===- Load.cpp - read a model --------------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Driver/Load.h"

#include "SparseTensors.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Import/ONNX.h"
#include "nnopt/Register/Register.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace nnopt;

void nnopt::registerCompilerDialects(DialectRegistry &registry) {
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registerDialects(registry);
}

/// Of the sections that hold weights.
static constexpr uint64_t kBytecodeAlignment = 64;

/// Inputs and outputs that have no name are numbered.
static void nameArguments(ModuleOp module) {
  auto entry = module.lookupSymbol<func::FuncOp>(kEntryName);
  if (!entry)
    return; // a later stage, or an error that the first stage reports
  Builder b(module.getContext());
  for (unsigned i = 0; i < entry.getNumArguments(); ++i)
    if (isa<TensorType>(entry.getArgumentTypes()[i]) && !entry.getArgAttr(i, kNameAttr))
      entry.setArgAttr(i, kNameAttr, b.getStringAttr("in" + Twine(i)));
  for (unsigned i = 0; i < entry.getNumResults(); ++i)
    if (!entry.getResultAttr(i, kNameAttr))
      entry.setResultAttr(i, kNameAttr, b.getStringAttr("out" + Twine(i)));
}

/// "model.onnx (xxh3 0123456789abcdef)"
static std::string stampOf(StringRef path, StringRef contents) {
  uint64_t hash = llvm::xxh3_64bits(contents);
  return (llvm::sys::path::filename(path) + " (xxh3 " + llvm::utohexstr(hash, /*LowerCase=*/true, /*Width=*/16) + ")").str();
}

static OwningOpRef<ModuleOp> loadMLIR(StringRef path, std::unique_ptr<llvm::MemoryBuffer> buffer, MLIRContext &context) {
  // Shared, so that the weights of bytecode may stay where they are in the file.
  auto sources = std::make_shared<llvm::SourceMgr>();
  sources->AddNewSourceBuffer(std::move(buffer), SMLoc());
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, ParserConfig(&context));
  if (module)
    nameArguments(*module);
  return module;
}

LoadResult nnopt::loadModel(StringRef path, const LoadOptions &options, MLIRContext &context) {
  Location loc = FileLineColLoc::get(&context, path, 0, 0);
  StringRef suffix = llvm::sys::path::extension(path);
  LoadResult result;
  if (suffix != ".onnx" && suffix != ".mlir" && suffix != ".mlirbc") {
    emitError(loc) << "has the suffix '" << suffix << "', expected .onnx, .mlir or .mlirbc";
    return result;
  }
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/suffix == ".mlir",
                                            /*IsVolatile=*/false, llvm::Align(kBytecodeAlignment));
  if (!buffer) {
    emitError(loc) << "cannot be read: " << buffer.getError().message();
    return result;
  }
  std::string stamp = stampOf(path, (*buffer)->getBuffer());
  if (suffix == ".onnx") {
    ImportOptions import;
    for (const auto &[name, shape] : options.inputShapes)
      import.inputShapes[name].assign(shape.begin(), shape.end());
    for (const auto &[name, extent] : options.dims)
      import.dims[name] = extent;
    ImportResult imported = importONNX(path, import, context);
    result.module = std::move(imported.module);
    result.unsupported = imported.unsupported;
    if (result.module)
      (*result.module)->setAttr(kStampAttr, StringAttr::get(&context, stamp));
    return result;
  }
  if (!options.inputShapes.empty() || !options.dims.empty()) {
    emitError(loc) << "has its shapes in the text; they can be chosen for ONNX models only";
    return result;
  }
  result.module = loadMLIR(path, std::move(*buffer), context);
  if (result.module && failed(importSparseTensors(*result.module, result.unsupported)))
    result.module = nullptr;
  if (result.module && !(*result.module)->hasAttr(kStampAttr))
    (*result.module)->setAttr(kStampAttr, StringAttr::get(&context, stamp));
  return result;
}
