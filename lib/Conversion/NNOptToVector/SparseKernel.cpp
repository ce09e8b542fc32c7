//===- SparseKernel.cpp - the functions of products with pruned weights ---===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A block of R outputs and v vectors of rows is R x v sums in registers; a step loads v vectors of the turned input and R weights,
// each broadcast. With R = 4 and v = 4 that is 16 products for 8 loads, and nothing but the blocks that are stored is ever touched.
//===----------------------------------------------------------------------===//

#include "Sparse.h"

using namespace mlir;
using namespace nnopt;

void nnopt::emitTurn(KernelBuilder &k, Operation *op, const SparseTile &tile, Value from, Value fromRow, int64_t depth,
                     Value to) {
  KernelCall function(k, op, "turn");
  function.key(Twine(tile.vectors) + "," + Twine(tile.pitch) + "," + Twine(depth));
  unsigned source = function.pointer(from), target = function.pointer(to);
  unsigned row = function.number(fromRow), rows = function.number(tile.rows);
  function.emit([&](KernelBuilder &b) {
    int64_t lanes = b.isa.lanes, whole = depth / lanes * lanes;
    Type f32 = b.b.getF32Type();
    VectorType type = b.vectorType(f32);
    auto square = [&](Value first, Value start, int64_t count) {
      Value mask = count == lanes ? Value() : b.laneMask(lanes, b.index(count));
      SmallVector<Value> vectors;
      for (int64_t i = 0; i < lanes; ++i) {
        // Rows beyond the last repeat it.
        Value r = b.min(b.add(first, b.index(i)), b.sub(function[rows], b.index(1)));
        Value p = b.at(function[source], f32, b.add(b.mul(r, function[row]), start));
        vectors.push_back(mask ? b.loadMasked(type, p, mask) : b.load(type, p));
      }
      b.transposeSquare(vectors);
      for (int64_t i = 0; i < count; ++i)
        b.store(vectors[i], b.at(function[target], f32, b.add(b.mul(b.add(start, b.index(i)), b.index(tile.pitch)), first)));
    };
    b.loop(b.index(0), b.index(tile.vectors * lanes), lanes, [&](Value first) {
      b.loop(b.index(0), b.index(whole), lanes, [&](Value start) { square(first, start, lanes); });
      if (whole != depth)
        square(first, b.index(whole), depth - whole);
    });
  });
}

namespace {

/// The body of the function that sums a strip.
class StripEmitter {
public:
  StripEmitter(KernelBuilder &k, const SparseTile &tile, SparsePackAttr pack)
      : k(k), vectors(tile.vectors), pitch(tile.pitch), rows(pack.getRows()), pack(pack) {}

  KernelBuilder &k;
  int64_t vectors, pitch, rows;
  SparsePackAttr pack;
  Value values, columns, starts, from, to;

  void emit() {
    Value lists = k.index(pack.listsPerChunk());
    k.loop(k.index(0), lists, 1, [&](Value list) { emitList(list, list, /*isFirst=*/true); });
    if (pack.chunks() > 1)
      k.loop(k.index(1), k.index(pack.chunks()), 1, [&](Value chunk) {
        Value first = k.mul(chunk, lists);
        k.loop(k.index(0), lists, 1, [&](Value list) { emitList(k.add(first, list), list, /*isFirst=*/false); });
      });
  }

private:
  Type f32() { return k.b.getF32Type(); }
  VectorType type() { return k.vectorType(f32()); }
  Value integer(Value pointer, Value i) {
    Value value = k.load(k.b.getI32Type(), k.at(pointer, k.b.getI32Type(), i));
    return arith::IndexCastUIOp::create(k.b, k.loc, k.b.getIndexType(), value);
  }

  /// Adds list `list` to the sums of block row `blockRow` of the strip.
  void emitList(Value list, Value blockRow, bool isFirst) {
    Value target = k.at(to, f32(), k.mul(blockRow, k.index(rows * pitch)));
    auto address = [&](int64_t i) { return k.at(target, f32(), k.index(i / vectors * pitch + i % vectors * k.isa.lanes)); };
    SmallVector<Value> sums;
    for (int64_t i = 0; i < rows * vectors; ++i)
      sums.push_back(isFirst ? k.zero(type()) : k.load(type(), address(i)));
    Value end = integer(starts, k.add(list, k.index(1)));
    sums = k.loop(integer(starts, list), end, 1, sums, [&](Value block, ValueRange carried) { return step(block, carried); });
    for (auto [i, sum] : llvm::enumerate(sums))
      k.store(sum, address(i));
  }

  SmallVector<Value> step(Value block, ValueRange sums) {
    Value x = k.at(from, f32(), k.mul(integer(columns, block), k.index(pitch)));
    SmallVector<Value> inputs, next;
    for (int64_t v = 0; v < vectors; ++v)
      inputs.push_back(k.load(type(), k.at(x, f32(), k.index(v * k.isa.lanes))));
    for (int64_t r = 0; r < rows; ++r) {
      Value weight = k.load(f32(), k.at(values, f32(), k.add(k.mul(block, k.index(rows)), k.index(r))));
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
  Value sums, rows, columns, c, cRow, bias;
  SmallVector<Value> operands, operandRows;

  void emit() {
    isLong = problem.epilogue && !problem.epilogue->empty() && isExpensive(problem.epilogue->front());
    Value whole = k.mul(k.div(columns, k.index(lanes)), k.index(lanes));
    k.loop(k.index(0), whole, lanes, [&](Value column) { emitColumns(column, Value()); });
    if (auto known = k.constantOf(columns); known && *known % lanes == 0)
      return;
    k.when(k.less(whole, columns), [&] { emitColumns(whole, k.laneMask(lanes, k.sub(columns, whole))); });
  }

private:
  bool isLong = false;

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

  void emitRow(Value sum, Value row, Value column, Value biasVector, Value mask) {
    SmallVector<Value> addresses;
    for (auto [operand, stride, access] : llvm::zip(operands, operandRows, problem.operands)) {
      Value offset = k.mul(row, stride);
      addresses.push_back(k.at(operand, f32(), access.alongColumns ? k.add(offset, column) : offset));
    }
    Value result = finishSum(k, problem, sum, biasVector, addresses, [&](Value p) { return loadColumns(p, mask); });
    Value target = k.at(c, f32(), k.add(k.mul(row, cRow), column));
    mask ? k.storeMasked(result, target, mask) : k.store(result, target);
  }
};

} // namespace

void nnopt::emitStrip(KernelBuilder &k, Operation *op, const SparseTile &tile, const SparseStrip &strip) {
  KernelCall function(k, op, "sparse_strip");
  SparsePackAttr pack = strip.pack;
  function.key(Twine(tile.vectors) + "," + Twine(tile.pitch) + "," + Twine(pack.getRows()) + "," + Twine(pack.listsPerChunk()) + "," +
               Twine(pack.chunks()));
  unsigned values = function.pointer(strip.values), columns = function.pointer(strip.columns);
  unsigned starts = function.pointer(strip.starts), from = function.pointer(strip.from), to = function.pointer(strip.to);
  function.emit([&](KernelBuilder &inner) {
    StripEmitter emitter(inner, tile, pack);
    emitter.values = function[values], emitter.columns = function[columns], emitter.starts = function[starts];
    emitter.from = function[from], emitter.to = function[to];
    emitter.emit();
  });
}

void nnopt::emitFinish(KernelBuilder &k, const GemmProblem &problem, const SparseTile &tile, const SparseFinish &finish) {
  KernelCall function(k, problem.op, "sparse_finish");
  function.key(Twine(tile.vectors) + "," + Twine(tile.pitch));
  unsigned sums = function.pointer(finish.sums), c = function.pointer(finish.c);
  unsigned rows = function.number(tile.rows), columns = function.number(finish.columns);
  unsigned cRow = function.number(problem.c.strides.back());
  std::optional<unsigned> bias;
  if (finish.bias)
    bias = function.pointer(finish.bias), function.key("bias");
  SmallVector<unsigned> operands, operandRows;
  for (auto [pointer, access] : llvm::zip(finish.operands, problem.operands)) {
    operands.push_back(function.pointer(pointer));
    operandRows.push_back(function.number(access.strides.back()));
    function.key(access.alongColumns ? "columns" : "scalar");
  }
  if (problem.epilogue)
    function.key(*problem.epilogue);
  function.emit([&](KernelBuilder &inner) {
    FinishEmitter emitter(inner, problem, tile);
    auto get = [&](unsigned handle) { return function[handle]; };
    emitter.sums = get(sums), emitter.c = get(c), emitter.rows = get(rows), emitter.columns = get(columns), emitter.cRow = get(cRow);
    emitter.bias = bias ? get(*bias) : Value();
    llvm::append_range(emitter.operands, llvm::map_range(operands, get));
    llvm::append_range(emitter.operandRows, llvm::map_range(operandRows, get));
    emitter.emit();
  });
}
