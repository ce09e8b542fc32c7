//===- Gemm.cpp - matrix products cut into work items and tiles -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Threads share the rows, in order, as in other ops: what a thread reads it has mostly written itself, and lines that
// another core has written are slow. Where B is much larger than A and C they share the columns. A thread walks blocks of
// columns of B that stay in its second-level cache. In a block the rows are outside and the columns inside: a tile's rows
// of A stay in the first-level cache, and C is written in long runs.
//===----------------------------------------------------------------------===//

#include "Gemm.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace nnopt;

// B above this many bytes is cut into blocks (half of a usual second-level cache) of so many bytes.
static constexpr int64_t kStreamedBytes = 512 * 1024, kBlockBytes = 384 * 1024;
// No cut at all.
static constexpr int64_t kAllGroups = std::numeric_limits<int32_t>::max();
// Rows of an item where threads share the columns.
static constexpr int64_t kFewRows = 32;
// A byte that another core has written costs as much as so many bytes of weights in the last-level cache, and as one in memory. All
// weights of a model up to so many bytes are taken to be in that cache.
static constexpr double kRemoteFactor = 10;
static constexpr int64_t kCachedWeights = 24 * 1024 * 1024;
// Work of an item: enough to pay for its hand-out, little enough to balance; and what twice or half of it counts against even shares.
static constexpr double kItemFlops = 1e6, kSizeCost = 0.01;
// What the order of items that moves more bytes counts against even shares.
static constexpr double kOrderCost = 0.1;
// Shares are balanced for these numbers of threads, which is no concern if each gets so many items.
static constexpr int64_t kLikelyThreads[] = {2, 4, 8}, kEvenItems = 64;
// The columns are cut into at most so many parts; and into so many if there may be one row.
static constexpr int64_t kMostParts = 32, kLeastParts = 4;

static void forAccesses(GemmProblem &p, llvm::function_ref<void(RowAccess &)> visit) {
  visit(p.a), visit(p.b), visit(p.c);
  if (p.bias)
    visit(*p.bias);
  llvm::for_each(p.operands, visit);
}

void nnopt::joinRows(KernelBuilder &k, GemmProblem &p) {
  if (p.rows.empty()) {
    p.rows.push_back(k.index(1));
    forAccesses(p, [&](RowAccess &access) { access.strides.push_back(k.index(0)); });
  }
  for (size_t d = p.rows.size(); d-- > 1;) {
    auto extent = k.constantOf(p.rows[d]);
    if (k.constantOf(p.rows[d - 1]) == 1) { // its strides do not matter
      p.rows.erase(p.rows.begin() + d - 1);
      forAccesses(p, [&](RowAccess &access) { access.strides.erase(access.strides.begin() + d - 1); });
      continue;
    }
    bool even = true;
    forAccesses(p, [&](RowAccess &access) {
      auto outside = k.constantOf(access.strides[d - 1]), inside = k.constantOf(access.strides[d]);
      bool unmoved = outside == 0 && inside == 0;
      bool fits = outside && inside && extent && *outside == *inside * *extent;
      even &= access.contiguous || unmoved || fits;
    });
    if (!even)
      continue;
    p.rows[d - 1] = k.mul(p.rows[d - 1], p.rows[d]);
    p.rows.erase(p.rows.begin() + d);
    forAccesses(p, [&](RowAccess &access) { access.strides.erase(access.strides.begin() + d - 1); });
  }
}

Type nnopt::elementOf(KernelBuilder &k, const RowAccess &access) { return access.element ? access.element : k.b.getF32Type(); }

Value nnopt::addressOf(KernelBuilder &k, const RowAccess &access, ArrayRef<Value> outer, Value row, Value column) {
  Value offset = k.mul(row, access.strides.back());
  for (auto [coordinate, stride] : llvm::zip(outer, access.strides))
    offset = k.add(offset, k.mul(coordinate, stride));
  return k.at(access.pointer, elementOf(k, access), access.alongColumns ? k.add(offset, column) : offset);
}

namespace {

class GemmEmitter {
public:
  GemmEmitter(KernelBuilder &k, GemmProblem &problem) : k(k), p(problem) {}

  void emit() {
    prepare();
    chooseBlocks();
    groups = k.ceilDiv(p.columns, width);
    SmallVector<Value> sizes(ArrayRef<Value>(p.rows).drop_back());
    sizes.push_back(k.ceilDiv(rowCount, blockRows));
    // An item is a block of rows times a part of the columns.
    Value rowBlocks = k.product(sizes);
    k.parallelRange(k.mul(rowBlocks, k.index(parts)), [&](Value begin, Value end) {
      if (rowsOutside && parts == 1)
        return emitRowBlocks(begin, end, k.index(0), sizes);
      if (rowsOutside) // item = row block * parts + part
        return k.loop(k.index(0), k.index(parts), 1, [&](Value part) {
          Value skipped = k.sub(k.index(parts - 1), part);
          Value first = k.div(k.add(begin, skipped), k.index(parts)), last = k.div(k.add(end, skipped), k.index(parts));
          emitRowBlocks(first, last, part, sizes);
        });
      // item = part * row blocks + row block
      Value lastPart = k.div(k.add(end, k.sub(rowBlocks, k.index(1))), rowBlocks);
      k.loop(k.div(begin, rowBlocks), lastPart, 1, [&](Value part) {
        Value start = k.mul(part, rowBlocks);
        Value first = k.sub(k.max(begin, start), start), last = k.min(k.sub(end, start), rowBlocks);
        emitRowBlocks(first, last, part, sizes);
      });
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
  int64_t width = 0, blockRows = 0, blockGroups = 0, parts = 1;
  bool accumulate = false;
  bool rowsOutside = true; ///< items are ordered by rows, then parts of the columns
  Value rowCount, depth, groups; ///< groups: of `width` columns
  std::optional<int64_t> staticRows, staticColumns;
  SmallVector<Value> outer;

  void prepare() {
    joinRows(k, p);
    rowCount = p.rows.back();
    staticRows = k.constantOf(rowCount), staticColumns = k.constantOf(p.columns);
    tile = p.isInteger ? chooseIntegerTile(k.isa, staticRows, p.isNarrow)
                       : chooseGemmTile(k.isa, staticRows, staticColumns, k.constantOf(p.a.strides.back()), p.packed);
    width = tile.vectors * k.isa.lanes;
    depth = k.product(p.depths);
  }

  /// The row blocks [first, last) with a part of the columns. All rows meet a block of shared weights before the next one is read.
  void emitRowBlocks(Value first, Value last, Value part, ArrayRef<Value> sizes) {
    Value perPart = k.ceilDiv(groups, parts), begin = k.mul(part, perPart), end = k.min(k.add(begin, perPart), groups);
    auto rowBlocks = [&](llvm::function_ref<void(Value, Value)> body) {
      k.loop(first, last, 1, [&](Value i) {
        outer = k.delinearize(i, sizes);
        Value row = k.mul(outer.pop_back_val(), k.index(blockRows));
        body(row, k.min(k.add(row, k.index(blockRows)), rowCount));
      });
    };
    auto groupBlocks = [&](llvm::function_ref<void(Value, Value)> body) {
      if (blockGroups == kAllGroups)
        return body(begin, end);
      k.loop(begin, end, blockGroups, [&](Value g) { body(g, k.min(k.add(g, k.index(blockGroups)), end)); });
    };
    if (isShared())
      groupBlocks([&](Value g, Value gEnd) { rowBlocks([&](Value row, Value rowEnd) { emitBlock(row, rowEnd, g, gEnd); }); });
    else
      rowBlocks([&](Value row, Value rowEnd) { groupBlocks([&](Value g, Value gEnd) { emitBlock(row, rowEnd, g, gEnd); }); });
  }

  void emitBlock(Value row, Value rowEnd, Value group, Value groupEnd) {
    // Weights of 8 bits are in the first-level cache for all rows: tiles have few rows, each of which would read them from further away again.
    if (p.isInteger)
      return forColumns(group, groupEnd, [&](Value column, int64_t columns, Value lanes) {
        forRows(row, rowEnd, [&](Value r, int64_t rows) { emitTile(r, column, integerTileOf(k.isa, rows, columns), lanes); });
      });
    forRows(row, rowEnd, [&](Value r, int64_t rows) {
      forColumns(group, groupEnd,
                 [&](Value column, int64_t columns, Value lanes) { emitTile(r, column, tileOf(k.isa, rows, columns), lanes); });
    });
  }

  /// True if all outer rows meet the same B.
  bool isShared() {
    return llvm::all_of(ArrayRef<Value>(p.b.strides).drop_back(), [&](Value v) { return k.constantOf(v) == 0; });
  }

  struct Extents {
    int64_t rows, outer, columns, groups;
  };

  void chooseBlocks() {
    // Varying extents are taken for middling ones.
    int64_t depths = k.constantOf(depth).value_or(128), columns = staticColumns.value_or(128), rows = staticRows.value_or(128);
    int64_t outer = k.constantOf(k.product(ArrayRef<Value>(p.rows).drop_back())).value_or(1);
    Extents extents{rows, outer, columns, std::max<int64_t>(1, llvm::divideCeilSigned(columns, width))};
    int64_t size = p.isInteger ? 1 : sizeof(float), bytes = depths * columns * size, groupBytes = depths * width * size;
    bool streamed = bytes > kStreamedBytes;
    blockGroups = streamed ? std::max<int64_t>(1, kBlockBytes / std::max<int64_t>(1, groupBytes)) : kAllGroups;
    // Sharing the rows, each thread reads all of B; sharing the columns, it reads all of A and finds C in parts elsewhere.
    double remote = static_cast<double>(rows) * outer * (depths + columns) * size;
    bool prefersRows = !isShared() || bytes <= remote * (weightBytes() <= kCachedWeights ? kRemoteFactor : 1);
    rowsOutside = prefersRows;
    double cost = chooseItems(extents, 2.0 * depths);
    if (!isShared())
      return;
    // The other way, if its shares are clearly more even.
    auto preferred = std::pair(blockRows, parts);
    rowsOutside = !prefersRows;
    if (chooseItems(extents, 2.0 * depths) + kOrderCost >= cost)
      rowsOutside = prefersRows, std::tie(blockRows, parts) = preferred;
  }

  /// Sets the size of items that costs least in the order `rowsOutside`; returns its cost.
  double chooseItems(const Extents &extents, double flopsPerSum) {
    int64_t mostRows = llvm::alignTo(std::max<int64_t>(1, extents.rows), tile.rows);
    int64_t leastRows = rowsOutside ? tile.rows : std::min<int64_t>(mostRows, llvm::alignTo(kFewRows, tile.rows));
    // A varying number of rows may be 1.
    int64_t leastParts = staticRows ? 1 : std::min(kLeastParts, extents.groups);
    double best = std::numeric_limits<double>::infinity();
    for (int64_t size = leastRows; size <= mostRows; size += tile.rows) {
      for (int64_t count = leastParts; count <= std::min(kMostParts, extents.groups); ++count)
        if (double cost = costOf(extents, size, count, flopsPerSum); cost < best)
          best = cost, blockRows = size, parts = count;
      if (flopsPerSum * extents.columns * size > kItemFlops * kMostParts)
        break;
    }
    return best;
  }

  /// Bytes of all weights of the module.
  int64_t weightBytes() {
    int64_t bytes = 0;
    for (auto global : p.op->getParentOfType<ModuleOp>().getOps<memref::GlobalOp>())
      if (global->hasAttr(kValueAttr))
        bytes += global.getType().getNumElements() * llvm::divideCeil(global.getType().getElementTypeBitWidth(), 8);
    return bytes;
  }

  /// How far items of `size` rows and one of `count` parts of the columns are from even shares and the wanted size.
  double costOf(const Extents &extents, int64_t size, int64_t count, double flopsPerSum) {
    int64_t perPart = llvm::divideCeilSigned(extents.groups, count);
    if (llvm::divideCeilSigned(extents.groups, perPart) != count)
      return std::numeric_limits<double>::infinity();
    double flops = std::max(1.0, flopsPerSum * std::min(size, extents.rows) * std::min(perPart * width, extents.columns));
    double cost = kSizeCost * std::abs(std::log2(flops / kItemFlops));
    for (int64_t threads : kLikelyThreads)
      cost += heaviestShare(extents, size, count, threads);
    return cost;
  }

  /// Work of the busiest of `threads`, which get ranges of equally many items, over the mean.
  double heaviestShare(const Extents &extents, int64_t size, int64_t count, int64_t threads) {
    int64_t rowBlocks = llvm::divideCeil(extents.rows, size), items = rowBlocks * extents.outer * count;
    int64_t partColumns = llvm::divideCeil(extents.groups, count) * width, allBlocks = rowBlocks * extents.outer;
    if (items >= kEvenItems * threads)
      return 1;
    double heaviest = 0;
    for (int64_t thread = 0, item = 0; thread < threads; ++thread) {
      double share = 0;
      for (int64_t end = item + items / threads + (thread < items % threads); item < end; ++item) {
        int64_t block = rowsOutside ? item / count : item % allBlocks, part = rowsOutside ? item % count : item / allBlocks;
        int64_t row = block % rowBlocks * size, column = part * partColumns;
        share += static_cast<double>(std::min(size, extents.rows - row)) * std::min(partColumns, extents.columns - column);
      }
      heaviest = std::max(heaviest, share);
    }
    return heaviest * threads / std::max(1.0, static_cast<double>(extents.rows) * extents.columns * extents.outer);
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
    Value valid = lastLanes < (p.isInteger ? lanes : narrowestVector(k.isa, lastLanes)) ? k.index(lastLanes) : Value();
    k.when(k.less(whole, end), [&] { body(first, rest, valid); });
  }

  Value address(const RowAccess &access, Value row, Value column) { return addressOf(k, access, outer, row, column); }

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
