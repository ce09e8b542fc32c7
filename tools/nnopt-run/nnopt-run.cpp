//===- nnopt-run.cpp - run a model and check its answer -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Flags.h"
#include "Print.h"

#include "nnopt/Driver/Diagnostics.h"
#include "nnopt/Driver/Progress.h"

#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Signals.h"

#include <unistd.h>

using namespace mlir;
using namespace nnopt;

static constexpr llvm::StringLiteral kTool = "nnopt-run";
enum ExitCode { kDone = 0, kBadInput = 1, kBadUsage = 2, kUnsupported = 3, kOurBug = 70 };

static void leaveAfterCrash() {
  llvm::sys::PrintStackTrace(llvm::errs());
  static constexpr llvm::StringLiteral kMessage = "nnopt-run crashed, which is a bug of nnopt, or of the compiled "
                                                  "model that it ran. Please report it with the model\n";
  (void)!write(STDERR_FILENO, kMessage.data(), kMessage.size());
  _exit(kOurBug);
}

static void installCrashHandlers() {
  llvm::sys::AddSignalHandler([](void *) { leaveAfterCrash(); }, nullptr);
  llvm::install_fatal_error_handler([](void *, const char *reason, bool) {
    llvm::errs() << kTool << ": " << reason << "\n";
    leaveAfterCrash();
  });
}

static int run(const Flags &flags) {
  DialectRegistry registry;
  registerCompilerDialects(registry);
  MLIRContext context(registry);
  context.printOpOnDiagnostic(false);
  ProgressLine progress;
  bool reported = false; // the first error is the cause, later ones follow from it
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    bool isError = diagnostic.getSeverity() == DiagnosticSeverity::Error;
    if (isError && !reported) {
      progress.stop();
      printDiagnostic(llvm::errs(), kTool, diagnostic);
    }
    reported |= isError;
    return success();
  });

  RunReport report;
  RunOptions options = flags.run;
  auto showStep = [&](llvm::StringRef step) { progress.stage(step); };
  options.stepStarted = showStep;
  LogicalResult done = runModel(options, context, report);
  progress.stop();
  if (failed(done))
    return report.unsupported ? kUnsupported : kBadInput;
  (flags.json ? printJson : printReport)(llvm::outs(), flags.run, report);
  bool agrees = llvm::all_of(report.differences, [](const Difference &difference) { return difference.agrees; }) &&
                llvm::none_of(report.probe, [](const ProbeStage &stage) { return stage.first.has_value(); });
  return agrees ? kDone : kBadInput;
}

int main(int argc, char **argv) {
  installCrashHandlers();
  std::optional<Flags> flags = parseFlags(argc, argv);
  return flags ? run(*flags) : kBadUsage;
}
