//===- CodeGen.h - LLVM IR to machine code ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_TARGET_CODEGEN_H
#define NNOPT_LIB_TARGET_CODEGEN_H

#include "llvm/IR/Module.h"
#include "llvm/Support/CodeGen.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

namespace nnopt {

/// The code generator for `triple`: position-independent, for the architecture's oldest processor where a function does not say otherwise.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>> createTargetMachine(const llvm::Triple &triple);

/// Runs LLVM's optimisation passes on `module`.
void optimize(llvm::Module &module, llvm::TargetMachine &machine);

/// Generates an object or assembly text. The module is used up.
llvm::Error emit(llvm::Module &module, llvm::TargetMachine &machine, llvm::CodeGenFileType type, llvm::SmallVectorImpl<char> &out);

/// The glue code for `triple` as bitcode (lib/Target/Runtime/glue.c); empty for architectures that it was not built for.
llvm::StringRef glueBitcode(const llvm::Triple &triple);

} // namespace nnopt

#endif // NNOPT_LIB_TARGET_CODEGEN_H
