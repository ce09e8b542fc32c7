//===- PruneAuto.cpp - pattern and sparsity of each layer by its time -----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each layer has choices: to stay as it is, or a pattern and a part of zeros with which a kernel is faster. What a choice costs comes from the cost
// table, as in "SPDY: Accurate Pruning with Speedup Guarantees" (Frantar and Alistarh, 2022). What it loses is -log of the part of the layer's sum of squares
// that stays: of all layers together, the product of these parts. "Layer-adaptive Sparsity for the Magnitude-based Pruning" (Lee et al., 2021) shows
// that this bounds what becomes of the output, and it never empties a layer. MiniLM at a modelled speedup of 2 keeps a cosine of 0.36 to the dense one's
// mean vectors, with the sum of the parts that go 0.34, and at 1.94 by the same part of every layer 0.32.
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "LayerTimes.h"
#include "MagnitudeRanking.h"

#include "nnopt/Cost/Knapsack.h"

#include "mlir/IR/Remarks.h"

#include "llvm/ADT/StringExtras.h"

#include <cmath>
#include <limits>

namespace nnopt {
#define GEN_PASS_DEF_PRUNEAUTO
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

static constexpr remark::RemarkOpts kRemark = remark::RemarkOpts::name("prune").category("nnopt-prune-auto");
static constexpr StringLiteral kPatterns[] = {"unstructured", "4x1", "8x1", "16x1"};
// Of the squares of a layer; less counts as this much.
static constexpr double kLeastKept = 1e-12;
static constexpr double kUnlimited = std::numeric_limits<double>::infinity();

/// 0.9 and not 0.900000.

namespace {
/// What `budget` says.
struct PruningBudget {
  double microseconds = kUnlimited; ///< of all products
  double kept = kUnlimited;         ///< part of all weights

  static llvm::Expected<PruningBudget> parse(StringRef text);
};
} // namespace

llvm::Expected<PruningBudget> PruningBudget::parse(StringRef text) {
  PruningBudget budget;
  if (text.empty())
    return budget;
  for (auto [unit, to, scale] : {std::tuple<StringRef, double *, double>("us", &budget.microseconds, 1), {"ms", &budget.microseconds, 1000},
                                 {"%", &budget.kept, 0.01}}) {
    double number;
    StringRef digits = text;
    if (!digits.consume_back(unit) || digits.getAsDouble(number) || !(number > 0) || !std::isfinite(number) || (unit == "%" && number > 100))
      continue;
    *to = number * scale;
    return budget;
  }
  return llvm::createStringError("budget expects a time as in 200us or 1.5ms, or the part of the weights that stays as in 30%, got '" + text + "'");
}

llvm::Error nnopt::checkOptions(const PruneAutoOptions &options) {
  if (options.speedup == 0 && options.budget.empty())
    return llvm::createStringError("expects what to reach: speedup=, as in speedup=2, or budget=, as in budget=200us or budget=30%");
  if (options.speedup != 0 && !(options.speedup >= 1 && std::isfinite(options.speedup)))
    return llvm::createStringError("speedup expects a number of at least 1, got " + shortText(options.speedup));
  if (llvm::Expected<PruningBudget> budget = PruningBudget::parse(options.budget); !budget)
    return budget.takeError();
  if (!(options.mostSparsity > 0 && options.mostSparsity < 1))
    return llvm::createStringError("most-sparsity expects a part above 0 and below 1, got " + shortText(options.mostSparsity));
  if (options.expectedRows < 0)
    return llvm::createStringError("expected-rows expects 0 or more, got " + Twine(options.expectedRows));
  for (const std::string &pattern : options.pattern) {
    llvm::Expected<SparsityPattern> parsed = SparsityPattern::parse(pattern);
    if (!parsed)
      return parsed.takeError();
    if (parsed->kind == SparsityPattern::Rows || parsed->kind == SparsityPattern::Columns)
      return llvm::createStringError("pattern '" + pattern + "' is whole outputs or inputs, whose kernels have no times; nnopt-prune-structured removes them");
  }
  if (llvm::Expected<SmallVector<const Isa *>> found = findIsas(options.isas); !found)
    return found.takeError();
  return checkNamePatterns(options.exclude, options.only);
}

/// Parts of zeros from 5 % to `most`: closer where kernels and losses change fast.
static SmallVector<double> levelsUpTo(double most) {
  SmallVector<double> levels;
  for (int permille = 50; permille < 1000 * most;) {
    levels.push_back(permille / 1000.0);
    permille += permille < 500 ? 50 : permille < 900 ? 25 : 10;
  }
  levels.push_back(most);
  return levels;
}

namespace {

/// What may become of a layer.
struct LayerChoice {
  const SparsityPattern *pattern = nullptr; ///< null: it stays as it is
  double level = 0;
  LayerTimes::Times times;
  double kept = 0; ///< elements
  double lost = 0; ///< part of the sum of squares

  double loss() const { return -std::log(std::max(kLeastKept, 1 - lost)); }
};

/// A layer with a constant weight.
struct TimedLayer {
  const WeightLayer *layer;
  PruningTask *task = nullptr; ///< null: it cannot be pruned
  bool hasUnknownRows;
  LayerTimes::Times dense;
  std::vector<LayerChoice> choices;
  size_t taken = 0;

  Location getLoc() const { return layer->users.front()->getLoc(); }
};

/// A sum over layers that is not to be more than `limit`.
struct CostMeasure {
  const Isa *isa; ///< microseconds on it; null: weights that are kept
  size_t isaNumber;
  double all, limit;

  double of(const LayerChoice &choice) const { return isa ? choice.times.microseconds[isaNumber] : choice.kept; }
};

struct PruneAuto : nnopt::impl::PruneAutoBase<PruneAuto> {
  using PruneAutoBase::PruneAutoBase;

  LogicalResult initialize(MLIRContext *context) override {
    auto list = [](ArrayRef<std::string> texts) { return llvm::to_vector(texts); };
    PruneAutoOptions options{speedup, budget, list(isas), expectedRows, list(pattern), mostSparsity, list(exclude), list(only), first, last, depthwise};
    if (llvm::Error error = checkOptions(options))
      return emitError(UnknownLoc::get(context)) << getArgument() << ": " << llvm::toString(std::move(error));
    patterns.clear();
    if (failed(findTargets(context, getArgument(), isas, targets)))
      return failure();
    for (StringRef name : pattern.empty() ? llvm::to_vector_of<StringRef>(kPatterns) : llvm::to_vector_of<StringRef>(pattern))
      patterns.push_back(*SparsityPattern::parse(name));
    return success();
  }

  void runOnOperation() override {
    SmallVector<WeightLayer> found = findLayers(getOperation());
    if (found.empty()) {
      getOperation().emitWarning("nothing is pruned: there is no product with a constant weight");
      return;
    }
    FailureOr<SmallVector<PruningTask>> tasks = collectTasks(getOperation(), found, filter(), kRemark);
    if (failed(tasks))
      return signalPassFailure();
    std::vector<TimedLayer> layers = collectChoices(found, *tasks);
    SmallVector<CostMeasure> measures = collectMeasures(layers);
    if (!choose(layers, measures)) {
      explainFailure(layers, measures);
      return signalPassFailure();
    }
    tellSums(layers, measures);
    for (const TimedLayer &layer : layers)
      prune(layer);
  }

private:
  SmallVector<const Isa *> targets;
  SmallVector<SparsityPattern> patterns;

  LayerFilter filter(const SparsityPattern &pattern = {}) const {
    return {pattern, llvm::to_vector(ArrayRef<std::string>(exclude)), llvm::to_vector(ArrayRef<std::string>(only)), first, last, depthwise};
  }

  std::vector<TimedLayer> collectChoices(ArrayRef<WeightLayer> found, MutableArrayRef<PruningTask> tasks) const {
    std::vector<TimedLayer> layers;
    for (const WeightLayer &layer : found) {
      LayerTimes times(layer, targets, expectedRows);
      std::optional<ConstantData> data = ConstantData::of(layer.weight);
      int64_t size = layer.layout.size(), zeros = data ? countZeros(*data) : 0;
      TimedLayer timed{&layer, nullptr, times.hasUnknownRows(), times.dense(), {}};
      timed.choices.push_back({nullptr, 0, data ? times.asStored(*data) : timed.dense, static_cast<double>(size - zeros), 0});
      auto task = llvm::find_if(tasks, [&](const PruningTask &task) { return task.layer == &layer; });
      if (task != tasks.end()) {
        timed.task = task;
        for (const SparsityPattern &pattern : patterns)
          if (filter(pattern).whyNot(layer, data).empty())
            addChoices(timed, times, pattern, zeros);
      }
      layers.push_back(std::move(timed));
    }
    return layers;
  }

  /// The parts of zeros in `pattern` with which a kernel is faster.
  void addChoices(TimedLayer &timed, const LayerTimes &times, const SparsityPattern &pattern, int64_t zeros) const {
    SmallVector<double> levels = levelsUpTo(mostSparsity);
    if (pattern.kind == SparsityPattern::NM)
      levels.assign(1, 1 - static_cast<double>(pattern.kept) / pattern.group);
    int64_t size = timed.task->data.size();
    llvm::erase_if(levels, [&](double level) {
      return level > mostSparsity || std::llround(level * size) <= zeros || !times.pruned(pattern, 1 - level).gains;
    });
    if (levels.empty())
      return;
    auto asked = llvm::map_to_vector(levels, [&](double level) -> int64_t { return std::llround(level * size); });
    for (auto [level, removed] : llvm::zip_equal(levels, partsRemoved(*timed.task, pattern, asked))) {
      // Of blocks, not quite as much goes as was asked.
      double kept = size - removed.elements;
      LayerTimes::Times pruned = times.pruned(pattern, kept / size);
      if (pruned.gains)
        timed.choices.push_back({&pattern, level, pruned, kept, removed.squares});
    }
  }

  /// What is limited.
  SmallVector<CostMeasure> collectMeasures(ArrayRef<TimedLayer> layers) const {
    PruningBudget allowed = *PruningBudget::parse(budget);
    SmallVector<CostMeasure> measures;
    for (auto [i, isa] : llvm::enumerate(targets)) {
      double dense = 0;
      for (const TimedLayer &layer : layers)
        dense += layer.dense.microseconds[i];
      measures.push_back({isa, i, dense, std::min(allowed.microseconds, speedup > 0 ? dense / speedup : kUnlimited)});
    }
    double elements = 0;
    for (const TimedLayer &layer : layers)
      elements += layer.layer->layout.size();
    measures.push_back({nullptr, 0, elements, allowed.kept * elements});
    llvm::erase_if(measures, [](const CostMeasure &measure) { return measure.limit == kUnlimited; });
    return measures;
  }

  bool choose(MutableArrayRef<TimedLayer> layers, ArrayRef<CostMeasure> measures) const {
    std::vector<std::vector<KnapsackChoice>> items;
    for (const TimedLayer &layer : layers) {
      items.emplace_back();
      for (const LayerChoice &choice : layer.choices) {
        KnapsackChoice item{{}, choice.loss()};
        for (const CostMeasure &measure : measures)
          item.costs.push_back(measure.of(choice));
        items.back().push_back(std::move(item));
      }
    }
    std::optional<std::vector<size_t>> taken = chooseLeastLoss(items, llvm::map_to_vector(measures, [](const CostMeasure &m) { return m.limit; }));
    if (!taken)
      return false;
    for (auto [layer, number] : llvm::zip_equal(layers, *taken))
      layer.taken = number;
    return true;
  }

  /// The error names the measure that cannot be met, and what can be had.
  void explainFailure(ArrayRef<TimedLayer> layers, ArrayRef<CostMeasure> measures) {
    std::string most = shortText(100 * mostSparsity) + " % zeros in a layer";
    for (const CostMeasure &measure : measures) {
      double least = 0, fixed = 0;
      for (const TimedLayer &layer : layers) {
        double here = kUnlimited;
        for (const LayerChoice &choice : layer.choices)
          here = std::min(here, measure.of(choice));
        least += here;
        fixed += layer.choices.size() == 1 ? here : 0;
      }
      if (least <= measure.limit)
        continue;
      InFlightDiagnostic diag = getOperation().emitError("cannot be pruned as asked: ");
      if (measure.isa)
        // Rounded down, so that the number can be asked for.
        diag << llvm::formatv("on {0} the products take {1:f2} us dense and may take {2:f2} us, with at most {3} they take {4:f2} us "
                              "(a speedup of {5:f2}), {6:f2} us of it in layers that stay as they are",
                              measure.isa->name, measure.all, measure.limit, most, least, std::floor(100 * measure.all / least) / 100, fixed).str();
      else
        diag << llvm::formatv("{0:f0} of {1:f0} weights may stay, with at most {2} {3:f0} do ({4:f2} %), {5:f0} of them in layers that stay as "
                              "they are", measure.limit, measure.all, most, least, std::ceil(10000 * least / measure.all) / 100, fixed).str();
      if (measure.isa && expectedRows == 0 && llvm::any_of(layers, [](const TimedLayer &layer) { return layer.hasUnknownRows; }))
        diag.attachNote() << "rows that the model leaves open count as the fewest there can be; expected-rows says how many to expect";
      return;
    }
    getOperation().emitError("cannot be pruned as asked: each limit can be met with at most ") << most << ", but not all of them at once";
  }

  void tellSums(ArrayRef<TimedLayer> layers, ArrayRef<CostMeasure> measures) {
    for (const CostMeasure &measure : measures) {
      double sum = 0;
      for (const TimedLayer &layer : layers)
        sum += measure.of(layer.choices[layer.taken]);
      if (measure.isa)
        remark::analysis(getOperation().getLoc(), kRemark) << remark::add("all products on {0}: {1:f2} us, {2:f2} us dense, {3:f2} times as fast",
                                                                          measure.isa->name, sum, measure.all, measure.all / sum);
      else
        remark::analysis(getOperation().getLoc(), kRemark) << remark::add("{0:f0} of {1:f0} weights stay", sum, measure.all);
    }
  }

  /// "avx2 12.0 us, 40.0 us dense; avx512 ..."
  std::string timesOf(const TimedLayer &layer, const LayerTimes::Times &times) const {
    SmallVector<std::string> parts;
    for (auto [isa, here, dense] : llvm::zip_equal(targets, times.microseconds, layer.dense.microseconds))
      parts.push_back(llvm::formatv("{0} {1:f2} us, {2:f2} us dense", isa->name, here, dense).str());
    return llvm::join(parts, "; ");
  }

  void prune(const TimedLayer &layer) {
    const LayerChoice &choice = layer.choices[layer.taken];
    if (!layer.task)
      return; // a remark said why
    if (!choice.pattern) {
      StringRef reason = layer.choices.size() == 1 ? "no kernel is faster with zeros" : "zeros are not needed here";
      remark::missed(layer.getLoc(), kRemark) << remark::reason("stays as it is, {0}: {1}", reason, timesOf(layer, choice.times));
      return;
    }
    remark::passed(layer.getLoc(), kRemark) << remark::add("{0} at {1} %: {2}; {3:f2} % of the sum of squares goes", choice.pattern->str(),
                                                           shortText(100 * choice.level), timesOf(layer, choice.times), 100 * choice.lost);
    setTargets(*layer.task, *choice.pattern, choice.level);
    removeLeastSquares(*layer.task, *choice.pattern);
    replaceWeight(*layer.task, *choice.pattern, kRemark);
    ++prunedWeights;
  }
};

} // namespace
