//===- nnopt-compile.cpp - a model to an object and a header --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Flags.h"
#include "Report.h"

#include "nnopt/Calibrate/Calibrate.h"
#include "nnopt/Driver/Compile.h"
#include "nnopt/Driver/Diagnostics.h"
#include "nnopt/Driver/Load.h"
#include "nnopt/Driver/Progress.h"
#include "nnopt/Import/ONNX.h"
#include "nnopt/Pipelines/Stages.h"

#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/PrettyStackTrace.h"
#include "llvm/Support/Signals.h"

#include <chrono>
#include <unistd.h>

using namespace mlir;
using namespace nnopt;

static constexpr llvm::StringLiteral kTool = "nnopt-compile";
enum ExitCode { kDone = 0, kBadInput = 1, kBadUsage = 2, kUnsupported = 3, kOurBug = 70 };

/// What the signal handler says; set before anything can crash.
static std::string crashMessage;

static void leaveAfterCrash() {
  (void)!write(STDERR_FILENO, crashMessage.data(), crashMessage.size());
  _exit(kOurBug);
}

static void installCrashHandlers(llvm::StringRef command) {
  crashMessage = (kTool + " crashed, which is a bug of nnopt. Please report it with a reproducer, which this writes:\n  " + command +
                  " --crash-reproducer=reproducer.mlir\n").str();
  llvm::sys::AddSignalHandler([](void *) { leaveAfterCrash(); }, nullptr);
  llvm::install_fatal_error_handler(
      [](void *, const char *reason, bool) {
        llvm::errs() << kTool << ": " << reason << "\n";
        llvm::sys::RunInterruptHandlers(); // removes unfinished files
        leaveAfterCrash();
      });
}

static int writeReport(const Flags &flags, const CompileReport &report) {
  if (flags.report->empty()) {
    printTable(llvm::outs(), report);
    return kDone;
  }
  std::error_code problem;
  llvm::raw_fd_ostream os(*flags.report, problem);
  if (!problem && llvm::sys::path::extension(*flags.report) == ".json")
    printJson(os, flags.model, flags.compile, report);
  else if (!problem)
    printTable(os, report);
  os.flush();
  if (!problem)
    problem = os.error();
  os.clear_error();
  if (!problem)
    return kDone;
  llvm::errs() << kTool << ": error: '" << *flags.report << "' cannot be written: " << problem.message() << "\n";
  return kBadInput;
}

static int compile(const Flags &flags, ProgressLine &progress) {
  DialectRegistry registry;
  registerCompilerDialects(registry);
  MLIRContext context(registry);
  context.printOpOnDiagnostic(false);
  bool reported = false; // the first error is the cause, later ones follow from it
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    bool isError = diagnostic.getSeverity() == DiagnosticSeverity::Error;
    if (!(isError && reported)) {
      if (isError)
        progress.stop();
      printDiagnostic(llvm::errs(), kTool, diagnostic);
    }
    reported |= isError;
    return success();
  });

  if (!flags.remarks.empty())
    if (llvm::Error error = enableRemarks(context, flags.remarks)) {
      llvm::errs() << kTool << ": error: --remarks: " << llvm::toString(std::move(error)) << "\n";
      return kBadUsage;
    }

  auto start = std::chrono::steady_clock::now();
  progress.stage("import");
  LoadResult model = loadModel(flags.model, flags.load, context);
  if (!model.module)
    return model.unsupported ? kUnsupported : kBadInput;
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  CompileOptions options = flags.compile;
  auto showStage = [&](llvm::StringRef stage) { progress.stage(stage); };
  options.stageStarted = showStage;
  std::chrono::duration<double> calibrating{0};
  if (!flags.calibrate.empty()) {
    start = std::chrono::steady_clock::now();
    if (failed(calibrate(*model.module, {flags.calibrate, pipelineOf(options), flags.calibrateMemory, showStage})))
      return kBadInput;
    options.mask.clear(); // applied
    if (options.quantize)
      options.prune.reset(); // done
    calibrating = std::chrono::steady_clock::now() - start;
  }
  FailureOr<CompileReport> report = compileModel(*model.module, options);
  progress.stop();
  if (failed(report))
    return kBadInput;
  if (!flags.calibrate.empty())
    report->seconds.insert(report->seconds.begin(), {"calibrate", calibrating.count()});
  report->seconds.insert(report->seconds.begin(), {"import", seconds.count()});
  if (flags.json)
    printJson(llvm::outs(), flags.model, flags.compile, *report);
  return flags.report ? writeReport(flags, *report) : kDone;
}

int main(int argc, char **argv) {
  std::string command(argv[0]);
  for (int i = 1; i < argc; ++i)
    (command += " ") += argv[i];
  installCrashHandlers(command);
  std::optional<Flags> flags = parseFlags(argc, argv);
  if (!flags)
    return kBadUsage;
  if (flags->listOperators) {
    llvm::outs() << onnxOperatorPage();
    return kDone;
  }
  ProgressLine progress;
  return compile(*flags, progress);
}
