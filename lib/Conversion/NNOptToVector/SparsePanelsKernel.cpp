//===- SparsePanelsKernel.cpp - the function of panels of pruned weights --===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A panel's sums, rows x 16 outputs, stay in registers over its whole list; a step loads 16 weights once for all rows. How the inputs
// of a step come into the lanes is all that its two forms differ in: one element broadcast, or a window permuted.
//===----------------------------------------------------------------------===//

#include "SparsePanels.h"

using namespace mlir;
using namespace nnopt;

// Sums in flight that hide the latency of an FMA behind the loads of weights.
static constexpr int64_t kSumsInFlight = 4;
// Rows of a tile at most: more of them would only repeat code.
static constexpr int64_t kMostRows = 16;

int64_t nnopt::sparsePanelRows(const Isa &isa, bool hasWindow) {
  int64_t vectors = kPanel / isa.lanes;
  // Weights and a broadcast element; or indices, masks of the half of the window, and what is being permuted.
  int64_t others = hasWindow ? 2 * vectors + 3 : vectors + 1;
  return std::clamp<int64_t>((isa.registers - others) / vectors, 1, kMostRows);
}

namespace {

/// The body of the function.
class PanelEmitter {
public:
  PanelEmitter(KernelBuilder &k, const GemmProblem &problem, const SparsePanels &weight, int64_t rows)
      : k(k), problem(problem), rows(rows), window(weight.window), outputs(weight.outputs), lanes(k.isa.lanes), vectors(kPanel / lanes) {}

  KernelBuilder &k;
  const GemmProblem &problem;
  int64_t rows, window, outputs, lanes, vectors;
  // Parameters as the function sees them; null where absent.
  Value values, columns, starts, indices, a, c, bias, aRow, cRow, begin, end;
  SmallVector<Value> operands, operandRows;

  void emit() {
    int64_t whole = outputs / kPanel, rest = outputs % kPanel;
    k.loop(begin, k.min(end, k.index(whole)), 1, [&](Value panel) { emitPanel(panel, kPanel); });
    if (rest != 0)
      k.when(k.less(k.index(whole), end), [&] { emitPanel(k.index(whole), rest); });
  }

private:
  Type f32() { return k.b.getF32Type(); }
  VectorType type() { return k.vectorType(f32()); }
  Value integer(Value pointer, Value i, Type type) {
    return arith::IndexCastUIOp::create(k.b, k.loc, k.b.getIndexType(), k.load(type, k.at(pointer, type, i)));
  }
  Value start(Value panel) { return integer(starts, panel, k.b.getI32Type()); }

  void emitPanel(Value panel, int64_t count) {
    int64_t size = rows * vectors, sets = 1;
    while (sets * size < kSumsInFlight)
      sets *= 2;
    Value first = start(panel), last = start(k.add(panel, k.index(1)));
    Value whole = k.add(first, k.mul(k.div(k.sub(last, first), k.index(sets)), k.index(sets)));
    SmallVector<Value> all(sets * size, k.zero(type()));
    all = k.loop(first, whole, sets, all, [&](Value i, ValueRange carried) {
      SmallVector<Value> next(carried);
      for (int64_t s = 0; s < sets; ++s)
        step(k.add(i, k.index(s)), MutableArrayRef<Value>(next).slice(s * size, size));
      return next;
    });
    SmallVector<Value> sums(all.begin(), all.begin() + size);
    for (int64_t i = size; i < sets * size; ++i)
      sums[i % size] = arith::AddFOp::create(k.b, k.loc, sums[i % size], all[i]);
    if (sets > 1)
      sums = k.loop(whole, last, 1, sums, [&](Value i, ValueRange carried) {
        SmallVector<Value> next(carried);
        step(i, next);
        return next;
      });
    finish(sums, k.mul(panel, k.index(kPanel)), count);
  }

  /// Adds step `i` of the lists to the sums.
  void step(Value i, MutableArrayRef<Value> sums) {
    Value column = integer(columns, i, k.b.getI32Type()), first = k.mul(i, k.index(kPanel));
    SmallVector<Value> weights;
    for (int64_t v = 0; v < vectors; ++v)
      weights.push_back(k.load(type(), k.at(values, f32(), k.add(first, k.index(v * lanes)))));
    Permutation permutation = indices ? loadPermutation(first) : Permutation();
    for (int64_t r = 0; r < rows; ++r) {
      Value x = k.at(a, f32(), k.add(k.mul(k.index(r), aRow), column));
      SmallVector<Value> inputs = indices ? permuted(x, permutation) : SmallVector<Value>(vectors, k.splat(k.load(f32(), x), type()));
      for (int64_t v = 0; v < vectors; ++v)
        sums[r * vectors + v] = k.fma(weights[v], inputs[v], sums[r * vectors + v]);
    }
  }

  /// The indices of a step: as vectors, with masks of those in the second half of a window of two vectors, or one by one.
  struct Permutation {
    SmallVector<Value> vectors, inSecond, elements;
  };
  bool inRegisters() { return !k.isa.permute.empty() && (window == lanes || window == 2 * lanes); }

  Permutation loadPermutation(Value first) {
    Permutation result;
    Type i8 = k.b.getI8Type();
    for (int64_t v = 0; v < vectors && inRegisters(); ++v) {
      auto wide = k.vectorType(k.b.getI32Type());
      Value bytes = k.load(k.vectorType(i8), k.at(indices, i8, k.add(first, k.index(v * lanes))));
      result.vectors.push_back(arith::ExtUIOp::create(k.b, k.loc, wide, bytes));
      if (window == lanes)
        continue;
      Value last = arith::ConstantOp::create(k.b, k.loc, DenseElementsAttr::get(wide, k.b.getI32IntegerAttr(lanes - 1)));
      result.inSecond.push_back(arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::sgt, result.vectors.back(), last));
    }
    for (int64_t i = 0; i < kPanel && !inRegisters(); ++i)
      result.elements.push_back(integer(indices, k.add(first, k.index(i)), i8));
    return result;
  }

  /// The elements of the window at `x` that the outputs of a panel take.
  SmallVector<Value> permuted(Value x, const Permutation &permutation) {
    SmallVector<Value> result, pieces;
    for (int64_t v = 0; v < vectors && !inRegisters(); ++v) {
      Value vector = k.zero(type());
      for (int64_t i = 0; i < lanes; ++i) {
        Value element = k.load(f32(), k.at(x, f32(), permutation.elements[v * lanes + i]));
        vector = vector::InsertOp::create(k.b, k.loc, element, vector, ArrayRef<int64_t>{i});
      }
      result.push_back(vector);
    }
    if (!inRegisters())
      return result;
    for (int64_t from = 0; from < window; from += lanes)
      pieces.push_back(k.load(type(), k.at(x, f32(), k.index(from))));
    for (auto [v, lanesOf] : llvm::enumerate(permutation.vectors)) {
      Value picked = pick(pieces.front(), lanesOf);
      if (pieces.size() > 1)
        picked = arith::SelectOp::create(k.b, k.loc, permutation.inSecond[v], pick(pieces.back(), lanesOf), picked);
      result.push_back(picked);
    }
    return result;
  }
  /// Indices count modulo the lanes.
  Value pick(Value vector, Value lanesOf) {
    return LLVM::CallIntrinsicOp::create(k.b, k.loc, type(), k.b.getStringAttr(k.isa.permute), ValueRange{vector, lanesOf}).getResult(0);
  }

  void finish(ArrayRef<Value> sums, Value column, int64_t count) {
    bool isLong = problem.epilogue && !problem.epilogue->empty() && isExpensive(problem.epilogue->front());
    for (int64_t v = 0; v < vectors && v * lanes < count; ++v) {
      Value first = k.add(column, k.index(v * lanes));
      Value mask = count - v * lanes < lanes ? k.laneMask(lanes, k.index(count - v * lanes)) : Value();
      Value biasVector = bias ? loadColumns(k.at(bias, f32(), first), mask) : Value();
      if (!isLong || rows == 1) {
        for (int64_t r = 0; r < rows; ++r)
          finishRow(sums[r * vectors + v], k.index(r), first, biasVector, mask);
        continue;
      }
      // A long epilogue would be repeated for every row: one copy of it, by a loop over the sums in memory.
      Value memory = k.stackArray(f32(), rows * lanes);
      for (int64_t r = 0; r < rows; ++r)
        k.store(sums[r * vectors + v], k.at(memory, f32(), k.index(r * lanes)));
      k.loop(k.index(0), k.index(rows), 1, [&](Value r) {
        finishRow(k.load(type(), k.at(memory, f32(), k.mul(r, k.index(lanes)))), r, first, biasVector, mask);
      });
    }
  }

  void finishRow(Value sum, Value row, Value column, Value biasVector, Value mask) {
    SmallVector<Value> addresses;
    for (auto [operand, stride, access] : llvm::zip(operands, operandRows, problem.operands)) {
      Value offset = k.mul(row, stride);
      addresses.push_back(k.at(operand, f32(), access.alongColumns ? k.add(offset, column) : offset));
    }
    Value value = finishSum(k, problem, sum, biasVector, addresses, [&](Value pointer, Type) { return loadColumns(pointer, mask); });
    Value to = k.at(c, f32(), k.add(k.mul(row, cRow), column));
    mask ? k.storeMasked(value, to, mask) : k.store(value, to);
  }
  Value loadColumns(Value pointer, Value mask) { return mask ? k.loadMasked(type(), pointer, mask) : k.load(type(), pointer); }
};

} // namespace

void nnopt::emitPanels(KernelBuilder &k, const GemmProblem &problem, const SparsePanels &weight, const SparsePanelsCall &call) {
  KernelCall function(k, problem.op, weight.indices ? "permute_panels" : "sparse_panels");
  function.key(Twine(call.rows) + "," + Twine(weight.window) + "," + Twine(weight.outputs));
  unsigned values = function.pointer(weight.values), columns = function.pointer(weight.columns), starts = function.pointer(weight.starts);
  unsigned a = function.pointer(call.a), c = function.pointer(call.c);
  unsigned begin = function.number(call.begin), end = function.number(call.end);
  unsigned aRow = function.number(problem.a.strides.back()), cRow = function.number(problem.c.strides.back());
  std::optional<unsigned> indices, bias;
  if (weight.indices)
    indices = function.pointer(weight.indices);
  if (call.bias)
    bias = function.pointer(call.bias), function.key("bias");
  SmallVector<unsigned> operands, operandRows;
  for (auto [pointer, access] : llvm::zip(call.operands, problem.operands)) {
    operands.push_back(function.pointer(pointer));
    operandRows.push_back(function.number(access.strides.back()));
    function.key(access.alongColumns ? "columns" : "scalar");
  }
  if (problem.epilogue)
    function.key(*problem.epilogue);
  function.emit([&](KernelBuilder &inner) {
    PanelEmitter emitter(inner, problem, weight, call.rows);
    auto get = [&](unsigned handle) { return function[handle]; };
    emitter.values = get(values), emitter.columns = get(columns), emitter.starts = get(starts);
    emitter.indices = indices ? get(*indices) : Value();
    emitter.a = get(a), emitter.c = get(c), emitter.aRow = get(aRow), emitter.cRow = get(cRow);
    emitter.begin = get(begin), emitter.end = get(end);
    emitter.bias = bias ? get(*bias) : Value();
    llvm::append_range(emitter.operands, llvm::map_range(operands, get));
    llvm::append_range(emitter.operandRows, llvm::map_range(operandRows, get));
    emitter.emit();
  });
}
