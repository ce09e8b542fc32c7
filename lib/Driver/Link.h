//===- Link.h - objects to libraries ----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DRIVER_LINK_H
#define NNOPT_LIB_DRIVER_LINK_H

#include "llvm/Support/Error.h"
#include "llvm/TargetParser/Triple.h"

namespace nnopt {

/// Makes the shared library `output` of one object with the system's C compiler, or with ld.lld where there is none.
llvm::Error linkShared(llvm::StringRef object, llvm::StringRef output, const llvm::Triple &triple, bool usesThreads);

/// Makes the static library `output` of one object, which is called `member` in it.
llvm::Error writeStaticLibrary(llvm::StringRef object, llvm::StringRef member, llvm::StringRef output);

} // namespace nnopt

#endif // NNOPT_LIB_DRIVER_LINK_H
