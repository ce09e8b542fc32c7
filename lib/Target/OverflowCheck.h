//===- OverflowCheck.h - sizes that cannot be counted -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_TARGET_OVERFLOWCHECK_H
#define NNOPT_LIB_TARGET_OVERFLOWCHECK_H

#include "llvm/IR/Function.h"

namespace nnopt {

/// Makes a function that returns a 64-bit size return -1 where a sum, difference or product of its arithmetic overflows. Extents come from callers, and
/// a workspace that is too small because its size wrapped around would be written past its end.
void returnMinusOneOnOverflow(llvm::Function &function);

} // namespace nnopt

#endif // NNOPT_LIB_TARGET_OVERFLOWCHECK_H
