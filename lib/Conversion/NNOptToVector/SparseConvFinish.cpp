//===- SparseConvFinish.cpp - results of pruned convolutions --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sums lie along the positions of planes. Squares of them are turned back, finished and stored along the channels; those of positions between
// two lines are dropped.
//===----------------------------------------------------------------------===//

#include "Products.h"
#include "SparseConv.h"

using namespace mlir;
using namespace nnopt;

namespace {

/// The body of the function that finishes the sums of a strip.
class PositionFinisher {
public:
  PositionFinisher(KernelBuilder &k, const GemmProblem &problem, const SparseTile &tile, int64_t line)
      : k(k), problem(problem), vectors(tile.vectors), pitch(tile.pitch), lanes(k.isa.lanes), line(line) {}

  Value sums, numbers, columns, c, bias;
  SmallVector<Value> cStrides;
  SmallVector<Value> operands;
  SmallVector<SmallVector<Value>> operandStrides;

  void emit() {
    isLong = problem.epilogue && !problem.epilogue->empty() && isExpensive(problem.epilogue->front());
    Value whole = k.mul(k.div(columns, k.index(lanes)), k.index(lanes));
    k.loop(k.index(0), whole, lanes, [&](Value column) { emitColumns(column, Value()); });
    if (auto known = k.constantOf(columns); known && *known % lanes == 0)
      return;
    k.when(k.less(whole, columns), [&] { emitColumns(whole, k.laneMask(lanes, k.sub(columns, whole))); });
  }

private:
  KernelBuilder &k;
  const GemmProblem &problem;
  int64_t vectors, pitch, lanes, line;
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
      if (!isLong) {
        for (int64_t i = 0; i < lanes; ++i)
          emitPosition(square[i], k.index(v * lanes + i), column, biasVector, mask);
        continue;
      }
      // One copy of a long epilogue, in a loop over the square in memory.
      Value memory = k.stackArray(f32(), lanes * lanes);
      for (int64_t i = 0; i < lanes; ++i)
        k.store(square[i], k.at(memory, f32(), k.index(i * lanes)));
      k.loop(k.index(0), k.index(lanes), 1, [&](Value i) {
        Value sum = k.load(type(), k.at(memory, f32(), k.mul(i, k.index(lanes))));
        emitPosition(sum, k.add(k.index(v * lanes), i), column, biasVector, mask);
      });
    }
  }

  /// Finishes position `i` of the tile, if it is one of the result.
  void emitPosition(Value sum, Value i, Value column, Value biasVector, Value mask) {
    Value loaded = k.load(k.b.getI64Type(), k.at(numbers, k.b.getI64Type(), i));
    Value number = arith::IndexCastOp::create(k.b, k.loc, k.b.getIndexType(), loaded);
    k.when(k.less(k.index(-1), number), [&] {
      SmallVector<Value> addresses;
      for (auto [operand, strides, access] : llvm::zip(operands, operandStrides, problem.operands)) {
        Value offset = offsetOf(number, strides);
        addresses.push_back(k.at(operand, f32(), access.alongColumns ? k.add(offset, column) : offset));
      }
      Value result = finishSum(k, problem, sum, biasVector, addresses, [&](Value p) { return loadColumns(p, mask); });
      Value target = k.at(c, f32(), k.add(offsetOf(number, cStrides), column));
      mask ? k.storeMasked(result, target, mask) : k.store(result, target);
    });
  }

  /// Offset of position `number` of the result, with strides of lines and of positions.
  Value offsetOf(Value number, ArrayRef<Value> strides) {
    auto outside = k.constantOf(strides[0]), inside = k.constantOf(strides[1]);
    if (outside && inside && *outside == *inside * line)
      return k.mul(number, strides[1]);
    return k.add(k.mul(k.div(number, k.index(line)), strides[0]), k.mul(k.rem(number, k.index(line)), strides[1]));
  }
};

} // namespace

/// For each position of the tile the number that it has in the result, or -1.
void SparseConvFinisher::emitNumbers(const SparseTile &tile, Value position) {
  int64_t line = op.getExtents()[1], count = op.getExtents()[0] * line, planePitch = op.getPitch();
  KernelCall function(k, op, "position_numbers");
  function.key(Twine(line) + "," + Twine(count) + "," + Twine(planePitch) + "," + Twine(tile.vectors));
  unsigned first = function.scalar(position), to = function.pointer(numbers);
  function.emit([&](KernelBuilder &b) {
    Value lineValue = b.index(line), pitchValue = b.index(planePitch);
    Value x = b.rem(function[first], pitchValue);
    Value number = b.add(b.mul(b.div(function[first], pitchValue), lineValue), b.min(x, lineValue));
    b.loop(b.index(0), b.index(tile.vectors * b.isa.lanes), 1, {x, number}, [&](Value i, ValueRange carried) -> SmallVector<Value> {
      Value isPosition = arith::AndIOp::create(b.b, b.loc, b.less(carried[0], lineValue), b.less(carried[1], b.index(count)));
      Value shown = arith::SelectOp::create(b.b, b.loc, isPosition, carried[1], b.index(-1));
      b.store(arith::IndexCastOp::create(b.b, b.loc, b.b.getI64Type(), shown), b.at(function[to], b.b.getI64Type(), i));
      Value next = b.add(carried[0], b.index(1));
      Value wrapped = arith::SelectOp::create(b.b, b.loc, b.less(next, pitchValue), next, b.index(0));
      Value step = arith::SelectOp::create(b.b, b.loc, isPosition, b.index(1), b.index(0));
      return {wrapped, b.add(carried[1], step)};
    });
  });
}

void SparseConvFinisher::emitFinish(const SparseTile &tile, Value image, Value number, Value count, Value sums) {
  Value column = k.mul(number, k.index(strip)), none = k.index(0);
  SmallVector<Value> outer{image, none};
  KernelCall function(k, op, "conv_finish");
  function.key(Twine(tile.vectors) + "," + Twine(tile.pitch) + "," + Twine(op.getExtents()[1]));
  unsigned from = function.pointer(sums), ids = function.pointer(numbers), c = function.pointer(addressOf(k, p.c, outer, none, column));
  unsigned columnCount = function.number(count);
  auto strides = [&](const RowAccess &access) { return std::pair(function.number(access.strides[1]), function.number(access.strides[2])); };
  auto cStrides = strides(p.c);
  std::optional<unsigned> bias;
  if (p.bias)
    bias = function.pointer(addressOf(k, *p.bias, outer, none, column)), function.key("bias");
  SmallVector<unsigned> operands;
  SmallVector<std::pair<unsigned, unsigned>> operandStrides;
  for (const RowAccess &access : p.operands) {
    operands.push_back(function.pointer(addressOf(k, access, outer, none, column)));
    operandStrides.push_back(strides(access));
    function.key(access.alongColumns ? "columns" : "scalar");
  }
  if (p.epilogue)
    function.key(*p.epilogue);
  function.emit([&](KernelBuilder &inner) {
    PositionFinisher finisher(inner, p, tile, op.getExtents()[1]);
    auto pairOf = [&](std::pair<unsigned, unsigned> handles) { return SmallVector<Value>{function[handles.first], function[handles.second]}; };
    finisher.sums = function[from], finisher.numbers = function[ids], finisher.columns = function[columnCount], finisher.c = function[c];
    finisher.cStrides = pairOf(cStrides);
    finisher.bias = bias ? function[*bias] : Value();
    for (unsigned handle : operands)
      finisher.operands.push_back(function[handle]);
    for (auto handles : operandStrides)
      finisher.operandStrides.push_back(pairOf(handles));
    finisher.emit();
  });
}

void SparseConvFinisher::emitStrip(const SparseTile &tile, Value image, Value number, Value sums) {
  int64_t outputs = op.getPack().getOutputs(), strips = llvm::divideCeil(outputs, strip), rest = outputs % strip;
  if (rest == 0 || strips == 1)
    return emitFinish(tile, image, number, k.index(rest == 0 ? strip : rest), sums);
  k.when(
      k.less(number, k.index(strips - 1)), [&] { emitFinish(tile, image, number, k.index(strip), sums); },
      [&] { emitFinish(tile, image, k.index(strips - 1), k.index(rest), sums); });
}

std::optional<GemmProblem> nnopt::sparseConvProblem(KernelBuilder &k, SparseConvOp op) {
  auto type = cast<MemRefType>(op.getPlanes().getType());
  if (!isF32({op.getPlanes(), op.getValues(), op.getInit()}) || (op.getBias() && !isF32(op.getBias())) || !type.getLayout().isIdentity() ||
      !isUnitInnermost(op.getInit()) || !isFastEpilogue(op.getEpilogue(), op.getEpilogueOperands(), op.getEpilogueMaps()))
    return std::nullopt;
  SmallVector<Value> still(3, k.index(0));
  GemmProblem problem;
  problem.op = op;
  problem.c = rowAccess(k, op.getInit(), 3);
  if (op.getBias())
    problem.bias = RowAccess{k.buffer(op.getBias()).pointer, still};
  setEpilogue(k, op, problem);
  return problem;
}
