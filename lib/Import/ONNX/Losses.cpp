//===- Losses.cpp - NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss ----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Build.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::onnx;

/// The element of `table` for the class of each target; zero where the target is ignored. A table of one dimension is indexed by the class
/// alone, others by the coordinates of the target, with the class second.
static Tensor *pick(OpContext &c, Tensor *table, Tensor *target, std::optional<int64_t> ignored) {
  bool isWeight = table->rank() == 1 && target->rank() != 0;
  Value source = c.value(table), classes = c.value(target), count = c.shapes.asValue(table->extents[isWeight ? 0 : 1]);
  Type type = target->elementType();
  return generate(c, target->extents, table->elementType(), [&](Scalar &s, ValueRange at) {
    Scalar index = s.as(s.b.getIndexType());
    Value named = readElement(s, classes, at);
    Value place = s.as(type).cast(named, s.b.getIndexType());
    Value inside = index.max(index.constant(0), index.min(place, index.sub(count, index.constant(1))));
    SmallVector<Value> from{inside};
    if (!isWeight) {
      from.assign(at.begin(), at.end());
      from.insert(from.begin() + 1, inside);
    }
    Value found = readElement(s, source, from);
    if (!ignored)
      return found;
    return s.select(index.compare(Scalar::EQ, place, index.constant(double(*ignored))), s.constant(0), found);
  });
}

/// The weighted loss of log-probabilities `[N, C, ...]`, reduced as the node asks.
static Tensor *logLikelihoodLoss(OpContext &c, Tensor *input, Tensor *target, Tensor *weight) {
  StringRef reduction = c.attr("reduction", "mean");
  std::optional<int64_t> ignored;
  if (c.hasAttr("ignore_index"))
    ignored = c.attr("ignore_index", int64_t(0));
  if (reduction != "none" && reduction != "sum" && reduction != "mean")
    c.error("has reduction '{0}', expected none, sum or mean", reduction);
  if (input->rank() < 2 || target->rank() != input->rank() - 1)
    c.error("has scores of type {0} for targets of type {1}", input->type, target->type);
  for (int64_t d = 0; d < target->rank() && !c.failed(); ++d) {
    auto got = ShapeMath::get(target->extents[d]), expected = ShapeMath::get(input->extents[d == 0 ? 0 : d + 1]);
    if (got && expected && *got != *expected)
      c.error("has targets of extent {0} in dimension {1}, expected {2}", *got, d, *expected);
  }
  if (weight)
    expectSameTypes(c, {input, weight});
  if (weight && (weight->rank() != 1 || (ShapeMath::get(input->extents[1]) && weight->extents[0] != input->extents[1])))
    c.error("has weights of type {0} for classes of {1}", weight->type, input->type);
  expectFloat(c, input);
  if (c.failed())
    return nullptr;
  Type element = input->elementType();
  if (!weight)
    weight = filled(c, {input->extents[1]}, element, 1.0);
  Tensor *factors = pick(c, weight, target, ignored), *scores = pick(c, input, target, ignored);
  Tensor *loss = elementwise(c, {scores, factors}, element, [](Scalar &s, ValueRange args) { return s.neg(s.mul(args[0], args[1])); });
  if (reduction == "none" || c.failed())
    return loss;
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, target->rank()));
  Tensor *sum = reduceSum(c, loss, axes, /*keep=*/false);
  if (reduction == "sum")
    return sum;
  return elementwise(c, {sum, reduceSum(c, factors, axes, /*keep=*/false)}, element,
                     [](Scalar &s, ValueRange args) { return s.div(args[0], args[1]); });
}

static void importNegativeLogLikelihoodLoss(OpContext &c) {
  if (Tensor *loss = logLikelihoodLoss(c, c.in(0), c.in(1), c.in(2)))
    c.set(0, loss);
}

static void importSoftmaxCrossEntropyLoss(OpContext &c) {
  expectFloat(c, c.in(0));
  if (c.in(0)->rank() < 2)
    c.error("has scores of type {0}, expected at least two dimensions", c.in(0)->type);
  if (c.failed())
    return;
  Tensor *logs = c.structured<SoftmaxOp>(c.elementType(0), c.in(0)->rank(), c.value(0), Value(), /*axis=*/1, /*log=*/true);
  if (Tensor *loss = logLikelihoodLoss(c, logs, c.in(1), c.in(2))) {
    c.set(0, loss);
    c.set(1, logs);
  }
}

static constexpr Operator kOperators[] = {
    {"NegativeLogLikelihoodLoss", 12, 2, 3, importNegativeLogLikelihoodLoss},
    {"SoftmaxCrossEntropyLoss", 12, 2, 3, importSoftmaxCrossEntropyLoss},
};

ArrayRef<Operator> nnopt::onnx::lossOperators() { return kOperators; }
