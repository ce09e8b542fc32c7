//===- Stages.h - the stages between a model and an object ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One table names the stages. nnopt-compile, the pipelines `--nnopt-STAGE` of nnopt-opt, `--start-at`, `--stop-after`, `--dump-stages`, the
// help texts and the documentation all read it.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_PIPELINES_STAGES_H
#define NNOPT_PIPELINES_STAGES_H

#include "nnopt/Pipelines/Prune.h"
#include "nnopt/Pipelines/Quantize.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

namespace nnopt {

/// What a user can choose about the generated code.
struct PipelineOptions {
  std::vector<std::string> isas; ///< names of the table in nnopt/Target/Isa.h
  int64_t threads = -1;          ///< 0: no threads; else parallel regions go through the runtime
  std::string mask;              ///< file of masks that `compress` applies before it prunes; empty: none
  std::optional<PruneRequest> prune;          ///< what `compress` prunes, if anything
  std::optional<QuantizeOptions> quantize;    ///< what `compress` quantizes after it, if anything
  SparsifyOptions sparsify;      ///< how pruned weights are stored; its `isas` are those above
};

/// Adds what the stage `compress` does before it prunes: masks, and with `options.prune` what brings weights into the form that is pruned. Without masks,
/// running it again changes nothing, so that calibration may see the products that will be pruned.
void addPruningPreparation(mlir::OpPassManager &pm, const PipelineOptions &options);

/// Adds this and what prunes, if `options.prune` asks for it: all that comes before ranges of inputs mean something.
void addPruning(mlir::OpPassManager &pm, const PipelineOptions &options);

/// One named step. Stages run in table order.
struct Stage {
  llvm::StringLiteral name, summary;
  /// Adds the stage's passes; null for the ends of the table, which are not passes (the importer, the object writer).
  void (*build)(mlir::OpPassManager &, const PipelineOptions &);
};

llvm::ArrayRef<Stage> stages();

/// The stage of this name, or null.
const Stage *findStage(llvm::StringRef name);

/// "import, compress, ..., object", for help texts and errors.
std::string stageNames();

/// Which stages to run, and what to leave behind on the way.
struct StageRun {
  llvm::StringRef startAt = "import";  ///< first stage to run
  llvm::StringRef stopAfter = "llvm";  ///< last stage to run
  std::string dumpDirectory;           ///< if not empty: DIR/NN-STAGE.mlir after every stage
  std::string crashReproducer;         ///< if not empty: file that a failing or crashing pass leaves its input in
  bool timing = false;                 ///< prints the time of every pass to standard error
  bool elideWeights = true;            ///< dumps leave large constants out
  llvm::function_ref<void(const Stage &)> started; ///< called before each stage
  llvm::function_ref<void(const Stage &, double seconds)> finished; ///< called after each stage
};

/// Runs the stages of `run` on `module`. Fails with a diagnostic that a pass emitted, or one that names the stage.
mlir::LogicalResult runStages(mlir::ModuleOp module, const PipelineOptions &options, const StageRun &run);

/// Registers a pipeline `nnopt-STAGE` for every stage that has passes, and `nnopt-to-llvm` for all of them.
void registerNNOptPipelines();

} // namespace nnopt

#endif // NNOPT_PIPELINES_STAGES_H
