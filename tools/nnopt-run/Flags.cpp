//===- Flags.cpp - nnopt-run's command line -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Flags.h"

#include "nnopt/Target/March.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Path.h"
#include "llvm/TargetParser/Host.h"

namespace cl = llvm::cl;
using namespace nnopt;

namespace {
/// The options, made when the command line is read: LLVM's own are removed before.
struct Options {
  cl::OptionCategory main{"nnopt-run options"};
  cl::opt<std::string> model{cl::Positional, cl::desc("MODEL"), cl::cat(main)};
  cl::opt<std::string> input{"input", cl::desc("Inputs, by the model's own names (default: made from --seed)"),
                             cl::value_desc("x.npz"), cl::cat(main)};
  cl::opt<std::string> output{"output", cl::desc("Where to write the outputs"), cl::value_desc("y.npz"), cl::cat(main)};
  cl::opt<Engine> check{
      "check", cl::desc("Compare the answer; exit with 1 if it differs"), cl::cat(main),
      cl::values(clEnumValN(Engine::Reference, "reference", "with the interpreter of the imported model"),
                 clEnumValN(Engine::OnnxRuntime, "onnx",
                            "with ONNX Runtime, in the Python that NNOPT_PYTHON names (default: python3)"))};
  cl::opt<Engine> engine{"engine", cl::desc("What computes"), cl::cat(main), cl::init(Engine::Compiled),
                         cl::values(clEnumValN(Engine::Compiled, "compiled", "the model's machine code (default)"),
                                    clEnumValN(Engine::Reference, "reference", "the interpreter"))};
  cl::opt<std::string> probe{
      "probe",
      cl::desc("Write every intermediate value to dir, and name the first that another stage, or "
               "ONNX Runtime, computes differently"),
      cl::value_desc("dir"), cl::cat(main)};
  cl::opt<bool> bench{"bench", cl::desc("Measure the time of a call: median, and the 10th and 90th percentile"),
                      cl::cat(main)};
  cl::opt<bool> json{"json", cl::desc("Print one JSON object"), cl::cat(main)};
  cl::opt<int32_t> threads{"threads", cl::desc("How many; 0: none (default: as the OpenMP runtime is set)"),
                           cl::value_desc("N"), cl::init(-1), cl::cat(main)};
  cl::opt<double> tolerance{
      "tolerance",
      cl::desc(
          "Largest difference allowed by --check, as a part of the largest value of the output "
          "(default: 8 * 2^-24 * the root of the length of all sums, or more where roundings move the answer further)"),
      cl::value_desc("x"), cl::cat(main)};
  cl::opt<std::string> march{"march", cl::desc("Instruction sets to compile for (default: all; the best runs)"),
                             cl::value_desc("list"), cl::cat(main)};
  cl::opt<uint64_t> seed{"seed", cl::desc("Seed of made inputs"), cl::value_desc("N"), cl::init(0), cl::cat(main)};
  cl::list<std::string> inputShapes{"input-shape",
                                    cl::desc("Shape of an input, for instance ids:1x128; of an ONNX model it is fixed"),
                                    cl::value_desc("name:AxBxC"), cl::cat(main)};
  cl::list<std::string> dims{"dim", cl::desc("Extent of a named dimension in made inputs, for instance batch=1"),
                             cl::value_desc("name=N"), cl::cat(main)};
};
} // namespace

static constexpr llvm::StringLiteral kOverview =
    "nnopt-run runs a model and checks its answer.\n\n"
    "  nnopt-run model.onnx --check=onnx                    compile, run, compare with ONNX Runtime\n"
    "  nnopt-run model.so --input=x.npz --output=y.npz      run what nnopt-compile wrote\n"
    "  nnopt-run model.onnx --probe=values                  find the first layer that goes wrong\n"
    "  nnopt-run model.so --bench --json                    measure\n\n"
    "MODEL is an ONNX model, MLIR text or bytecode (also a dump of a stage before bufferize), or a compiled .so.\n\n"
    "Exit codes: 0 done and equal, 1 the input is at fault or the answers differ, 2 wrong usage, 3 unsupported, 70 a "
    "bug of nnopt.\n";

/// Prints the one error of wrong usage.
static bool wrongUsage(const llvm::Twine &message) {
  llvm::errs() << "nnopt-run: error: " << message << "; nnopt-run --help tells more\n";
  return false;
}

/// "ids:1x128"; the name may hold colons.
static bool parseShape(llvm::StringRef text, InputOptions &inputs) {
  auto [name, shape] = text.rsplit(':');
  std::vector<int64_t> extents;
  llvm::SmallVector<llvm::StringRef> parts;
  shape.split(parts, 'x', /*MaxSplit=*/-1, /*KeepEmpty=*/!shape.empty());
  for (llvm::StringRef part : parts)
    if (part.getAsInteger(10, extents.emplace_back()) || extents.back() < 0)
      return wrongUsage("--input-shape expects NAME:AxBxC, got '" + text + "'");
  if (name.empty() || !text.contains(':'))
    return wrongUsage("--input-shape expects NAME:AxBxC, got '" + text + "'");
  inputs.shapes[name.str()] = extents;
  return true;
}

static bool parseDim(llvm::StringRef text, InputOptions &inputs) {
  auto [name, extent] = text.rsplit('=');
  int64_t value;
  if (name.empty() || extent.getAsInteger(10, value) || value < 0)
    return wrongUsage("--dim expects NAME=N, got '" + text + "'");
  inputs.dims[name.str()] = value;
  return true;
}

static bool readFlags(const Options &options, Flags &flags) {
  RunOptions &run = flags.run;
  for (const std::string &text : options.inputShapes)
    if (!parseShape(text, run.inputs))
      return false;
  for (const std::string &text : options.dims)
    if (!parseDim(text, run.inputs))
      return false;
  if (options.model.empty())
    return wrongUsage("no model given");
  if (options.threads < -1)
    return wrongUsage("--threads expects 0 or more, got " + llvm::Twine(options.threads));
  if (!(options.tolerance >= 0))
    return wrongUsage("--tolerance expects a number that is not negative");
  if (options.bench && options.engine == Engine::Reference)
    return wrongUsage("--bench measures compiled code, not the interpreter");
  llvm::Triple host(llvm::Triple::normalize(llvm::sys::getDefaultTargetTriple()));
  llvm::Expected<std::vector<std::string>> isas = parseMarch(options.march, host);
  if (!isas)
    return wrongUsage(llvm::toString(isas.takeError()));
  run.isas = *isas;
  run.model = options.model;
  run.input = options.input;
  run.output = options.output;
  run.engine = options.engine;
  if (options.check.getNumOccurrences())
    run.check = options.check;
  if (options.tolerance.getNumOccurrences())
    run.tolerance = options.tolerance;
  run.threads = options.threads;
  run.bench = options.bench;
  run.inputs.seed = options.seed;
  if (llvm::sys::path::extension(options.model) == ".onnx")
    run.load.inputShapes = run.inputs.shapes;
  run.probe = options.probe;
  flags.json = options.json;
  return true;
}

std::optional<Flags> parseFlags(int argc, char **argv) {
  cl::ResetCommandLineParser();
  Options options;
  cl::SetVersionPrinter(
      [](llvm::raw_ostream &os) { os << "nnopt-run " NNOPT_VERSION " (LLVM " LLVM_VERSION_STRING ")\n"; });
  if (!cl::ParseCommandLineOptions(argc, argv, kOverview, &llvm::errs()))
    return std::nullopt;
  Flags flags;
  return readFlags(options, flags) ? std::optional<Flags>(std::move(flags)) : std::nullopt;
}
