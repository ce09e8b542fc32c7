//===- Run.cpp - run a model and check its answer -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Run/Run.h"

#include "OnnxRuntime.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Driver/Compile.h"
#include "nnopt/Interpreter/Interpreter.h"
#include "nnopt/Support/TemporaryDirectory.h"

#include "llvm/Support/Path.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;
using namespace nnopt;

namespace {

/// One run: the model in whatever forms the options need.
class Run {
public:
  Run(const RunOptions &options, MLIRContext &context, RunReport &report)
      : options(options), context(context), report(report), suffix(llvm::sys::path::extension(options.model)) {}

  LogicalResult run() {
    step("import");
    if (failed(checkUsage()) || failed(load()) || failed(findInputs()))
      return failure();
    // First: it may tell why the rest fails.
    if (!options.probe.empty() && failed(probeStages()))
      return failure();
    if (failed(prepareEngine()) || failed(compute()))
      return failure();
    if (options.check && failed(check()))
      return failure();
    if (options.output.empty())
      return success();
    return done(writeNpz(options.output, nameOutputs(report.signature, report.outputs)));
  }

private:
  void step(StringRef name) {
    if (options.stepStarted)
      options.stepStarted(name);
  }
  LogicalResult done(llvm::Error error) { return error ? fail(llvm::toString(std::move(error))) : success(); }
  LogicalResult fail(const llvm::Twine &message) { return emitError(UnknownLoc::get(&context)) << message; }
  template <typename T> LogicalResult take(llvm::Expected<T> value, T &into) {
    if (!value)
      return done(value.takeError());
    into = std::move(*value);
    return success();
  }

  bool isCompiled() const { return suffix == ".so"; }

  LogicalResult checkUsage() {
    if (isCompiled() && (options.engine == Engine::Reference || options.check || !options.probe.empty()))
      return fail("'" + options.model +
                  "' is compiled: the interpreter, checks and probes need the model (.onnx or .mlir)");
    if (options.check == Engine::OnnxRuntime && suffix != ".onnx")
      return fail("'" + options.model + "' is not an ONNX model, which ONNX Runtime needs");
    return success();
  }

  LogicalResult load() {
    if (isCompiled())
      return open(options.model);
    LoadResult loaded = loadModel(options.model, options.load, context);
    report.unsupported = loaded.unsupported;
    if (!(module = std::move(loaded.module)))
      return failure();
    if (!module->lookupSymbol<func::FuncOp>(kEntryName))
      return fail("'" + options.model +
                  "' has no function @main on tensors; it may be the dump of a stage after bufferize");
    FailureOr<RunSignature> signature = signatureOf(entry());
    if (failed(signature))
      return failure();
    report.signature = std::move(*signature);
    return success();
  }

  /// A compiled model.
  LogicalResult open(StringRef path) {
    llvm::Expected<Artefact> opened = Artefact::open(path);
    if (!opened)
      return done(opened.takeError());
    artefact.emplace(std::move(*opened));
    report.isa = artefact->isa();
    report.threads = std::max(options.threads, 0);
    report.signature = artefact->signature();
    return success();
  }

  func::FuncOp entry() { return module->lookupSymbol<func::FuncOp>(kEntryName); }

  LogicalResult prepareEngine() {
    if (options.engine == Engine::Reference)
      report.isa = "interpreter";
    else if (module)
      return compile();
    return success();
  }

  /// To a shared library in a temporary directory.
  LogicalResult compile() {
    if (failed(done(directory.create())))
      return failure();
    CompileOptions compile;
    compile.output = directory.file("model.so");
    compile.emit = EmitKind::Shared;
    compile.triple = llvm::Triple(llvm::Triple::normalize(llvm::sys::getDefaultTargetTriple()));
    compile.isas = options.isas;
    compile.threads = options.threads == 0 ? 0 : -1;
    compile.stageStarted = options.stepStarted;
    OwningOpRef<ModuleOp> copy = module->clone(); // compiling changes it
    return failure(failed(compileModel(*copy, compile)) || failed(open(compile.output)));
  }

  LogicalResult findInputs() {
    if (options.input.empty())
      return take(makeInputs(report.signature, options.inputs), inputs);
    NamedTensors tensors;
    if (failed(take(readNpz(options.input), tensors)))
      return failure();
    if (llvm::Error error = matchInputs(report.signature, std::move(tensors)).moveInto(inputs))
      return fail("'" + options.input + "': " + llvm::toString(std::move(error)));
    return success();
  }

  LogicalResult interpretInto(std::vector<HostTensor> &outputs, const InterpreterOptions &interpreting = {}) {
    step("interpret");
    FailureOr<SmallVector<HostTensor>> results = interpret(entry(), inputs, interpreting);
    if (failed(results))
      return failure();
    outputs.assign(results->begin(), results->end());
    return success();
  }

  LogicalResult compute() {
    if (options.engine == Engine::Reference)
      return interpretInto(report.outputs);
    llvm::Expected<Artefact::Call> call = artefact->prepare(inputs, std::max(options.threads, 0));
    if (!call)
      return done(call.takeError());
    step("run");
    if (failed(done(call->run())))
      return failure();
    report.outputs = call->outputs();
    if (!options.bench)
      return success();
    step("measure");
    return take(measure(*call), report.timing.emplace());
  }

  double tolerance() { return options.tolerance.value_or(derivedTolerance(*module)); }

  LogicalResult probeStages() {
    step("probe");
    ProbeOptions probing{options.probe, suffix == ".onnx" ? options.model : "", tolerance(), !options.tolerance};
    return probe(*module, report.signature, inputs, probing, report.probe);
  }

  LogicalResult check() {
    std::vector<HostTensor> expected;
    if (*options.check == Engine::Reference) {
      if (failed(interpretInto(expected)))
        return failure();
    } else {
      step("ONNX Runtime");
      if (failed(take(runOnnxRuntime(options.model, report.signature, inputs), expected)))
        return failure();
    }
    std::vector<double> tolerances(expected.size(), tolerance());
    compareWith(expected, tolerances);
    bool agrees = llvm::all_of(report.differences, [](const Difference &difference) { return difference.agrees; });
    if (agrees || options.tolerance)
      return success();
    if (failed(adaptTolerances(tolerances)))
      return failure();
    compareWith(expected, tolerances);
    return success();
  }

  void compareWith(ArrayRef<HostTensor> expected, ArrayRef<double> tolerances) {
    report.differences.clear();
    for (auto [argument, got, want, tolerance] :
         llvm::zip_equal(report.signature.outputs, report.outputs, expected, tolerances))
      report.differences.push_back(compare(argument.name, got, want, tolerance));
  }

  /// To what roundings do to this model on these inputs.
  LogicalResult adaptTolerances(std::vector<double> &tolerances) {
    std::vector<HostTensor> plain, perturbed;
    if (failed(interpretInto(plain)) || failed(interpretInto(perturbed, perturbing())))
      return failure();
    for (auto [tolerance, from, to] : llvm::zip_equal(tolerances, plain, perturbed))
      tolerance = toleranceFor(from, to, tolerance);
    return success();
  }

  const RunOptions &options;
  MLIRContext &context;
  RunReport &report;
  StringRef suffix;
  TemporaryDirectory directory;
  OwningOpRef<ModuleOp> module;
  std::optional<Artefact> artefact;
  std::vector<HostTensor> inputs;
};

} // namespace

LogicalResult nnopt::runModel(const RunOptions &options, MLIRContext &context, RunReport &report) {
  return Run(options, context, report).run();
}
