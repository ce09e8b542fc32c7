//===- WeightSparsity.cpp - where the zeros of a weight are ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "WeightSparsity.h"

#include "llvm/ADT/bit.h"

#include <array>

using namespace mlir;
using namespace nnopt;

// Ascending powers of two: each is the one before in pairs.
static constexpr int64_t kTileRows[] = {1, 2, 4, 8, 16, 32}, kTileColumns[] = {1, 2, 4, 8, 16};
// What kernels may store.
static constexpr int64_t kBlockRows[] = {1, 4, 8, 16};
static constexpr int64_t kGroupSizes[] = {4, 8, 16, 32, 64};
// A pattern fits if what it keeps is mostly not zero (a trained weight may be zero by chance), and if it accounts for most of the zeros.
static constexpr double kFilled = 0.95, kExplained = 0.9;

WeightMatrix WeightMatrix::of(const ConstantData &data, int64_t outputs, int64_t depth, bool isKn) {
  WeightMatrix result{outputs, depth, std::vector<float>(outputs * depth)};
  for (int64_t n = 0; n < outputs; ++n)
    for (int64_t k = 0; k < depth; ++k)
      result.values[n * depth + k] = static_cast<float>(data.at(isKn ? k * outputs + n : n * depth + k));
  return result;
}

bool WeightMatrix::hasBlock(int64_t n, int64_t rows, int64_t k) const {
  for (int64_t i = n; i < std::min(n + rows, outputs); ++i)
    if (values[i * depth + k] != 0)
      return true;
  return false;
}

/// Sets the first bit of every block of `columns` bits in which there is one.
static uint64_t gatherBlocks(uint64_t word, int64_t columns) {
  for (int64_t shift = 1; shift < columns; shift *= 2)
    word |= word >> shift;
  uint64_t first = 0;
  for (int64_t c = 0; c < NonzeroBits::kWord; c += columns)
    first |= uint64_t(1) << c;
  return word & first;
}

/// Counts blocks of whole rows of `bits`, of which each stands for `height` outputs (the last one for `lastHeight`).
static WeightSparsity::Blocks countBlocks(const NonzeroBits &bits, int64_t height, int64_t lastHeight, int64_t columns) {
  WeightSparsity::Blocks result{height, columns, 0, 0};
  int64_t rest = bits.columns() % columns, lastBlock = (bits.columns() - 1) / columns * columns % NonzeroBits::kWord;
  for (int64_t r = 0; r < bits.rows(); ++r) {
    int64_t count = 0, width = 0;
    for (uint64_t word : bits.row(r))
      count += llvm::popcount(gatherBlocks(word, columns));
    width = count * columns;
    if (rest != 0 && bits.row(r).back() >> lastBlock)
      width -= columns - rest;
    result.count += count;
    result.covered += width * (r + 1 == bits.rows() ? lastHeight : height);
  }
  return result;
}

/// Counts of bits in 4, 8, ... 64 bits of a row: the most that one group has.
static std::array<int64_t, std::size(kGroupSizes)> mostInGroups(ArrayRef<uint64_t> row) {
  std::array<int64_t, std::size(kGroupSizes)> most{};
  for (uint64_t word : row) {
    // Adjacent fields of `width` bits, each a count, become one twice as wide.
    uint64_t counts = word - ((word >> 1) & 0x5555555555555555);
    counts = (counts & 0x3333333333333333) + ((counts >> 2) & 0x3333333333333333);
    constexpr uint64_t kEven[] = {0x0f0f0f0f0f0f0f0f, 0x00ff00ff00ff00ff, 0x0000ffff0000ffff, 0x00000000ffffffff};
    for (size_t g = 0; g < most.size(); ++g) {
      int64_t width = kGroupSizes[g];
      uint64_t field = width == NonzeroBits::kWord ? ~uint64_t(0) : (uint64_t(1) << width) - 1;
      for (int64_t at = 0; at < NonzeroBits::kWord; at += width)
        most[g] = std::max(most[g], static_cast<int64_t>(counts >> at & field));
      if (g + 1 < most.size())
        counts = (counts & kEven[g]) + ((counts >> width) & kEven[g]);
    }
  }
  return most;
}

void WeightSparsity::start(int64_t inputs) {
  shortestRow = inputs;
  for (int64_t rows : kTileRows)
    for (int64_t columns : kTileColumns)
      tiles.push_back({rows, columns, 0, 0});
  for (int64_t size : kGroupSizes)
    groups.push_back({size, 0});
}

void WeightSparsity::add(const NonzeroBits &matrix) {
  elements += matrix.rows() * matrix.columns();
  nonzeros += matrix.count();
  for (int64_t r = 0; r < matrix.rows(); ++r)
    for (auto [group, most] : llvm::zip_equal(groups, mostInGroups(matrix.row(r))))
      group.most = std::max(group.most, most);
  NonzeroBits bits = matrix;
  Blocks *tile = tiles.begin();
  for (int64_t rows : kTileRows) {
    if (rows > 1)
      bits = bits.pairs();
    int64_t lastHeight = matrix.rows() - (bits.rows() - 1) * rows;
    for (int64_t columns : kTileColumns) {
      Blocks found = countBlocks(bits, rows, lastHeight, columns);
      tile->count += found.count, tile->covered += found.covered;
      ++tile;
    }
  }
}

/// `matrix` has a bit where one of so many matrices has one.
void WeightSparsity::addEmpty(const NonzeroBits &matrix, int64_t matrices) {
  NonzeroBits columns(1, matrix.columns());
  std::vector<uint64_t> seen(matrix.wordsPerRow());
  int64_t emptyRows = 0, emptyColumns = matrix.columns();
  for (int64_t r = 0; r < matrix.rows(); ++r) {
    emptyRows += !matrix.any(r);
    for (auto [to, from] : llvm::zip_equal(seen, matrix.row(r)))
      to |= from;
  }
  for (uint64_t word : seen)
    emptyColumns -= llvm::popcount(word);
  zerosInEmptyRows += emptyRows * matrix.columns() * matrices;
  zerosInEmptyColumns += emptyColumns * matrix.rows() * matrices;
}

WeightSparsity::WeightSparsity(const ConstantData &data, const WeightLayout &layout) {
  start(layout.inputs);
  if (layout.size() == 0)
    return;
  for (int64_t group = 0; group < layout.groups; ++group) {
    NonzeroBits any(layout.outputs, layout.inputs);
    for (int64_t tap = 0; tap < layout.taps; ++tap) {
      NonzeroBits bits(data, layout, group * layout.taps + tap);
      add(bits);
      any |= bits;
    }
    addEmpty(any, layout.taps);
  }
  llvm::copy_if(tiles, std::back_inserter(blocks),
                [](const Blocks &tile) { return tile.columns == 1 && llvm::is_contained(kBlockRows, tile.rows); });
}

WeightSparsity::WeightSparsity(const WeightMatrix &weight) {
  start(weight.depth);
  if (weight.values.empty())
    return;
  NonzeroBits bits(weight.outputs, weight.depth);
  for (int64_t n = 0; n < weight.outputs; ++n)
    for (int64_t k = 0; k < weight.depth; ++k)
      if (weight.values[n * weight.depth + k] != 0)
        bits.set(n, k);
  add(bits);
  addEmpty(bits, 1);
  llvm::copy_if(tiles, std::back_inserter(blocks),
                [](const Blocks &tile) { return tile.columns == 1 && llvm::is_contained(kBlockRows, tile.rows); });
}

SparsityPattern WeightSparsity::best() const {
  SparsityPattern pattern;
  if (zeros() == 0)
    return pattern;
  for (auto [kind, inside] : {std::pair(SparsityPattern::Rows, zerosInEmptyRows), {SparsityPattern::Columns, zerosInEmptyColumns}})
    if (inside >= kExplained * zeros() && nonzeros >= kFilled * (elements - inside)) {
      pattern.kind = kind;
      return pattern;
    }
  int64_t largest = 1;
  for (const Blocks &tile : tiles) {
    int64_t outside = elements - tile.covered;
    if (tile.rows * tile.columns > largest || (tile.rows * tile.columns == largest && tile.rows > pattern.rows))
      if (tile.rows * tile.columns > 1 && tile.filled(nonzeros) >= kFilled && outside >= kExplained * zeros()) {
        largest = tile.rows * tile.columns;
        pattern.kind = SparsityPattern::Block, pattern.rows = tile.rows, pattern.columns = tile.columns;
      }
  }
  if (largest > 1)
    return pattern;
  // Of groups, those that keep the smallest part; only if they say more than that some group happens to hold fewer.
  double least = 0.5 + 1e-9;
  for (const Groups &group : groups) {
    double kept = static_cast<double>(group.most) / group.size;
    if (group.size <= shortestRow && group.most > 0 && kept < least && nonzeros >= kExplained * kept * elements) {
      least = kept - 1e-9;
      pattern.kind = SparsityPattern::NM, pattern.kept = group.most, pattern.group = group.size;
    }
  }
  return pattern;
}

std::string WeightSparsity::pattern() const {
  if (nonzeros == 0)
    return "all zero";
  if (zeros() == 0)
    return "dense";
  SparsityPattern found = best();
  return found.str() + (found.kind == SparsityPattern::Block ? " blocks" : "");
}
