//===- Attention.cpp - attention as loops ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nothing of the size of the scores is stored: they are formed once for the largest, once for the weighted sum of the values, which
// is held on the stack. Values of a size that is only known at run time are summed one element at a time, forming the scores
// again for each.
//===----------------------------------------------------------------------===//

#include "LoopEmitter.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace nnopt;

namespace {
/// One query of one head.
struct Query {
  AttentionOp op;
  LoopEmitter &e;
  Type type;
  Value batch, head, keyHead, position;

  SmallVector<Value> coordinates(Value head, Value position, Value i) {
    if (op.getSequenceMajor())
      return {batch, position, head, i};
    return {batch, head, position, i};
  }

  /// scale * query . key + mask.
  Value score(Value key) {
    Value dot = e.fold({e.extent(op.getQuery(), 3)}, e.zero(type), [&](LoopEmitter::Coordinates i, Value sum) {
      return e.multiplyAdd(e.read(op.getQuery(), coordinates(head, position, i[0]), type),
                           e.read(op.getKey(), coordinates(keyHead, key, i[0]), type), sum);
    });
    Value scaled = arith::MulFOp::create(e.b, e.loc, dot, e.constant(type, op.getScale().convertToDouble()));
    if (Value mask = op.getMask()) {
      SmallVector<Value> from{batch, head, position, key};
      auto type = cast<MemRefType>(mask.getType());
      for (unsigned d = 0; d < 4; ++d) { // an extent of 1 is broadcast
        if (type.getDimSize(d) == 1)
          from[d] = e.index(0);
        else if (type.isDynamicDim(d))
          from[d] = e.min(from[d], e.sub(e.extent(mask, d), e.index(1)));
      }
      scaled = e.plus(scaled, e.read(mask, from, this->type));
    }
    return scaled;
  }

  /// Number of keys that the query sees.
  Value visibleKeys() {
    Value keys = e.extent(op.getKey(), op.getSequenceMajor() ? 1 : 2);
    return op.getCausal() ? e.min(keys, e.add(position, e.index(1))) : keys;
  }
};
} // namespace

/// A row on the stack of the work item, or null if its size is not known or large.
static Value stackRow(LoopEmitter &e, Type type, std::optional<int64_t> size) {
  if (!size || *size > 4096)
    return nullptr;
  // At the top of the region: an alloca in a loop would grow the stack.
  OpBuilder::InsertionGuard guard(e.b);
  auto region = e.b.getInsertionBlock()->getParentOp();
  while (!isa<ParallelForOp>(region))
    region = region->getParentOp();
  e.b.setInsertionPointToStart(&region->getRegion(0).front());
  return memref::AllocaOp::create(e.b, e.loc, MemRefType::get({*size}, type));
}

LogicalResult nnopt::lowerToLoops(AttentionOp op, LoopEmitter &e) {
  Type type = e.accumulatorType(cast<MemRefType>(op.getInit().getType()).getElementType());
  unsigned headDim = op.getSequenceMajor() ? 2 : 1, sequenceDim = op.getSequenceMajor() ? 1 : 2;
  Value sharing = e.div(e.extent(op.getQuery(), headDim), e.extent(op.getKey(), headDim));
  SmallVector<Value> extents = e.extents(op.getInit());
  e.forEach(ArrayRef(extents).drop_back(), [&](LoopEmitter::Coordinates at) {
    Query query{op, e, type, at[0], at[headDim], e.div(at[headDim], sharing), at[sequenceDim]};
    Value keys = query.visibleKeys();
    auto infinity = APFloat::getInf(cast<FloatType>(type).getFloatSemantics(), /*Negative=*/true);
    Value lowest = arith::ConstantOp::create(e.b, e.loc, FloatAttr::get(type, infinity));
    auto minus = [&](Value x, Value y) -> Value { return arith::SubFOp::create(e.b, e.loc, x, y); };
    Value top = e.fold({keys}, lowest, [&](LoopEmitter::Coordinates key, Value top) {
      return e.maximum(top, query.score(key[0]));
    });
    auto weight = [&](Value key) { return e.exp(minus(query.score(key), top)); };
    auto valueAt = [&](Value key, Value i) {
      return e.read(op.getValue(), query.coordinates(query.keyHead, key, i), type);
    };
    auto finish = [&](Value weighted, Value sum, Value i) {
      e.write(arith::DivFOp::create(e.b, e.loc, weighted, sum), op.getInit(),
              query.coordinates(query.head, query.position, i));
    };
    if (Value sums = stackRow(e, type, e.constantOf(extents[3]))) {
      e.nest({extents[3]}, [&](LoopEmitter::Coordinates i) { e.write(e.zero(type), sums, i); });
      Value sum = e.fold({keys}, e.zero(type), [&](LoopEmitter::Coordinates key, Value sum) {
        Value factor = weight(key[0]);
        e.nest({extents[3]}, [&](LoopEmitter::Coordinates i) {
          e.write(e.multiplyAdd(factor, valueAt(key[0], i[0]), e.read(sums, i, type)), sums, i);
        });
        return e.plus(sum, factor);
      });
      e.nest({extents[3]}, [&](LoopEmitter::Coordinates i) { finish(e.read(sums, i, type), sum, i[0]); });
      return;
    }
    e.nest({extents[3]}, [&](LoopEmitter::Coordinates i) {
      Value initial[] = {e.zero(type), e.zero(type)};
      SmallVector<Value> result = e.fold({keys}, initial, [&](LoopEmitter::Coordinates key, ValueRange carried) {
        Value factor = weight(key[0]);
        return SmallVector<Value>{e.multiplyAdd(factor, valueAt(key[0], i[0]), carried[0]), e.plus(carried[1], factor)};
      });
      finish(result[0], result[1], i[0]);
    });
  });
  return success();
}
