//===- Descriptor.h - what the glue code knows of a model -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_TARGET_DESCRIPTOR_H
#define NNOPT_LIB_TARGET_DESCRIPTOR_H

#include "nnopt/Target/ModelCode.h"

#include "llvm/IR/Module.h"

namespace nnopt {

/// What the descriptor holds beside the signature.
struct DescriptorFacts {
  uint64_t weightBytes;
  std::optional<int64_t> workspaceBytes;
  bool usesThreads;
};

/// Defines `nnopt_this_model`, which the glue code in `module` reads (lib/Target/Runtime/Glue.h), from the generated functions in it.
/// Fails if a variant needs something of the processor that cannot be asked for at run time.
llvm::Error defineDescriptor(llvm::Module &module, const Signature &signature, const CodeOptions &options,
                             const DescriptorFacts &facts);

} // namespace nnopt

#endif // NNOPT_LIB_TARGET_DESCRIPTOR_H
