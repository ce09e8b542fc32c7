//===- SparseConvFinish.cpp - results of pruned convolutions --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sums lie along the positions of planes. Squares of them are turned back, finished and stored along the channels; those of positions between
// two lines are dropped.
//===----------------------------------------------------------------------===//

#include "Products.h"
#include "SparseConv.h"
#include "VectorLoop.h"

using namespace mlir;
using namespace nnopt;

namespace {

/// The body of the function that finishes the sums of a strip.
class PositionFinisher {
public:
  PositionFinisher(KernelBuilder &k, const GemmProblem &problem, int64_t vectorStep, int64_t pitch, int64_t line)
      : k(k), problem(problem), vectorStep(vectorStep), pitch(pitch), lanes(k.isa.lanes), line(line) {}

  Value vectors, sums, numbers, columns, c, bias;
  SmallVector<Value> cStrides;
  SmallVector<Value> operands;
  SmallVector<SmallVector<Value>> operandStrides;

  void emit() {
    isLong = problem.epilogue && !problem.epilogue->empty() && isExpensive(problem.epilogue->front());
    forVectors(k, columns, lanes, /*unroll=*/1, [&](ArrayRef<Value> starts, Value mask) { emitColumns(starts.front(), mask); });
  }

private:
  KernelBuilder &k;
  const GemmProblem &problem;
  int64_t vectorStep, pitch, lanes, line;
  bool isLong = false;

  Type f32() { return k.b.getF32Type(); }
  VectorType type() { return k.vectorType(f32()); }
  Value loadColumns(Value pointer, Value mask) { return mask ? k.loadMasked(type(), pointer, mask) : k.load(type(), pointer); }

  void emitColumns(Value column, Value mask) {
    Value biasVector = bias ? loadColumns(k.at(bias, f32(), column), mask) : Value();
    k.loop(k.index(0), vectors, 1, [&](Value v) {
      Value from = k.add(k.mul(v, k.index(vectorStep)), k.mul(column, k.index(pitch))), first = k.mul(v, k.index(lanes));
      SmallVector<Value> square;
      for (int64_t i = 0; i < lanes; ++i)
        square.push_back(k.load(type(), k.at(sums, f32(), k.add(from, k.index(i * pitch)))));
      k.transposeSquare(square);
      if (!isLong) {
        for (int64_t i = 0; i < lanes; ++i)
          emitPosition(square[i], k.add(first, k.index(i)), column, biasVector, mask);
        return;
      }
      // One copy of a long epilogue, in a loop over the square in memory.
      Value memory = k.stackArray(f32(), lanes * lanes);
      for (int64_t i = 0; i < lanes; ++i)
        k.store(square[i], k.at(memory, f32(), k.index(i * lanes)));
      k.loop(k.index(0), k.index(lanes), 1, [&](Value i) {
        Value sum = k.load(type(), k.at(memory, f32(), k.mul(i, k.index(lanes))));
        emitPosition(sum, k.add(first, i), column, biasVector, mask);
      });
    });
  }

  /// Finishes position `i` of the item, if it is one of the result.
  void emitPosition(Value sum, Value i, Value column, Value biasVector, Value mask) {
    Value loaded = k.load(k.b.getI32Type(), k.at(numbers, k.b.getI32Type(), i));
    Value number = arith::IndexCastOp::create(k.b, k.loc, k.b.getIndexType(), loaded);
    k.when(k.less(k.index(-1), number), [&] {
      SmallVector<Value> addresses;
      for (auto [operand, strides, access] : llvm::zip(operands, operandStrides, problem.operands)) {
        Value offset = offsetOf(number, strides);
        addresses.push_back(k.at(operand, f32(), access.alongColumns ? k.add(offset, column) : offset));
      }
      Value result = finishSum(k, problem, sum, biasVector, addresses, [&](Value p, Type) { return loadColumns(p, mask); });
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

SparseConvFinisher::SparseConvFinisher(KernelBuilder &k, SparseConvOp op, const GemmProblem &problem, int64_t strip, int64_t mostVectors)
    : k(k), op(op), p(problem), strip(strip), numbers(k.stackArray(k.b.getI32Type(), mostVectors * k.isa.lanes)) {}

void SparseConvFinisher::emit(const ConvSums &sums) {
  emitNumbers(sums);
  int64_t outputs = op.getPack().getOutputs(), strips = llvm::divideCeil(outputs, strip), rest = outputs % strip;
  auto finish = [&](int64_t count) { op.getFrame() ? emitPlanes(sums, k.index(count)) : emitRows(sums, k.index(count)); };
  if (rest == 0 || strips == 1)
    return finish(rest == 0 ? strip : rest);
  k.when(k.less(sums.strip, k.index(strips - 1)), [&] { finish(strip); }, [&] { finish(rest); });
}

/// For each position the number that it has in the result, or -1.
void SparseConvFinisher::emitNumbers(const ConvSums &sums) {
  int64_t line = op.getExtents()[1], count = op.getExtents()[0] * line, planePitch = op.getPitch();
  KernelCall function(k, op, "position_numbers");
  function.key(Twine(line) + "," + Twine(count) + "," + Twine(planePitch));
  unsigned first = function.scalar(sums.position), to = function.pointer(numbers), vectors = function.number(sums.vectors);
  function.emit([&](KernelBuilder &b) {
    Type i32 = b.b.getI32Type();
    Value lineValue = b.index(line), pitchValue = b.index(planePitch);
    Value x = b.rem(function[first], pitchValue);
    Value number = b.add(b.mul(b.div(function[first], pitchValue), lineValue), b.min(x, lineValue));
    b.loop(b.index(0), b.mul(function[vectors], b.index(b.isa.lanes)), 1, {x, number}, [&](Value i, ValueRange carried) -> SmallVector<Value> {
      Value isPosition = arith::AndIOp::create(b.b, b.loc, b.less(carried[0], lineValue), b.less(carried[1], b.index(count)));
      Value shown = arith::SelectOp::create(b.b, b.loc, isPosition, carried[1], b.index(-1));
      b.store(arith::IndexCastOp::create(b.b, b.loc, i32, shown), b.at(function[to], i32, i));
      Value next = b.add(carried[0], b.index(1));
      Value wrapped = arith::SelectOp::create(b.b, b.loc, b.less(next, pitchValue), next, b.index(0));
      Value step = arith::SelectOp::create(b.b, b.loc, isPosition, b.index(1), b.index(0));
      return {wrapped, b.add(carried[1], step)};
    });
  });
}

void SparseConvFinisher::emitRows(const ConvSums &sums, Value count) {
  Value column = k.mul(sums.strip, k.index(strip)), none = k.index(0);
  SmallVector<Value> outer{sums.image, none};
  KernelCall function(k, op, "conv_finish");
  function.key(Twine(sums.vectorStep) + "," + Twine(sums.pitch) + "," + Twine(op.getExtents()[1]));
  unsigned from = function.pointer(sums.sums), ids = function.pointer(numbers), c = function.pointer(addressOf(k, p.c, outer, none, column));
  unsigned columnCount = function.number(count), vectors = function.number(sums.vectors);
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
    PositionFinisher finisher(inner, p, sums.vectorStep, sums.pitch, op.getExtents()[1]);
    auto pairOf = [&](std::pair<unsigned, unsigned> handles) { return SmallVector<Value>{function[handles.first], function[handles.second]}; };
    finisher.sums = function[from], finisher.numbers = function[ids], finisher.columns = function[columnCount], finisher.c = function[c];
    finisher.vectors = function[vectors], finisher.cStrides = pairOf(cStrides);
    finisher.bias = bias ? function[*bias] : Value();
    for (unsigned handle : operands)
      finisher.operands.push_back(function[handle]);
    for (auto handles : operandStrides)
      finisher.operandStrides.push_back(pairOf(handles));
    finisher.emit();
  });
}

/// True if vectors along the positions of planes can be finished and stored.
static bool isPlanes(SparseConvOp op) {
  auto isWhole = [](Value memref) { return cast<MemRefType>(memref.getType()).getLayout().isIdentity(); };
  auto isIdentity = [](Attribute map) { return cast<AffineMapAttr>(map).getValue().isIdentity(); };
  int64_t lead = (*op.getFrame())[0], size = (*op.getFrame())[1], unit = SparseConvOp::kPositionUnit;
  return lead % unit == 0 && size % unit == 0 && isWhole(op.getInit()) && llvm::all_of(op.getEpilogueOperands(), isWhole) &&
         (!op.getEpilogueMaps() || llvm::all_of(*op.getEpilogueMaps(), isIdentity));
}

std::optional<GemmProblem> nnopt::sparseConvProblem(KernelBuilder &k, SparseConvOp op) {
  auto type = cast<MemRefType>(op.getPlanes().getType());
  if (!isF32({op.getPlanes(), op.getValues(), op.getInit()}) || (op.getBias() && !isF32(op.getBias())) || !type.getLayout().isIdentity() ||
      !isUnitInnermost(op.getInit()) || (op.getFrame() && !isPlanes(op)) || !isFastEpilogue(op.getEpilogue(), op.getEpilogueOperands(), op.getEpilogueMaps()))
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
