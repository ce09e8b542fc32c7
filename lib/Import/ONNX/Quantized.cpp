//===- Quantized.cpp - operators on quantized numbers ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Build.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::onnx;

namespace {
/// Scale and zero point as nnopt.quantize takes them.
struct Quantization {
  Value scale, zeroPoint;
  IntegerAttr axis, blockSize;
};
} // namespace

static std::optional<Quantization> readQuantization(OpContext &c, Tensor *x, Tensor *scale, Tensor *zeroPoint) {
  int64_t axis = c.attr("axis", int64_t(1)), blockSize = c.attr("block_size", int64_t(0));
  Quantization q;
  bool isSingle = scale->hasOneElement();
  if (!isSingle) {
    q.axis = c.b.getI64IntegerAttr(c.axis(axis, x->rank()));
    if (blockSize < 0)
      c.error("has a block size of {0}", blockSize);
    else if (blockSize > 0)
      q.blockSize = c.b.getI64IntegerAttr(blockSize);
    else if (scale->rank() != 1)
      c.error("has scales of type {0}, expected one, or one per index of an axis", scale->type);
  }
  if (zeroPoint && zeroPoint->hasOneElement() && isSingle)
    zeroPoint = reshape(c, zeroPoint, scale->extents);
  if (zeroPoint && zeroPoint->shape() != scale->shape())
    c.error("has a zero point of type {0} for a scale of type {1}", zeroPoint->type, scale->type);
  if (c.failed())
    return std::nullopt;
  q.scale = c.value(scale);
  q.zeroPoint = zeroPoint ? c.value(zeroPoint) : Value();
  return q;
}

static bool isStorage(Type type) { return isa<IntegerType>(type) && !type.isInteger(1); }

static Tensor *quantize(OpContext &c, Tensor *x, Tensor *scale, Tensor *zeroPoint, Type storage) {
  std::optional<Quantization> q = readQuantization(c, x, scale, zeroPoint);
  if (!q)
    return nullptr;
  auto type = RankedTensorType::get(x->shape(), storage);
  return c.tensor(QuantizeOp::create(c.b, c.loc, type, c.value(x), q->scale, q->zeroPoint, q->axis, q->blockSize), x->extents);
}

static void importQuantizeLinear(OpContext &c) {
  Tensor *x = c.in(0), *zeroPoint = c.in(2);
  int64_t given = c.attr("output_dtype", int64_t(0));
  c.ignoreAttr("saturate");  // of the eight-bit floats
  c.ignoreAttr("precision"); // division is done in the type of the scale
  Type storage = zeroPoint ? zeroPoint->elementType()
                 : given   ? elementTypeOf(int32_t(given), c.b.getContext())
                           : Type(IntegerType::get(c.b.getContext(), 8, IntegerType::Unsigned));
  if (!storage || !isStorage(storage) || storage.getIntOrFloatBitWidth() < 8 || storage.getIntOrFloatBitWidth() > 16)
    return c.unsupported("quantizes to {0}", storage ? llvm::formatv("{0}", storage).str() : dataTypeName(int32_t(given)));
  if (!x->isFloat() || !c.in(1)->isFloat())
    return c.unsupported("quantizes elements of type {0} by scales of type {1}", x->elementType(), c.elementType(1));
  if (Tensor *result = quantize(c, x, c.in(1), zeroPoint, storage))
    c.set(0, result);
}

static void importDequantizeLinear(OpContext &c) {
  Tensor *x = c.in(0), *scale = c.in(1);
  int64_t given = c.attr("output_dtype", int64_t(0));
  Type result = given ? elementTypeOf(int32_t(given), c.b.getContext()) : scale->elementType();
  if (!isStorage(x->elementType()) || !scale->isFloat() || !result || !isa<FloatType>(result))
    return c.unsupported("dequantizes elements of type {0} by scales of type {1}", x->elementType(), scale->elementType());
  bool isPacked = x->elementType().getIntOrFloatBitWidth() < 8;
  if (isPacked && !x->constant)
    return c.unsupported("dequantizes computed elements of type {0}", x->elementType());
  if (c.in(2))
    expectSameTypes(c, {x, c.in(2)});
  std::optional<Quantization> q = readQuantization(c, x, scale, c.in(2));
  if (!q)
    return;
  auto type = RankedTensorType::get(x->shape(), result);
  c.set(0, c.tensor(DequantizeOp::create(c.b, c.loc, type, c.value(x), q->scale, q->zeroPoint, q->axis, q->blockSize), x->extents));
}

/// Scale and zero point from the range of the data, which always includes zero.
static void importDynamicQuantizeLinear(OpContext &c) {
  Tensor *x = c.in(0);
  Type element = x->elementType(), storage = IntegerType::get(c.b.getContext(), 8, IntegerType::Unsigned);
  if (!element.isF32())
    return c.error("quantizes elements of type {0}, expected float", element);
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, x->rank()));
  auto min = [](Scalar &s, Value a, Value b) { return s.min(a, b); };
  auto max = [](Scalar &s, Value a, Value b) { return s.max(a, b); };
  Tensor *least = reduce(c, x, axes, /*keep=*/false, {scalarAttr(element, 0), min});
  Tensor *most = reduce(c, x, axes, /*keep=*/false, {scalarAttr(element, 0), max});
  Tensor *scale = elementwise(c, {most, least}, element, [](Scalar &s, ValueRange args) {
    Value range = s.div(s.sub(args[0], args[1]), s.constant(255));
    return s.select(s.compare(Scalar::EQ, range, s.constant(0)), s.constant(1), range);
  });
  Tensor *lowest = elementwise(c, {least}, element, [](Scalar &s, ValueRange args) { return s.neg(args[0]); });
  Tensor *zeroPoint = quantize(c, lowest, scale, nullptr, storage);
  if (c.failed() || !zeroPoint)
    return;
  c.set(0, quantize(c, x, scale, zeroPoint, storage));
  c.set(1, scale);
  c.set(2, zeroPoint);
}

//===----------------------------------------------------------------------===//
// Integer products
//===----------------------------------------------------------------------===//

/// Stored numbers as 32-bit integers without their zero point, which may have one element per index of `axis`.
static Tensor *centred(OpContext &c, Tensor *x, Tensor *zeroPoint, int64_t axis) {
  Type wide = c.b.getI32Type();
  if (x->elementType().getIntOrFloatBitWidth() != 8 || x->isFloat())
    c.error("multiplies elements of type {0}, expected 8-bit integers", x->elementType());
  if (c.failed())
    return x;
  Tensor *result = castTo(c, x, wide);
  if (!zeroPoint)
    return result;
  expectSameTypes(c, {x, zeroPoint});
  if (zeroPoint->hasOneElement()) {
    zeroPoint = reshape(c, zeroPoint, {});
  } else if (zeroPoint->rank() == 1 && axis < x->rank()) {
    Extents extents(x->rank() - axis, c.shapes.constant(1));
    extents[0] = zeroPoint->extents[0];
    zeroPoint = reshape(c, zeroPoint, extents);
  }
  if (c.failed())
    return x;
  return elementwise(c, {result, castTo(c, zeroPoint, wide)}, wide, [](Scalar &s, ValueRange args) { return s.sub(args[0], args[1]); });
}

static Tensor *integerMatmul(OpContext &c, Tensor *lhs, Tensor *lhsZero, Tensor *rhs, Tensor *rhsZero) {
  if (lhs->rank() < 2 || rhs->rank() < 2) {
    c.unsupported("multiplies operands of types {0} and {1}, expected at least two dimensions", lhs->type, rhs->type);
    return nullptr;
  }
  Tensor *a = centred(c, lhs, lhsZero, lhs->rank() - 2), *b = centred(c, rhs, rhsZero, rhs->rank() - 1);
  if (c.failed()) // what failed has no extents
    return nullptr;
  broadcastExtents(c, {ExtentsRef(a->extents).drop_back(2), ExtentsRef(b->extents).drop_back(2)});
  auto left = ShapeMath::get(a->extents.back()), right = ShapeMath::get(b->extents[b->rank() - 2]);
  if (left && right && *left != *right)
    c.error("multiplies rows of {0} by columns of {1}", *left, *right);
  if (c.failed())
    return nullptr;
  return c.structured<MatmulOp>(c.b.getI32Type(), std::max(a->rank(), b->rank()), c.value(a), c.value(b), ValueRange(), Value(),
                                false, false, ArrayAttr());
}

static void importMatMulInteger(OpContext &c) {
  if (Tensor *product = integerMatmul(c, c.in(0), c.in(2), c.in(1), c.in(3)))
    c.set(0, product);
}

static void importConvInteger(OpContext &c) {
  Tensor *input = centred(c, c.in(0), c.in(2), 1), *filter = centred(c, c.in(1), c.in(3), 0);
  if (Tensor *result = c.failed() ? nullptr : convolve(c, input, filter, nullptr))
    c.set(0, result);
}

/// A scale with one element, or one per index of dimension `axis` of a result of `rank` dimensions.
static Tensor *alongAxis(OpContext &c, Tensor *scale, int64_t axis, int64_t rank) {
  if (scale->hasOneElement())
    return reshape(c, scale, {});
  if (scale->rank() != 1)
    return scale;
  Extents extents(rank - axis, c.shapes.constant(1));
  extents[0] = scale->extents[0];
  return reshape(c, scale, extents);
}

/// The integer sums `acc` times both scales, stored with a scale and zero point of their own.
static void requantize(OpContext &c, Tensor *acc, Tensor *lhsScale, Tensor *rhsScale, Tensor *scale, Tensor *zeroPoint) {
  Type single = c.b.getF32Type();
  Tensor *factor = elementwise(c, {castTo(c, lhsScale, single), castTo(c, rhsScale, single)}, single,
                               [](Scalar &s, ValueRange args) { return s.mul(args[0], args[1]); });
  Tensor *real = elementwise(c, {castTo(c, acc, single), factor}, single, [](Scalar &s, ValueRange args) { return s.mul(args[0], args[1]); });
  if (c.failed())
    return;
  if (Tensor *result = quantize(c, real, castTo(c, reshape(c, scale, {}), single), reshape(c, zeroPoint, {}), zeroPoint->elementType()))
    c.set(0, result);
}

static bool expectSingle(OpContext &c, Tensor *scale, Tensor *zeroPoint) {
  if (!scale->hasOneElement() || !zeroPoint->hasOneElement())
    c.unsupported("has an output scale of type {0}, expected one element", scale->type);
  return !c.failed();
}

static void importQLinearMatMul(OpContext &c) {
  Tensor *product = integerMatmul(c, c.in(0), c.in(2), c.in(3), c.in(5));
  if (!product || !expectSingle(c, c.in(6), c.in(7)))
    return;
  requantize(c, product, alongAxis(c, c.in(1), product->rank() - 2, product->rank()),
             alongAxis(c, c.in(4), product->rank() - 1, product->rank()), c.in(6), c.in(7));
}

static void importQLinearConv(OpContext &c) {
  Tensor *input = centred(c, c.in(0), c.in(2), 1), *filter = centred(c, c.in(3), c.in(5), 0);
  if (c.failed() || !expectSingle(c, c.in(6), c.in(7)))
    return;
  if (Tensor *sums = convolve(c, input, filter, c.in(8)))
    requantize(c, sums, alongAxis(c, c.in(1), 1, sums->rank()), alongAxis(c, c.in(4), 1, sums->rank()), c.in(6), c.in(7));
}

static constexpr Operator kOperators[] = {
    {"QuantizeLinear", 10, 2, 3, importQuantizeLinear, "8-bit floats, 2-bit and 4-bit integers; int32 inputs"},
    {"DequantizeLinear", 10, 2, 3, importDequantizeLinear, "8-bit floats; computed 2-bit and 4-bit integers"},
    {"DynamicQuantizeLinear", 11, 1, 1, importDynamicQuantizeLinear},
    {"MatMulInteger", 10, 2, 4, importMatMulInteger, "operands of one dimension"},
    {"ConvInteger", 10, 2, 4, importConvInteger},
    {"QLinearMatMul", 10, 8, 8, importQLinearMatMul, "8-bit floats; output scales per axis"},
    {"QLinearConv", 10, 8, 9, importQLinearConv, "output scales per axis"},
};

ArrayRef<Operator> nnopt::onnx::quantizedOperators() { return kOperators; }
