//===- Knapsack.cpp - one choice of every item at least loss --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Item by item, all partial choices that can still win are extended: dynamic programming over undominated states, cut by a bound from below (Dyer, Riha
// and Walker, "A hybrid dynamic programming/branch-and-bound algorithm for the multiple-choice knapsack problem", 1995). The bound relaxes
// the problem to parts of choices, where steps along the convex hull of each item's choices, taken greedily, are optimal (Sinha and Zoltners, "The
// multiple-choice knapsack problem", 1979). What the greedy steps reach with whole choices is the first solution.
//===----------------------------------------------------------------------===//

#include "nnopt/Cost/Knapsack.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/Sequence.h"

#include <limits>

using namespace llvm;
using namespace nnopt;

static constexpr double kNone = std::numeric_limits<double>::infinity();
// Sums of the same numbers in another order differ by less.
static constexpr double kRounding = 1e-9;
// Partial choices that are carried on. Networks of 50 layers with 30 choices each need some ten to some hundred.
static constexpr size_t kMostStates = 512;

using Items = ArrayRef<std::vector<KnapsackChoice>>;

namespace {

/// From one choice of an item to the next on its hull: what it costs more, and loses less.
struct Step {
  size_t item, to;
  double cost, gain;
  /// More gain per cost first; an item's own steps are so ordered already.
  bool operator<(const Step &other) const { return gain * other.cost > other.gain * cost; }
};

/// The choices of an item on the lower convex hull of (cost, loss), from the cheapest one on.
struct Hull {
  size_t cheapest = 0;
  SmallVector<Step> steps;
};
} // namespace

static Hull hullOf(Items items, size_t item, function_ref<double(const KnapsackChoice &)> costOf) {
  const std::vector<KnapsackChoice> &choices = items[item];
  auto order = llvm::to_vector(llvm::seq<size_t>(choices.size()));
  llvm::stable_sort(order, [&](size_t a, size_t b) {
    return std::pair(costOf(choices[a]), choices[a].loss) < std::pair(costOf(choices[b]), choices[b].loss);
  });
  auto step = [&](size_t from, size_t to) {
    return Step{item, to, costOf(choices[to]) - costOf(choices[from]), choices[from].loss - choices[to].loss};
  };
  SmallVector<size_t> hull;
  for (size_t next : order) {
    if (!hull.empty() && choices[next].loss >= choices[hull.back()].loss)
      continue;
    while (hull.size() > 1 && step(hull.back(), next) < step(hull[hull.size() - 2], hull.back()))
      hull.pop_back();
    hull.push_back(next);
  }
  Hull result{hull.front(), {}};
  for (size_t i = 1; i < hull.size(); ++i)
    result.steps.push_back(step(hull[i - 1], hull[i]));
  return result;
}

static std::vector<Step> stepsInOrder(ArrayRef<Hull> hulls) {
  std::vector<Step> steps;
  for (const Hull &hull : hulls)
    append_range(steps, hull.steps);
  llvm::stable_sort(steps);
  return steps;
}

namespace {

/// The problem for one measure alone where choices may be taken in parts, for the items from each one on.
class Relaxation {
public:
  Relaxation(Items items, size_t measure) : rests(items.size() + 1) {
    auto costOf = [&](const KnapsackChoice &choice) { return choice.costs[measure]; };
    SmallVector<Hull> hulls;
    for (size_t i = 0; i < items.size(); ++i)
      hulls.push_back(hullOf(items, i, costOf));
    std::vector<Step> steps = stepsInOrder(hulls);
    for (size_t from = items.size(); from-- > 0;) {
      const KnapsackChoice &cheapest = items[from][hulls[from].cheapest];
      Rest &rest = rests[from];
      rest.cost = rests[from + 1].cost + costOf(cheapest), rest.loss = rests[from + 1].loss + cheapest.loss;
      double cost = 0, gain = 0;
      for (const Step &step : steps)
        if (step.item >= from)
          rest.reached.push_back({cost += step.cost, gain += step.gain});
    }
  }

  /// The least loss of the items from `from` on within `budget`, or of less; infinity if they do not fit.
  double bound(size_t from, double budget) const {
    const Rest &rest = rests[from];
    double left = budget - rest.cost;
    if (left < 0)
      return kNone;
    auto next = llvm::upper_bound(rest.reached, left, [](double value, const std::pair<double, double> &sum) { return value < sum.first; });
    auto [cost, gain] = next == rest.reached.begin() ? std::pair(0.0, 0.0) : *std::prev(next);
    if (next != rest.reached.end())
      gain += (next->second - gain) * (left - cost) / (next->first - cost);
    return rest.loss - gain;
  }

private:
  struct Rest {
    double cost = 0, loss = 0;                      ///< of the cheapest choices
    std::vector<std::pair<double, double>> reached; ///< cost and gain after each step
  };
  std::vector<Rest> rests;
};

/// Choices of the first items, linked to those of one item less.
struct PartialChoice {
  SmallVector<double, 4> costs;
  double loss = 0, bound = 0;
  size_t parent = 0, choice = 0;
};

class Search {
public:
  Search(Items items, ArrayRef<double> limits) : items(items), limits(limits) {
    for (double &limit : this->limits)
      limit += limit * kRounding;
    for (size_t measure = 0; measure < limits.size(); ++measure)
      relaxations.emplace_back(items, measure);
  }

  std::optional<std::vector<size_t>> run() {
    takeGreedily();
    std::vector<std::vector<PartialChoice>> levels(1);
    levels.front().push_back({SmallVector<double, 4>(limits.size()), 0, 0, 0, 0});
    for (size_t item = 0; item < items.size(); ++item)
      levels.push_back(undominated(extend(levels.back(), item)));
    // All of the last level are better than what is known.
    auto best = llvm::min_element(levels.back(), [](const PartialChoice &a, const PartialChoice &b) { return a.loss < b.loss; });
    if (best == levels.back().end())
      return known;
    known.emplace(items.size());
    for (size_t item = items.size(), at = best - levels.back().begin(); item-- > 0;) {
      const PartialChoice &partial = levels[item + 1][at];
      (*known)[item] = partial.choice, at = partial.parent;
    }
    return known;
  }

private:
  Items items;
  SmallVector<double> limits;
  std::vector<Relaxation> relaxations;
  std::optional<std::vector<size_t>> known; // the best so far
  double knownLoss = kNone;

  bool fits(ArrayRef<double> costs) const {
    return llvm::all_of(llvm::zip_equal(costs, limits), [](auto pair) { return std::get<0>(pair) <= std::get<1>(pair); });
  }

  /// Steps from the cheapest choices on that fit, measures weighed by their limits.
  void takeGreedily() {
    auto costOf = [&](const KnapsackChoice &choice) {
      double sum = 0;
      for (auto [cost, limit] : llvm::zip_equal(choice.costs, limits))
        sum += limit > 0 ? cost / limit : 0;
      return sum;
    };
    SmallVector<Hull> hulls;
    std::vector<size_t> taken;
    for (size_t i = 0; i < items.size(); ++i) {
      hulls.push_back(hullOf(items, i, costOf));
      taken.push_back(hulls.back().cheapest);
    }
    SmallVector<double> costs = costsOf(taken);
    if (!fits(costs))
      return;
    SmallVector<bool> isStuck(items.size(), false);
    for (const Step &step : stepsInOrder(hulls)) {
      SmallVector<double> after(costs);
      for (size_t m = 0; m < after.size(); ++m)
        after[m] += items[step.item][step.to].costs[m] - items[step.item][taken[step.item]].costs[m];
      isStuck[step.item] = isStuck[step.item] || !fits(after);
      if (!isStuck[step.item])
        costs = after, taken[step.item] = step.to;
    }
    knownLoss = 0;
    for (size_t i = 0; i < items.size(); ++i)
      knownLoss += items[i][taken[i]].loss;
    known = std::move(taken);
  }

  SmallVector<double> costsOf(ArrayRef<size_t> taken) const {
    SmallVector<double> sums(limits.size());
    for (size_t i = 0; i < items.size(); ++i)
      for (size_t m = 0; m < sums.size(); ++m)
        sums[m] += items[i][taken[i]].costs[m];
    return sums;
  }

  /// Every partial choice with every choice of `item` that can still be better than what is known.
  std::vector<PartialChoice> extend(ArrayRef<PartialChoice> partials, size_t item) const {
    std::vector<PartialChoice> extended;
    for (size_t parent = 0; parent < partials.size(); ++parent)
      for (size_t choice = 0; choice < items[item].size(); ++choice) {
        const KnapsackChoice &taken = items[item][choice];
        PartialChoice next = partials[parent];
        next.loss += taken.loss, next.bound = next.loss, next.parent = parent, next.choice = choice;
        for (size_t m = 0; m < limits.size(); ++m) {
          next.costs[m] += taken.costs[m];
          next.bound = std::max(next.bound, next.loss + relaxations[m].bound(item + 1, limits[m] - next.costs[m]));
        }
        if (next.bound < knownLoss)
          extended.push_back(std::move(next));
      }
    return extended;
  }

  /// Those that no other one is as good as, the most promising ones. What is as good in everything has no higher bound.
  static std::vector<PartialChoice> undominated(std::vector<PartialChoice> partials) {
    llvm::stable_sort(partials, [](const PartialChoice &a, const PartialChoice &b) { return std::pair(a.bound, a.loss) < std::pair(b.bound, b.loss); });
    std::vector<PartialChoice> kept;
    for (PartialChoice &partial : partials) {
      if (kept.size() == kMostStates)
        break;
      auto isAsGood = [&](const PartialChoice &other) {
        return other.loss <= partial.loss &&
               llvm::all_of(llvm::zip_equal(other.costs, partial.costs), [](auto pair) { return std::get<0>(pair) <= std::get<1>(pair); });
      };
      if (llvm::none_of(kept, isAsGood))
        kept.push_back(std::move(partial));
    }
    return kept;
  }
};

} // namespace

std::optional<std::vector<size_t>> nnopt::chooseLeastLoss(ArrayRef<std::vector<KnapsackChoice>> items, ArrayRef<double> limits) {
  if (llvm::any_of(items, [](const std::vector<KnapsackChoice> &choices) { return choices.empty(); }))
    return std::nullopt;
  return Search(items, limits).run();
}
