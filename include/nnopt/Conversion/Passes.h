//===- Passes.h - from buffers to the LLVM dialect --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_CONVERSION_PASSES_H
#define NNOPT_CONVERSION_PASSES_H

#include "mlir/Pass/Pass.h"

namespace nnopt {

#define GEN_PASS_DECL
#include "nnopt/Conversion/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "nnopt/Conversion/Passes.h.inc"

} // namespace nnopt

#endif // NNOPT_CONVERSION_PASSES_H
