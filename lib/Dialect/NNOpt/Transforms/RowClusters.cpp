//===- RowClusters.cpp - rows of a matrix that are alike side by side -----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "RowClusters.h"

#include "llvm/ADT/bit.h"

#include <numeric>

using namespace nnopt;
using llvm::ArrayRef;

static int64_t countBits(llvm::ArrayRef<uint64_t> row) {
  int64_t count = 0;
  for (uint64_t word : row)
    count += llvm::popcount(word);
  return count;
}

/// The part of the columns of either row that both have.
static double likeness(llvm::ArrayRef<uint64_t> a, llvm::ArrayRef<uint64_t> b) {
  int64_t both = 0, either = 0;
  for (size_t w = 0; w < a.size(); ++w) {
    both += llvm::popcount(a[w] & b[w]);
    either += llvm::popcount(a[w] | b[w]);
  }
  return either ? static_cast<double>(both) / either : 1.0;
}

/// True if some rows have another that is much more like them than rows of as many columns without order are.
static bool hasLikeRows(const NonzeroBits &bits) {
  constexpr int64_t kSample = 32;
  constexpr double kMargin = 0.15;
  double density = static_cast<double>(bits.count()) / std::max<int64_t>(1, bits.rows() * bits.columns()), sum = 0;
  int64_t step = std::max<int64_t>(1, bits.rows() / kSample), sampled = 0;
  for (int64_t r = 0; r < bits.rows(); r += step, ++sampled) {
    double best = 0;
    for (int64_t other = 0; other < bits.rows() && best < 1; ++other)
      if (other != r)
        best = std::max(best, likeness(bits.row(r), bits.row(other)));
    sum += best;
  }
  return sum > (density / (2 - density) + kMargin) * sampled;
}

std::vector<int64_t> nnopt::clusterRows(const NonzeroBits &bits, int64_t size, int64_t maxWork) {
  // The fullest first, equal ones together, in the order of their places.
  std::vector<int64_t> left(bits.rows()), counts(bits.rows());
  std::iota(left.begin(), left.end(), 0);
  for (int64_t r = 0; r < bits.rows(); ++r)
    counts[r] = bits.count(r);
  llvm::sort(left, [&](int64_t a, int64_t b) {
    if (counts[a] != counts[b])
      return counts[a] > counts[b];
    ArrayRef<uint64_t> left = bits.row(a), right = bits.row(b);
    return left == right ? a < b : std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end());
  });
  if (bits.rows() > maxWork / std::max<int64_t>(1, bits.rows() * bits.wordsPerRow()) || !hasLikeRows(bits))
    return left;
  std::vector<int64_t> order;
  order.reserve(left.size());
  std::vector<uint64_t> cluster(bits.wordsPerRow());
  while (!left.empty()) {
    llvm::fill(cluster, 0);
    auto next = left.begin();
    for (int64_t member = 0; member < size && !left.empty(); ++member) {
      if (member > 0) {
        double best = -1;
        for (auto it = left.begin(); it != left.end() && best < 1; ++it)
          if (double here = likeness(cluster, bits.row(*it)); here > best)
            best = here, next = it;
      }
      order.push_back(*next);
      for (auto [to, from] : llvm::zip_equal(cluster, bits.row(*next)))
        to |= from;
      left.erase(next);
      next = left.begin();
    }
  }
  return order;
}

std::vector<int64_t> nnopt::sortByCount(llvm::ArrayRef<int64_t> counts) {
  std::vector<int64_t> order(counts.size());
  std::iota(order.begin(), order.end(), 0);
  llvm::sort(order, [&](int64_t a, int64_t b) { return counts[a] != counts[b] ? counts[a] > counts[b] : a < b; });
  return order;
}

std::vector<int64_t> nnopt::spreadEvenly(llvm::ArrayRef<int64_t> order, llvm::ArrayRef<int64_t> counts, int64_t size) {
  std::vector<int64_t> sums(order.size() / size);
  for (size_t i = 0; i < sums.size() * size; ++i)
    sums[i / size] += counts[order[i]];
  std::vector<int64_t> bySum = sortByCount(sums), places(sums.size());
  // The numbers below n by their bits read backwards: any run of them is spread over all of 0 to n.
  std::iota(places.begin(), places.end(), 0);
  llvm::sort(places, [](int64_t a, int64_t b) { return llvm::reverseBits<uint64_t>(a) < llvm::reverseBits<uint64_t>(b); });
  std::vector<int64_t> result;
  for (int64_t place : places)
    for (int64_t i = 0; i < size; ++i)
      result.push_back(order[bySum[place] * size + i]);
  llvm::append_range(result, order.drop_front(result.size()));
  return result;
}

int64_t nnopt::countBlocks(const NonzeroBits &bits, llvm::ArrayRef<int64_t> order, int64_t size) {
  int64_t count = 0;
  std::vector<uint64_t> block(bits.wordsPerRow());
  for (size_t first = 0; first < order.size(); first += size) {
    llvm::fill(block, 0);
    for (int64_t r : order.slice(first, std::min<size_t>(size, order.size() - first)))
      for (auto [to, from] : llvm::zip_equal(block, bits.row(r)))
        to |= from;
    count += countBits(block);
  }
  return count;
}
