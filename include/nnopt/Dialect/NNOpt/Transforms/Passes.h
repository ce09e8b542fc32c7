//===- Passes.h - passes over nnopt ops -------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_DIALECT_NNOPT_TRANSFORMS_PASSES_H
#define NNOPT_DIALECT_NNOPT_TRANSFORMS_PASSES_H

#include "mlir/Pass/Pass.h"

namespace nnopt {

#define GEN_PASS_DECL
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"

/// Fails with a message that names the first value that `nnopt-prune-magnitude` does not take.
llvm::Error checkOptions(const PruneMagnitudeOptions &options);

/// The same for `nnopt-prune-auto`.
llvm::Error checkOptions(const PruneAutoOptions &options);

/// The same for `nnopt-prune-structured`.
llvm::Error checkOptions(const PruneStructuredOptions &options);

/// The same for `nnopt-prune-wanda` and `nnopt-prune-sparsegpt`.
llvm::Error checkOptions(const PruneWandaOptions &options);
llvm::Error checkOptions(const PruneSparseGPTOptions &options);

/// The same for `nnopt-quantize`.
llvm::Error checkOptions(const QuantizeOptions &options);

#define GEN_PASS_REGISTRATION
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"

} // namespace nnopt

#endif // NNOPT_DIALECT_NNOPT_TRANSFORMS_PASSES_H
