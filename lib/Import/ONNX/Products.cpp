//===- Products.cpp - MatMul, Gemm ----------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Build.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::onnx;

/// One dimension of extent 1 more, at `axis`.
static Tensor *unsqueeze(OpContext &c, Tensor *tensor, int64_t axis) { return collapse(c, tensor, axis, axis); }

static Tensor *squeeze(OpContext &c, Tensor *tensor, int64_t axis) {
  Extents extents(tensor->extents);
  extents.erase(extents.begin() + axis);
  return reshape(c, tensor, extents);
}

static bool depthsDiffer(OpContext &c, OpFoldResult x, OpFoldResult y) {
  auto a = ShapeMath::get(x), b = ShapeMath::get(y);
  if (!a || !b || *a == *b)
    return false;
  c.error("multiplies rows of {0} by columns of {1}", *a, *b);
  return true;
}

/// A matrix of the model itself, stored as such or quantized.
static bool isTrained(Tensor *matrix) {
  if (matrix->rank() != 2 || matrix->constant || !matrix->value)
    return matrix->rank() == 2 && matrix->constant;
  auto dequantize = matrix->value.getDefiningOp<DequantizeOp>();
  return dequantize && dequantize.getInput().getDefiningOp<WeightOp>();
}

/// A product with a trained matrix is a linear layer; other products are batched matrix products.
static void importMatMul(OpContext &c) {
  Tensor *lhs = c.in(0), *rhs = c.in(1);
  expectSameTypes(c, {lhs, rhs});
  expectNoNaN(c, 0);
  expectNoNaN(c, 1);
  if (lhs->rank() == 0 || rhs->rank() == 0)
    c.error("has operands of {0} and {1} dimensions, expected at least one", lhs->rank(), rhs->rank());
  if (c.failed() || depthsDiffer(c, lhs->extents.back(), rhs->extents[std::max<int64_t>(0, rhs->rank() - 2)]))
    return;
  Type element = lhs->elementType();
  bool isRow = lhs->rank() == 1, isColumn = rhs->rank() == 1;
  if (isTrained(rhs)) {
    return c.set(0, c.structured<LinearOp>(element, lhs->rank(), c.value(lhs), c.value(rhs), Value(), ValueRange(),
                                           Value(), /*weight_kn=*/true, PackAttr(), ArrayAttr()));
  }
  if (isRow)
    lhs = unsqueeze(c, lhs, 0);
  if (isColumn)
    rhs = unsqueeze(c, rhs, 1);
  // Only the batch dimensions broadcast.
  broadcastExtents(c, {ExtentsRef(lhs->extents).drop_back(2), ExtentsRef(rhs->extents).drop_back(2)});
  if (c.failed())
    return;
  Tensor *product = c.structured<MatmulOp>(element, std::max(lhs->rank(), rhs->rank()), c.value(lhs), c.value(rhs),
                                           ValueRange(), Value(), false, false, ArrayAttr());
  if (isColumn)
    product = squeeze(c, product, product->rank() - 1);
  if (isRow)
    product = squeeze(c, product, product->rank() - (isColumn ? 1 : 2));
  c.set(0, product);
}

/// alpha * A' * B' + beta * C. The sum's bias is part of the linear layer where its shape allows.
static void importGemm(OpContext &c) {
  double alpha = c.attr("alpha", 1.0), beta = c.attr("beta", 1.0);
  bool transposeA = c.attr("transA", int64_t(0)) != 0, transposeB = c.attr("transB", int64_t(0)) != 0;
  Tensor *lhs = c.in(0), *rhs = c.in(1), *bias = c.in(2);
  expectSameTypes(c, {lhs, rhs, bias ? bias : lhs});
  expectNoNaN(c, 1);
  if (lhs->rank() != 2 || rhs->rank() != 2)
    c.error("has operands of {0} and {1} dimensions, expected 2", lhs->rank(), rhs->rank());
  if (c.failed() || depthsDiffer(c, lhs->extents[transposeA ? 0 : 1], rhs->extents[transposeB ? 1 : 0]))
    return;
  Type element = lhs->elementType();
  auto scale = [&](Tensor *tensor, double factor) {
    return factor == 1 ? tensor : elementwise(c, {tensor}, tensor->elementType(), [&](Scalar &s, ValueRange args) {
      return s.mul(args[0], s.constant(factor));
    });
  };
  bool isLinear = isTrained(rhs) && alpha == 1;
  bool takesBias = isLinear && bias && beta == 1 && bias->rank() == 1 && bias->extents[0] == rhs->extents[transposeB ? 0 : 1];
  Tensor *product;
  if (isLinear) {
    if (transposeA)
      lhs = transpose(c, lhs, {1, 0});
    product = c.structured<LinearOp>(element, 2, c.value(lhs), c.value(rhs), takesBias ? c.value(bias) : Value(),
                                     ValueRange(), Value(), /*weight_kn=*/!transposeB, PackAttr(), ArrayAttr());
  } else {
    product = c.structured<MatmulOp>(element, 2, c.value(lhs), c.value(rhs), ValueRange(), Value(), transposeA, transposeB,
                                     ArrayAttr());
    product = scale(product, alpha);
  }
  if (bias && !takesBias && beta != 0) {
    bias = scale(bias, beta);
    Extents sum = broadcastExtents(c, {product->extents, bias->extents});
    if (!c.failed() && sum != Extents(product->extents))
      return c.error("cannot add a C of type {0} to a product of type {1}", bias->type, product->type);
    product = elementwise(c, {product, bias}, element, [](Scalar &s, ValueRange args) { return s.add(args[0], args[1]); });
  }
  c.set(0, product);
}

static constexpr Operator kOperators[] = {
    {"MatMul", 1, 2, 2, importMatMul},
    {"Gemm", 7, 2, 3, importGemm},
};

ArrayRef<Operator> nnopt::onnx::productOperators() { return kOperators; }
