//===- Normalize.cpp - layer and root-mean-square normalisation -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The mean is subtracted before squaring: the difference of two large sums would lose what is left of a small variance.
//===----------------------------------------------------------------------===//

#include "Rows.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace nnopt;

using Kind = vector::CombiningKind;

static constexpr int64_t kUnroll = 4;

static bool isIdentityF32(Value memref) {
  return !memref || (getElementTypeOrSelf(memref.getType()).isF32() &&
                     cast<MemRefType>(memref.getType()).getLayout().isIdentity());
}

/// True if the dimensions from `axis` on are one contiguous row.
static bool hasContiguousRows(Value memref, int64_t axis) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.getElementType().isF32())
    return false;
  if (type.getLayout().isIdentity())
    return true;
  return axis == type.getRank() - 1 && type.isLastDimUnitStride();
}

namespace {

struct NormalizeRow {
  KernelBuilder &k;
  bool isLayer;
  double epsilon;
  Value length, scale, bias; ///< scale and bias: addresses, may be null

  Type f32() const { return k.b.getF32Type(); }
  VectorType vector() const { return k.vectorType(f32()); }
  Value load(Value base, Value i, Value mask) const {
    return loadElements(k, f32(), k.isa.lanes, k.at(base, f32(), i), mask);
  }

  /// The mean over the row of what `term` gives.
  Value mean(llvm::function_ref<Value(Value running, Value i, Value mask)> term) const {
    SmallVector<Value> sums = foldVectors(k, length, k.isa.lanes, SmallVector<Value>(kUnroll, k.zero(vector())), term);
    Value sum = combineLanes(k, Kind::ADD, sums);
    Value count = arith::IndexCastOp::create(k.b, k.loc, k.b.getI64Type(), length);
    return arith::DivFOp::create(k.b, k.loc, sum, arith::SIToFPOp::create(k.b, k.loc, f32(), count));
  }

  void emit(Value input, Value output) const {
    Value mean = k.zero(vector());
    if (isLayer)
      mean = k.splat(this->mean([&](Value running, Value i, Value mask) {
        return combine(k, Kind::ADD, running, load(input, i, mask));
      }), vector());
    Value variance = this->mean([&](Value running, Value i, Value mask) {
      Value x = centred(load(input, i, mask), mean);
      if (mask && isLayer)
        x = arith::SelectOp::create(k.b, k.loc, mask, x, k.zero(vector()));
      return k.fma(x, x, running);
    });
    Value shifted = arith::AddFOp::create(k.b, k.loc, variance, k.constant(f32(), epsilon));
    Value root = math::SqrtOp::create(k.b, k.loc, shifted);
    Value factor = k.splat(arith::DivFOp::create(k.b, k.loc, k.constant(f32(), 1.0), root), vector());
    forVectors(k, length, k.isa.lanes, kUnroll, [&](ArrayRef<Value> starts, Value mask) {
      for (Value i : starts) {
        Value x = arith::MulFOp::create(k.b, k.loc, centred(load(input, i, mask), mean), factor);
        storeElements(k, affine(x, i, mask), k.at(output, f32(), i), mask);
      }
    });
  }

private:
  Value centred(Value x, Value mean) const { return isLayer ? Value(arith::SubFOp::create(k.b, k.loc, x, mean)) : x; }

  Value affine(Value x, Value i, Value mask) const {
    if (scale && bias)
      return k.fma(x, load(scale, i, mask), load(bias, i, mask));
    if (scale)
      return arith::MulFOp::create(k.b, k.loc, x, load(scale, i, mask));
    return bias ? Value(arith::AddFOp::create(k.b, k.loc, x, load(bias, i, mask))) : x;
  }
};

} // namespace

LogicalResult nnopt::emitNormalize(Operation *operation, KernelBuilder &k) {
  auto op = cast<NormalizeOp>(operation);
  int64_t axis = op.getAxis();
  if (!op.getInit() || !hasContiguousRows(op.getInput(), axis) || !hasContiguousRows(op.getInit(), axis) ||
      !isIdentityF32(op.getScale()) || !isIdentityF32(op.getBias()))
    return failure();
  Buffer input = k.buffer(op.getInput()), output = k.buffer(op.getInit());
  Value scale = op.getScale() ? k.buffer(op.getScale()).pointer : Value();
  Value bias = op.getBias() ? k.buffer(op.getBias()).pointer : Value();
  SmallVector<Value> outer(ArrayRef(input.extents).take_front(axis));
  if (outer.empty())
    outer.push_back(k.index(1));
  Value length = k.product(ArrayRef(input.extents).drop_front(axis));
  parallelChunks(k, outer, rowsPerItem(length, kExpensiveGrain), [&](ArrayRef<Value> first, Value count) {
    KernelCall call(k, op, "normalize");
    call.allowAliases();
    ArrayRef<Value> at = first.take_front(axis);
    unsigned in = call.pointer(k.at(input, at)), out = call.pointer(k.at(output, at));
    unsigned rows = call.number(count), size = call.number(length);
    unsigned inRow = call.number(axis > 0 ? input.strides[axis - 1] : k.index(0));
    unsigned outRow = call.number(axis > 0 ? output.strides[axis - 1] : k.index(0));
    std::optional<unsigned> scaleHandle, biasHandle;
    if (scale)
      scaleHandle = call.pointer(scale), call.key("scale");
    if (bias)
      biasHandle = call.pointer(bias), call.key("bias");
    bool isLayer = op.getKind() == NormKind::layer;
    double epsilon = op.getEpsilon().convertToDouble();
    call.key(Twine(isLayer ? "layer" : "rms") + llvm::utohexstr(op.getEpsilon().bitcastToAPInt().getZExtValue()));
    call.emit([&](KernelBuilder &inner) {
      NormalizeRow row{inner, isLayer, epsilon, call[size], {}, {}};
      row.scale = scaleHandle ? call[*scaleHandle] : Value();
      row.bias = biasHandle ? call[*biasHandle] : Value();
      inner.loop(inner.index(0), call[rows], 1, [&](Value i) {
        row.emit(inner.at(call[in], row.f32(), inner.mul(i, call[inRow])),
                 inner.at(call[out], row.f32(), inner.mul(i, call[outRow])));
      });
    });
  });
  return success();
}
