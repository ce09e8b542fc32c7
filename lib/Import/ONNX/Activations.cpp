//===- Activations.cpp - nonlinear functions of networks ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Build.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::onnx;

/// An activation without parameters.
template <ActivationKind kind>
static void plain(OpContext &c) {
  c.set(0, activation(c, c.in(0), kind));
}

/// Relu has integer forms, which are no activations of the dialect.
static void importRelu(OpContext &c) {
  if (c.in(0)->isFloat())
    return plain<ActivationKind::relu>(c);
  c.set(0, elementwise(c, {c.in(0)}, c.elementType(0),
                       [](Scalar &s, ValueRange args) { return s.max(args[0], s.constant(0)); }));
}

static void importLeakyRelu(OpContext &c) {
  c.set(0, activation(c, c.in(0), ActivationKind::leaky_relu, c.attr("alpha", 0.01)));
}
static void importElu(OpContext &c) { c.set(0, activation(c, c.in(0), ActivationKind::elu, c.attr("alpha", 1.0))); }
static void importCelu(OpContext &c) { c.set(0, activation(c, c.in(0), ActivationKind::celu, c.attr("alpha", 1.0))); }
static void importSelu(OpContext &c) {
  double alpha = c.attr("alpha", 1.67326319217681884765625), gamma = c.attr("gamma", 1.05070102214813232421875);
  c.set(0, activation(c, c.in(0), ActivationKind::selu, alpha, gamma));
}
static void importHardSigmoid(OpContext &c) {
  double alpha = c.attr("alpha", 0.2), beta = c.attr("beta", 0.5);
  c.set(0, activation(c, c.in(0), ActivationKind::hard_sigmoid, alpha, beta));
}
static void importThresholdedRelu(OpContext &c) {
  c.set(0, activation(c, c.in(0), ActivationKind::thresholded_relu, c.attr("alpha", 1.0)));
}
static void importSwish(OpContext &c) { c.set(0, activation(c, c.in(0), ActivationKind::silu, c.attr("alpha", 1.0))); }

static void importGelu(OpContext &c) {
  StringRef approximate = c.attr("approximate", "none");
  if (approximate != "none" && approximate != "tanh")
    c.error("has approximate = '{0}', expected none or tanh", approximate);
  c.set(0, activation(c, c.in(0), approximate == "tanh" ? ActivationKind::gelu_tanh : ActivationKind::gelu));
}

static void importQuickGelu(OpContext &c) {
  c.set(0, activation(c, c.in(0), ActivationKind::silu, c.attr("alpha", 1.702)));
}

static void importPRelu(OpContext &c) {
  expectSameTypes(c, {c.in(0), c.in(1)});
  if (c.failed())
    return;
  c.set(0, elementwise(c, {c.in(0), c.in(1)}, c.elementType(0), [](Scalar &s, ValueRange args) {
          return s.select(s.compare(Scalar::LT, args[0], s.constant(0)), s.mul(args[0], args[1]), args[0]);
        }));
}

static void importShrink(OpContext &c) {
  double bias = c.attr("bias", 0.0), lambda = c.attr("lambd", 0.5);
  c.set(0, elementwise(c, {c.in(0)}, c.elementType(0), [&](Scalar &s, ValueRange args) {
          // The threshold of integers may have a fraction.
          Type real = s.isFloat() ? s.type : Type(s.b.getF64Type());
          Scalar f = s.as(real);
          Value x = s.cast(args[0], real);
          Value low = f.select(f.compare(Scalar::LT, x, f.constant(-lambda)), f.add(x, f.constant(bias)), f.constant(0));
          Value y = f.select(f.compare(Scalar::GT, x, f.constant(lambda)), f.sub(x, f.constant(bias)), low);
          return f.cast(y, s.type);
        }));
}

/// A bound of Clip: a constant goes into the op, anything else is one more operand.
static void importClip(OpContext &c) {
  Tensor *x = c.in(0);
  std::optional<float> low, high;
  if (c.opset < 11) {
    if (c.hasAttr("min"))
      low = c.attr("min", 0.0);
    if (c.hasAttr("max"))
      high = c.attr("max", 0.0);
    return c.set(0, activation(c, x, ActivationKind::clip, low, high));
  }
  bool areConstant = x->elementType().isF32();
  for (unsigned i : {1u, 2u})
    if (c.hasInput(i)) {
      expectSameTypes(c, {x, c.in(i)});
      areConstant &= c.isConstant(i) && c.in(i)->hasOneElement();
    }
  if (c.failed())
    return;
  if (areConstant) {
    if (c.hasInput(1))
      low = c.in(1)->constant->numberAt(0);
    if (c.hasInput(2))
      high = c.in(2)->constant->numberAt(0);
    return c.set(0, low || high ? activation(c, x, ActivationKind::clip, low, high) : x);
  }
  for (unsigned i : {1u, 2u})
    if (c.hasInput(i))
      x = elementwise(c, {x, c.in(i)}, x->elementType(), [&](Scalar &s, ValueRange args) {
        return i == 1 ? s.max(args[0], args[1]) : s.min(args[0], args[1]);
      });
  c.set(0, x);
}

static constexpr Operator kOperators[] = {
    {"Relu", 6, 1, 1, importRelu},
    {"LeakyRelu", 6, 1, 1, importLeakyRelu},
    {"PRelu", 7, 2, 2, importPRelu},
    {"Sigmoid", 6, 1, 1, plain<ActivationKind::sigmoid>},
    {"Tanh", 6, 1, 1, plain<ActivationKind::tanh>},
    {"Erf", 9, 1, 1, plain<ActivationKind::erf>},
    {"Gelu", 20, 1, 1, importGelu},
    {"Swish", 24, 1, 1, importSwish},
    {"HardSwish", 14, 1, 1, plain<ActivationKind::hard_swish>},
    {"HardSigmoid", 6, 1, 1, importHardSigmoid},
    {"Elu", 6, 1, 1, importElu},
    {"Selu", 6, 1, 1, importSelu},
    {"Celu", 12, 1, 1, importCelu},
    {"Softplus", 1, 1, 1, plain<ActivationKind::softplus>},
    {"Softsign", 1, 1, 1, plain<ActivationKind::softsign>},
    {"Mish", 18, 1, 1, plain<ActivationKind::mish>},
    {"ThresholdedRelu", 10, 1, 1, importThresholdedRelu},
    {"Shrink", 9, 1, 1, importShrink},
    {"Clip", 6, 1, 3, importClip},
    {"Gelu", 1, 1, 1, plain<ActivationKind::gelu>, "", 1, "com.microsoft"},
    {"QuickGelu", 1, 1, 1, importQuickGelu, "", 1, "com.microsoft"},
};

ArrayRef<Operator> nnopt::onnx::activationOperators() { return kOperators; }
