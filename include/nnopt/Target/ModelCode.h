//===- ModelCode.h - a model as machine code --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a module in the LLVM dialect to what a user links: the object with its weights, and the C header.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_TARGET_MODELCODE_H
#define NNOPT_TARGET_MODELCODE_H

#include "nnopt/Target/Signature.h"

#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Triple.h"

namespace nnopt {

struct CodeOptions {
  std::string name;           ///< of the model: a C identifier, the first part of its functions' names
  std::string stamp;          ///< which model file and which compiler; informs only
  llvm::Triple triple;        ///< of the processor that runs the model
  int64_t defaultThreads = 0; ///< when the caller does not say; 0: what the OpenMP runtime is set to
};

/// Machine code of one model. The weights stay in the MLIR module, which must outlive it.
class ModelCode {
public:
  /// Translates a module that has passed stage `llvm`, adds the glue code, and optimises. Fails with a diagnostic.
  static mlir::FailureOr<ModelCode> create(mlir::ModuleOp module, const CodeOptions &options);
  ModelCode(ModelCode &&);
  ~ModelCode();

  const Signature &signature() const;
  const CodeOptions &options() const;
  uint64_t weightBytes() const;
  /// Bytes of workspace, if they do not depend on the inputs' shapes.
  std::optional<int64_t> workspaceBytes() const;
  /// Whether the code calls the OpenMP runtime, if the caller gives no pool.
  bool usesThreads() const;

  /// Write the model as a relocatable ELF object, as assembly text without the weights, as optimised LLVM IR, or the header for C.
  mlir::LogicalResult writeObject(llvm::raw_ostream &os);
  mlir::LogicalResult writeAssembly(llvm::raw_ostream &os);
  void writeLLVM(llvm::raw_ostream &os) const;
  void writeHeader(llvm::raw_ostream &os) const;

private:
  struct Impl;
  explicit ModelCode(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

/// Fails with a message unless code can be generated for `triple`: a known architecture, ELF, 64 bits, little-endian.
llvm::Error checkTarget(const llvm::Triple &triple);

} // namespace nnopt

#endif // NNOPT_TARGET_MODELCODE_H
