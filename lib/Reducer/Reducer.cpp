//===- Reducer.cpp - make a module that shows a bug small -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Reducer/Reducer.h"

#include "mlir/IR/Verifier.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace nnopt;

static size_t countOperations(ModuleOp module) {
  size_t count = 0;
  module->walk([&](Operation *) { ++count; });
  return count;
}

namespace {
/// The best module so far and what has been tried.
class Reduction {
public:
  Reduction(OwningOpRef<ModuleOp> &best, InterestingFn interesting) : best(best), interesting(interesting) {}

  /// Tries to take away chunks of items, halving their size down to single ones. True if anything went.
  llvm::Expected<bool> run(const ReductionStrategy &strategy);

  llvm::Expected<bool> test(ModuleOp candidate);

  size_t tested = 0, accepted = 0;

private:
  llvm::Expected<bool> takeAway(const ReductionStrategy &strategy, size_t begin, size_t end);

  OwningOpRef<ModuleOp> &best;
  InterestingFn interesting;
  llvm::DenseSet<uint64_t> seen; // hashes of printed candidates: rounds repeat many
};
} // namespace

llvm::Expected<bool> Reduction::test(ModuleOp candidate) {
  {
    // That a candidate is invalid is no news to the user.
    ScopedDiagnosticHandler quiet(candidate.getContext(), [](Diagnostic &) { return success(); });
    if (failed(verify(candidate)))
      return false;
  }
  std::string text;
  llvm::raw_string_ostream stream(text);
  candidate->print(stream);
  if (!seen.insert(llvm::xxh3_64bits(text)).second)
    return false;
  ++tested;
  return interesting(candidate);
}

llvm::Expected<bool> Reduction::takeAway(const ReductionStrategy &strategy, size_t begin, size_t end) {
  OwningOpRef<ModuleOp> candidate = best->clone();
  if (!strategy.apply(*candidate, begin, end))
    return false;
  llvm::Expected<bool> holds = test(*candidate);
  if (holds && *holds) {
    best = std::move(candidate);
    ++accepted;
  }
  return holds;
}

llvm::Expected<bool> Reduction::run(const ReductionStrategy &strategy) {
  bool changed = false;
  for (size_t chunk = strategy.count(*best); chunk > 0; chunk /= 2) {
    // From the back: users go before what they use.
    for (size_t end = strategy.count(*best); end > 0;) {
      size_t begin = end > chunk ? end - chunk : 0;
      llvm::Expected<bool> taken = takeAway(strategy, begin, end);
      if (!taken)
        return taken.takeError();
      changed |= *taken;
      end = *taken ? std::min(begin, strategy.count(*best)) : begin;
    }
  }
  return changed;
}

llvm::Expected<ReductionReport> nnopt::reduceModule(OwningOpRef<ModuleOp> &module, InterestingFn interesting) {
  ReductionReport report;
  report.operationsBefore = countOperations(*module);
  Reduction reduction(module, interesting);
  llvm::Expected<bool> holds = reduction.test(*module);
  if (!holds)
    return holds.takeError();
  if (!*holds)
    return llvm::createStringError("the input does not show what the test looks for");
  for (bool again = true; again;) {
    again = false;
    for (const ReductionStrategy &strategy : reductionStrategies()) {
      llvm::Expected<bool> changed = reduction.run(strategy);
      if (!changed)
        return changed.takeError();
      again |= *changed;
    }
  }
  report.operationsAfter = countOperations(*module);
  report.tested = reduction.tested;
  report.accepted = reduction.accepted;
  return report;
}
