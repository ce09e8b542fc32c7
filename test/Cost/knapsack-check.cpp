//===- knapsack-check.cpp - chooseLeastLoss against all combinations ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints for random problems how often the solver agreed with what trying everything finds, and for large ones how close it came to the
// bound of the relaxed problem.
//===----------------------------------------------------------------------===//

#include "nnopt/Cost/Knapsack.h"

#include <cmath>
#include <cstdio>
#include <random>

using namespace nnopt;

using Items = std::vector<std::vector<KnapsackChoice>>;

static std::mt19937 random_(1);
static double draw(double from, double to) { return std::uniform_real_distribution<double>(from, to)(random_); }
static size_t drawCount(size_t from, size_t to) { return std::uniform_int_distribution<size_t>(from, to)(random_); }

/// Whole numbers make ties, and sums that meet a limit exactly.
static Items randomItems(size_t count, size_t mostChoices, size_t measures, bool isWhole) {
  Items items(count);
  for (std::vector<KnapsackChoice> &choices : items) {
    choices.resize(drawCount(1, mostChoices));
    for (KnapsackChoice &choice : choices) {
      for (size_t m = 0; m < measures; ++m)
        choice.costs.push_back(isWhole ? drawCount(0, 9) : draw(0, 9));
      choice.loss = isWhole ? drawCount(0, 9) : draw(0, 9);
    }
  }
  return items;
}

/// The least loss of all combinations from `item` on, infinity if none fits.
static double tryAll(const Items &items, size_t item, llvm::SmallVector<double> left) {
  if (item == items.size())
    return 0;
  double best = INFINITY;
  for (const KnapsackChoice &choice : items[item]) {
    llvm::SmallVector<double> rest(left);
    bool fits = true;
    for (size_t m = 0; m < rest.size(); ++m)
      fits &= (rest[m] -= choice.costs[m]) >= -1e-9;
    if (fits)
      best = std::min(best, choice.loss + tryAll(items, item + 1, rest));
  }
  return best;
}

/// The loss of what the solver chose; infinity if it chose nothing, NaN if that does not fit.
static double solve(const Items &items, llvm::ArrayRef<double> limits) {
  std::optional<std::vector<size_t>> taken = chooseLeastLoss(items, limits);
  if (!taken)
    return INFINITY;
  double loss = 0;
  llvm::SmallVector<double> left(limits);
  for (size_t i = 0; i < items.size(); ++i) {
    loss += items[i][(*taken)[i]].loss;
    for (size_t m = 0; m < left.size(); ++m)
      left[m] -= items[i][(*taken)[i]].costs[m];
  }
  for (double rest : left)
    if (rest < -1e-7)
      return NAN;
  return loss;
}

static void checkSmall() {
  int optimal = 0, wrong = 0, none = 0;
  for (int round = 0; round < 3000; ++round) {
    size_t measures = drawCount(1, 3), count = drawCount(0, 6);
    Items items = randomItems(count, 6, measures, round % 2);
    llvm::SmallVector<double> limits;
    for (size_t m = 0; m < measures; ++m)
      limits.push_back(round % 2 ? drawCount(count, 6 * count) : draw(1.0 * count, 6.0 * count));
    double expected = tryAll(items, 0, limits), got = solve(items, limits);
    none += std::isinf(expected) && std::isinf(got);
    bool agrees = expected == got || std::abs(expected - got) <= 1e-9 * expected;
    agrees ? ++optimal : ++wrong;
  }
  std::printf("small: %d optimal (%d of them without a solution), %d wrong\n", optimal, none, wrong);
}

/// Layers as pruning sees them: a dense choice, and pruned ones whose loss grows faster and faster as the time falls.
static void checkLarge() {
  Items items(60);
  double dense = 0, ideal = 0;
  for (std::vector<KnapsackChoice> &choices : items) {
    double time = draw(1, 100), scale = draw(0.5, 2), overhead = draw(0.05, 0.3);
    dense += time;
    choices.push_back({{time}, 0});
    for (double rows : {1.0, 1.3, 1.6})
      for (double kept = 0.95; kept > 0.03; kept -= 0.03)
        choices.push_back({{time * (kept / rows + overhead)}, scale * rows * std::pow(1 - kept, 3)});
  }
  double loss = solve(items, {dense / 2});
  // Lagrange: for any price of time, the least of loss plus price is a bound from below.
  for (double price = 1e-4; price < 1; price *= 1.01) {
    double bound = -price * dense / 2;
    for (const std::vector<KnapsackChoice> &choices : items) {
      double least = INFINITY;
      for (const KnapsackChoice &choice : choices)
        least = std::min(least, choice.loss + price * choice.costs[0]);
      bound += least;
    }
    ideal = std::max(ideal, bound);
  }
  std::printf("large: within 1 %% of the bound: %s (%.6f, bound %.6f)\n", loss >= ideal * (1 - 1e-9) && loss <= ideal * 1.01 ? "yes" : "no", loss, ideal);
}

int main() {
  checkSmall();
  checkLarge();
}
