//===- Register.h - what nnopt adds to MLIR, in one place -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// nnopt-opt, nnopt-lsp-server, nnopt-reduce and the plugin of mlir-opt register through these functions, so that all know the same.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_REGISTER_REGISTER_H
#define NNOPT_REGISTER_REGISTER_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace nnopt {

/// The nnopt dialect and the interfaces that other libraries implement for its ops.
void registerDialects(mlir::DialectRegistry &registry);

/// nnopt's passes and pipelines. Call once.
void registerPasses();

/// nnopt's and upstream's dialects, extensions, passes and pipelines. Call once.
void registerEverything(mlir::DialectRegistry &registry);

/// Leaves the hundreds of options of LLVM's libraries out of --help; they still work. Call before the tool's own options exist.
void hideLLVMOptions();

} // namespace nnopt

#endif // NNOPT_REGISTER_REGISTER_H
