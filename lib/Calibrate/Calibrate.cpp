//===- Calibrate.cpp - run a model over data before pruning ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Calibrate/Calibrate.h"

#include "CalibrationData.h"

#include "nnopt/Dialect/NNOpt/Transforms/Calibration.h"
#include "nnopt/Driver/Compile.h"
#include "nnopt/Pipelines/Stages.h"
#include "nnopt/Run/Artefact.h"
#include "nnopt/Support/TemporaryDirectory.h"
#include "nnopt/Target/March.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/TargetParser/Host.h"

using namespace mlir;
using namespace nnopt;

namespace {

class Calibration {
public:
  Calibration(ModuleOp module, const CalibrationOptions &options) : module(module), options(options) {
    // Wanda asks for less.
    kind = std::holds_alternative<PruneWandaOptions>(options.prune) ? ObserveKind::squares : ObserveKind::gram;
  }

  LogicalResult run() {
    llvm::Expected<CalibrationData> opened = CalibrationData::open(options.data);
    if (!opened)
      return fail(opened.takeError());
    data = std::move(*opened);
    if (failed(prepare()) || failed(done(directory.create())))
      return failure();
    SmallVector<ObservedInput> inputs = find(entry(module));
    for (size_t first = 0, count; first < inputs.size(); first += count) {
      count = groupFrom(inputs, first);
      if (failed(gather(ArrayRef(inputs).slice(first, count), first)))
        return failure();
    }
    return success();
  }

private:
  ModuleOp module;
  const CalibrationOptions &options;
  ObserveKind kind;
  CalibrationData data;
  TemporaryDirectory directory;

  LogicalResult fail(llvm::Error error) {
    return emitError(UnknownLoc::get(module.getContext())) << "calibration: " << llvm::toString(std::move(error));
  }
  LogicalResult done(llvm::Error error) { return error ? fail(std::move(error)) : success(); }
  void start(StringRef what) {
    if (options.started)
      options.started(what);
  }

  static func::FuncOp entry(ModuleOp module) { return module.lookupSymbol<func::FuncOp>(kEntryName); }

  LogicalResult prepare() {
    if (!entry(module))
      return fail(runError("the model has no function @main on tensors"));
    PipelineOptions pipeline;
    pipeline.mask = options.mask;
    pipeline.prune = options.prune;
    PassManager pm(module->getName());
    addPruningPreparation(pm, pipeline);
    return pm.run(module);
  }

  SmallVector<ObservedInput> find(func::FuncOp function) {
    if (auto *wanda = std::get_if<PruneWandaOptions>(&options.prune))
      return findObservedInputs(function, *wanda);
    return findObservedInputs(function, std::get<PruneSparseGPTOptions>(options.prune));
  }

  int64_t bytesOf(const ObservedInput &input) { return input.statistic(kind).getNumElements() * sizeof(double); }

  /// How many inputs from `first` on are measured together.
  size_t groupFrom(ArrayRef<ObservedInput> inputs, size_t first) {
    size_t count = 0;
    for (int64_t bytes = 0; first + count < inputs.size(); ++count)
      if ((bytes += bytesOf(inputs[first + count])) > options.memoryLimit && count > 0)
        break;
    return count;
  }

  /// The dense model with the statistics of `count` inputs from `first` on as outputs.
  FailureOr<Artefact> instrument(size_t first, size_t count) {
    OwningOpRef<ModuleOp> copy = module.clone();
    SmallVector<ObservedInput> inputs = find(entry(*copy));
    addObservations(entry(*copy), ArrayRef(inputs).slice(first, count), kind);
    CompileOptions compile;
    compile.output = directory.file("calibration" + std::to_string(first) + ".so"); // a name of its own: libraries stay loaded
    compile.emit = EmitKind::Shared;
    compile.triple = llvm::Triple(llvm::Triple::normalize(llvm::sys::getDefaultTargetTriple()));
    llvm::Expected<std::vector<std::string>> isas = parseMarch("native", compile.triple);
    if (!isas)
      return fail(isas.takeError());
    compile.isas = *isas;
    compile.stageStarted = options.started;
    if (failed(compileModel(*copy, compile)))
      return failure();
    llvm::Expected<Artefact> opened = Artefact::open(compile.output);
    if (!opened)
      return fail(opened.takeError());
    return std::move(*opened);
  }

  LogicalResult gather(ArrayRef<ObservedInput> inputs, size_t first) {
    FailureOr<Artefact> model = instrument(first, inputs.size());
    if (failed(model))
      return failure();
    start("calibrate");
    std::vector<std::vector<double>> sums;
    for (const ObservedInput &input : inputs)
      sums.emplace_back(input.statistic(kind).getNumElements());
    llvm::Error error = data.forEachBatch(model->signature(), [&](ArrayRef<HostTensor> batch) -> llvm::Error {
      llvm::Expected<Artefact::Call> call = model->prepare(batch, /*threads=*/0);
      if (!call)
        return call.takeError();
      if (llvm::Error error = call->run())
        return error;
      ArrayRef<HostTensor> statistics = ArrayRef(call->outputs()).take_back(inputs.size());
      for (size_t i = 0; i < inputs.size(); ++i) {
        auto *values = reinterpret_cast<const float *>(statistics[i].bytes());
        for (size_t k = 0; k < sums[i].size(); ++k)
          sums[i][k] += values[k];
      }
      return llvm::Error::success();
    });
    if (error)
      return fail(std::move(error));
    for (auto [input, sum] : llvm::zip_equal(inputs, sums))
      attachMoments(input, kind, sum);
    return success();
  }
};

} // namespace

LogicalResult nnopt::calibrate(ModuleOp module, const CalibrationOptions &options) { return Calibration(module, options).run(); }
