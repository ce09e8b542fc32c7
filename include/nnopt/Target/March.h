//===- March.h - which instruction sets a user asks for ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_TARGET_MARCH_H
#define NNOPT_TARGET_MARCH_H

#include "nnopt/Target/Isa.h"

#include "llvm/Support/Error.h"
#include "llvm/TargetParser/Triple.h"

#include <string>
#include <vector>

namespace nnopt {

/// The rows of the table of instruction sets, in ascending rank, that a list such as "avx2,znver4" stands for. An element is a row's name, a
/// processor that LLVM knows ("x86-64-v3", "znver4"), or "native" for this machine; the latter two stand for the best row that the
/// processor runs. An empty list stands for all rows of the architecture. Fails with a message that names the element.
llvm::Expected<std::vector<std::string>> parseMarch(llvm::StringRef list, const llvm::Triple &triple);

/// What a processor must have to run a row: a set of rows of lib/Target/Runtime/CpuFeatures.def. Fails if there is something
/// that cannot be asked for at run time.
llvm::Expected<uint64_t> requiredCpuFeatures(const Isa &isa);

} // namespace nnopt

#endif // NNOPT_TARGET_MARCH_H
