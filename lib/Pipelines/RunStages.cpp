//===- RunStages.cpp - run a range of stages ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Pipelines/Stages.h"

#include "mlir/Support/FileUtilities.h"
#include "mlir/Support/Timing.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ToolOutputFile.h"

#include <chrono>

using namespace mlir;
using namespace nnopt;

/// Writes `module` to DIR/NN-STAGE.mlir.
static LogicalResult dumpStage(ModuleOp module, const Stage &stage, const StageRun &run) {
  if (std::error_code error = llvm::sys::fs::create_directories(run.dumpDirectory))
    return module.emitError("cannot create '") << run.dumpDirectory << "': " << error.message();
  size_t number = &stage - stages().begin();
  llvm::SmallString<128> path(run.dumpDirectory);
  llvm::sys::path::append(path, llvm::formatv("{0,0+2}-{1}.mlir", number, stage.name).str());
  std::string message;
  std::unique_ptr<llvm::ToolOutputFile> file = openOutputFile(path, &message);
  if (!file)
    return module.emitError() << message;
  OpPrintingFlags flags;
  if (run.elideWeights)
    flags.elideLargeElementsAttrs(16).elideLargeResourceString(64);
  module->print(file->os(), flags);
  file->keep();
  return success();
}

LogicalResult nnopt::runStages(ModuleOp module, const PipelineOptions &options, const StageRun &run) {
  const Stage *first = findStage(run.startAt), *last = findStage(run.stopAfter);
  for (auto [stage, name] : {std::pair(first, run.startAt), std::pair(last, run.stopAfter)})
    if (!stage)
      return module.emitError("unknown stage '") << name << "', expected one of " << stageNames();
  DefaultTimingManager timing;
  timing.setEnabled(run.timing);
  timing.setOutput(createOutputStrategy(DefaultTimingManager::OutputFormat::Text, llvm::errs()));
  TimingScope root = timing.getRootScope();

  for (const Stage *stage = first; stage <= last; ++stage) {
    auto start = std::chrono::steady_clock::now();
    if (run.started)
      run.started(*stage);
    if (stage->build) {
      PassManager pm(module->getName());
      if (!run.crashReproducer.empty())
        pm.enableCrashReproducerGeneration(run.crashReproducer);
      TimingScope scope = root.nest(stage->name);
      pm.enableTiming(scope);
      stage->build(pm, options);
      if (failed(pm.run(module)))
        return failure();
    }
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    if (!run.dumpDirectory.empty() && failed(dumpStage(module, *stage, run)))
      return failure();
    if (run.finished)
      run.finished(*stage, seconds.count());
  }
  return success();
}
