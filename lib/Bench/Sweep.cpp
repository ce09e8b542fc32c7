//===- Sweep.cpp - from which sparsity on zeros pay -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Bench/Sweep.h"

#include "llvm/Support/FormatVariadic.h"

using namespace nnopt;

// A form that is estimated to take so many times the dense time is not worth the time of measuring it.
static constexpr double kHopeless = 4;

static SweepPoint pointOf(const LinearSize &size, std::string pattern, double sparsity, int64_t blockRows, int64_t group) {
  std::string name = llvm::formatv("{0}-{1}-m{2}-{3}-{4}%", size.depth, size.outputs, size.rows, pattern, std::lround(sparsity * 100)).str();
  return {name, size, std::move(pattern), sparsity, blockRows, group};
}

std::vector<SweepPoint> nnopt::sweepPoints() {
  constexpr double kSparsities[] = {0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99};
  constexpr int64_t kRows[] = {1, 16, 128};
  constexpr std::pair<int64_t, int64_t> kShapes[] = {{384, 384}, {768, 3072}, {1024, 256}}; // MiniLM, BERT, a 1x1 convolution of ResNet-50
  constexpr std::pair<int64_t, int64_t> kGroups[] = {{2, 4}, {4, 16}, {2, 16}, {8, 64}};
  std::vector<SweepPoint> points;
  for (auto [depth, outputs] : kShapes)
    for (int64_t rows : kRows) {
      LinearSize size{rows, outputs, depth};
      for (int64_t block : {1, 4, 8, 16})
        for (double sparsity : kSparsities)
          points.push_back(pointOf(size, block == 1 ? "unstructured" : std::to_string(block) + "x1", sparsity, block, 0));
      for (auto [kept, group] : kGroups)
        points.push_back(pointOf(size, llvm::formatv("{0}:{1}", kept, group).str(), 1 - static_cast<double>(kept) / group, 1, group));
    }
  return points;
}

const SweepForm &SweepResult::choice() const {
  for (const SweepForm &form : forms)
    if (form.name == chosen)
      return form;
  return dense;
}

double SweepResult::bestMeasured() const {
  double best = dense.measured;
  for (const SweepForm &form : forms)
    if (form.measured > 0)
      best = std::min(best, form.measured);
  return best;
}

static std::string nameOf(const BlockCount &blocks) {
  return llvm::formatv("{0} of {1}x1", blocks.window > 1 ? "slots" : "blocks", blocks.rows).str();
}

SweepResult nnopt::estimatePoint(const SweepPoint &point, const Isa &isa) {
  LayerSize layer{point.size};
  KernelTime dense = bestDense(isa, layer);
  SweepResult result{point, {"dense", {0, 0}, dense.kernel->name.str(), dense.microseconds}, {}, "dense"};
  auto forms = expectedBlocks(point.size, point.blockRows, 1 - point.sparsity);
  for (const BlockCount &blocks : forms)
    if (KernelTime sparse = bestSparse(isa, layer, blocks); sparse.kernel)
      result.forms.push_back({nameOf(blocks), blocks, sparse.kernel->name.str(), sparse.microseconds});
  const Isa *isas[] = {&isa};
  FormChoice best = chooseForm(isas, layer, forms);
  if (best.gains())
    result.chosen = nameOf(best.blocks);
  return result;
}

namespace {
/// A form of a point, ready to run.
struct Row {
  SweepForm *form;
  CompiledWorkload *code;
  std::vector<double> times;
};
} // namespace

static llvm::Expected<CompiledWorkload> compile(const SweepPoint &point, double density, const BlockCount &blocks, const Isa &isa, mlir::MLIRContext &context) {
  SparsifyOptions options;
  options.blocks = blocks.rows, options.window = blocks.window;
  Workload workload =
      prunedLinear(point.name, point.size.rows, point.size.outputs, point.size.depth, density, point.blockRows, point.group);
  return CompiledWorkload::create(workload, isa, /*threads=*/1, context, options);
}

/// Runs the rows in turns and fills in their medians.
static llvm::Error measureInTurns(std::vector<Row> &rows, const MeasureOptions &options) {
  for (int round = 0; round < options.rounds; ++round)
    for (size_t turn = 0; turn < rows.size(); ++turn) {
      Row &row = rows[(turn + round) % rows.size()];
      llvm::Expected<double> seconds = timeCalls(*row.code, options.seconds);
      if (!seconds)
        return seconds.takeError();
      row.times.push_back(*seconds * 1e6);
    }
  for (Row &row : rows)
    row.form->measured = median(row.times);
  return llvm::Error::success();
}

static llvm::Error measurePoint(SweepResult &result, CompiledWorkload &dense, const Isa &isa, const MeasureOptions &options,
                                mlir::MLIRContext &context) {
  std::vector<std::unique_ptr<CompiledWorkload>> compiled;
  std::vector<Row> rows{{&result.dense, &dense, {}}};
  for (SweepForm &form : result.forms) {
    if (form.estimated > kHopeless * result.dense.estimated)
      continue;
    auto code = compile(result.point, 1 - result.point.sparsity, form.blocks, isa, context);
    if (!code)
      return code.takeError();
    compiled.push_back(std::make_unique<CompiledWorkload>(std::move(*code)));
    rows.push_back({&form, compiled.back().get(), {}});
  }
  return measureInTurns(rows, options);
}

llvm::Expected<std::vector<SweepResult>> nnopt::sweep(llvm::ArrayRef<SweepPoint> points, const Isa &isa, const MeasureOptions &options,
                                                      mlir::MLIRContext &context, llvm::function_ref<void(size_t)> progress) {
  std::vector<SweepResult> results;
  std::optional<CompiledWorkload> dense; // shared by neighbours of the same size
  for (size_t i = 0; i < points.size(); ++i) {
    progress(i);
    const LinearSize &size = points[i].size;
    bool isNew = i == 0 || std::tie(size.rows, size.outputs, size.depth) !=
                               std::tie(points[i - 1].size.rows, points[i - 1].size.outputs, points[i - 1].size.depth);
    if (isNew) {
      llvm::Expected<CompiledWorkload> code = compile(points[i], /*density=*/1, /*blocks=*/{0, 0}, isa, context);
      if (!code)
        return code.takeError();
      dense.emplace(std::move(*code));
    }
    results.push_back(estimatePoint(points[i], isa));
    if (llvm::Error error = measurePoint(results.back(), *dense, isa, options, context))
      return std::move(error);
  }
  return results;
}

SweepSummary nnopt::summarize(llvm::ArrayRef<SweepResult> results) {
  SweepSummary summary;
  for (const SweepResult &result : results) {
    double chosen = result.choice().measured, ratio = result.dense.measured / chosen;
    summary.withinTenPercent += chosen <= 1.1 * result.bestMeasured() ? 1.0 / results.size() : 0;
    if (summary.worstPoint.empty() || ratio < summary.worst)
      summary.worst = ratio, summary.worstPoint = result.point.name;
  }
  return summary;
}
