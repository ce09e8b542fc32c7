//===- Prune.h - what --prune asks for --------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_PIPELINES_PRUNE_H
#define NNOPT_PIPELINES_PRUNE_H

#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "llvm/Support/Error.h"

#include <variant>

namespace nnopt {

/// The options of the pass that prunes.
using PruneRequest = std::variant<PruneMagnitudeOptions, PruneWandaOptions, PruneSparseGPTOptions, PruneAutoOptions, PruneStructuredOptions>;

/// True if the pass needs what calibration measured.
bool needsCalibration(const PruneRequest &request);

/// Reads "magnitude:0.9,pattern=4x1,scope=global,exclude=head*,first": a method and its sparsity, then options of `nnopt-prune-magnitude`; or
/// "wanda:0.5" and "sparsegpt:0.7,pattern=2:4,damping=0.1": the same for `nnopt-prune-wanda` and `nnopt-prune-sparsegpt`; or
/// "auto:speedup=2,pattern=4x1,pattern=8x1": options of `nnopt-prune-auto`; or "structured:channels=0.5,heads=0.25,multiple=8": options of
/// `nnopt-prune-structured`. Flags may stand alone, lists (`exclude`, `only`, auto's `pattern`) may come again. Fails with a message that names what is wrong.
llvm::Expected<PruneRequest> parsePrune(llvm::StringRef text);

} // namespace nnopt

#endif // NNOPT_PIPELINES_PRUNE_H
