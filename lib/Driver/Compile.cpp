//===- Compile.cpp - from a module to files -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Driver/Compile.h"

#include "Link.h"
#include "OutputFile.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Driver/Load.h"
#include "nnopt/Pipelines/Stages.h"
#include "nnopt/Target/ModelCode.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/Config/llvm-config.h"
#include "llvm/Support/Path.h"

#include <chrono>

using namespace mlir;
using namespace nnopt;

static constexpr StringLiteral kLastPassStage = "llvm", kObjectStage = "object", kCompressStage = "compress", kPackStage = "pack";

EmitKind nnopt::emitKindOf(StringRef output) {
  static constexpr std::pair<StringLiteral, EmitKind> kSuffixes[] = {
      {".a", EmitKind::Archive},  {".so", EmitKind::Shared},   {".s", EmitKind::Assembly},
      {".ll", EmitKind::LLVM},    {".mlir", EmitKind::MLIR},   {".mlirbc", EmitKind::MLIR},
  };
  for (auto [suffix, kind] : kSuffixes)
    if (llvm::sys::path::extension(output) == suffix)
      return kind;
  return EmitKind::Object;
}

/// What `nnopt-sparsify` wrote of one layer.
static SparsityRow sparsityRowOf(DictionaryAttr row) {
  SparsityRow result;
  auto text = [&](StringRef key) { return row.getAs<StringAttr>(key).str(); };
  result.layer = text("layer"), result.weight = text("weight"), result.pattern = text("pattern"), result.format = text("format");
  ArrayRef<int64_t> shape = row.getAs<DenseI64ArrayAttr>("shape").asArrayRef();
  result.shape.assign(shape.begin(), shape.end());
  result.elements = ShapedType::getNumElements(shape), result.zeros = row.getAs<IntegerAttr>("zeros").getInt();
  auto number = [&](StringRef key) { return row.getAs<FloatAttr>(key).getValueAsDouble(); };
  if (auto rows = row.getAs<IntegerAttr>("rows"))
    result.microseconds = SparsityRow::Times{rows.getInt(), number("dense_us"), number("sparse_us")};
  return result;
}

/// What `nnopt-quantize` wrote of one layer.
static QuantizedRow quantizedRowOf(DictionaryAttr row) {
  QuantizedRow result;
  auto text = [&](StringRef key) { return row.getAs<StringAttr>(key).str(); };
  auto number = [&](StringRef key) { return row.getAs<FloatAttr>(key).getValueAsDouble(); };
  auto pair = [&](StringRef key) {
    ArrayRef<double> numbers = row.getAs<DenseF64ArrayAttr>(key).asArrayRef();
    return std::pair(numbers[0], numbers[1]);
  };
  result.layer = text("layer"), result.weight = text("weight"), result.scale = number("scale");
  result.zeroPoint = row.getAs<IntegerAttr>("zero_point").getInt();
  result.seen = pair("seen"), result.range = pair("range"), result.weightScales = pair("weight_scales");
  result.maxError = number("max_error");
  if (row.contains("snr_db"))
    result.decibels = number("snr_db");
  return result;
}

namespace {

/// One compilation.
class Compilation {
public:
  Compilation(ModuleOp module, const CompileOptions &options) : module(module), options(options) {}

  FailureOr<CompileReport> run() {
    if (failed(checkStages()))
      return failure();
    // Before the work: a file that cannot be written is known at once.
    if (failed(open(options.output, output)) || (writesHeader() && failed(open(headerPath(), header))))
      return failure();
    module->setAttr(kModelAttr, StringAttr::get(module.getContext(), modelName()));
    if (failed(runPasses()))
      return failure();
    if (failed(writesModule() ? writeModule() : writeCode()) || failed(commit()))
      return failure();
    return report;
  }

private:
  ModuleOp module;
  const CompileOptions &options;
  CompileReport report;
  std::optional<OutputFile> output, header;

  LogicalResult fail(const llvm::Twine &message) { return emitError(UnknownLoc::get(module.getContext())) << message; }
  LogicalResult fail(llvm::Error error) { return fail(llvm::toString(std::move(error))); }

  LogicalResult checkStages() {
    for (StringRef name : {StringRef(options.startAt), StringRef(options.stopAfter)})
      if (!name.empty() && !findStage(name))
        return fail("unknown stage '" + name + "', expected one of " + stageNames());
    if (!options.stopAfter.empty() && findStage(options.stopAfter) < findStage(options.startAt))
      return fail("stage '" + options.stopAfter + "' comes before '" + options.startAt + "'");
    if (writesHeader() && headerPath() == options.output)
      return fail("the output cannot be called '" + options.output + "': that is the header's name");
    return success();
  }

  bool writesModule() const { return !options.stopAfter.empty() || options.emit == EmitKind::MLIR; }
  bool writesHeader() const { return !writesModule() && options.emit != EmitKind::LLVM && options.output != "-"; }

  /// The name of the model in C.
  std::string modelName() const {
    return options.output == "-" ? "model" : cIdentifier(llvm::sys::path::stem(options.output));
  }

  LogicalResult open(const std::string &path, std::optional<OutputFile> &file) {
    llvm::Expected<OutputFile> created = OutputFile::create(path);
    if (!created)
      return fail(created.takeError());
    file.emplace(std::move(*created));
    return success();
  }

  std::string headerPath() const {
    SmallString<128> path(options.output);
    llvm::sys::path::replace_extension(path, ".h");
    return path.str().str();
  }

  LogicalResult runPasses() {
    if (options.startAt == kObjectStage)
      return success();
    StageRun run;
    run.startAt = options.startAt;
    run.stopAfter = options.stopAfter.empty() || options.stopAfter == kObjectStage ? StringRef(kLastPassStage) : StringRef(options.stopAfter);
    run.dumpDirectory = options.dumpDirectory;
    run.elideWeights = !options.dumpWeights;
    run.crashReproducer = options.crashReproducer;
    run.timing = options.timing;
    auto started = [&](const Stage &stage) {
      if (options.stageStarted)
        options.stageStarted(stage.name);
    };
    auto finished = [&](const Stage &stage, double seconds) {
      if (stage.build) // the importer ran, and was timed, before
        report.seconds.push_back({stage.name.str(), seconds});
      if (stage.name == kCompressStage) {
        collectSparsity();
        collectQuantization();
      }
      if (stage.name == kPackStage)
        collectReport();
    };
    run.started = started;
    run.finished = finished;
    return runStages(module, pipelineOf(options), run);
  }

  /// Later passes store weights in other ways.
  void collectSparsity() {
    module.walk([&](WeightOp weight) {
      auto sparsity = weight->getAttrOfType<SparsityAttr>(kSparsityAttr);
      if (sparsity && sparsity.getOrigin() != SparsityOrigin::found)
        report.pruned.push_back({weight.getSymName().value_or("").str(), sparsity.getPattern().str(),
                                 stringifySparsityOrigin(sparsity.getOrigin()).str(), weight.getType().getNumElements(), sparsity.getZeros()});
    });
  }

  /// Takes the rows called `name` off the functions.
  void takeRows(StringRef name, function_ref<void(DictionaryAttr)> take) {
    module.walk([&](func::FuncOp function) {
      auto rows = dyn_cast_if_present<ArrayAttr>(function->removeAttr(name));
      for (Attribute row : rows ? rows.getValue() : ArrayRef<Attribute>())
        take(cast<DictionaryAttr>(row));
    });
  }
  void collectReport() {
    takeRows(kSparsityReportAttr, [&](DictionaryAttr row) { report.sparsity.push_back(sparsityRowOf(row)); });
  }
  void collectQuantization() {
    takeRows(kQuantizationReportAttr, [&](DictionaryAttr row) { report.quantized.push_back(quantizedRowOf(row)); });
  }

  LogicalResult writeModule() {
    if (llvm::sys::path::extension(options.output) == ".mlirbc")
      return writeBytecodeToFile(module, output->os());
    module->print(output->os());
    return success();
  }

  LogicalResult writeCode() {
    auto start = std::chrono::steady_clock::now();
    if (options.stageStarted)
      options.stageStarted(kObjectStage);
    CodeOptions code{modelName(), "", options.triple, std::max<int64_t>(options.threads, 0)};
    auto stamp = module->getAttrOfType<StringAttr>(kStampAttr);
    code.stamp = (stamp ? stamp.str() + ", " : "") + "nnopt " NNOPT_VERSION ", LLVM " LLVM_VERSION_STRING;
    FailureOr<ModelCode> model = ModelCode::create(module, code);
    if (failed(model) || failed(writeOutput(*model)))
      return failure();
    if (header)
      model->writeHeader(header->os());
    report.weightBytes = model->weightBytes();
    report.workspaceBytes = model->workspaceBytes();
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    report.seconds.push_back({kObjectStage.str(), seconds.count()});
    return success();
  }

  LogicalResult writeOutput(ModelCode &model) {
    switch (options.emit) {
    case EmitKind::Object:
      return model.writeObject(output->os());
    case EmitKind::Assembly:
      return model.writeAssembly(output->os());
    case EmitKind::LLVM:
      model.writeLLVM(output->os());
      return success();
    case EmitKind::Archive:
    case EmitKind::Shared:
      return writeLibrary(model);
    case EmitKind::MLIR:
      break;
    }
    llvm_unreachable("the module was written");
  }

  /// Through an object beside the output.
  LogicalResult writeLibrary(ModelCode &model) {
    std::optional<OutputFile> object;
    if (failed(open(options.output + ".o", object)) || failed(model.writeObject(object->os())))
      return failure();
    if (llvm::Error error = object->finish())
      return fail(std::move(error));
    llvm::Error error = options.emit == EmitKind::Shared
                            ? linkShared(object->temporaryPath(), output->temporaryPath(), options.triple, model.usesThreads())
                            : writeStaticLibrary(object->temporaryPath(), model.options().name + ".o", output->temporaryPath());
    return error ? fail(std::move(error)) : success();
  }

  LogicalResult commit() {
    if (llvm::Error error = output->finish())
      return fail(std::move(error));
    if (header) {
      if (llvm::Error error = header->commit())
        return fail(std::move(error));
      report.header = headerPath();
    }
    if (llvm::Error error = output->commit())
      return fail(std::move(error));
    if (options.output != "-")
      (void)llvm::sys::fs::file_size(options.output, report.outputBytes);
    return success();
  }
};

} // namespace

PipelineOptions nnopt::pipelineOf(const CompileOptions &options) {
  PipelineOptions pipeline;
  pipeline.isas = options.isas;
  pipeline.threads = options.threads;
  pipeline.mask = options.mask;
  pipeline.prune = options.prune;
  pipeline.quantize = options.quantize;
  pipeline.sparsify = options.sparsify;
  pipeline.sparsify.report = true;
  if (pipeline.quantize)
    pipeline.quantize->report = true;
  return pipeline;
}

FailureOr<CompileReport> nnopt::compileModel(ModuleOp module, const CompileOptions &options) {
  return Compilation(module, options).run();
}
