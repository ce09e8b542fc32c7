//===- Flags.cpp - nnopt-compile's command line ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Flags.h"

#include "nnopt/Pipelines/Prune.h"
#include "nnopt/Pipelines/Stages.h"
#include "nnopt/Target/March.h"
#include "nnopt/Target/ModelCode.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Path.h"
#include "llvm/TargetParser/Host.h"

namespace cl = llvm::cl;
using namespace nnopt;

namespace {
/// The options, made when the command line is read: LLVM's own, of which libLLVM registers hundreds (`threads` among them), are removed before.
struct Options {
  cl::OptionCategory main{"nnopt-compile options"}, inside{"Looking inside"};
  cl::opt<std::string> model{cl::Positional, cl::desc("MODEL"), cl::cat(main)};
  cl::opt<std::string> output{
      "o", cl::desc("File to write; its name without suffix is the model's name in C, and the header goes beside it"),
      cl::value_desc("file"), cl::cat(main)};
  cl::opt<EmitKind> emit{
      "emit", cl::desc("What to write (default: by the suffix of -o, else obj)"), cl::cat(main),
      cl::values(clEnumValN(EmitKind::Object, "obj", "object and C header"),
                 clEnumValN(EmitKind::Archive, "lib", "static library (.a) and header"),
                 clEnumValN(EmitKind::Shared, "shared", "shared library (.so) and header"),
                 clEnumValN(EmitKind::Assembly, "asm", "assembly text without the weights (.s) and header"),
                 clEnumValN(EmitKind::LLVM, "llvm", "optimised LLVM IR (.ll)"),
                 clEnumValN(EmitKind::MLIR, "mlir", "the module in the LLVM dialect (.mlir, .mlirbc)"))};
  cl::opt<std::string> march{
      "march", cl::desc("Instruction sets or processors, for instance x86-64,avx2,avx512 or znver4 or native; the best "
                        "that the machine has runs (default: all)"),
      cl::value_desc("list"), cl::cat(main)};
  cl::opt<std::string> target{"target", cl::desc("Machine to compile for, for instance aarch64-linux-gnu (default: this one)"),
                              cl::value_desc("triple"), cl::cat(main)};
  cl::opt<int64_t> threads{"threads",
                           cl::desc("0: no threads and no OpenMP runtime; N: how many if the program does not say "
                                    "(default: as the OpenMP runtime is set)"),
                           cl::value_desc("N"), cl::init(-1), cl::cat(main)};
  cl::list<std::string> inputShapes{"input-shape", cl::desc("Fix the shape of an input, for instance ids:1x128"),
                                    cl::value_desc("name:AxBxC"), cl::cat(main)};
  cl::list<std::string> dims{"dim", cl::desc("Fix a named dimension, for instance batch=1"), cl::value_desc("name=N"),
                             cl::cat(main)};
  cl::opt<std::string> prune{
      "prune", cl::desc("Set the smallest weights to zero: magnitude:PART, and after commas pattern=RxC, N:M, rows or columns, scope=global or erk, norm=l2, "
                        "exclude=NAME, only=NAME, first, last, depthwise; for instance magnitude:0.9,pattern=4x1,exclude=head*. "
                        "Or by what they are applied to, with --calibrate: wanda:PART, or sparsegpt:PART, which corrects the weights that stay, with the "
                        "same options but norm and scope=global; sparsegpt also takes damping=PART and window=N. Or pick pattern and part for "
                        "each layer by the time of its kernel: auto:speedup=X or auto:budget=200us or auto:budget=30%, and after commas pattern=P (may "
                        "come again), most-sparsity=PART and the names and flags of magnitude. Or remove whole channels, "
                        "neurons and heads: structured:channels=PART,neurons=PART,heads=PART, and after commas scope=global, norm=l2, multiple=N, "
                        "exclude=NAME, only=NAME, first"),
      cl::value_desc("method"), cl::cat(main)};
  cl::opt<std::string> quantize{
      "quantize", cl::desc("Compute products in 8-bit integers, with --calibrate: int8, and after commas method=minmax, percentile:P or mse (how ranges of "
                           "inputs are chosen), weights=per-channel or per-tensor, activations=asymmetric or symmetric, exclude=NAME, only=NAME, "
                           "first=false, last=false; for instance int8,method=mse,exclude=head*. After --prune"),
      cl::value_desc("precision"), cl::cat(main)};
  cl::opt<std::string> calibrate{"calibrate", cl::desc("Samples for --prune=wanda and sparsegpt and for --quantize: a .npz file, or a folder of them, with one array per input "
                                                       "whose first axis counts samples"),
                                 cl::value_desc("data"), cl::cat(main)};
  cl::opt<int64_t> calibrateMemory{"calibrate-memory",
                                   cl::desc("MiB of sums that --calibrate adds up at a time; more take more passes over the data (default: 1024)"),
                                   cl::value_desc("MiB"), cl::init(1024), cl::cat(main)};
  cl::opt<std::string> mask{"mask", cl::desc("Masks for weights by name (.npz): where they are false the weight becomes zero; before --prune"),
                            cl::value_desc("file"), cl::cat(main)};
  cl::opt<int64_t> expectedRows{"expected-rows",
                                cl::desc("How many rows (of a batch, of a sequence) products with pruned weights are to be fast for where the model leaves "
                                         "them open; other numbers work too (default: any, so that dense weights may be kept besides)"),
                                cl::value_desc("N"), cl::init(0), cl::cat(main)};
  cl::opt<double> maxGrowth{"max-growth",
                            cl::desc("Most bytes of a weight that is kept dense and without its zeros, as rows decide, by its dense bytes (default: 1.2)"),
                            cl::value_desc("X"), cl::init(1.2), cl::cat(main)};
  cl::opt<std::string> report{"report",
                              cl::desc("Say of every layer what zeros its weight holds, how it is stored, and the times that were compared: a "
                                       "table, or to a file (.json: what --json prints)"),
                              cl::value_desc("file"), cl::ValueOptional, cl::cat(main)};
  cl::opt<bool> json{"json", cl::desc("Print sizes and times as one JSON object"), cl::cat(main)};

  cl::opt<bool> listOperators{"list-operators", cl::desc("Print the ONNX operators that models may use, and stop"), cl::cat(main)};

  cl::opt<std::string> startAt{"start-at", cl::desc("First stage to run, on a dump of the stage before (default: import)"),
                               cl::value_desc("stage"), cl::init("import"), cl::cat(inside)};
  cl::opt<std::string> stopAfter{"stop-after", cl::desc("Last stage to run; writes the module"), cl::value_desc("stage"),
                                 cl::cat(inside)};
  cl::opt<std::string> dumpStages{"dump-stages", cl::desc("Write the module after every stage to dir"),
                                  cl::value_desc("dir"), cl::cat(inside)};
  cl::opt<std::string> crashReproducer{"crash-reproducer", cl::desc("Where a failing pass leaves what repeats the failure"),
                                       cl::value_desc("file"), cl::cat(inside)};
  cl::opt<bool> dumpWeights{"dump-weights", cl::desc("Dumps hold the weights, so that --start-at can go on from them"),
                            cl::cat(inside)};
  cl::opt<std::string> remarks{"remarks", cl::desc("Print what passes decided and why; of passes that match regex (default: all)"),
                               cl::value_desc("regex"), cl::ValueOptional, cl::cat(inside)};
  cl::opt<bool> timing{"timing", cl::desc("Print the time of every pass"), cl::cat(inside)};
};
} // namespace

/// Prints the one error of wrong usage.
static bool wrongUsage(const llvm::Twine &message) {
  llvm::errs() << "nnopt-compile: error: " << message << "; nnopt-compile --help tells more\n";
  return false;
}

/// "ids:1x128"; the name may hold colons.
static bool parseShape(llvm::StringRef text, LoadOptions &load) {
  auto [name, shape] = text.rsplit(':');
  llvm::SmallVector<llvm::StringRef> parts;
  shape.split(parts, 'x');
  std::vector<int64_t> extents;
  for (llvm::StringRef part : parts) {
    int64_t extent;
    if (shape != "" && (part.getAsInteger(10, extent) || extent < 0))
      return false;
    if (shape != "")
      extents.push_back(extent);
  }
  load.inputShapes[name.str()] = extents;
  return !name.empty() && text.contains(':');
}

static bool parseDim(llvm::StringRef text, LoadOptions &load) {
  auto [name, extent] = text.rsplit('=');
  int64_t value;
  if (name.empty() || extent.getAsInteger(10, value) || value < 0)
    return false;
  load.dims[name.str()] = value;
  return true;
}

static std::string overview() {
  std::string text = "nnopt compiles a trained network to an object file and a C header.\n\n"
                     "  nnopt-compile model.onnx -o model.o\n  cc program.c model.o -lgomp -lm\n\n"
                     "Stages, for --start-at, --stop-after and --dump-stages:\n";
  for (const Stage &stage : stages())
    text += "  " + stage.name.str() + std::string(12 - stage.name.size(), ' ') + stage.summary.str() + "\n";
  return text + "\nExit codes: 0 done, 1 the input is at fault, 2 wrong usage, 3 unsupported, 70 a bug of nnopt.\n";
}

static bool checkStages(const Options &options) {
  for (const std::string &stage : {options.startAt.getValue(), options.stopAfter.getValue()})
    if (!stage.empty() && !findStage(stage))
      return wrongUsage("unknown stage '" + stage + "', expected one of " + stageNames());
  if (!options.stopAfter.empty() && findStage(options.stopAfter) < findStage(options.startAt))
    return wrongUsage("stage '" + options.stopAfter + "' comes before '" + options.startAt + "'");
  return true;
}

/// The target and its instruction sets.
static bool readTarget(const Options &options, CompileOptions &compile) {
  std::string triple = options.target.empty() ? llvm::sys::getDefaultTargetTriple() : options.target.getValue();
  compile.triple = llvm::Triple(llvm::Triple::normalize(triple));
  if (llvm::Error error = checkTarget(compile.triple))
    return wrongUsage(llvm::toString(std::move(error)));
  llvm::Expected<std::vector<std::string>> isas = parseMarch(options.march, compile.triple);
  if (!isas)
    return wrongUsage(llvm::toString(isas.takeError()));
  compile.isas = *isas;
  return true;
}

/// False if the stage that --mask or --prune belongs to is left out.
static bool runsCompress(const Options &options, llvm::StringRef flag) {
  if (findStage(options.startAt) > findStage("compress"))
    return wrongUsage(flag + " needs the stage 'compress', --start-at='" + options.startAt + "' comes after it");
  // What --calibrate puts into the module is there after the first stage.
  if (options.calibrate.empty() && !options.stopAfter.empty() && findStage(options.stopAfter) < findStage("compress"))
    return wrongUsage(flag + " needs the stage 'compress', --stop-after='" + options.stopAfter + "' comes before it");
  return true;
}

static bool readMask(const Options &options, CompileOptions &compile) {
  if (!options.mask.getNumOccurrences())
    return true;
  if (options.mask.empty())
    return wrongUsage("--mask expects a file");
  compile.mask = options.mask;
  return runsCompress(options, "--mask");
}

static bool readPrune(const Options &options, CompileOptions &compile) {
  if (!options.prune.getNumOccurrences())
    return true;
  llvm::Expected<PruneRequest> prune = parsePrune(options.prune);
  if (!prune)
    return wrongUsage("--prune: " + llvm::toString(prune.takeError()));
  compile.prune = *prune;
  return runsCompress(options, "--prune");
}

static bool readQuantize(const Options &options, CompileOptions &compile) {
  if (!options.quantize.getNumOccurrences())
    return true;
  llvm::Expected<QuantizeOptions> quantize = parseQuantize(options.quantize);
  if (!quantize)
    return wrongUsage("--quantize: " + llvm::toString(quantize.takeError()));
  compile.quantize = *quantize;
  return runsCompress(options, "--quantize");
}

static bool readSparsify(const Options &options, CompileOptions &compile) {
  if (options.expectedRows < 0 || (options.expectedRows.getNumOccurrences() && options.expectedRows == 0))
    return wrongUsage("--expected-rows expects 1 or more, got " + llvm::Twine(options.expectedRows));
  if (!(options.maxGrowth >= 0))
    return wrongUsage("--max-growth expects 0 or more, got " + llvm::Twine(std::to_string(options.maxGrowth)));
  compile.sparsify.expectedRows = options.expectedRows;
  compile.sparsify.maxGrowth = options.maxGrowth;
  return true;
}

/// After --prune and --quantize.
static bool readCalibrate(const Options &options, Flags &flags) {
  if (options.calibrateMemory < 0 || options.calibrateMemory > INT64_MAX >> 20)
    return wrongUsage("--calibrate-memory expects 0 or more MiB, got " + llvm::Twine(options.calibrateMemory));
  flags.calibrate = options.calibrate;
  flags.calibrateMemory = options.calibrateMemory << 20;
  bool isPruneNeedy = flags.compile.prune && needsCalibration(*flags.compile.prune), isNeeded = isPruneNeedy || flags.compile.quantize;
  if (options.calibrate.getNumOccurrences() && options.calibrate.empty())
    return wrongUsage("--calibrate expects a file or folder");
  if (!isNeeded && !flags.calibrate.empty())
    return wrongUsage("--calibrate needs --prune=wanda, --prune=sparsegpt or --quantize");
  bool isImported = options.startAt == "import"; // else the module may have been calibrated
  if (isNeeded && isImported && flags.calibrate.empty())
    return wrongUsage((isPruneNeedy ? "--prune=" + options.prune : "--quantize=" + options.quantize) + " needs data: --calibrate=DATA.npz");
  if (!isImported && !flags.calibrate.empty())
    return wrongUsage("--calibrate needs the stage 'import', --start-at='" + options.startAt + "' comes after it");
  return true;
}

static bool readShapes(const Options &options, LoadOptions &load) {
  for (const std::string &text : options.inputShapes)
    if (!parseShape(text, load))
      return wrongUsage("--input-shape expects NAME:AxBxC, got '" + text + "'");
  for (const std::string &text : options.dims)
    if (!parseDim(text, load))
      return wrongUsage("--dim expects NAME=N, got '" + text + "'");
  return true;
}

std::optional<Flags> parseFlags(int argc, char **argv) {
  cl::ResetCommandLineParser();
  Options options;
  cl::SetVersionPrinter(
      [](llvm::raw_ostream &os) { os << "nnopt-compile " NNOPT_VERSION " (LLVM " LLVM_VERSION_STRING ")\n"; });
  if (!cl::ParseCommandLineOptions(argc, argv, overview(), &llvm::errs()))
    return std::nullopt;
  Flags flags;
  CompileOptions &compile = flags.compile;
  flags.listOperators = options.listOperators;
  if (flags.listOperators)
    return flags;
  if (options.model.empty())
    wrongUsage("no model given");
  else if (options.output.empty())
    wrongUsage("no output given, expected -o FILE");
  else if (options.threads.getNumOccurrences() && options.threads < 0)
    wrongUsage("--threads expects 0 or more, got " + llvm::Twine(options.threads));
  else if (checkStages(options) && readTarget(options, compile) && readMask(options, compile) && readPrune(options, compile) && readQuantize(options, compile) &&
           readSparsify(options, compile) && readCalibrate(options, flags) && readShapes(options, flags.load)) {
    flags.model = options.model;
    flags.json = options.json;
    if (options.report.getNumOccurrences())
      flags.report = options.report.getValue();
    if (options.remarks.getNumOccurrences())
      flags.remarks = options.remarks.empty() ? ".*" : options.remarks.getValue();
    compile.output = options.output;
    compile.emit = options.emit.getNumOccurrences() ? options.emit.getValue() : emitKindOf(options.output);
    compile.threads = options.threads;
    compile.startAt = options.startAt;
    compile.stopAfter = options.stopAfter;
    compile.dumpDirectory = options.dumpStages;
    compile.dumpWeights = options.dumpWeights;
    compile.crashReproducer = options.crashReproducer;
    compile.timing = options.timing;
    return flags;
  }
  return std::nullopt;
}
