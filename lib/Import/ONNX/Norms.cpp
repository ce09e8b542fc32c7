//===- Norms.cpp - normalisations and softmax -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "Importer.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace nnopt;
using namespace nnopt::onnx;

//===----------------------------------------------------------------------===//
// Helpers
//===----------------------------------------------------------------------===//

/// A per-channel vector with ones behind it, so that it broadcasts over [N, C, ...].
static Tensor *perChannel(OpContext &c, Tensor *vector, int64_t rank) {
  Extents extents(vector->extents);
  extents.append(rank - 2, c.shapes.constant(1));
  return reshape(c, vector, extents);
}

static void expectChannels(OpContext &c, Tensor *input, unsigned first) {
  if (input->rank() < 2)
    return c.error("has an input of type {0}, expected channels", input->type);
  for (unsigned i = first; i < c.numInputs(); ++i) {
    Tensor *vector = c.in(i);
    if (vector->rank() != 1 || (vector->type.hasStaticShape() && !input->type.isDynamicDim(1) && vector->dim(0) != input->dim(1)))
      c.error("has an operand of type {0} for {1} channels", vector->type, input->dim(1));
  }
}

/// (x - mean) / sqrt(variance + epsilon), with the statistics over `axes`.
static Tensor *standardize(OpContext &c, Tensor *x, ArrayRef<int64_t> axes, double epsilon, Tensor **meanOut = nullptr,
                           Tensor **inverseOut = nullptr) {
  Type element = x->elementType();
  Tensor *mean = reduceMean(c, x, axes, /*keep=*/true);
  Tensor *centred = elementwise(c, {x, mean}, element, [](Scalar &s, ValueRange args) { return s.sub(args[0], args[1]); });
  Tensor *squares = elementwise(c, {centred}, element, [](Scalar &s, ValueRange args) { return s.mul(args[0], args[0]); });
  Tensor *inverse = elementwise(c, {reduceMean(c, squares, axes, /*keep=*/true)}, element, [&](Scalar &s, ValueRange args) {
    return s.div(s.constant(1), math::SqrtOp::create(s.b, s.loc, s.add(args[0], s.constant(epsilon))));
  });
  if (meanOut)
    *meanOut = mean;
  if (inverseOut)
    *inverseOut = inverse;
  return elementwise(c, {centred, inverse}, element, [](Scalar &s, ValueRange args) { return s.mul(args[0], args[1]); });
}

static Tensor *scaleAndShift(OpContext &c, Tensor *x, Tensor *scale, Tensor *bias) {
  auto multiply = [](Scalar &s, ValueRange args) { return s.mul(args[0], args[1]); };
  auto add = [](Scalar &s, ValueRange args) { return s.add(args[0], args[1]); };
  if (scale)
    x = elementwise(c, {x, scale}, x->elementType(), multiply);
  return bias ? elementwise(c, {x, bias}, x->elementType(), add) : x;
}

//===----------------------------------------------------------------------===//
// BatchNormalization
//===----------------------------------------------------------------------===//

/// Folds the normalisation into the filter and bias of the convolution that makes its input: W' = W s, b' = (b - mean) s + beta with
/// s = scale / sqrt(variance + epsilon), in double precision. Null if there is no such convolution.
static Tensor *foldIntoConv(OpContext &c, double epsilon) {
  auto conv = c.value(0).getDefiningOp<ConvOp>();
  if (!conv || !c.isOnlyUse(0) || !c.in(0)->elementType().isF32())
    return nullptr;
  const Tensor *filter = c.importer.tensorOf(conv.getWeight());
  const Tensor *bias = conv.getBias() ? c.importer.tensorOf(conv.getBias()) : nullptr;
  bool isConstant = filter && filter->constant && (!conv.getBias() || (bias && bias->constant));
  for (unsigned i = 1; i < 5; ++i)
    isConstant &= c.isConstant(i) && c.elementType(i).isF32() && c.in(i)->type.getNumElements() == filter->dim(0);
  if (!isConstant)
    return nullptr;
  int64_t outputs = filter->dim(0), size = outputs ? filter->constant->size() / outputs : 0;
  std::vector<char> weights(filter->constant->bytes.begin(), filter->constant->bytes.end()), biases(outputs * sizeof(float));
  auto at = [&](unsigned i, int64_t o) { return c.in(i)->constant->numberAt(o); };
  for (int64_t o = 0; o < outputs; ++o) {
    double s = at(1, o) / std::sqrt(at(4, o) + epsilon);
    for (int64_t k = 0; k < size; ++k) {
      float w;
      std::memcpy(&w, &weights[(o * size + k) * sizeof(float)], sizeof(float));
      w = float(w * s);
      std::memcpy(&weights[(o * size + k) * sizeof(float)], &w, sizeof(float));
    }
    float shifted = float(((bias ? bias->constant->numberAt(o) : 0.0) - at(3, o)) * s + at(2, o));
    std::memcpy(&biases[o * sizeof(float)], &shifted, sizeof(float));
  }
  auto named = [&](Constant constant, StringRef name) {
    Tensor *tensor = c.constant(std::move(constant));
    tensor->name = name;
    return c.value(tensor);
  };
  conv.getWeightMutable().assign(named(Constant::copy(filter->type, std::move(weights)), filter->name));
  auto biasType = RankedTensorType::get({outputs}, c.elementType(0));
  conv.getBiasMutable().assign(named(Constant::copy(biasType, std::move(biases)), c.in(2)->name));
  // The value is the normalisation's now: nnopt-run --probe goes by the last name.
  conv->setLoc(c.b.getFusedLoc({conv.getLoc(), c.loc}));
  return c.in(0);
}

static void importBatchNormalization(OpContext &c) {
  double epsilon = c.attr("epsilon", 1e-5);
  c.ignoreAttr("momentum");
  if (c.attr("training_mode", int64_t(0)) != 0)
    return c.unsupported("is in training mode");
  if (c.attr("spatial", int64_t(1)) != 1)
    return c.unsupported("has spatial = 0");
  Tensor *x = c.in(0);
  expectFloat(c, x);
  expectChannels(c, x, 1);
  if (c.failed())
    return;
  if (Tensor *folded = foldIntoConv(c, epsilon))
    return c.set(0, folded);
  // Statistics may be of another precision than the data.
  Tensor *vectors[4];
  for (unsigned i = 0; i < 4; ++i)
    vectors[i] = perChannel(c, castTo(c, c.in(i + 1), x->elementType()), x->rank());
  c.set(0, elementwise(c, {x, vectors[0], vectors[1], vectors[2], vectors[3]}, x->elementType(), [&](Scalar &s, ValueRange args) {
          Value deviation = math::SqrtOp::create(s.b, s.loc, s.add(args[4], s.constant(epsilon)));
          return s.add(s.mul(s.div(s.sub(args[0], args[3]), deviation), args[1]), args[2]);
        }));
}

//===----------------------------------------------------------------------===//
// LayerNormalization and relatives
//===----------------------------------------------------------------------===//

/// Scale and bias of exactly the normalised extents go into the op; others are multiplied and added behind it.
static void normalizeRows(OpContext &c, NormKind kind, Tensor *bias) {
  Tensor *x = c.in(0), *scale = c.in(1);
  int64_t axis = c.axis(c.attr("axis", int64_t(-1)), x->rank());
  double epsilon = c.attr("epsilon", 1e-5);
  c.ignoreAttr("stash_type"); // statistics are at least of the data's precision
  expectFloat(c, x);
  expectSameTypes(c, {x, scale, bias ? bias : x});
  if (c.failed())
    return;
  ExtentsRef normalized = ExtentsRef(x->extents).drop_front(axis);
  bool fits = ExtentsRef(scale->extents) == normalized && (!bias || ExtentsRef(bias->extents) == normalized);
  Tensor *y = c.structured<NormalizeOp>(x->elementType(), x->rank(), kind, c.value(x), fits ? c.value(scale) : Value(),
                                        fits && bias ? c.value(bias) : Value(), Value(), axis,
                                        APFloat(float(epsilon)));
  c.set(0, fits ? y : scaleAndShift(c, y, scale, bias));
  if (!c.hasOutput(1) && !c.hasOutput(2))
    return;
  Tensor *mean, *inverse;
  standardize(c, x, llvm::to_vector(llvm::seq(axis, x->rank())), epsilon, &mean, &inverse);
  c.set(1, mean);
  c.set(2, inverse);
}

static void importLayerNormalization(OpContext &c) { normalizeRows(c, NormKind::layer, c.in(2)); }
static void importRMSNormalization(OpContext &c) { normalizeRows(c, NormKind::rms, nullptr); }

static void importInstanceNormalization(OpContext &c) {
  double epsilon = c.attr("epsilon", 1e-5);
  Tensor *x = c.in(0);
  expectFloat(c, x);
  expectSameTypes(c, {x, c.in(1), c.in(2)});
  expectChannels(c, x, 1);
  if (c.failed())
    return;
  Tensor *y = standardize(c, x, llvm::to_vector(llvm::seq<int64_t>(2, x->rank())), epsilon);
  c.set(0, scaleAndShift(c, y, perChannel(c, c.in(1), x->rank()), perChannel(c, c.in(2), x->rank())));
}

/// Until opset 20 scale and bias were per group, since 21 they are per channel.
static void importGroupNormalization(OpContext &c) {
  double epsilon = c.attr("epsilon", 1e-5);
  int64_t groups = c.attr("num_groups", int64_t(0));
  c.ignoreAttr("stash_type");
  Tensor *x = c.in(0);
  expectFloat(c, x);
  expectSameTypes(c, {x, c.in(1), c.in(2)});
  if (x->rank() < 2 || x->type.isDynamicDim(1) || groups < 1 || x->dim(1) % groups != 0)
    c.error("cannot divide the channels of {0} into {1} groups", x->type, groups);
  if (c.failed())
    return;
  Extents grouped = {x->extents[0], c.shapes.constant(groups), c.shapes.constant(x->dim(1) / groups)};
  llvm::append_range(grouped, ExtentsRef(x->extents).drop_front(2));
  Tensor *y = reshape(c, x, grouped);
  y = standardize(c, y, llvm::to_vector(llvm::seq<int64_t>(2, grouped.size())), epsilon);
  bool isPerGroup = c.in(1)->rank() == 1 && c.in(1)->dim(0) == groups && c.opset < 21;
  if (isPerGroup)
    y = scaleAndShift(c, y, perChannel(c, c.in(1), y->rank()), perChannel(c, c.in(2), y->rank()));
  y = reshape(c, y, x->extents);
  if (!isPerGroup) {
    expectChannels(c, x, 1);
    if (!c.failed())
      y = scaleAndShift(c, y, perChannel(c, c.in(1), x->rank()), perChannel(c, c.in(2), x->rank()));
  }
  c.set(0, y);
}

static void importMeanVarianceNormalization(OpContext &c) {
  Tensor *x = c.in(0);
  SmallVector<int64_t> axes = c.axes(c.attr("axes", ArrayRef<int64_t>({0, 2, 3})), x->rank());
  expectFloat(c, x);
  if (!c.failed())
    c.set(0, standardize(c, x, axes, 1e-9));
}

/// x / norm along an axis; zero where the norm is.
static void importLpNormalization(OpContext &c) {
  Tensor *x = c.in(0);
  int64_t axis = c.axis(c.attr("axis", int64_t(-1)), x->rank()), p = c.attr("p", int64_t(2));
  expectFloat(c, x);
  if (p != 1 && p != 2)
    c.error("has p = {0}, expected 1 or 2", p);
  if (c.failed())
    return;
  Tensor *powers = elementwise(c, {x}, x->elementType(), [&](Scalar &s, ValueRange args) {
    return p == 1 ? s.abs(args[0]) : s.mul(args[0], args[0]);
  });
  c.set(0, elementwise(c, {x, reduceSum(c, powers, {axis}, /*keep=*/true)}, x->elementType(), [&](Scalar &s, ValueRange args) {
          Value norm = p == 1 ? args[1] : Value(math::SqrtOp::create(s.b, s.loc, args[1]));
          Value isZero = s.compare(Scalar::EQ, norm, s.constant(0));
          return s.div(args[0], s.select(isZero, s.constant(1), norm));
        }));
}

/// Local response normalisation: x / (bias + alpha / size * sum of squares of `size` neighbouring channels)^beta.
static void importLRN(OpContext &c) {
  double alpha = c.attr("alpha", 0.0001), beta = c.attr("beta", 0.75), bias = c.attr("bias", 1.0);
  int64_t size = c.attr("size", int64_t(0));
  Tensor *x = c.in(0);
  expectFloat(c, x);
  if (x->rank() < 3 || size < 1)
    c.error("normalises {0} over {1} channels", x->type, size);
  if (c.failed())
    return;
  // The channels slide under an average pool of one spatial dimension: [N, 1, C, rest].
  Tensor *squares = elementwise(c, {x}, x->elementType(), [](Scalar &s, ValueRange args) { return s.mul(args[0], args[0]); });
  Extents flat = {x->extents[0], c.shapes.constant(1), x->extents[1], c.shapes.product(ExtentsRef(x->extents).drop_front(2))};
  int64_t before = (size - 1) / 2;
  Tensor *mean = c.structured<PoolOp>(x->elementType(), 4, PoolKind::average, c.value(reshape(c, squares, flat)), Value(),
                                      ArrayRef<int64_t>{size, 1}, ArrayRef<int64_t>{1, 1}, ArrayRef<int64_t>{1, 1},
                                      ArrayRef<int64_t>{before, 0, size - 1 - before, 0}, /*count_include_pad=*/true,
                                      /*ceil_mode=*/false, /*channels_last=*/false);
  c.set(0, elementwise(c, {x, reshape(c, mean, x->extents)}, x->elementType(), [&](Scalar &s, ValueRange args) {
          Value base = s.add(s.constant(bias), s.mul(s.constant(alpha), args[1]));
          return s.div(args[0], math::PowFOp::create(s.b, s.loc, base, s.constant(beta)));
        }));
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

/// Before opset 13 the function ran over all dimensions from `axis` on, as one.
template <typename Body>
static void alongAxis(OpContext &c, Body body) {
  Tensor *x = c.in(0);
  expectFloat(c, x);
  int64_t axis = c.axis(c.attr("axis", c.opset < 13 ? int64_t(1) : int64_t(-1)), x->rank());
  if (c.failed())
    return;
  if (x->rank() == 0)
    return c.set(0, body(collapse(c, x, 0, 0), 0));
  if (c.opset >= 13 || axis == x->rank() - 1)
    return c.set(0, body(x, axis));
  Extents original = x->extents;
  c.set(0, reshape(c, body(collapse(c, x, axis, x->rank()), axis), original));
}

template <bool log>
static void importSoftmax(OpContext &c) {
  alongAxis(c, [&](Tensor *x, int64_t axis) {
    return c.structured<SoftmaxOp>(x->elementType(), x->rank(), c.value(x), Value(), axis, log);
  });
}

static constexpr Operator kOperators[] = {
    {"BatchNormalization", 7, 5, 5, importBatchNormalization, "training mode"},
    {"LayerNormalization", 17, 2, 3, importLayerNormalization},
    {"RMSNormalization", 23, 2, 2, importRMSNormalization},
    {"InstanceNormalization", 6, 3, 3, importInstanceNormalization},
    {"GroupNormalization", 18, 3, 3, importGroupNormalization},
    {"MeanVarianceNormalization", 9, 1, 1, importMeanVarianceNormalization},
    {"LpNormalization", 1, 1, 1, importLpNormalization},
    {"LRN", 1, 1, 1, importLRN},
    {"Softmax", 1, 1, 1, importSoftmax<false>},
    {"LogSoftmax", 1, 1, 1, importSoftmax<true>},
};

ArrayRef<Operator> nnopt::onnx::normOperators() { return kOperators; }
