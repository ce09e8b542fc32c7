//===- Products.cpp - linear and matmul as loops --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "LoopEmitter.h"

using namespace mlir;
using namespace nnopt;

static Type elementOf(Value memref) { return cast<MemRefType>(memref.getType()).getElementType(); }

LogicalResult nnopt::lowerToLoops(LinearOp op, LoopEmitter &e) {
  Value destination = op.getInit(), input = op.getInput(), weight = op.getWeight();
  Type sumType = e.accumulatorType(op.getEpilogue(), destination);
  int64_t rank = cast<MemRefType>(input.getType()).getRank();
  if (op.getPack() && !(weight = e.flat(weight)))
    return op.emitOpError("expects a contiguous packed weight, got ") << op.getWeight().getType();

  auto weightAt = [&](Value n, Value k) {
    if (auto pack = op.getPack())
      return e.read(weight, {e.positionInPanels(*pack, n, k)}, sumType);
    return op.getWeightKn() ? e.read(weight, {k, n}, sumType) : e.read(weight, {n, k}, sumType);
  };
  e.forEach(e.extents(destination), [&](LoopEmitter::Coordinates at) {
    SmallVector<Value> from(at);
    Value initial = op.getBias() ? e.read(op.getBias(), {at.back()}, sumType) : e.zero(sumType);
    Value sum = e.fold({e.extent(input, rank - 1)}, initial, [&](LoopEmitter::Coordinates k, Value sum) {
      from.back() = k[0];
      return e.multiplyAdd(e.read(input, from, sumType), weightAt(at.back(), k[0]), sum);
    });
    e.finish(sum, op.getEpilogue(), op.getEpilogueOperands(), op.getEpilogueMaps(), destination, at);
  });
  return success();
}

LogicalResult nnopt::lowerToLoops(TileRowsOp op, LoopEmitter &e) {
  Value input = op.getInput(), destination = op.getInit();
  SmallVector<Value> sizes = e.extents(input);
  sizes.pop_back();
  Value rows = e.product(sizes);
  Type type = withoutSign(elementOf(input));
  e.forEach(e.extents(destination), [&](LoopEmitter::Coordinates at) {
    Value row = e.add(e.mul(at[0], e.index(TileRowsOp::kRows)), at[2]);
    SmallVector<Value> read = e.guarded(e.less(row, rows), e.zero(type), [&]() -> SmallVector<Value> {
      SmallVector<Value> from = e.delinearize(row, sizes);
      from.push_back(at[1]);
      return {e.read(input, from, type)};
    });
    e.write(read.front(), destination, at);
  });
  return success();
}

LogicalResult nnopt::lowerToLoops(SparseLinearOp op, LoopEmitter &e) {
  Value destination = op.getInit(), input = op.getInput();
  Type sumType = e.accumulatorType(elementOf(destination));
  auto lists = SparseConstants::of(op);
  SmallVector<Value> sizes = e.extents(destination);
  sizes.pop_back();
  auto inputAt = [&](LoopEmitter::Coordinates at, Value k) {
    SmallVector<Value> from(at);
    from.back() = k;
    if (!op.getTiled())
      return e.read(input, from, sumType);
    Value row = e.index(0), tile = e.index(TileRowsOp::kRows);
    for (auto [extent, i] : llvm::zip(sizes, from))
      row = e.add(e.mul(row, extent), i);
    return e.read(input, {e.div(row, tile), k, e.rem(row, tile)}, sumType);
  };
  e.forEach(e.extents(destination), [&](LoopEmitter::Coordinates at) {
    Value initial = op.getBias() ? e.read(op.getBias(), {at.back()}, sumType) : e.zero(sumType);
    Value sum = e.foldBlocks(lists, at.back(), initial, [&](Value element) { return inputAt(at, element); });
    e.finish(sum, op.getEpilogue(), op.getEpilogueOperands(), op.getEpilogueMaps(), destination, at);
  });
  return success();
}

LogicalResult nnopt::lowerToLoops(PermuteLinearOp op, LoopEmitter &e) {
  Value destination = op.getInit(), input = op.getInput();
  Type sumType = e.accumulatorType(elementOf(destination)), i32 = e.b.getI32Type();
  auto integer = [&](Value memref, Value at) { return e.convert(e.read(memref, {at}, i32), e.b.getIndexType()); };
  e.forEach(e.extents(destination), [&](LoopEmitter::Coordinates at) {
    SmallVector<Value> from(at);
    Value n = at.back(), rows = e.index(op.getPack().getRows()), list = e.div(n, rows), row = e.rem(n, rows);
    Value begin = integer(op.getStarts(), list), end = integer(op.getStarts(), e.add(list, e.index(1)));
    Value initial = op.getBias() ? e.read(op.getBias(), {n}, sumType) : e.zero(sumType);
    Value sum = e.fold({e.sub(end, begin)}, initial, [&](LoopEmitter::Coordinates i, Value running) {
      Value slot = e.add(begin, i[0]);
      Value inWindow = e.convert(e.read(op.getIndices(), {slot, row}, e.b.getI8Type()), e.b.getIndexType());
      from.back() = e.add(integer(op.getColumns(), slot), inWindow);
      return e.multiplyAdd(e.read(input, from, sumType), e.read(op.getValues(), {slot, row}, sumType), running);
    });
    e.finish(sum, op.getEpilogue(), op.getEpilogueOperands(), op.getEpilogueMaps(), destination, at);
  });
  return success();
}

/// Coordinates in `operand` of the matrix element (row, column) in batch `at[0 .. rank - 2)` of the result.
static SmallVector<Value> matrixElement(LoopEmitter &e, Value operand, LoopEmitter::Coordinates at, Value row,
                                        Value column) {
  auto type = cast<MemRefType>(operand.getType());
  int64_t missing = at.size() - type.getRank();
  SmallVector<Value> from;
  for (int64_t d = 0; d < type.getRank() - 2; ++d) {
    // An extent of 1 is broadcast; one only known at run time may turn out to be 1.
    if (type.getDimSize(d) == 1)
      from.push_back(e.index(0));
    else if (type.isDynamicDim(d))
      from.push_back(e.min(at[missing + d], e.sub(e.extent(operand, d), e.index(1))));
    else
      from.push_back(at[missing + d]);
  }
  from.append({row, column});
  return from;
}

LogicalResult nnopt::lowerToLoops(MatmulOp op, LoopEmitter &e) {
  Value destination = op.getInit(), lhs = op.getLhs(), rhs = op.getRhs();
  Type sumType = e.accumulatorType(elementOf(destination));
  int64_t lhsRank = cast<MemRefType>(lhs.getType()).getRank();
  Value depth = e.extent(lhs, lhsRank - (op.getTransposeLhs() ? 2 : 1));
  e.forEach(e.extents(destination), [&](LoopEmitter::Coordinates at) {
    Value row = at[at.size() - 2], column = at.back();
    Value sum = e.fold({depth}, e.zero(sumType), [&](LoopEmitter::Coordinates k, Value sum) {
      Value x = e.read(lhs, op.getTransposeLhs() ? matrixElement(e, lhs, at, k[0], row) : matrixElement(e, lhs, at, row, k[0]), sumType);
      Value y = e.read(rhs, op.getTransposeRhs() ? matrixElement(e, rhs, at, column, k[0]) : matrixElement(e, rhs, at, k[0], column), sumType);
      return e.multiplyAdd(x, y, sum);
    });
    e.finish(sum, op.getEpilogue(), op.getEpilogueOperands(), op.getEpilogueMaps(), destination, at);
  });
  return success();
}
