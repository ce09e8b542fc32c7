//===- Softmax.cpp - normalised exponentials ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Three passes over a row while it is in the first-level cache: maximum; exponentials and their sum; scaling. Along another dimension
// than the last, the rows of a few vectors of neighbouring columns take the same passes.
//===----------------------------------------------------------------------===//

#include "Rows.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace nnopt;

using Kind = vector::CombiningKind;

// Running values per row: as many as hide the latency of an addition.
static constexpr int64_t kUnroll = 4;

static bool isPlainSoftmax(SoftmaxOp op) {
  return op.getInit() && getElementTypeOrSelf(op.getInput().getType()).isF32() &&
         getElementTypeOrSelf(op.getInit().getType()).isF32() &&
         cast<MemRefType>(op.getInput().getType()).isLastDimUnitStride() &&
         cast<MemRefType>(op.getInit().getType()).isLastDimUnitStride();
}

namespace {

struct SoftmaxCode {
  KernelBuilder &k;
  bool log;

  Type f32() const { return k.b.getF32Type(); }
  VectorType vector() const { return k.vectorType(f32()); }
  Value power(Value x, Value maximum) const {
    return math::ExpOp::create(k.b, k.loc, arith::SubFOp::create(k.b, k.loc, x, maximum));
  }
  Value keep(Value mask, Value x, Value otherwise) const {
    return mask ? Value(arith::SelectOp::create(k.b, k.loc, mask, x, otherwise)) : x;
  }
  /// What is left to do with a sum of exponentials: its reciprocal, or with `log` what to subtract.
  Value finishSum(Value sum, Value maximum) const {
    if (log)
      return arith::AddFOp::create(k.b, k.loc, maximum, math::LogOp::create(k.b, k.loc, sum));
    return arith::DivFOp::create(k.b, k.loc, k.constant(sum.getType(), 1.0), sum);
  }

  /// One row of `length` elements, input and output contiguous.
  void emitRow(Value input, Value output, Value length) const {
    int64_t lanes = k.isa.lanes;
    Value lowest = neutral(k, Kind::MAXIMUMF, vector());
    SmallVector<Value> maxima = foldVectors(
        k, length, lanes, SmallVector<Value>(kUnroll, lowest), [&](Value running, Value i, Value mask) {
          Value x = loadElements(k, f32(), lanes, k.at(input, f32(), i), mask);
          return larger(k, running, keep(mask, x, lowest));
        });
    Value maximum = k.splat(combineLanes(k, Kind::MAXNUMF, maxima), vector());
    SmallVector<Value> sums = foldVectors(
        k, length, lanes, SmallVector<Value>(kUnroll, k.zero(vector())), [&](Value running, Value i, Value mask) {
          Value e = power(loadElements(k, f32(), lanes, k.at(input, f32(), i), mask), maximum);
          if (!log)
            storeElements(k, e, k.at(output, f32(), i), mask);
          return combine(k, Kind::ADD, running, keep(mask, e, k.zero(vector())));
        });
    Value sum = k.splat(combineLanes(k, Kind::ADD, sums), vector());
    Value factor = finishSum(sum, maximum);
    forVectors(k, length, lanes, kUnroll, [&](ArrayRef<Value> starts, Value mask) {
      for (Value i : starts)
        storeElements(k, scale(loadElements(k, f32(), lanes, k.at(log ? input : output, f32(), i), mask), factor),
                      k.at(output, f32(), i), mask);
    });
  }

  Value scale(Value x, Value factor) const {
    return log ? Value(arith::SubFOp::create(k.b, k.loc, x, factor)) : Value(arith::MulFOp::create(k.b, k.loc, x, factor));
  }

  /// `count` neighbouring columns of `length` elements, `inputStride` and `outputStride` apart.
  void emitColumns(Value input, Value output, Value length, Value inputStride, Value outputStride, Value count) const {
    int64_t lanes = k.isa.lanes;
    forVectors(k, count, lanes, 1, [&](ArrayRef<Value> starts, Value mask) {
      Value in = k.at(input, f32(), starts[0]), out = k.at(output, f32(), starts[0]);
      auto at = [&](Value base, Value stride, Value i) { return k.at(base, f32(), k.mul(i, stride)); };
      auto fold = [&](Value start, llvm::function_ref<Value(Value, Value)> step) {
        return k.loop(k.index(0), length, 1, ValueRange{start}, [&](Value i, ValueRange carried) {
          return SmallVector<Value>{step(carried[0], i)};
        })[0];
      };
      Value maximum = fold(neutral(k, Kind::MAXIMUMF, vector()), [&](Value running, Value i) {
        return larger(k, running, loadElements(k, f32(), lanes, at(in, inputStride, i), mask));
      });
      Value sum = fold(k.zero(vector()), [&](Value running, Value i) {
        Value e = power(loadElements(k, f32(), lanes, at(in, inputStride, i), mask), maximum);
        if (!log)
          storeElements(k, e, at(out, outputStride, i), mask);
        return combine(k, Kind::ADD, running, e);
      });
      Value factor = finishSum(sum, maximum);
      k.loop(k.index(0), length, 1, [&](Value i) {
        Value x = loadElements(k, f32(), lanes, log ? at(in, inputStride, i) : at(out, outputStride, i), mask);
        storeElements(k, scale(x, factor), at(out, outputStride, i), mask);
      });
    });
  }
};

} // namespace

LogicalResult nnopt::emitSoftmaxRows(Operation *operation, KernelBuilder &k) {
  auto op = cast<SoftmaxOp>(operation);
  int64_t rank = cast<MemRefType>(op.getInput().getType()).getRank();
  if (!isPlainSoftmax(op) || static_cast<int64_t>(op.getAxis()) != rank - 1)
    return failure();
  Buffer input = k.buffer(op.getInput()), output = k.buffer(op.getInit());
  SmallVector<Value> outer(ArrayRef(input.extents).drop_back());
  if (outer.empty())
    outer.push_back(k.index(1));
  Value length = input.extents.back();
  parallelChunks(k, outer, rowsPerItem(length, kExpensiveGrain), [&](ArrayRef<Value> first, Value count) {
    KernelCall call(k, op, "softmax_rows");
    call.allowAliases();
    ArrayRef<Value> at = first.take_front(rank - 1);
    unsigned in = call.pointer(k.at(input, at)), out = call.pointer(k.at(output, at));
    unsigned rows = call.number(count), size = call.number(length);
    unsigned inRow = call.number(rank > 1 ? input.strides[rank - 2] : k.index(0));
    unsigned outRow = call.number(rank > 1 ? output.strides[rank - 2] : k.index(0));
    call.key(op.getLog() ? "log" : "");
    call.emit([&](KernelBuilder &inner) {
      SoftmaxCode code{inner, op.getLog()};
      inner.loop(inner.index(0), call[rows], 1, [&](Value row) {
        code.emitRow(inner.at(call[in], code.f32(), inner.mul(row, call[inRow])),
                     inner.at(call[out], code.f32(), inner.mul(row, call[outRow])), call[size]);
      });
    });
  });
  return success();
}

LogicalResult nnopt::emitSoftmaxColumns(Operation *operation, KernelBuilder &k) {
  auto op = cast<SoftmaxOp>(operation);
  int64_t rank = cast<MemRefType>(op.getInput().getType()).getRank(), axis = op.getAxis();
  if (!isPlainSoftmax(op) || axis == rank - 1)
    return failure();
  Buffer input = k.buffer(op.getInput()), output = k.buffer(op.getInit());
  // Other dimensions are outer; the last one is cut into columns of vectors.
  SmallVector<Value> outer(input.extents);
  outer.erase(outer.begin() + axis);
  int64_t columns = std::max<int64_t>(k.isa.lanes, rowsPerItem(input.extents[axis], kExpensiveGrain) / k.isa.lanes * k.isa.lanes);
  parallelChunks(k, outer, columns, [&](ArrayRef<Value> first, Value count) {
    SmallVector<Value> at(first);
    at.insert(at.begin() + axis, k.index(0));
    KernelCall call(k, op, "softmax_columns");
    call.allowAliases();
    unsigned in = call.pointer(k.at(input, at)), out = call.pointer(k.at(output, at));
    unsigned width = call.number(count), size = call.number(input.extents[axis]);
    unsigned inStride = call.number(input.strides[axis]), outStride = call.number(output.strides[axis]);
    call.key(op.getLog() ? "log" : "");
    call.emit([&](KernelBuilder &inner) {
      SoftmaxCode{inner, op.getLog()}.emitColumns(call[in], call[out], call[size], call[inStride], call[outStride],
                                                  call[width]);
    });
  });
  return success();
}
