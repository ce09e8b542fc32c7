//===- ElfObject.h - add the weights to an object file ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_TARGET_ELFOBJECT_H
#define NNOPT_LIB_TARGET_ELFOBJECT_H

#include "Weights.h"

#include "llvm/Support/Error.h"

namespace nnopt {

/// Writes the relocatable ELF object `code` with one more section for the weights and one for code that was encoded apart from it,
/// where there are any. Symbols that `code` leaves undefined and that name a weight become hidden symbols of those sections.
llvm::Error writeObjectWithWeights(llvm::StringRef code, const WeightTable &weights, llvm::raw_ostream &os);

} // namespace nnopt

#endif // NNOPT_LIB_TARGET_ELFOBJECT_H
