//===- Attention.cpp - scores, softmax and values in one pass -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A work item is a block of queries of one head. Keys come in blocks: a block of keys is transposed to the stack, then for a few
// queries at a time the scores, their exponentials and the sum of values stay in the first-level cache. The maximum and the sum of a row
// are carried from block to block (Milakov and Gimelshein 2018, Dao et al. 2022), so no buffer depends on the sequence length.
//===----------------------------------------------------------------------===//

#include "Products.h"

using namespace mlir;
using namespace nnopt;

static constexpr int64_t kQueryBlock = 128, kKeyBlock = 128;
// Queries whose scores are held at a time.
static constexpr int64_t kQueryTile = 32;
// Rows whose softmax is computed at a time.
static constexpr int64_t kSoftmaxRows = 4;
static constexpr int64_t kMaxHeadSize = 256;

namespace {

/// The function of one work item.
class AttentionBlock {
public:
  AttentionBlock(KernelBuilder &k, AttentionOp op, int64_t size, int64_t valueSize)
      : k(k), op(op), size(size), valueSize(valueSize), lanes(k.isa.lanes) {}

  KernelBuilder &k;
  AttentionOp op;
  int64_t size, valueSize, lanes;
  Value query, key, value, output, mask;                          ///< addresses
  Value queryRow, keyRow, valueRow, outputRow, maskRow, maskColumn; ///< strides
  Value firstQuery, queries, keys;

  void emit() {
    keyBlock = kKeyBlock;
    if (auto known = k.constantOf(keys))
      keyBlock = std::min<int64_t>(kKeyBlock, llvm::alignTo(std::max<int64_t>(*known, 1), lanes));
    packed = k.stackArray(f32(), size * keyBlock);
    scores = k.stackArray(f32(), kQueryTile * keyBlock);
    maxima = k.stackArray(f32(), kQueryBlock);
    sums = k.stackArray(f32(), kQueryBlock);
    Value lowest = k.constant(f32(), -std::numeric_limits<float>::max());
    k.loop(k.index(0), queries, 1, [&](Value i) {
      k.store(lowest, k.at(maxima, f32(), i));
      k.store(k.zero(f32()), k.at(sums, f32(), i));
    });
    k.loop(k.index(0), keys, keyBlock, [&](Value first) { emitKeys(first, k.min(k.index(keyBlock), k.sub(keys, first))); });
    k.loop(k.index(0), queries, 1, [&](Value i) { normalizeRow(i); });
  }

private:
  int64_t keyBlock = 0;
  Value packed, scores, maxima, sums;

  Type f32() { return k.b.getF32Type(); }
  VectorType vector() { return k.vectorType(f32()); }

  void emitKeys(Value first, Value count) {
    if (auto known = k.constantOf(keys); known && *known <= keyBlock)
      first = k.index(0), count = k.index(*known);
    packKeys(k.at(key, f32(), k.mul(first, keyRow)), count);
    Value whole = k.mul(k.div(queries, k.index(kQueryTile)), k.index(kQueryTile));
    k.loop(k.index(0), whole, kQueryTile, [&](Value q) { emitQueries(q, k.index(kQueryTile), first, count); });
    k.when(k.less(whole, queries), [&] { emitQueries(whole, k.sub(queries, whole), first, count); });
  }

  /// packed[d][j] = key[j][d], zero for j in [count, next multiple of the lanes).
  void packKeys(Value block, Value count) {
    Value whole = k.mul(k.div(count, k.index(lanes)), k.index(lanes));
    k.loop(k.index(0), whole, lanes, [&](Value j) { packVector(block, j, count, /*all=*/true); });
    k.when(k.less(whole, count), [&] { packVector(block, whole, count, /*all=*/false); });
  }

  void packVector(Value block, Value j, Value count, bool all) {
    for (int64_t d = 0; d < size; d += lanes) {
      int64_t used = std::min(lanes, size - d);
      SmallVector<Value> rows;
      for (int64_t i = 0; i < lanes; ++i) {
        Value row = k.add(j, k.index(i)), pointer = k.at(block, f32(), k.add(k.mul(row, keyRow), k.index(d)));
        if (all && used == lanes) {
          rows.push_back(k.load(vector(), pointer));
          continue;
        }
        Value present = arith::SelectOp::create(k.b, k.loc, k.less(row, count), k.index(used), k.index(0));
        rows.push_back(k.loadMasked(vector(), pointer, k.laneMask(lanes, all ? k.index(used) : present)));
      }
      k.transposeSquare(rows);
      for (int64_t i = 0; i < used; ++i)
        k.store(rows[i], k.at(packed, f32(), k.add(k.index((d + i) * keyBlock), j)));
    }
  }

  /// Scores of `count` queries from `first` on with the packed keys, and what they add to the output.
  void emitQueries(Value first, Value count, Value firstKey, Value keyCount) {
    GemmProblem product;
    product.op = op;
    product.packed = false;
    product.rows = {count};
    product.columns = k.mul(k.ceilDiv(keyCount, lanes), k.index(lanes));
    product.depths = {k.index(size)}, product.depthStrides = {k.index(1)};
    product.a = RowAccess{k.at(query, f32(), k.mul(first, queryRow)), {queryRow}};
    product.b = RowAccess{packed, {k.index(0)}};
    product.bRow = k.index(keyBlock);
    product.c = RowAccess{scores, {k.index(keyBlock)}};
    emitGemmSerial(k, product);

    Value quads = k.mul(k.div(count, k.index(kSoftmaxRows)), k.index(kSoftmaxRows));
    k.loop(k.index(0), quads, kSoftmaxRows, [&](Value i) { softmaxRows(first, i, kSoftmaxRows, firstKey, keyCount); });
    k.loop(quads, count, 1, [&](Value i) { softmaxRows(first, i, 1, firstKey, keyCount); });

    product.columns = k.index(valueSize);
    product.depths = {keyCount};
    product.a = RowAccess{scores, {k.index(keyBlock)}};
    product.b = RowAccess{k.at(value, f32(), k.mul(firstKey, valueRow)), {k.index(0)}};
    product.bRow = valueRow;
    product.c = RowAccess{k.at(output, f32(), k.mul(first, outputRow)), {outputRow}};
    k.when(k.less(k.index(0), firstKey), [&] { emitGemmSerial(k, product, /*accumulate=*/true); },
           [&] { emitGemmSerial(k, product); });
  }

  Value maskVector(Value row, Value column, Value valid) {
    Value pointer = k.at(mask, f32(), k.add(k.mul(row, maskRow), k.mul(column, maskColumn)));
    if (k.constantOf(maskColumn) == 0)
      return k.splat(k.load(f32(), pointer), vector());
    return valid ? k.loadMasked(vector(), pointer, valid) : k.load(vector(), pointer);
  }

  Value scoreAddress(Value i, Value j) { return k.at(scores, f32(), k.add(k.mul(i, k.index(keyBlock)), j)); }

  // A NaN need not win: its own exponential is NaN.
  Value maximum(Value x, Value y) {
    Value greater = arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OGT, x, y);
    return arith::SelectOp::create(k.b, k.loc, greater, x, y);
  }

  /// scores[i][j] = scale * scores[i][j] + mask, -inf where there is no key; returns the vector. `q` is the query's row.
  Value scaleVector(Value q, Value i, Value j, Value firstKey, Value keyCount, bool whole) {
    Value valid = whole ? Value() : k.laneMask(lanes, k.sub(keyCount, j));
    Value score = k.load(vector(), scoreAddress(i, j)), scale = k.constant(vector(), op.getScale().convertToDouble());
    Value globalKey = k.add(firstKey, j);
    score = mask ? k.fma(score, scale, maskVector(q, globalKey, valid)) : Value(arith::MulFOp::create(k.b, k.loc, score, scale));
    if (op.getCausal()) // keys up to the query's own position
      valid = k.laneMask(lanes, k.min(k.sub(keyCount, j), k.add(k.sub(k.add(firstQuery, q), globalKey), k.index(1))));
    if (valid)
      score = arith::SelectOp::create(k.b, k.loc, valid, score, k.constant(vector(), -std::numeric_limits<double>::infinity()));
    k.store(score, scoreAddress(i, j));
    return score;
  }

  /// Turns `count` rows of scores into exponentials and updates the rows' maxima and sums. Several rows at once, because the
  /// horizontal maximum and sum of one row are waits.
  void softmaxRows(Value firstRow, Value firstScore, int64_t count, Value firstKey, Value keyCount) {
    Value whole = k.mul(k.div(keyCount, k.index(lanes)), k.index(lanes));
    SmallVector<Value> q, i, oldMaxima, running, shifts, zeros(count, k.zero(vector()));
    for (int64_t r = 0; r < count; ++r) {
      i.push_back(k.add(firstScore, k.index(r)));
      q.push_back(k.add(firstRow, i.back()));
      oldMaxima.push_back(k.load(f32(), k.at(maxima, f32(), q.back())));
      running.push_back(k.splat(oldMaxima.back(), vector()));
    }
    for (bool isWhole : {true, false})
      running = k.loop(isWhole ? k.index(0) : whole, isWhole ? whole : keyCount, lanes, running, [&](Value j, ValueRange carried) {
        SmallVector<Value> next(carried);
        for (int64_t r = 0; r < count; ++r)
          next[r] = maximum(scaleVector(q[r], i[r], j, firstKey, keyCount, isWhole), next[r]);
        return next;
      });
    SmallVector<Value> newMaxima;
    for (Value lanesOfMaxima : running) {
      newMaxima.push_back(vector::ReductionOp::create(k.b, k.loc, vector::CombiningKind::MAXNUMF, lanesOfMaxima));
      shifts.push_back(k.splat(newMaxima.back(), vector()));
    }
    // Beyond the last key the exponential is 0, and the products stop before.
    SmallVector<Value> totals = k.loop(k.index(0), keyCount, lanes, zeros, [&](Value j, ValueRange carried) {
      SmallVector<Value> next(carried);
      for (int64_t r = 0; r < count; ++r) {
        Value score = k.load(vector(), scoreAddress(i[r], j));
        Value power = k.expNonPositive(arith::SubFOp::create(k.b, k.loc, score, shifts[r]));
        k.store(power, scoreAddress(i[r], j));
        next[r] = arith::AddFOp::create(k.b, k.loc, next[r], power);
      }
      return next;
    });
    for (int64_t r = 0; r < count; ++r) {
      Value sum = vector::ReductionOp::create(k.b, k.loc, vector::CombiningKind::ADD, totals[r]);
      carryRow(q[r], oldMaxima[r], newMaxima[r], sum, firstKey);
    }
  }

  void carryRow(Value q, Value oldMaximum, Value maximum, Value sum, Value firstKey) {
    k.store(maximum, k.at(maxima, f32(), q));
    Value sumPointer = k.at(sums, f32(), q);
    k.when(k.less(k.index(0), firstKey), [&] {
      Value difference = arith::SubFOp::create(k.b, k.loc, oldMaximum, maximum);
      Value correction = k.expNonPositive(k.splat(difference, vector()));
      Value scalar = vector::ExtractOp::create(k.b, k.loc, correction, 0);
      k.store(k.fma(k.load(f32(), sumPointer), scalar, sum), sumPointer);
      scaleRow(q, correction);
    }, [&] { k.store(sum, sumPointer); });
  }

  void scaleRow(Value q, Value factor) {
    for (int64_t d = 0; d < valueSize; d += lanes) {
      Value pointer = k.at(output, f32(), k.add(k.mul(q, outputRow), k.index(d)));
      bool whole = d + lanes <= valueSize;
      Value valid = whole ? Value() : k.laneMask(lanes, k.index(valueSize - d));
      Value old = whole ? k.load(vector(), pointer) : k.loadMasked(vector(), pointer, valid);
      Value scaled = arith::MulFOp::create(k.b, k.loc, old, factor);
      whole ? k.store(scaled, pointer) : k.storeMasked(scaled, pointer, valid);
    }
  }

  void normalizeRow(Value q) {
    Value one = k.constant(f32(), 1), sum = k.load(f32(), k.at(sums, f32(), q));
    scaleRow(q, k.splat(arith::DivFOp::create(k.b, k.loc, one, sum), vector()));
  }
};

/// Address and row stride of one head's rows.
struct HeadRows {
  Value pointer, row;
};

} // namespace

static bool isPlainAttention(AttentionOp op) {
  for (Value operand : op->getOperands())
    if (!getElementTypeOrSelf(operand.getType()).isF32())
      return false;
  for (Value operand : {op.getQuery(), op.getKey(), op.getValue(), op.getInit()}) {
    int64_t size = cast<MemRefType>(operand.getType()).getShape().back();
    if (!isUnitInnermost(operand) || ShapedType::isDynamic(size) || size > kMaxHeadSize)
      return false;
  }
  return !op.getMask() || isUnitInnermost(op.getMask());
}

static HeadRows headRows(KernelBuilder &k, const Buffer &buffer, bool sequenceMajor, Value batch, Value head, Value first) {
  unsigned heads = sequenceMajor ? 2 : 1, sequence = sequenceMajor ? 1 : 2;
  SmallVector<Value> at(4, k.index(0));
  at[0] = batch, at[heads] = head, at[sequence] = first;
  return {k.at(buffer, at), buffer.strides[sequence]};
}

LogicalResult nnopt::emitAttention(Operation *operation, KernelBuilder &k) {
  auto op = cast<AttentionOp>(operation);
  if (!isPlainAttention(op))
    return failure();
  bool major = op.getSequenceMajor();
  unsigned heads = major ? 2 : 1, sequence = major ? 1 : 2;
  Buffer query = k.buffer(op.getQuery()), key = k.buffer(op.getKey()), value = k.buffer(op.getValue());
  Buffer output = k.buffer(op.getInit());
  std::optional<Buffer> mask;
  SmallVector<Value> maskStrides;
  if (op.getMask()) {
    mask = k.buffer(op.getMask());
    for (auto [d, extent] : llvm::enumerate(cast<MemRefType>(op.getMask().getType()).getShape()))
      maskStrides.push_back(extent == 1 ? k.index(0) : mask->strides[d]);
  }
  int64_t size = *k.constantOf(query.extents[3]), valueSize = *k.constantOf(value.extents[3]);
  Value queries = query.extents[sequence];
  SmallVector<Value> sizes{query.extents[0], query.extents[heads], k.ceilDiv(queries, kQueryBlock)};
  Value sharing = k.div(query.extents[heads], key.extents[heads]);

  k.parallel(k.product(sizes), [&](Value item) {
    SmallVector<Value> at = k.delinearize(item, sizes);
    Value first = k.mul(at[2], k.index(kQueryBlock)), keyHead = k.div(at[1], sharing), zero = k.index(0);
    HeadRows q = headRows(k, query, major, at[0], at[1], first), o = headRows(k, output, major, at[0], at[1], first);
    HeadRows kv[] = {headRows(k, key, major, at[0], keyHead, zero), headRows(k, value, major, at[0], keyHead, zero)};

    KernelCall call(k, op, "attention");
    call.key(Twine(size) + "," + Twine(valueSize) + (op.getCausal() ? "causal" : ""));
    call.key(Twine(llvm::bit_cast<uint32_t>(op.getScale().convertToFloat())));
    unsigned pointers[] = {call.pointer(q.pointer), call.pointer(kv[0].pointer), call.pointer(kv[1].pointer),
                           call.pointer(o.pointer)};
    unsigned rows[] = {call.number(q.row), call.number(kv[0].row), call.number(kv[1].row), call.number(o.row)};
    unsigned firstQuery = call.number(op.getCausal() ? first : zero);
    unsigned count = call.number(k.min(k.index(kQueryBlock), k.sub(queries, first)));
    unsigned keys = call.number(key.extents[sequence]);
    std::optional<unsigned> maskPointer;
    unsigned maskRow = 0, maskColumn = 0;
    if (mask) {
      Value offset = k.add(k.mul(at[0], maskStrides[0]), k.add(k.mul(at[1], maskStrides[1]), k.mul(first, maskStrides[2])));
      maskPointer = call.pointer(k.at(mask->pointer, mask->element, offset));
      maskRow = call.number(maskStrides[2]), maskColumn = call.number(maskStrides[3]);
      call.key("mask");
    }
    call.emit([&](KernelBuilder &inner) {
      AttentionBlock block(inner, op, size, valueSize);
      block.query = call[pointers[0]], block.key = call[pointers[1]], block.value = call[pointers[2]];
      block.output = call[pointers[3]];
      block.queryRow = call[rows[0]], block.keyRow = call[rows[1]], block.valueRow = call[rows[2]];
      block.outputRow = call[rows[3]];
      block.firstQuery = call[firstQuery], block.queries = call[count], block.keys = call[keys];
      if (maskPointer)
        block.mask = call[*maskPointer], block.maskRow = call[maskRow], block.maskColumn = call[maskColumn];
      block.emit();
    });
  });
  return success();
}
