//===- GemmKernel.cpp - the function of one register tile -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All sums of the tile stay in registers over the whole reduction: a step loads `vectors` vectors of B, broadcasts one element of A per
// row, and adds rows x vectors products. What is constant in the call (strides, depths) is constant in the code.
//===----------------------------------------------------------------------===//

#include "GemmTileEmitter.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace nnopt;

// Reductions up to this length are written out.
static constexpr int64_t kUnrolledDepth = 12;
// Sums in flight that hide the latency of an FMA.
static constexpr int64_t kSumsInFlight = 8;

namespace {

/// One element of A per row times vectors of B.
class FloatTile : public GemmTileEmitter {
public:
  using GemmTileEmitter::GemmTileEmitter;

protected:
  int64_t elementsPerStep() const override { return 1; }
  int64_t sumsPerVector() const override { return 1; }

  void step(Value aPointer, Value depth, int64_t offset, MutableArrayRef<Value> sums) override {
    Value bDepth = k.add(depth, k.index(offset));
    SmallVector<Value> columns;
    for (int64_t v = 0; v < vectors; ++v)
      columns.push_back(loadB(bDepth, v));
    for (int64_t m = 0; m < rows; ++m) {
      Value element = k.load(f32(), k.at(aPointer, f32(), k.add(k.mul(k.index(m), aRow), k.index(offset))));
      for (int64_t v = 0; v < vectors; ++v)
        sums[m * vectors + v] = k.fma(k.splat(element, type(v, f32())), columns[v], sums[m * vectors + v]);
    }
  }

  Value total(ArrayRef<Value> parts) override { return parts.front(); }

private:
  /// Vector `v` of B's row `depth`.
  Value loadB(Value depth, int64_t v) {
    int64_t column = v * k.isa.lanes;
    if (!problem.packed)
      return loadColumns(k.at(b, f32(), k.mul(depth, bRow)), v, f32());
    Value panel = k.mul(k.index(column / kPanel), panelStride);
    Value offset = k.add(k.mul(depth, k.index(kPanel)), k.add(panel, k.index(column % kPanel)));
    return k.load(type(v, f32()), k.at(b, f32(), offset));
  }
};

} // namespace

Type GemmTileEmitter::sumType() const { return problem.isInteger ? k.b.getI32Type() : Type(k.b.getF32Type()); }

Value GemmTileEmitter::loadColumns(Value pointer, int64_t v, Type element) {
  Value p = k.at(pointer, element, k.index(v * k.isa.lanes));
  return masked(v) ? k.loadMasked(type(v, element), p, mask) : k.load(type(v, element), p);
}

void GemmTileEmitter::storeColumns(Value value, Value pointer, int64_t v) {
  Type element = cast<VectorType>(value.getType()).getElementType();
  Value p = k.at(pointer, element, k.index(v * k.isa.lanes));
  masked(v) ? k.storeMasked(value, p, mask) : k.store(value, p);
}

void GemmTileEmitter::emit() {
  if (lastLanes)
    mask = k.laneMask(lastWidth, lastLanes);
  SmallVector<Value> sums = totals(reduce(0, a, k.index(0), zeros()));
  if (bool hasEpilogue = problem.epilogue && !problem.epilogue->empty(); hasEpilogue && isExpensive(problem.epilogue->front()))
    finishThroughMemory(sums);
  else
    finishInRegisters(sums);
}

SmallVector<Value> GemmTileEmitter::zeros() {
  SmallVector<Value> sums;
  for (int64_t m = 0; m < rows; ++m)
    for (int64_t v = 0; v < vectors; ++v)
      sums.append(sumsPerVector(), k.zero(type(v, sumType())));
  return sums;
}

/// One vector per row and vector of columns.
SmallVector<Value> GemmTileEmitter::totals(ArrayRef<Value> sums) {
  SmallVector<Value> result;
  for (int64_t m = 0; m < rows; ++m)
    for (int64_t v = 0; v < vectors; ++v) {
      result.push_back(total(sums.take_front(sumsPerVector())));
      sums = sums.drop_front(sumsPerVector());
    }
  return result;
}

SmallVector<Value> GemmTileEmitter::reduce(unsigned level, Value aPointer, Value depth, ArrayRef<Value> sums) {
  if (level + 1 == depths.size())
    return reduceInner(depths.back(), aPointer, depth, sums);
  Value inner = k.product(ArrayRef<Value>(depths).drop_front(level + 1));
  return k.loop(k.index(0), depths[level], 1, sums, [&](Value i, ValueRange carried) {
    Value next = k.at(aPointer, elementOf(k, problem.a), k.mul(i, depthStrides[level]));
    return reduce(level + 1, next, k.add(depth, k.mul(i, inner)), SmallVector<Value>(carried));
  });
}

SmallVector<Value> GemmTileEmitter::reduceInner(Value extent, Value aPointer, Value depth, ArrayRef<Value> sums) {
  SmallVector<Value> result(sums);
  int64_t one = elementsPerStep();
  auto known = k.constantOf(extent);
  if (known && *known <= kUnrolledDepth) {
    for (int64_t i = 0; i < *known; i += one)
      step(aPointer, depth, i, result);
    return result;
  }
  // A round of the loop is one step: of more, LLVM's scheduler would move the loads to the front, and the sums of a large tile
  // would spill. Small tiles keep several sets of sums, one per step of a round.
  int64_t tileSums = result.size(), sets = 1;
  while (sets * tileSums < kSumsInFlight && !problem.isInteger)
    sets *= 2;
  SmallVector<Value> all(result);
  for (int64_t s = 1; s < sets; ++s)
    llvm::append_range(all, zeros());

  int64_t round = sets * one;
  Value whole = known ? k.index(*known / round * round) : k.mul(k.div(extent, k.index(round)), k.index(round));
  all = k.loop(k.index(0), whole, round, all, [&](Value i, ValueRange carried) {
    SmallVector<Value> next(carried);
    Value pointer = k.at(aPointer, elementOf(k, problem.a), i);
    for (int64_t s = 0; s < sets; ++s)
      step(pointer, k.add(depth, i), s * one, MutableArrayRef<Value>(next).slice(s * tileSums, tileSums));
    return next;
  });
  for (auto [i, value] : llvm::enumerate(result)) {
    value = all[i];
    for (int64_t s = 1; s < sets; ++s)
      value = arith::AddFOp::create(k.b, k.loc, value, all[s * tileSums + i]);
  }
  if (sets == 1 || (known && *known % round == 0))
    return result;
  return k.loop(whole, extent, one, result, [&](Value i, ValueRange carried) {
    SmallVector<Value> next(carried);
    step(k.at(aPointer, elementOf(k, problem.a), i), k.add(depth, i), 0, next);
    return next;
  });
}

/// Bias and epilogue of vector `v` in row `m` (an index value).
Value GemmTileEmitter::finish(Value sum, Value m, int64_t v, Value biasVector) {
  if (accumulate)
    sum = arith::AddFOp::create(k.b, k.loc, sum, loadColumns(k.at(c, k.b.getF32Type(), k.mul(m, cRow)), v, k.b.getF32Type()));
  SmallVector<Value> addresses;
  for (auto [operand, row, access] : llvm::zip(operands, operandRows, problem.operands))
    addresses.push_back(k.at(operand, elementOf(k, access), k.mul(m, row)));
  return finishSum(k, problem, sum, biasVector, addresses, [&](Value row, Type element) { return loadColumns(row, v, element); });
}

void GemmTileEmitter::finishInRegisters(ArrayRef<Value> sums) {
  for (int64_t v = 0; v < vectors; ++v) {
    Value biasVector = bias ? loadColumns(bias, v, sumType()) : Value();
    for (int64_t m = 0; m < rows; ++m) {
      Value value = finish(sums[m * vectors + v], k.index(m), v, biasVector);
      storeColumns(value, k.at(c, elementOf(k, problem.c), k.mul(k.index(m), cRow)), v);
    }
  }
}

// A long epilogue would be repeated rows x vectors times and spill: the sums go through the stack, and a loop finishes row by row.
void GemmTileEmitter::finishThroughMemory(ArrayRef<Value> sums) {
  int64_t lanes = k.isa.lanes;
  Value tile = k.stackArray(sumType(), rows * vectors * lanes);
  for (auto [i, sum] : llvm::enumerate(sums))
    k.store(sum, k.at(tile, sumType(), k.index(i * lanes)));
  k.loop(k.index(0), k.index(rows), 1, [&](Value m) {
    for (int64_t v = 0; v < vectors; ++v) {
      Value sum = k.load(type(v, sumType()), k.at(tile, sumType(), k.add(k.mul(m, k.index(vectors * lanes)), k.index(v * lanes))));
      Value value = finish(sum, m, v, bias ? loadColumns(bias, v, sumType()) : Value());
      storeColumns(value, k.at(c, elementOf(k, problem.c), k.mul(m, cRow)), v);
    }
  });
}

void nnopt::emitGemmTile(KernelBuilder &k, const GemmProblem &problem, const GemmTileCall &call) {
  KernelCall function(k, problem.op, "gemm");
  function.key(Twine(call.tile.rows) + "x" + Twine(call.tile.vectors) + "/" + Twine(call.tile.lastWidth) +
               (problem.isNarrow ? "n" : problem.isInteger ? "i" : problem.packed ? "p" : "r") +
               (call.accumulate ? "+" : "") + (call.lastLanes ? "m" : ""));
  unsigned a = function.pointer(call.a), b = function.pointer(call.b), c = function.pointer(call.c);
  unsigned aRow = function.number(call.aRow), cRow = function.number(call.cRow);
  unsigned bStep = function.number(problem.packed ? call.panelStride : problem.bRow);
  std::optional<unsigned> bias, lanes;
  if (call.bias)
    bias = function.pointer(call.bias), function.key("bias");
  if (call.lastLanes)
    lanes = function.number(call.lastLanes);
  SmallVector<unsigned> depths, depthStrides, operands, operandRows;
  for (Value depth : problem.depths)
    depths.push_back(function.number(depth));
  for (Value stride : problem.depthStrides)
    depthStrides.push_back(function.number(stride));
  for (auto [pointer, row, access] : llvm::zip(call.operands, call.operandRows, problem.operands)) {
    operands.push_back(function.pointer(pointer));
    operandRows.push_back(function.number(row));
    function.key(access.alongColumns ? "columns" : "scalar");
  }
  if (problem.epilogue)
    function.key(*problem.epilogue);

  function.emit([&](KernelBuilder &inner) {
    std::unique_ptr<GemmTileEmitter> made =
        problem.isInteger ? createIntegerTile(inner, problem, call.tile) : std::make_unique<FloatTile>(inner, problem, call.tile);
    GemmTileEmitter &emitter = *made;
    auto get = [&](unsigned handle) { return function[handle]; };
    emitter.a = get(a), emitter.b = get(b), emitter.c = get(c);
    emitter.aRow = get(aRow), emitter.cRow = get(cRow);
    (problem.packed ? emitter.panelStride : emitter.bRow) = get(bStep);
    emitter.bias = bias ? get(*bias) : Value();
    emitter.lastLanes = lanes ? get(*lanes) : Value();
    emitter.accumulate = call.accumulate;
    llvm::append_range(emitter.depths, llvm::map_range(depths, get));
    llvm::append_range(emitter.depthStrides, llvm::map_range(depthStrides, get));
    llvm::append_range(emitter.operands, llvm::map_range(operands, get));
    llvm::append_range(emitter.operandRows, llvm::map_range(operandRows, get));
    emitter.emit();
  });
}

Value nnopt::finishSum(KernelBuilder &k, const GemmProblem &problem, Value sum, Value bias, ArrayRef<Value> operands,
                       llvm::function_ref<Value(Value, Type)> loadColumns) {
  if (bias)
    sum = problem.isInteger ? Value(arith::AddIOp::create(k.b, k.loc, sum, bias)) : arith::AddFOp::create(k.b, k.loc, sum, bias);
  if (!problem.epilogue || problem.epilogue->empty())
    return sum;
  auto type = cast<VectorType>(sum.getType());
  SmallVector<Value> arguments{sum};
  for (auto [operand, access] : llvm::zip(operands, problem.operands)) {
    Type element = elementOf(k, access);
    arguments.push_back(access.alongColumns ? loadColumns(operand, element) : k.splat(k.load(element, operand), type.clone(element)));
  }
  return cloneElementwise(k, problem.epilogue->front(), arguments, type.getDimSize(0)).front();
}

bool nnopt::isVectorEpilogue(Region &epilogue) {
  if (epilogue.empty())
    return true;
  Block &block = epilogue.front();
  Type sum = block.getArgument(0).getType();
  return isElementwise(block) && (sum.isF32() || sum.isSignlessInteger(32)) &&
         llvm::all_of(block.getArguments().drop_front(), [&](BlockArgument argument) {
           return argument.getType().isF32() || (!sum.isF32() && argument.getType().isInteger(8));
         });
}
