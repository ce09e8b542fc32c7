//===- Rows.cpp - softmax, normalisation and gather as loops --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "LoopEmitter.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace nnopt;

static Type elementOf(Value memref) { return cast<MemRefType>(memref.getType()).getElementType(); }

LogicalResult nnopt::lowerToLoops(SoftmaxOp op, LoopEmitter &e) {
  Value destination = op.getInit(), input = op.getInput();
  Type type = e.accumulatorType(elementOf(input));
  SmallVector<Value> outer = e.extents(input);
  Value count = outer[op.getAxis()];
  outer.erase(outer.begin() + op.getAxis());
  e.forEach(outer, [&](LoopEmitter::Coordinates row) {
    auto element = [&](Value i) {
      SmallVector<Value> at(row);
      at.insert(at.begin() + op.getAxis(), i);
      return at;
    };
    auto minusInfinity = APFloat::getInf(cast<FloatType>(type).getFloatSemantics(), /*Negative=*/true);
    Value lowest = arith::ConstantOp::create(e.b, e.loc, FloatAttr::get(type, minusInfinity));
    Value top = e.fold({count}, lowest, [&](LoopEmitter::Coordinates i, Value top) {
      return e.maximum(top, e.read(input, element(i[0]), type));
    });
    auto shifted = [&](Value i) -> Value {
      return arith::SubFOp::create(e.b, e.loc, e.read(input, element(i), type), top);
    };
    Value sum = e.fold({count}, e.zero(type), [&](LoopEmitter::Coordinates i, Value sum) {
      return e.plus(sum, e.exp(shifted(i[0])));
    });
    Value logSum = op.getLog() ? Value(math::LogOp::create(e.b, e.loc, sum)) : Value();
    e.nest({count}, [&](LoopEmitter::Coordinates i) {
      Value x = shifted(i[0]);
      Value result = op.getLog() ? Value(arith::SubFOp::create(e.b, e.loc, x, logSum))
                                 : Value(arith::DivFOp::create(e.b, e.loc, e.exp(x), sum));
      e.write(result, destination, element(i[0]));
    });
  });
  return success();
}

LogicalResult nnopt::lowerToLoops(NormalizeOp op, LoopEmitter &e) {
  Value destination = op.getInit(), input = op.getInput();
  Type type = e.accumulatorType(elementOf(input));
  SmallVector<Value> extents = e.extents(input);
  ArrayRef<Value> outer = ArrayRef(extents).take_front(op.getAxis()), inner = ArrayRef(extents).drop_front(op.getAxis());
  Value count = e.convert(e.convert(e.product(inner), e.b.getI64Type()), type);
  bool isLayer = op.getKind() == NormKind::layer;

  // A row is one item: its elements are read three times.
  e.parallel(e.product(outer), [&](Value item) {
    SmallVector<Value> row = e.delinearize(item, outer);
    auto element = [&](LoopEmitter::Coordinates i) {
      SmallVector<Value> at(row);
      llvm::append_range(at, i);
      return e.read(input, at, type);
    };
    auto divided = [&](Value x, Value y) -> Value { return arith::DivFOp::create(e.b, e.loc, x, y); };
    Value mean;
    if (isLayer)
      mean = divided(e.fold(inner, e.zero(type), [&](LoopEmitter::Coordinates i, Value sum) {
        return e.plus(sum, element(i));
      }), count);
    auto centred = [&](LoopEmitter::Coordinates i) -> Value {
      return isLayer ? Value(arith::SubFOp::create(e.b, e.loc, element(i), mean)) : element(i);
    };
    Value squares = e.fold(inner, e.zero(type), [&](LoopEmitter::Coordinates i, Value sum) {
      Value x = centred(i);
      return e.multiplyAdd(x, x, sum);
    });
    Value epsilon = e.constant(type, op.getEpsilon().convertToDouble());
    Value deviation = math::SqrtOp::create(e.b, e.loc, e.plus(divided(squares, count), epsilon));
    e.nest(inner, [&](LoopEmitter::Coordinates i) {
      Value x = divided(centred(i), deviation);
      if (op.getScale())
        x = arith::MulFOp::create(e.b, e.loc, x, e.read(op.getScale(), i, type));
      if (op.getBias())
        x = e.plus(x, e.read(op.getBias(), i, type));
      SmallVector<Value> at(row);
      llvm::append_range(at, i);
      e.write(x, destination, at);
    });
  });
  return success();
}

LogicalResult nnopt::lowerToLoops(GatherOp op, LoopEmitter &e) {
  Value destination = op.getInit(), data = op.getData(), indices = op.getIndices();
  int64_t axis = op.getAxis(), indexRank = cast<MemRefType>(indices.getType()).getRank();
  Value rows = e.extent(data, axis), zero = e.index(0);
  e.forEach(e.extents(destination), [&](LoopEmitter::Coordinates at) {
    Value wide = e.read(indices, at.slice(axis, indexRank), e.b.getI64Type());
    Value i = e.convert(wide, e.b.getIndexType());
    Value fromEnd = e.add(i, rows);
    i = arith::SelectOp::create(e.b, e.loc, e.less(i, zero), fromEnd, i);
    // Outside reads the nearest end: no index can reach beyond the table.
    i = e.max(e.min(i, e.sub(rows, e.index(1))), zero);
    SmallVector<Value> from(at.take_front(axis));
    from.push_back(i);
    llvm::append_range(from, at.drop_front(axis + indexRank));
    e.write(e.read(data, from, elementOf(data)), destination, at);
  });
  return success();
}
