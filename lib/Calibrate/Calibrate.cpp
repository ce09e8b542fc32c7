//===- Calibrate.cpp - what data make of a model's layers -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Calibrate/Calibrate.h"

#include "CalibrationData.h"

#include "nnopt/Dialect/NNOpt/Transforms/Calibration.h"
#include "nnopt/Driver/Compile.h"
#include "nnopt/Run/Artefact.h"
#include "nnopt/Support/TemporaryDirectory.h"
#include "nnopt/Target/March.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/TargetParser/Host.h"

#include <cmath>

using namespace mlir;
using namespace nnopt;

namespace {

class Calibration {
public:
  Calibration(ModuleOp module, const CalibrationOptions &options) : module(module), options(options), pipeline(options.pipeline) {}

  LogicalResult run() {
    llvm::Expected<CalibrationData> opened = CalibrationData::open(options.data);
    if (!opened)
      return fail(opened.takeError());
    data = std::move(*opened);
    if (failed(prepare()) || failed(done(directory.create())))
      return failure();
    if (pipeline.prune && needsCalibration(*pipeline.prune) && failed(gatherMoments()))
      return failure();
    if (!pipeline.quantize)
      return success();
    return failed(prune()) ? failure() : gatherRanges();
  }

private:
  ModuleOp module;
  const CalibrationOptions &options;
  PipelineOptions pipeline;
  CalibrationData data;
  TemporaryDirectory directory;
  int64_t libraries = 0;

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
    PassManager pm(module->getName());
    addPruningPreparation(pm, pipeline);
    pipeline.mask.clear();
    return pm.run(module);
  }

  LogicalResult prune() {
    if (!pipeline.prune)
      return success();
    PassManager pm(module->getName());
    addPruning(pm, pipeline);
    return pm.run(module);
  }

  /// The model with the outputs that `add` gives its entry function.
  FailureOr<Artefact> instrument(function_ref<void(func::FuncOp)> add) {
    OwningOpRef<ModuleOp> copy = module.clone();
    add(entry(*copy));
    CompileOptions compile;
    compile.output = directory.file("calibration" + std::to_string(libraries++) + ".so"); // a name of its own: libraries stay loaded
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

  /// Calls `take` with the `results` outputs that `add` gives the entry function, for each batch.
  LogicalResult measure(size_t results, function_ref<void(func::FuncOp)> add, function_ref<void(ArrayRef<HostTensor>)> take) {
    FailureOr<Artefact> model = instrument(add);
    if (failed(model))
      return failure();
    start("calibrate");
    return done(data.forEachBatch(model->signature(), [&](ArrayRef<HostTensor> batch) -> llvm::Error {
      llvm::Expected<Artefact::Call> call = model->prepare(batch, /*threads=*/0);
      if (!call)
        return call.takeError();
      if (llvm::Error error = call->run())
        return error;
      take(ArrayRef(call->outputs()).take_back(results));
      return llvm::Error::success();
    }));
  }

  SmallVector<ObservedInput> findPruned(func::FuncOp function) {
    if (auto *wanda = std::get_if<PruneWandaOptions>(&*pipeline.prune))
      return findObservedInputs(function, *wanda);
    return findObservedInputs(function, std::get<PruneSparseGPTOptions>(*pipeline.prune));
  }

  /// How many inputs from `first` on are measured together.
  size_t groupFrom(ArrayRef<ObservedInput> inputs, size_t first, ObserveKind kind) {
    size_t count = 0;
    for (int64_t bytes = 0; first + count < inputs.size(); ++count) {
      bytes += inputs[first + count].statistic(kind).getNumElements() * sizeof(double);
      if (bytes > options.memoryLimit && count > 0)
        break;
    }
    return count;
  }

  LogicalResult gatherMoments() {
    // Wanda asks for less.
    ObserveKind kind = std::holds_alternative<PruneWandaOptions>(*pipeline.prune) ? ObserveKind::squares : ObserveKind::gram;
    SmallVector<ObservedInput> inputs = findPruned(entry(module));
    for (size_t first = 0, count; first < inputs.size(); first += count) {
      count = groupFrom(inputs, first, kind);
      if (failed(addUp(inputs, first, count, kind)))
        return failure();
    }
    return success();
  }

  LogicalResult addUp(ArrayRef<ObservedInput> inputs, size_t first, size_t count, ObserveKind kind) {
    std::vector<std::vector<double>> sums;
    for (const ObservedInput &input : inputs.slice(first, count))
      sums.emplace_back(input.statistic(kind).getNumElements());
    auto add = [&](func::FuncOp function) { addObservations(function, ArrayRef(findPruned(function)).slice(first, count), kind); };
    auto take = [&](ArrayRef<HostTensor> statistics) {
      for (auto [sum, statistic] : llvm::zip_equal(sums, statistics)) {
        auto *values = reinterpret_cast<const float *>(statistic.bytes());
        for (size_t k = 0; k < sum.size(); ++k)
          sum[k] += values[k];
      }
    };
    if (failed(measure(count, add, take)))
      return failure();
    for (auto [input, sum] : llvm::zip_equal(inputs.slice(first, count), sums))
      attachMoments(input, kind, sum);
    return success();
  }

  LogicalResult gatherRanges() {
    SmallVector<ObservedInput> inputs = findObservedInputs(entry(module), *pipeline.quantize);
    if (inputs.empty())
      return success();
    for (ObservedInput &input : inputs)
      input.range = {INFINITY, -INFINITY};
    auto add = [&](func::FuncOp function) {
      SmallVector<ObservedInput> copies = findObservedInputs(function, *pipeline.quantize);
      addObservations(function, copies, ObserveKind::minimum);
      addObservations(function, copies, ObserveKind::maximum);
    };
    auto take = [&](ArrayRef<HostTensor> statistics) {
      for (auto [i, statistic] : llvm::enumerate(statistics))
        widen(inputs[i % inputs.size()].range, /*upwards=*/i >= inputs.size(), statistic);
    };
    if (failed(measure(2 * inputs.size(), add, take)))
      return failure();
    std::vector<std::vector<int64_t>> counts(inputs.size());
    if (needsHistogram(*pipeline.quantize) && failed(count(inputs, counts)))
      return failure();
    for (auto [input, histogram] : llvm::zip_equal(inputs, counts))
      attachRange(input, histogram);
    return success();
  }

  /// A NaN stays.
  static void widen(MutableArrayRef<float> range, bool upwards, const HostTensor &extremes) {
    auto *values = reinterpret_cast<const float *>(extremes.bytes());
    float &end = range[upwards];
    for (int64_t k = 0; k < extremes.size(); ++k)
      if (std::isnan(values[k]) || (upwards ? values[k] > end : values[k] < end))
        end = values[k];
  }

  /// Histograms of those inputs that have a range to part.
  LogicalResult count(ArrayRef<ObservedInput> inputs, std::vector<std::vector<int64_t>> &counts) {
    SmallVector<size_t> counted;
    for (auto [i, input] : llvm::enumerate(inputs))
      if (std::isfinite(input.range[0]) && std::isfinite(input.range[1]) && input.range[0] < input.range[1]) {
        counted.push_back(i);
        counts[i].resize(input.statistic(ObserveKind::histogram).getNumElements());
      }
    auto add = [&](func::FuncOp function) {
      SmallVector<ObservedInput> copies = findObservedInputs(function, *pipeline.quantize), chosen;
      for (size_t i : counted) {
        copies[i].range = inputs[i].range;
        chosen.push_back(copies[i]);
      }
      addObservations(function, chosen, ObserveKind::histogram);
    };
    auto take = [&](ArrayRef<HostTensor> statistics) {
      for (auto [i, statistic] : llvm::zip_equal(counted, statistics)) {
        auto *values = reinterpret_cast<const int64_t *>(statistic.bytes());
        for (size_t bin = 0; bin < counts[i].size(); ++bin)
          counts[i][bin] += values[bin];
      }
    };
    return counted.empty() ? success() : measure(counted.size(), add, take);
  }
};

} // namespace

LogicalResult nnopt::calibrate(ModuleOp module, const CalibrationOptions &options) { return Calibration(module, options).run(); }
