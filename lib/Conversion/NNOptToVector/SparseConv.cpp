//===- SparseConv.cpp - convolutions with pruned filters over planes ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile is up to four vectors of consecutive positions of the planes. Each strip of outputs is summed for it as a strip of a product is
// (SparseKernel.cpp), where the column of a block is the distance of its tap. Sums are then turned back in squares, finished and stored; those
// of positions between two lines are dropped.
//===----------------------------------------------------------------------===//

#include "Products.h"
#include "Sparse.h"

#include "nnopt/Cost/Linear.h"

using namespace mlir;
using namespace nnopt;

// Positions are computed up to a multiple of this (nnopt.sparse_conv).
static constexpr int64_t kPositionUnit = 16;

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

class SparseConvEmitter {
public:
  SparseConvEmitter(KernelBuilder &k, SparseConvOp op, const GemmProblem &problem, int64_t maxTile)
      : k(k), op(op), p(problem), pack(op.getPack()), planes(k.buffer(op.getPlanes())), values(k.buffer(op.getValues()).pointer),
        columns(k.buffer(op.getColumns()).pointer), starts(k.buffer(op.getStarts()).pointer), maxTile(maxTile),
        pitch(maxTile * k.isa.lanes) {}

  void emit() {
    int64_t span = (op.getExtents()[0] - 1) * static_cast<int64_t>(op.getPitch()) + op.getExtents()[1];
    int64_t vectors = llvm::alignTo(span, kPositionUnit) / k.isa.lanes, whole = vectors / maxTile, rest = vectors % maxTile;
    SmallVector<Value> sizes{planes.extents[0], k.index(whole + (rest != 0)), k.index(pack.strips())};
    k.parallel(k.product(sizes), [&](Value item) {
      SmallVector<Value> at = k.delinearize(item, sizes);
      sums = k.stackArray(k.b.getF32Type(), llvm::alignTo(pack.getStrip(), k.isa.lanes) * pitch);
      numbers = k.stackArray(k.b.getI64Type(), pitch);
      image = at[0];
      auto emitTile = [&](int64_t tileVectors) {
        SparseTile tile{tileVectors, pitch, k.index(tileVectors * k.isa.lanes)};
        emitItem(tile, k.mul(at[1], k.index(pitch)), at[2]);
      };
      if (rest == 0)
        return emitTile(maxTile);
      k.when(k.less(at[1], k.index(whole)), [&] { emitTile(maxTile); }, [&] { emitTile(rest); });
    });
  }

private:
  KernelBuilder &k;
  SparseConvOp op;
  const GemmProblem &p;
  SparsePackAttr pack;
  Buffer planes;
  Value values, columns, starts;
  int64_t maxTile, pitch;
  Value sums, numbers, image;

  void emitItem(const SparseTile &tile, Value position, Value strip) {
    Value list = k.mul(strip, k.index(pack.chunks() * pack.listsPerChunk()));
    Value from = k.at(planes.pointer, k.b.getF32Type(), k.add(k.mul(image, planes.strides[0]), position));
    emitStrip(k, op, tile, {pack, values, columns, k.at(starts, k.b.getI32Type(), list), from, sums, /*isPlanes=*/true});
    emitNumbers(tile, position);
    int64_t rest = pack.getOutputs() % pack.getStrip();
    if (rest == 0)
      return emitFinish(tile, strip, k.index(pack.getStrip()));
    k.when(
        k.less(strip, k.index(pack.strips() - 1)), [&] { emitFinish(tile, strip, k.index(pack.getStrip())); },
        [&] { emitFinish(tile, k.index(pack.strips() - 1), k.index(rest)); });
  }

  /// For each position of the tile the number that it has in the result, or -1.
  void emitNumbers(const SparseTile &tile, Value position) {
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

  void emitFinish(const SparseTile &tile, Value strip, Value count) {
    Value column = k.mul(strip, k.index(pack.getStrip())), none = k.index(0);
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
};

} // namespace

LogicalResult nnopt::emitSparseConv(Operation *operation, KernelBuilder &k) {
  auto op = cast<SparseConvOp>(operation);
  auto type = cast<MemRefType>(op.getPlanes().getType());
  int64_t blockRows = op.getPack().getRows(), strip = op.getPack().getStrip();
  int64_t tile = sparseTileVectors(k.isa, blockRows, strip);
  if (!isF32({op.getPlanes(), op.getValues(), op.getInit()}) || (op.getBias() && !isF32(op.getBias())) || !type.getLayout().isIdentity() ||
      !isUnitInnermost(op.getInit()) || !isFastEpilogue(op.getEpilogue(), op.getEpilogueOperands(), op.getEpilogueMaps()) || tile == 0)
    return failure();
  SmallVector<Value> still(3, k.index(0));
  GemmProblem problem;
  problem.op = op;
  problem.c = rowAccess(k, op.getInit(), 3);
  if (op.getBias())
    problem.bias = RowAccess{k.buffer(op.getBias()).pointer, still};
  setEpilogue(k, op, problem);
  SparseConvEmitter(k, op, problem, tile).emit();
  return success();
}
