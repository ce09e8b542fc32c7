//===- Quantize.h - what --quantize asks for --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_PIPELINES_QUANTIZE_H
#define NNOPT_PIPELINES_QUANTIZE_H

#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "llvm/Support/Error.h"

namespace nnopt {

/// Reads "int8,method=percentile:99.9,weights=per-tensor,activations=symmetric,exclude=head*,first=false": a precision, then options of `nnopt-quantize`;
/// the lists (`exclude`, `only`) may come again. Fails with a message that names what is wrong.
llvm::Expected<QuantizeOptions> parseQuantize(llvm::StringRef text);

} // namespace nnopt

#endif // NNOPT_PIPELINES_QUANTIZE_H
