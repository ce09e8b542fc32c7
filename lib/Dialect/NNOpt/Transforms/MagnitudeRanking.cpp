//===- MagnitudeRanking.cpp - which elements of weights go first ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "MagnitudeRanking.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir;
using namespace nnopt;

namespace {

/// Where a block of a weight begins and ends.
struct ElementBlock {
  int64_t firstMatrix, lastMatrix, firstOutput, lastOutput, firstInput, lastInput;
  int64_t size() const { return (lastMatrix - firstMatrix) * (lastOutput - firstOutput) * (lastInput - firstInput); }
};

/// The blocks of one weight, numbered by matrix, then outputs, then inputs. Those at the ends may be smaller. They go through so many matrices.
class BlockGrid {
public:
  BlockGrid(const WeightLayout &layout, int64_t rows, int64_t columns, int64_t matrices = 1)
      : layout(layout), matrices(matrices), rows(rows), columns(columns), down(llvm::divideCeil(layout.outputs, rows)),
        across(llvm::divideCeil(layout.inputs, columns)) {}

  /// The blocks that `pattern` removes: whole outputs and inputs with all taps.
  static BlockGrid of(const WeightLayout &layout, const SparsityPattern &pattern) {
    if (pattern.kind == SparsityPattern::Rows)
      return {layout, 1, layout.inputs, layout.taps};
    if (pattern.kind == SparsityPattern::Columns)
      return {layout, layout.outputs, 1, layout.taps};
    return {layout, pattern.rows, pattern.columns};
  }

  int64_t count() const { return layout.matrices() / matrices * down * across; }

  ElementBlock operator[](int64_t i) const {
    int64_t m = i / across / down * matrices, o = i / across % down * rows, c = i % across * columns;
    return {m, m + matrices, o, std::min(o + rows, layout.outputs), c, std::min(c + columns, layout.inputs)};
  }

  /// Calls `visit` with the place of every element of `block`.
  template <typename Visit>
  void forEach(const ElementBlock &block, Visit visit) const {
    for (int64_t m = block.firstMatrix; m < block.lastMatrix; ++m)
      for (int64_t o = block.firstOutput; o < block.lastOutput; ++o)
        for (int64_t i = block.firstInput; i < block.lastInput; ++i)
          visit(layout.at(m, o, i));
  }

private:
  const WeightLayout &layout;
  int64_t matrices, rows, columns, down, across;
};

/// A block of one of several weights. Single precision saves memory: a model has tens of millions.
struct Candidate {
  float score;
  uint32_t task;
  int64_t block;
  bool operator<(const Candidate &other) const {
    return std::tie(score, task, block) < std::tie(other.score, other.task, other.block);
  }
};

} // namespace

/// All blocks of `tasks` with their scores.
static std::vector<Candidate> scoreBlocks(ArrayRef<PruningTask *> tasks, ArrayRef<BlockGrid> grids, bool squares) {
  std::vector<Candidate> candidates;
  int64_t count = 0;
  for (const BlockGrid &grid : grids)
    count += grid.count();
  candidates.reserve(count);
  for (auto [t, task] : llvm::enumerate(tasks)) {
    const BlockGrid &grid = grids[t];
    for (int64_t b = 0; b < grid.count(); ++b) {
      ElementBlock block = grid[b];
      double sum = 0;
      grid.forEach(block, [&, &data = task->data](int64_t place) {
        double value = std::abs(data.at(place));
        sum += squares ? value * value : value;
      });
      candidates.push_back({static_cast<float>(sum / block.size()), static_cast<uint32_t>(t), b});
    }
  }
  return candidates;
}

/// Brings those of the smallest `candidates` to the front that `target` elements may hold, and returns how many they are at most. Only where blocks
/// of different sizes make a difference are they sorted.
static size_t selectSmallest(std::vector<Candidate> &candidates, ArrayRef<BlockGrid> grids, int64_t target) {
  int64_t smallest = std::numeric_limits<int64_t>::max(), largest = 1;
  for (const Candidate &candidate : candidates) {
    int64_t size = grids[candidate.task][candidate.block].size();
    smallest = std::min(smallest, size), largest = std::max(largest, size);
  }
  int64_t count = candidates.size();
  auto certain = candidates.begin() + std::min(count, target / largest);
  auto possible = candidates.begin() + std::min(count, target / smallest);
  std::nth_element(candidates.begin(), possible, candidates.end());
  std::nth_element(candidates.begin(), certain, possible);
  std::sort(certain, possible);
  return possible - candidates.begin();
}

void nnopt::removeSmallestBlocks(MutableArrayRef<PruningTask *> tasks, const SparsityPattern &pattern, bool squares, int64_t target) {
  SmallVector<BlockGrid> grids;
  for (PruningTask *task : tasks)
    grids.push_back(BlockGrid::of(task->layer->layout, pattern));
  std::vector<Candidate> candidates = scoreBlocks(tasks, grids, squares);
  size_t count = selectSmallest(candidates, grids, target);
  for (const Candidate &candidate : ArrayRef(candidates).take_front(count)) {
    const BlockGrid &grid = grids[candidate.task];
    ElementBlock block = grid[candidate.block];
    if ((target -= block.size()) < 0)
      return;
    grid.forEach(block, [&](int64_t place) { tasks[candidate.task]->removed[place] = true; });
  }
}

void nnopt::removeWithinGroups(PruningTask &task, const SparsityPattern &pattern) {
  const WeightLayout &layout = task.layer->layout;
  BlockGrid grid(layout, 1, pattern.group);
  for (int64_t b = 0; b < grid.count(); ++b) {
    SmallVector<std::pair<double, int64_t>> ranked;
    grid.forEach(grid[b], [&](int64_t place) { ranked.push_back({std::abs(task.data.at(place)), place}); });
    llvm::sort(ranked);
    for (auto [magnitude, place] : ArrayRef(ranked).drop_back(std::min<size_t>(pattern.kept, ranked.size())))
      task.removed[place] = true;
  }
}

void nnopt::removeLeastSquares(PruningTask &task, const SparsityPattern &pattern) {
  if (pattern.kind == SparsityPattern::NM)
    return removeWithinGroups(task, pattern);
  PruningTask *alone = &task;
  removeSmallestBlocks(alone, pattern, /*squares=*/true, task.target);
}

/// What removeWithinGroups takes, with the sum of squares in the place of its part, and all squares.
static std::pair<RemovedPart, double> removedWithinGroups(const PruningTask &task, const SparsityPattern &pattern) {
  PruningTask pruned = task;
  removeWithinGroups(pruned, pattern);
  RemovedPart part;
  double all = 0;
  for (int64_t i = 0; i < task.data.size(); ++i) {
    double square = task.data.at(i) * task.data.at(i);
    all += square;
    if (pruned.removed[i])
      ++part.elements, part.squares += square;
  }
  return {part, all};
}

std::vector<RemovedPart> nnopt::partsRemoved(const PruningTask &task, const SparsityPattern &pattern, ArrayRef<int64_t> targets) {
  std::vector<RemovedPart> parts;
  double all = 0;
  if (pattern.kind == SparsityPattern::NM) {
    RemovedPart part;
    std::tie(part, all) = removedWithinGroups(task, pattern);
    parts.assign(targets.size(), part);
  } else {
    PruningTask copy = task, *alone = &copy;
    BlockGrid grid = BlockGrid::of(task.layer->layout, pattern);
    std::vector<Candidate> candidates = scoreBlocks(alone, grid, /*squares=*/true);
    llvm::sort(candidates);
    RemovedPart part;
    for (const Candidate &candidate : candidates) {
      int64_t size = grid[candidate.block].size();
      while (parts.size() < targets.size() && part.elements + size > targets[parts.size()])
        parts.push_back(part);
      part.elements += size, part.squares += static_cast<double>(candidate.score) * size;
    }
    parts.resize(targets.size(), part);
    all = part.squares;
  }
  for (RemovedPart &part : parts)
    part.squares = all > 0 ? part.squares / all : 0;
  return parts;
}

void nnopt::shareByErdosRenyi(MutableArrayRef<PruningTask> tasks, double sparsity) {
  int64_t elements = 0;
  for (const PruningTask &task : tasks)
    elements += task.data.size();
  double kept = (1 - sparsity) * elements;
  auto share = [](const PruningTask &task) {
    const WeightLayout &layout = task.layer->layout;
    return static_cast<double>(layout.groups) * (layout.outputs + layout.inputs + layout.kernelExtents);
  };
  // A layer that would keep more than it has keeps all, and the others share what is left, until all fit.
  llvm::SmallDenseSet<PruningTask *> full;
  double scale = 0;
  for (size_t before = -1; before != full.size();) {
    before = full.size();
    double left = kept, shares = 0;
    for (PruningTask &task : tasks)
      full.contains(&task) ? left -= task.data.size() : shares += share(task);
    scale = shares > 0 ? left / shares : 0;
    for (PruningTask &task : tasks)
      if (!full.contains(&task) && scale * share(task) > task.data.size())
        full.insert(&task);
  }
  for (PruningTask &task : tasks)
    task.target = full.contains(&task) ? 0 : std::llround(task.data.size() - scale * share(task));
}
