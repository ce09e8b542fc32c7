//===- Gemm.cpp - matrix products cut into work items and tiles -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A block is so many columns of B and rows of A that both stay in the second-level cache. In a block the rows are outside and the columns
// inside: a tile's rows of A stay in the first-level cache, and C is written in long runs.
//===----------------------------------------------------------------------===//

#include "Gemm.h"

using namespace mlir;
using namespace nnopt;

// B above this many bytes is cut into blocks (half of a usual second-level cache).
static constexpr int64_t kStreamedBytes = 512 * 1024;
// Bytes of a block of A, and of a block of B.
static constexpr int64_t kBlockBytes = 384 * 1024;
// Work of an item: enough to pay for its hand-out, little enough to balance.
static constexpr double kItemFlops = 2e6;
static constexpr int64_t kItems = 16;
// Blocks may be made smaller to balance these numbers of threads, which is no concern if each gets so many items. A block of rows is cut into
// at most so many parts. The price of halving a block: its operands are read again.
static constexpr int64_t kLikelyThreads[] = {2, 4}, kEvenItems = 64, kMostParts = 4;
static constexpr double kLeastItemFlops = 2.5e5, kSplitCost = 0.02;

namespace {

class GemmEmitter {
public:
  GemmEmitter(KernelBuilder &k, GemmProblem &problem) : k(k), p(problem) {}

  void emit() {
    prepare();
    chooseBlocks();
    Value groups = k.ceilDiv(p.columns, width);
    SmallVector<Value> sizes(ArrayRef<Value>(p.rows).drop_back());
    // All rows meet a block of shared weights before the next one is read.
    unsigned groupPosition = isShared() ? 0 : sizes.size();
    sizes.insert(sizes.begin() + groupPosition, k.ceilDiv(groups, blockGroups));
    sizes.push_back(k.ceilDiv(rowCount, blockRows));
    k.parallel(k.product(sizes), [&](Value item) {
      SmallVector<Value> at = k.delinearize(item, sizes);
      Value row = k.mul(at.pop_back_val(), k.index(blockRows));
      Value group = k.mul(at[groupPosition], k.index(blockGroups));
      at.erase(at.begin() + groupPosition);
      outer = at;
      emitBlock(row, k.min(k.add(row, k.index(blockRows)), rowCount), group,
                k.min(k.add(group, k.index(blockGroups)), groups));
    });
  }

  /// Without a split; there is one row dimension.
  void emitSerial(bool accumulates) {
    accumulate = accumulates;
    prepare();
    emitBlock(k.index(0), rowCount, k.index(0), k.ceilDiv(p.columns, width));
  }

private:
  KernelBuilder &k;
  GemmProblem &p;
  GemmTile tile;
  int64_t width = 0, blockRows = 0, blockGroups = 0;
  bool accumulate = false;
  Value rowCount, depth;
  std::optional<int64_t> staticRows, staticColumns;
  SmallVector<Value> outer;

  void prepare() {
    if (p.rows.empty())
      addUnitRow();
    mergeRows();
    rowCount = p.rows.back();
    staticRows = k.constantOf(rowCount), staticColumns = k.constantOf(p.columns);
    tile = chooseGemmTile(k.isa, staticRows, staticColumns, k.constantOf(p.a.strides.back()), p.packed);
    width = tile.vectors * k.isa.lanes;
    depth = k.product(p.depths);
  }

  void emitBlock(Value row, Value rowEnd, Value group, Value groupEnd) {
    forRows(row, rowEnd, [&](Value r, int64_t rows) {
      forColumns(group, groupEnd,
                 [&](Value column, int64_t columns, Value lanes) { emitTile(r, column, tileOf(k.isa, rows, columns), lanes); });
    });
  }

  void forAccesses(llvm::function_ref<void(RowAccess &)> visit) {
    visit(p.a), visit(p.b), visit(p.c);
    if (p.bias)
      visit(*p.bias);
    llvm::for_each(p.operands, visit);
  }

  void addUnitRow() {
    p.rows.push_back(k.index(1));
    forAccesses([&](RowAccess &access) { access.strides.push_back(k.index(0)); });
  }

  /// Joins neighbouring row dimensions that all operands walk evenly.
  void mergeRows() {
    for (size_t d = p.rows.size(); d-- > 1;) {
      auto extent = k.constantOf(p.rows[d]);
      bool even = true;
      forAccesses([&](RowAccess &access) {
        auto outside = k.constantOf(access.strides[d - 1]), inside = k.constantOf(access.strides[d]);
        bool unmoved = outside == 0 && inside == 0;
        bool fits = outside && inside && extent && *outside == *inside * *extent;
        even &= access.contiguous || unmoved || fits;
      });
      if (!even)
        continue;
      p.rows[d - 1] = k.mul(p.rows[d - 1], p.rows[d]);
      p.rows.erase(p.rows.begin() + d);
      forAccesses([&](RowAccess &access) { access.strides.erase(access.strides.begin() + d - 1); });
    }
  }

  /// True if all outer rows meet the same B.
  bool isShared() {
    return llvm::all_of(ArrayRef<Value>(p.b.strides).drop_back(), [&](Value v) { return k.constantOf(v) == 0; });
  }

  static int64_t roundUp(double value, int64_t unit) {
    return std::max<int64_t>(1, static_cast<int64_t>((value + unit - 1) / unit)) * unit;
  }

  void chooseBlocks() {
    // Varying extents are taken for middling ones.
    double depthEstimate = k.constantOf(depth).value_or(128), columns = staticColumns.value_or(128);
    double rows = staticRows.value_or(128), flopsPerRow = 2 * depthEstimate * columns;
    auto outerCount = k.constantOf(k.product(ArrayRef<Value>(p.rows).drop_back()));
    double items = std::max<double>(1, rows * outerCount.value_or(1) * flopsPerRow / kItemFlops);
    double groupBytes = depthEstimate * width * sizeof(float);
    int64_t groups = llvm::divideCeil(static_cast<int64_t>(columns), width);
    if (depthEstimate * columns * sizeof(float) > kStreamedBytes) {
      double cachedRows = kBlockBytes / (depthEstimate * sizeof(float));
      if (staticRows) // equal blocks
        cachedRows = rows / std::max<int64_t>(1, std::llround(rows / cachedRows));
      blockRows = roundUp(cachedRows, tile.rows);
      double groupFlops = 2 * depthEstimate * width * std::min<double>(blockRows, rows);
      blockGroups = std::max<int64_t>(1, std::min(kBlockBytes / groupBytes, 2 * kItemFlops / groupFlops));
    } else {
      double perItem = kItemFlops / flopsPerRow;
      if (items > 1 && outerCount)
        perItem = std::min(perItem, std::max(rows * *outerCount / kItems, kItemFlops / 8 / flopsPerRow));
      blockRows = roundUp(staticRows ? std::min(perItem, rows) : perItem, tile.rows);
      blockGroups = groups;
    }
    balance({static_cast<int64_t>(rows), outerCount.value_or(1), static_cast<int64_t>(columns), groups}, 2 * depthEstimate);
    if (blockGroups >= groups)
      blockGroups = std::numeric_limits<int32_t>::max();
  }

  struct Extents {
    int64_t rows, outer, columns, groups;
  };

  /// Shrinks the blocks where that makes the threads' shares more even.
  void balance(const Extents &extents, double flopsPerSum) {
    int64_t mostRows = blockRows, mostGroups = blockGroups;
    double best = std::numeric_limits<double>::infinity();
    for (int64_t parts = 1; parts <= kMostParts; ++parts)
      for (int64_t groups = mostGroups; groups >= llvm::divideCeil(mostGroups, 2); --groups) {
        int64_t rows = roundUp(static_cast<double>(mostRows) / parts, tile.rows);
        if (parts > 1 && rows * groups * width * flopsPerSum < kLeastItemFlops)
          continue;
        double cost = kSplitCost * (parts - 1 + static_cast<double>(mostGroups) / groups);
        for (int64_t threads : kLikelyThreads)
          cost += heaviestShare(extents, rows, groups, threads);
        if (cost < best)
          best = cost, blockRows = rows, blockGroups = groups;
      }
  }

  /// Work of the busiest of `threads`, which get ranges of equally many items, over the mean.
  double heaviestShare(const Extents &extents, int64_t rows, int64_t groups, int64_t threads) {
    int64_t rowBlocks = llvm::divideCeil(extents.rows, rows), groupBlocks = llvm::divideCeil(extents.groups, groups);
    int64_t items = rowBlocks * groupBlocks * extents.outer, columns = groups * width;
    if (items >= kEvenItems * threads)
      return 1;
    int64_t inside = isShared() ? rowBlocks * extents.outer : rowBlocks; // items per block of columns
    double heaviest = 0;
    for (int64_t thread = 0, item = 0; thread < threads; ++thread) {
      double share = 0;
      for (int64_t end = item + items / threads + (thread < items % threads); item < end; ++item) {
        int64_t row = item % rowBlocks * rows, column = item / inside % groupBlocks * columns;
        share += static_cast<double>(std::min(rows, extents.rows - row)) * std::min(columns, extents.columns - column);
      }
      heaviest = std::max(heaviest, share);
    }
    return heaviest * threads / (static_cast<double>(extents.rows) * extents.columns * extents.outer);
  }

  void forRows(Value begin, Value end, llvm::function_ref<void(Value, int64_t)> body) {
    Value count = k.sub(end, begin);
    Value whole = k.add(begin, k.mul(k.div(count, k.index(tile.rows)), k.index(tile.rows)));
    k.loop(begin, whole, tile.rows, [&](Value row) { body(row, tile.rows); });
    if (staticRows) {
      // Blocks are whole tiles, so only the last one has a rest.
      int64_t rest = *staticRows % tile.rows;
      if (rest != 0)
        k.when(k.less(k.index(*staticRows - 1), end), [&] { body(k.index(*staticRows - rest), rest); });
      return;
    }
    Value rest = k.sub(end, whole), row = whole;
    for (int64_t size = llvm::bit_floor(static_cast<uint64_t>(tile.rows - 1)); size >= 1; size /= 2) {
      Value bit = k.mul(k.rem(k.div(rest, k.index(size)), k.index(2)), k.index(size));
      k.when(k.less(k.index(0), bit), [&] { body(row, size); });
      row = k.add(row, bit);
    }
  }

  void forColumns(Value begin, Value end, llvm::function_ref<void(Value, int64_t, Value)> body) {
    int64_t lanes = k.isa.lanes;
    Value whole = k.div(p.columns, k.index(width));
    k.loop(begin, k.min(end, whole), 1, [&](Value g) { body(k.mul(g, k.index(width)), width, Value()); });
    Value first = k.mul(whole, k.index(width));
    if (!staticColumns) {
      k.when(k.less(whole, end), [&] {
        k.loop(first, p.columns, lanes,
               [&](Value column) { body(column, lanes, k.min(k.sub(p.columns, column), k.index(lanes))); });
      });
      return;
    }
    int64_t rest = *staticColumns % width;
    if (rest == 0)
      return;
    int64_t lastLanes = (rest - 1) % lanes + 1;
    Value valid = lastLanes < narrowestVector(k.isa, lastLanes) ? k.index(lastLanes) : Value();
    k.when(k.less(whole, end), [&] { body(first, rest, valid); });
  }

  Value address(const RowAccess &access, Value row, Value column) {
    Value offset = k.mul(row, access.strides.back());
    for (auto [coordinate, stride] : llvm::zip(outer, access.strides))
      offset = k.add(offset, k.mul(coordinate, stride));
    return k.at(access.pointer, k.b.getF32Type(), access.alongColumns ? k.add(offset, column) : offset);
  }

  void emitTile(Value row, Value column, GemmTile size, Value lastLanes) {
    GemmTileCall call;
    call.tile = size;
    call.lastLanes = lastLanes;
    call.accumulate = accumulate;
    call.a = address(p.a, row, k.index(0));
    call.c = address(p.c, row, column);
    if (p.bias)
      call.bias = address(*p.bias, row, column);
    call.aRow = p.a.strides.back(), call.cRow = p.c.strides.back();
    if (p.packed)
      call.panelStride = k.mul(depth, k.index(kPanel));
    // Tiles begin with a panel, so `column` of them are a whole number of panels.
    call.b = address(p.b, row, p.packed ? k.mul(column, depth) : column);
    for (const RowAccess &access : p.operands) {
      call.operands.push_back(address(access, row, column));
      call.operandRows.push_back(access.strides.back());
    }
    emitGemmTile(k, p, call);
  }
};

} // namespace

void nnopt::emitGemm(KernelBuilder &k, GemmProblem problem) { GemmEmitter(k, problem).emit(); }

void nnopt::emitGemmSerial(KernelBuilder &k, GemmProblem problem, bool accumulate) {
  GemmEmitter(k, problem).emitSerial(accumulate);
}
