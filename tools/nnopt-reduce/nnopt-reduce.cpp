//===- nnopt-reduce.cpp - make IR that shows a bug small ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Reducer/Reducer.h"
#include "nnopt/Register/Register.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;
namespace cl = llvm::cl;

static constexpr llvm::StringLiteral kOverview =
    "nnopt-reduce: makes IR that shows a bug small\n\n"
    "The test is a program that gets the path of an .mlir file and ends with 1 while the file shows the bug, with 0 otherwise. For a crash:\n\n"
    "  #!/bin/sh\n  nnopt-opt --nnopt-kernels \"$1\" >/dev/null 2>&1; test $? -lt 128\n";

namespace {
enum ExitCode { Done = 0, InputAtFault = 1, WrongUsage = 2 };
} // namespace

static ExitCode fail(ExitCode code, const llvm::Twine &message) {
  llvm::errs() << "error: " << message << '\n';
  return code;
}

/// Writes `module` to a temporary file and runs the test on it.
static llvm::Expected<bool> runTest(StringRef program, ArrayRef<std::string> arguments, ModuleOp module) {
  SmallString<128> path;
  int descriptor = -1;
  if (std::error_code error = llvm::sys::fs::createTemporaryFile("nnopt-reduce", "mlir", descriptor, path))
    return llvm::createStringError(error, "cannot write a temporary file: " + error.message());
  llvm::FileRemover remover(path);
  {
    llvm::raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
    module->print(stream);
  }
  SmallVector<StringRef> command{program};
  command.append(arguments.begin(), arguments.end());
  command.push_back(path);
  std::string message;
  int status = llvm::sys::ExecuteAndWait(program, command, std::nullopt, {}, 0, 0, &message);
  if (status == 0 || status == 1)
    return status == 1;
  return llvm::createStringError("the test '" + program + "' must end with 1 or 0, and " +
                                 (status < 0 ? "could not run: " + message : "ended with " + std::to_string(status)));
}

int main(int argc, char **argv) {
  cl::OptionCategory category("nnopt-reduce options");
  cl::opt<std::string> input(cl::Positional, cl::Required, cl::desc("IN.mlir"), cl::cat(category));
  cl::opt<std::string> test("test", cl::Required, cl::desc("Program that tells whether a file shows the bug"),
                            cl::value_desc("program"), cl::cat(category));
  cl::list<std::string> testArguments("test-arg", cl::desc("Argument of the test, before the file; may be repeated"),
                                      cl::value_desc("text"), cl::cat(category));
  cl::opt<std::string> output("o", cl::desc("Where the result goes (default: standard output)"), cl::value_desc("file"),
                              cl::init("-"), cl::cat(category));
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  if (!cl::ParseCommandLineOptions(argc, argv, kOverview, &llvm::errs()))
    return WrongUsage;
  llvm::ErrorOr<std::string> program = llvm::sys::findProgramByName(test);
  if (!program)
    return fail(WrongUsage, "no program '" + test + "': " + program.getError().message());

  DialectRegistry registry;
  nnopt::registerEverything(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(input, &context);
  if (!module)
    return InputAtFault; // the parser said why
  size_t tested = 0;
  llvm::Expected<nnopt::ReductionReport> report = nnopt::reduceModule(module, [&](ModuleOp candidate) {
    if (llvm::errs().is_displayed())
      llvm::errs() << "\r\033[K" << ++tested << " candidates tested";
    return runTest(*program, testArguments, candidate);
  });
  if (llvm::errs().is_displayed())
    llvm::errs() << "\r\033[K";
  if (!report)
    return fail(InputAtFault, llvm::toString(report.takeError()));

  std::string message;
  std::unique_ptr<llvm::ToolOutputFile> file = openOutputFile(output, &message);
  if (!file)
    return fail(InputAtFault, message);
  module->print(file->os());
  file->keep();
  llvm::errs() << report->operationsBefore << " ops became " << report->operationsAfter << ", " << report->tested
               << " candidates tested\n";
  return Done;
}
