//===- SparseKernel.cpp - the functions of products with pruned weights ---===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A block of R outputs and v vectors of rows is R x v sums in registers; a step loads v vectors of the tiles and R weights,
// each broadcast. With R = 4 and v = 4 that is 16 products for 8 loads, and nothing but the blocks that are stored is ever touched. Where registers
// hold the sums of half a block only, a list is read twice.
//===----------------------------------------------------------------------===//

#include "Sparse.h"
#include "VectorLoop.h"

#include "nnopt/Cost/Linear.h"

#include <numeric>

using namespace mlir;
using namespace nnopt;

// Elements of sums in flight that hide the latency of an FMA: 4 cycles of 16 products. More sums than 8 leave too few registers.
static constexpr int64_t kElementsInFlight = 64, kMostSumsInFlight = 8;

namespace {

/// The body of the function that sums a strip.
class StripEmitter {
public:
  StripEmitter(KernelBuilder &k, const SparseTile &tile, SparsePackAttr pack)
      : k(k), vectors(tile.vectors), pitch(tile.pitch), rows(pack.getRows()), turnRows(sparseTurnRows(k.isa, rows)), pack(pack) {}

  KernelBuilder &k;
  int64_t vectors, pitch, rows, turnRows;
  SparsePackAttr pack;
  Value values, columns, starts, from, to, validRows;
  bool isPlanes = false;

  void emit() {
    // A tile whose rows are all beyond the last is not there: the last one stands for it.
    constexpr int64_t kRows = TileRowsOp::kRows;
    Value lastTile = k.div(k.sub(validRows, k.index(1)), k.index(kRows));
    for (int64_t lane = 0; lane < vectors * k.isa.lanes; lane += k.isa.lanes)
      offsets.push_back(isPlanes ? k.index(lane) : k.add(k.mul(k.min(k.index(lane / kRows), lastTile), k.index(pack.getDepth() * kRows)), k.index(lane % kRows)));
    Value lists = k.index(pack.listsPerChunk());
    k.loop(k.index(0), lists, 1, [&](Value list) { emitList(list, list, /*isFirst=*/true); });
    if (pack.chunks() > 1)
      k.loop(k.index(1), k.index(pack.chunks()), 1, [&](Value chunk) {
        Value first = k.mul(chunk, lists);
        k.loop(k.index(0), lists, 1, [&](Value list) { emitList(k.add(first, list), list, /*isFirst=*/false); });
      });
  }

private:
  SmallVector<Value> offsets; ///< of the vectors of rows

  Type f32() { return k.b.getF32Type(); }
  VectorType type() { return k.vectorType(f32()); }
  Value integer(Value pointer, Value i) {
    Value value = k.load(k.b.getI32Type(), k.at(pointer, k.b.getI32Type(), i));
    return arith::IndexCastUIOp::create(k.b, k.loc, k.b.getIndexType(), value);
  }

  /// Adds list `list` to the sums of block row `blockRow` of the strip.
  void emitList(Value list, Value blockRow, bool isFirst) {
    Value target = k.at(to, f32(), k.mul(blockRow, k.index(rows * pitch)));
    Value begin = integer(starts, list), end = integer(starts, k.add(list, k.index(1)));
    for (int64_t row = 0; row < rows; row += turnRows) {
      auto address = [&](int64_t i) { return k.at(target, f32(), k.index((row + i / vectors) * pitch + i % vectors * k.isa.lanes)); };
      SmallVector<Value> sums;
      for (int64_t i = 0; i < turnRows * vectors; ++i)
        sums.push_back(isFirst ? k.zero(type()) : k.load(type(), address(i)));
      sums = sumBlocks(begin, end, row, sums);
      for (auto [i, sum] : llvm::enumerate(sums))
        k.store(sum, address(i));
    }
  }

  /// Adds the blocks from `begin` to `end` to the sums of the outputs from `row` of the block on. Few sums are kept in several sets, one per step of a round, for latency.
  SmallVector<Value> sumBlocks(Value begin, Value end, int64_t row, SmallVector<Value> sums) {
    int64_t size = sums.size(), sets = 1, enough = std::min(kMostSumsInFlight, kElementsInFlight / k.isa.lanes);
    while (sets * size < enough)
      sets *= 2;
    if (sets > 1) {
      Value whole = k.add(begin, k.mul(k.div(k.sub(end, begin), k.index(sets)), k.index(sets)));
      SmallVector<Value> all(sums);
      all.resize(sets * size, k.zero(type()));
      all = k.loop(begin, whole, sets, all, [&](Value block, ValueRange carried) {
        SmallVector<Value> next;
        for (int64_t s = 0; s < sets; ++s)
          llvm::append_range(next, step(k.add(block, k.index(s)), row, carried.slice(s * size, size)));
        return next;
      });
      for (int64_t i = 0; i < size; ++i) {
        sums[i] = all[i];
        for (int64_t s = 1; s < sets; ++s)
          sums[i] = arith::AddFOp::create(k.b, k.loc, sums[i], all[s * size + i]);
      }
      begin = whole;
    }
    return k.loop(begin, end, 1, sums, [&](Value block, ValueRange carried) { return step(block, row, carried); });
  }

  SmallVector<Value> step(Value block, int64_t row, ValueRange sums) {
    Value x = k.at(from, f32(), k.mul(integer(columns, block), k.index(isPlanes ? 1 : TileRowsOp::kRows)));
    SmallVector<Value> inputs, next;
    for (Value offset : offsets)
      inputs.push_back(k.load(type(), k.at(x, f32(), offset)));
    for (int64_t r = 0; r < turnRows; ++r) {
      Value weight = k.load(f32(), k.at(values, f32(), k.add(k.mul(block, k.index(rows)), k.index(row + r))));
      Value splat = k.splat(weight, type());
      for (int64_t v = 0; v < vectors; ++v)
        next.push_back(k.fma(splat, inputs[v], sums[r * vectors + v]));
    }
    return next;
  }
};

/// The body of the function that finishes a strip.
class FinishEmitter {
public:
  FinishEmitter(KernelBuilder &k, const GemmProblem &problem, const SparseTile &tile)
      : k(k), problem(problem), vectors(tile.vectors), pitch(tile.pitch), lanes(k.isa.lanes) {}

  KernelBuilder &k;
  const GemmProblem &problem;
  int64_t vectors, pitch, lanes;
  Value sums, rows, columns, firstRow, c, bias;
  SmallVector<Value> extents, cRow, operands; ///< cRow: strides, one per dimension of the rows
  SmallVector<SmallVector<Value>> operandRows;

  void emit() {
    isLong = problem.epilogue && !problem.epilogue->empty() && isExpensive(problem.epilogue->front());
    if (!rowsCollide())
      return emitAllColumns([&](Value column, Value mask) { emitColumns(column, mask); });
    k.loop(k.index(0), k.index(vectors * lanes), kQuad, [&](Value row) {
      emitAllColumns([&](Value column, Value mask) { emitQuad(row, column, mask); });
    });
  }

private:
  bool isLong = false;

  static constexpr int64_t kQuad = 4;
  /// True if so many rows of the result begin in the same set of a first-level cache (those of a page do in turn) that its lines are fetched twice when
  /// the stores of a square wait for them. Then four rows are written at a time. 128 x 3072 results: 44 us instead of 65 on a Zen 4.
  bool rowsCollide() {
    constexpr int64_t kPage = 4096, kWays = 8, kLeastColumns = 128;
    auto rowCount = k.constantOf(rows), columnCount = k.constantOf(columns), stride = cRow.size() == 1 ? k.constantOf(cRow[0]) : std::nullopt;
    if (isLong || !rowCount || *rowCount < vectors * lanes || !columnCount || *columnCount < kLeastColumns || !stride || *stride <= 0)
      return false;
    int64_t sets = kPage / std::gcd<int64_t>(kPage, *stride * sizeof(float));
    return lanes / sets >= kWays;
  }

  void emitAllColumns(llvm::function_ref<void(Value, Value)> emitSome) {
    forVectors(k, columns, lanes, /*unroll=*/1, [&](ArrayRef<Value> starts, Value mask) { emitSome(starts.front(), mask); });
  }

  /// Four rows from `row` on of as many columns as lanes. The sums are read in quarters of a vector of AVX-512, which are put together by memory.
  void emitQuad(Value row, Value column, Value mask) {
    VectorType quad = k.vectorType(f32(), kQuad);
    Value biasVector = bias ? loadColumns(k.at(bias, f32(), column), mask) : Value();
    SmallVector<Value> quads;
    for (int64_t first = 0; first < kQuad; ++first) {
      Value vector = k.zero(type());
      for (int64_t lane = 0; lane < lanes; lane += kQuad) {
        Value from = k.add(k.mul(k.add(column, k.index(lane + first)), k.index(pitch)), row);
        vector = vector::InsertStridedSliceOp::create(k.b, k.loc, k.load(quad, k.at(sums, f32(), from)), vector, lane, /*strides=*/1);
      }
      quads.push_back(vector);
    }
    k.transposeQuads(quads);
    for (int64_t i = 0; i < kQuad; ++i)
      emitRow(quads[i], k.add(row, k.index(i)), column, biasVector, mask);
  }

  Type f32() { return k.b.getF32Type(); }
  VectorType type() { return k.vectorType(f32()); }
  Value loadColumns(Value pointer, Value mask) { return mask ? k.loadMasked(type(), pointer, mask) : k.load(type(), pointer); }

  void emitColumns(Value column, Value mask) {
    Value biasVector = bias ? loadColumns(k.at(bias, f32(), column), mask) : Value();
    for (int64_t v = 0; v < vectors; ++v) {
      SmallVector<Value> square;
      for (int64_t i = 0; i < lanes; ++i)
        square.push_back(k.load(type(), k.at(sums, f32(), k.add(k.mul(k.add(column, k.index(i)), k.index(pitch)), k.index(v * lanes)))));
      k.transposeSquare(square);
      auto known = k.constantOf(rows);
      if (known && *known >= (v + 1) * lanes && !isLong) {
        for (int64_t i = 0; i < lanes; ++i)
          emitRow(square[i], k.index(v * lanes + i), column, biasVector, mask);
        continue;
      }
      // The rows that exist, or one copy of a long epilogue, by a loop over the square in memory.
      Value memory = k.stackArray(f32(), lanes * lanes);
      for (int64_t i = 0; i < lanes; ++i)
        k.store(square[i], k.at(memory, f32(), k.index(i * lanes)));
      Value count = k.min(k.sub(rows, k.index(v * lanes)), k.index(lanes));
      k.loop(k.index(0), count, 1, [&](Value i) {
        Value sum = k.load(type(), k.at(memory, f32(), k.mul(i, k.index(lanes))));
        emitRow(sum, k.add(k.index(v * lanes), i), column, biasVector, mask);
      });
    }
  }

  /// Distance of row `row` of the tile from an address.
  Value offsetOf(Value row, ArrayRef<Value> strides) {
    if (strides.size() == 1)
      return k.mul(row, strides[0]);
    Value offset = k.index(0);
    for (auto [coordinate, stride] : llvm::zip(k.delinearize(k.add(firstRow, row), extents), strides))
      offset = k.add(offset, k.mul(coordinate, stride));
    return offset;
  }

  void emitRow(Value sum, Value row, Value column, Value biasVector, Value mask) {
    SmallVector<Value> addresses;
    for (auto [operand, strides, access] : llvm::zip(operands, operandRows, problem.operands)) {
      Value offset = offsetOf(row, strides);
      addresses.push_back(k.at(operand, f32(), access.alongColumns ? k.add(offset, column) : offset));
    }
    Value result = finishSum(k, problem, sum, biasVector, addresses, [&](Value p, Type) { return loadColumns(p, mask); });
    Value target = k.at(c, f32(), k.add(offsetOf(row, cRow), column));
    mask ? k.storeMasked(result, target, mask) : k.store(result, target);
  }
};

} // namespace

void nnopt::emitStrip(KernelBuilder &k, Operation *op, const SparseTile &tile, const SparseStrip &strip) {
  KernelCall function(k, op, "sparse_strip");
  SparsePackAttr pack = strip.pack;
  function.key(Twine(tile.vectors) + "," + Twine(tile.pitch) + "," + Twine(pack.getRows()) + "," + Twine(pack.listsPerChunk()) + "," +
               Twine(pack.chunks()) + "," + Twine(pack.getDepth()) + "," + Twine(strip.isPlanes));
  unsigned values = function.pointer(strip.values), columns = function.pointer(strip.columns);
  unsigned starts = function.pointer(strip.starts), from = function.pointer(strip.from), to = function.pointer(strip.to), rows = function.number(tile.rows);
  function.emit([&](KernelBuilder &inner) {
    StripEmitter emitter(inner, tile, pack);
    emitter.values = function[values], emitter.columns = function[columns], emitter.starts = function[starts];
    emitter.from = function[from], emitter.to = function[to], emitter.validRows = function[rows];
    emitter.isPlanes = strip.isPlanes;
    emitter.emit();
  });
}

void nnopt::emitFinish(KernelBuilder &k, const GemmProblem &problem, const SparseTile &tile, const SparseFinish &finish) {
  KernelCall function(k, problem.op, "sparse_finish");
  function.key(Twine(tile.vectors) + "," + Twine(tile.pitch));
  unsigned sums = function.pointer(finish.sums), c = function.pointer(finish.c);
  unsigned rows = function.number(tile.rows), columns = function.number(finish.columns), first = function.number(finish.row);
  auto numbers = [&](ArrayRef<Value> values) {
    return llvm::map_to_vector(values, [&](Value value) { return function.number(value); });
  };
  SmallVector<unsigned> extents = numbers(problem.rows), cRow = numbers(problem.c.strides), operands;
  SmallVector<SmallVector<unsigned>> operandRows;
  std::optional<unsigned> bias;
  if (finish.bias)
    bias = function.pointer(finish.bias), function.key("bias");
  for (auto [pointer, access] : llvm::zip(finish.operands, problem.operands)) {
    operands.push_back(function.pointer(pointer));
    operandRows.push_back(numbers(access.strides));
    function.key(access.alongColumns ? "columns" : "scalar");
  }
  if (problem.epilogue)
    function.key(*problem.epilogue);
  function.emit([&](KernelBuilder &inner) {
    FinishEmitter emitter(inner, problem, tile);
    auto get = [&](unsigned handle) { return function[handle]; };
    emitter.sums = get(sums), emitter.c = get(c), emitter.rows = get(rows), emitter.columns = get(columns), emitter.firstRow = get(first);
    emitter.bias = bias ? get(*bias) : Value();
    emitter.extents = llvm::map_to_vector(extents, get), emitter.cRow = llvm::map_to_vector(cRow, get);
    llvm::append_range(emitter.operands, llvm::map_range(operands, get));
    for (ArrayRef<unsigned> strides : operandRows)
      emitter.operandRows.push_back(llvm::map_to_vector(strides, get));
    emitter.emit();
  });
}
