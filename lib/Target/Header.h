//===- Header.h - the header of a compiled model ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_TARGET_HEADER_H
#define NNOPT_LIB_TARGET_HEADER_H

#include "nnopt/Target/ModelCode.h"

namespace nnopt {

/// Writes the header that programs in C or C++ include: self-contained, and usable together with other models' headers.
void writeModelHeader(llvm::raw_ostream &os, const Signature &signature, const CodeOptions &options, bool usesThreads);

} // namespace nnopt

#endif // NNOPT_LIB_TARGET_HEADER_H
