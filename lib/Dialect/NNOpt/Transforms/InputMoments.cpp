//===- InputMoments.cpp - what calibration measured of a layer ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "InputMoments.h"
#include "MagnitudeRanking.h"

#include <cmath>

using namespace mlir;
using namespace nnopt;

llvm::Error nnopt::checkCalibratedOptions(StringRef patternText, double sparsity, StringRef scope, ArrayRef<std::string> exclude,
                                          ArrayRef<std::string> only) {
  llvm::Expected<SparsityPattern> pattern = SparsityPattern::parse(patternText);
  if (!pattern)
    return pattern.takeError();
  if (pattern->kind == SparsityPattern::Rows || pattern->kind == SparsityPattern::Columns)
    return llvm::createStringError("pattern '" + patternText + "' is whole outputs or inputs, which nnopt-prune-magnitude ranks");
  if (llvm::Error error = checkSparsity(sparsity, *pattern))
    return error;
  if (scope != "uniform" && scope != "erk")
    return llvm::createStringError("unknown scope '" + scope + "', expected uniform or erk");
  if (pattern->kind == SparsityPattern::NM && scope != "uniform")
    return llvm::createStringError("pattern '" + pattern->str() + "' has the same sparsity in every layer, scope '" + scope + "' does not apply");
  return checkNamePatterns(exclude, only);
}

FailureOr<std::optional<InputMoments>> InputMoments::of(const WeightLayer &layer) {
  InputMoments moments;
  moments.groups = layer.layout.groups, moments.depth = layer.layout.taps * layer.layout.inputs;
  SmallVector<Attribute> keys;
  for (Operation *user : layer.users) {
    auto observed = user->getAttrOfType<ElementsAttr>(kObservedAttr);
    // Matrices of a batch have inputs of their own, which no statistic tells apart.
    if (!observed || !isa<LinearOp, ConvOp>(user))
      return std::optional<InputMoments>();
    std::string problem;
    FailureOr<HostTensor> tensor = HostTensor::fromAttribute(observed, problem);
    if (failed(tensor))
      return user->emitError("'") << kObservedAttr << "': " << problem;
    SmallVector<int64_t> expected{moments.groups, moments.depth};
    if (tensor->rank() == 3)
      expected.push_back(moments.depth);
    if (tensor->shape() != ArrayRef(expected) || !isFloat(tensor->type()))
      return user->emitError("expects '") << kObservedAttr << "' of " << typeText(ElementType::F32, expected) << ", got " << tensor->typeText();
    for (int64_t i = 0; i < tensor->size(); ++i)
      if (!std::isfinite(loadElement(tensor->type(), tensor->bytes(), i)))
        return user->emitError("the calibration data make an input that is infinite, no number or too large to square: element ")
               << i << " of '" << kObservedAttr << "' is not finite";
    if (!moments.parts.empty() && moments.gram != (tensor->rank() == 3))
      return user->emitError("expects '") << kObservedAttr << "' of one kind on all readers of a weight";
    moments.gram = tensor->rank() == 3;
    moments.parts.push_back(std::move(*tensor));
    keys.push_back(observed);
  }
  moments.key = ArrayAttr::get(layer.weight.getContext(), keys);
  return std::optional(std::move(moments));
}

LogicalResult CalibratedLayers::collect(func::FuncOp function, const LayerFilter &filter, double sparsity, StringRef scope, bool needsGram,
                                        const remark::RemarkOpts &remark) {
  layers = findLayers(function);
  FailureOr<SmallVector<PruningTask>> found = collectTasks(function, layers, filter, remark);
  if (failed(found))
    return failure();
  all = std::move(*found);
  if (failed(attachMoments(needsGram, remark)))
    return failure();
  setTargets(all, filter.pattern, sparsity);
  if (scope == "erk")
    shareByErdosRenyi(all, sparsity);
  return success();
}

LogicalResult CalibratedLayers::attachMoments(bool needsGram, const remark::RemarkOpts &remark) {
  for (PruningTask &task : all) {
    FailureOr<std::optional<InputMoments>> moments = InputMoments::of(*task.layer);
    if (failed(moments))
      return failure();
    Operation *user = task.layer->users.front();
    if (!*moments)
      remark::missed(user->getLoc(), remark) << remark::reason("no calibration of its inputs");
    else if (needsGram && !(*moments)->hasGram())
      return user->emitError("expects products of two inputs in '") << kObservedAttr << "', got squares";
    else
      tasks.push_back({&task, std::move(**moments)});
  }
  if (tasks.empty() && !all.empty())
    return all.front().layer->users.front()->emitError("cannot be pruned without calibration: no product carries '")
           << kObservedAttr << "', which nnopt-compile --calibrate gathers";
  return success();
}

void nnopt::dropMoments(func::FuncOp function) {
  function.walk([](Operation *op) { op->removeAttr(kObservedAttr); });
}

namespace {
struct ScoredBlock {
  double score;
  int64_t row, column, lastRow, lastColumn;
  int64_t size() const { return (lastRow - row) * (lastColumn - column); }
};
} // namespace

int64_t nnopt::removeLowestBlocks(const SparsityPattern &pattern, int64_t firstRow, int64_t lastRow, int64_t firstColumn, int64_t lastColumn,
                                  int64_t inputs, int64_t target, function_ref<double(int64_t, int64_t)> score,
                                  function_ref<void(int64_t, int64_t)> remove) {
  auto forEach = [](const ScoredBlock &block, auto visit) {
    for (int64_t o = block.row; o < block.lastRow; ++o)
      for (int64_t k = block.column; k < block.lastColumn; ++k)
        visit(o, k);
  };
  std::vector<ScoredBlock> blocks;
  for (int64_t o = firstRow; o < lastRow; o += pattern.rows)
    for (int64_t k = firstColumn, next; k < lastColumn; k = next) {
      next = std::min({k + pattern.columns, lastColumn, (k / inputs + 1) * inputs});
      ScoredBlock &block = blocks.emplace_back(ScoredBlock{0, o, k, std::min(o + pattern.rows, lastRow), next});
      forEach(block, [&](int64_t o, int64_t k) { block.score += score(o, k); });
      block.score /= block.size();
    }
  // Not more than `target` blocks can go: only these need their order.
  auto order = [](const ScoredBlock &a, const ScoredBlock &b) { return std::tie(a.score, a.row, a.column) < std::tie(b.score, b.row, b.column); };
  auto end = blocks.begin() + std::min<int64_t>(target, blocks.size());
  std::nth_element(blocks.begin(), end, blocks.end(), order);
  std::sort(blocks.begin(), end, order);
  int64_t removed = 0;
  for (auto block = blocks.begin(); block != end && removed + block->size() <= target; ++block) {
    forEach(*block, remove);
    removed += block->size();
  }
  return removed;
}

void nnopt::removeAllBut(int64_t kept, int64_t first, int64_t last, function_ref<double(int64_t)> score, function_ref<void(int64_t)> remove) {
  SmallVector<std::pair<double, int64_t>> ranked;
  for (int64_t k = first; k < last; ++k)
    ranked.push_back({score(k), k});
  llvm::sort(ranked);
  for (const auto &entry : ArrayRef(ranked).drop_back(std::min<size_t>(kept, ranked.size())))
    remove(entry.second);
}
