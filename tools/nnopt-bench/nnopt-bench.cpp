//===- nnopt-bench.cpp - speed of layers against the machine's limits -----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Report.h"
#include "SweepReport.h"

#include "nnopt/Bench/Measure.h"
#include "nnopt/Driver/Load.h"
#include "nnopt/Target/March.h"

#include "mlir/IR/MLIRContext.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Regex.h"
#include "llvm/TargetParser/Host.h"

using namespace nnopt;
namespace cl = llvm::cl;

static constexpr llvm::StringLiteral kOverview =
    "nnopt-bench compiles single layers and measures them in interleaved rounds.\n\n"
    "Each row gives the median time of a call, its spread over the rounds, and how much of its limit it reaches: the limit is the longer\n"
    "of computing at the rate of multiply-adds in registers and of moving its bytes at the rate of a copy of as many, both measured here.\n\n"
    "--sweep measures pruned linear layers of many sizes, patterns and sparsities instead, dense and in every form that they can be stored in,\n"
    "beside what the cost model estimates and chooses; python/bench/sweep.py draws its curves.\n";

namespace {
enum ExitCode { Done = 0, Failed = 1, WrongUsage = 2 };

/// Made when the command line is read, after the options of LLVM's libraries (`threads` among them) are removed.
struct Flags {
  cl::OptionCategory category{"nnopt-bench options"};
  cl::opt<std::string> filter{"filter", cl::desc("Only rows whose name matches"), cl::value_desc("regex"), cl::init("."), cl::cat(category)};
  cl::opt<std::string> isa{"isa", cl::desc("Instruction set (default: the best of this machine)"), cl::value_desc("name"), cl::init("native"),
                           cl::cat(category)};
  cl::opt<int> threads{"threads", cl::desc("Threads of a call (default: 1)"), cl::value_desc("N"), cl::init(1), cl::cat(category)};
  cl::opt<int> rounds{"rounds", cl::desc("Interleaved rounds (default: 8)"), cl::value_desc("N"), cl::init(8), cl::cat(category)};
  cl::opt<double> seconds{"seconds", cl::desc("Time for one row in one round (default: 0.05)"), cl::value_desc("s"), cl::init(0.05),
                          cl::cat(category)};
  cl::opt<double> maxGflop{"max-gflop", cl::desc("Only rows that compute no more than this"), cl::value_desc("x"), cl::init(1e9),
                           cl::cat(category)};
  cl::opt<bool> json{"json", cl::desc("Print one JSON object"), cl::cat(category)};
  cl::opt<bool> list{"list", cl::desc("Print the names of the rows"), cl::cat(category)};
  cl::opt<bool> print{"print", cl::desc("Print the rows' modules"), cl::cat(category)};
  cl::opt<bool> sweep{"sweep", cl::desc("Measure from which sparsity on zeros pay, on one thread"), cl::cat(category)};
  cl::opt<bool> estimates{"estimates", cl::desc("With --sweep: measure nothing, print what the cost model says"), cl::cat(category)};
  cl::opt<bool> check{"check", cl::desc("Run every row once and compare with the interpreter"), cl::cat(category)};
};
} // namespace

static ExitCode fail(ExitCode code, const llvm::Twine &message) {
  llvm::errs() << "nnopt-bench: error: " << message << '\n';
  return code;
}

/// Shows what is being done, on terminals.
static void say(const llvm::Twine &text) {
  if (llvm::errs().is_displayed())
    llvm::errs() << "\r\033[K" << text;
}

/// The rows that the options choose.
static llvm::Expected<std::vector<Workload>> chooseRows(const Flags &flags) {
  llvm::Regex regex(flags.filter);
  std::string problem;
  if (!regex.isValid(problem))
    return llvm::createStringError("--filter is no regular expression: " + problem);
  std::vector<Workload> rows = benchWorkloads();
  llvm::erase_if(rows, [&](const Workload &row) { return !regex.match(row.name) || row.flops > flags.maxGflop * 1e9; });
  if (rows.empty())
    return llvm::createStringError("no row matches; --list names them");
  return rows;
}

/// The row of the table of instruction sets that the options choose.
static llvm::Expected<const Isa *> chooseIsa(const Flags &flags) {
  llvm::Expected<std::vector<std::string>> names = parseMarch(flags.isa, llvm::Triple(llvm::sys::getDefaultTargetTriple()));
  if (!names)
    return names.takeError();
  return findIsa(names->back());
}

static llvm::Error checkRows(const Flags &flags, llvm::ArrayRef<Workload> workloads, const Isa &isa, mlir::MLIRContext &context) {
  for (const Workload &workload : workloads) {
    say(workload.name);
    llvm::Expected<CompiledWorkload> row = CompiledWorkload::create(workload, isa, flags.threads, context);
    if (!row)
      return row.takeError();
    if (llvm::Error error = row->check(context))
      return error;
    say("");
    llvm::outs() << workload.name << ": ok\n";
  }
  return llvm::Error::success();
}

static llvm::Error measureRows(const Flags &flags, llvm::ArrayRef<Workload> workloads, const Isa &isa, mlir::MLIRContext &context) {
  std::vector<CompiledWorkload> rows;
  for (const Workload &workload : workloads) {
    say("compiling " + workload.name);
    llvm::Expected<CompiledWorkload> row = CompiledWorkload::create(workload, isa, flags.threads, context);
    if (!row)
      return row.takeError();
    rows.push_back(std::move(*row));
  }
  bool realTime = requestRealTimeScheduling();
  MeasureOptions options{flags.threads, flags.rounds, flags.seconds};
  auto progress = [&](int round) { say("round " + llvm::Twine(round + 1) + " of " + llvm::Twine(options.rounds)); };
  llvm::Expected<std::vector<Measurement>> measured = measure(rows, isa, options, progress);
  say("");
  if (!measured)
    return measured.takeError();
  if (flags.json)
    printJson(*measured, isa.name, flags.threads, flags.rounds, realTime);
  else
    printTable(*measured, realTime);
  return llvm::Error::success();
}

/// The points of the sweep that the options choose.
static llvm::Expected<std::vector<SweepPoint>> choosePoints(const Flags &flags) {
  llvm::Regex regex(flags.filter);
  std::string problem;
  if (!regex.isValid(problem))
    return llvm::createStringError("--filter is no regular expression: " + problem);
  std::vector<SweepPoint> points = sweepPoints();
  llvm::erase_if(points, [&](const SweepPoint &point) { return !regex.match(point.name); });
  if (points.empty())
    return llvm::createStringError("no point of the sweep matches; --sweep --list names them");
  return points;
}

static llvm::Error runSweep(const Flags &flags, llvm::ArrayRef<SweepPoint> points, const Isa &isa, mlir::MLIRContext &context) {
  if (flags.list) {
    for (const SweepPoint &point : points)
      llvm::outs() << point.name << '\n';
    return llvm::Error::success();
  }
  std::vector<SweepResult> results;
  bool realTime = false;
  if (flags.estimates) {
    for (const SweepPoint &point : points)
      results.push_back(estimatePoint(point, isa));
  } else {
    realTime = requestRealTimeScheduling();
    auto progress = [&](size_t i) { say(llvm::Twine(i + 1) + " of " + llvm::Twine(points.size()) + ": " + points[i].name); };
    auto measured = sweep(points, isa, {/*threads=*/1, flags.rounds, flags.seconds}, context, progress);
    say("");
    if (!measured)
      return measured.takeError();
    results = std::move(*measured);
  }
  if (flags.json)
    printSweepJson(results, isa.name, flags.rounds, realTime);
  else
    printSweepTable(results);
  if (!flags.estimates)
    printSweepSummary(flags.json ? llvm::errs() : llvm::outs(), results);
  return llvm::Error::success();
}

static llvm::Error runLayers(const Flags &flags, llvm::ArrayRef<Workload> workloads, const Isa &isa, mlir::MLIRContext &context) {
  if (flags.list || flags.print) {
    for (const Workload &workload : workloads)
      llvm::outs() << (flags.list ? workload.name + "\n" : "// " + workload.name + "\n" + workload.text);
    return llvm::Error::success();
  }
  return flags.check ? checkRows(flags, workloads, isa, context) : measureRows(flags, workloads, isa, context);
}

/// Runs `run` on the rows that were chosen; none is wrong usage.
template <typename Rows, typename Run>
static ExitCode chooseAndRun(const Flags &flags, const Isa &isa, llvm::Expected<Rows> rows, Run run) {
  if (!rows)
    return fail(WrongUsage, llvm::toString(rows.takeError()));
  mlir::DialectRegistry registry;
  registerCompilerDialects(registry);
  mlir::MLIRContext context(registry);
  if (llvm::Error error = run(flags, *rows, isa, context))
    return fail(Failed, llvm::toString(std::move(error)));
  return Done;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::ResetCommandLineParser();
  Flags flags;
  if (!cl::ParseCommandLineOptions(argc, argv, kOverview, &llvm::errs()))
    return WrongUsage;
  if (flags.threads < 1 || flags.rounds < 1)
    return fail(WrongUsage, "--threads and --rounds expect at least 1");
  if (flags.estimates && !flags.sweep)
    return fail(WrongUsage, "--estimates needs --sweep");
  llvm::Expected<const Isa *> isa = chooseIsa(flags);
  if (!isa)
    return fail(WrongUsage, llvm::toString(isa.takeError()));
  return flags.sweep ? chooseAndRun(flags, **isa, choosePoints(flags), runSweep) : chooseAndRun(flags, **isa, chooseRows(flags), runLayers);
}
