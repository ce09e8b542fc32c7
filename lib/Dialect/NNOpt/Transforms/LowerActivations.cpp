//===- LowerActivations.cpp - activations as elementwise linalg -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace nnopt {
#define GEN_PASS_DEF_LOWERACTIVATIONS
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

namespace {

/// Scalar arithmetic on one element type, so that the formulas below read as formulas.
struct Scalar {
  OpBuilder &b;
  Location loc;
  Type type;

  Value constant(double value) const {
    return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, value));
  }
  Value add(Value x, Value y) const { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) const { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) const { return arith::MulFOp::create(b, loc, x, y); }
  Value div(Value x, Value y) const { return arith::DivFOp::create(b, loc, x, y); }
  Value max(Value x, Value y) const { return arith::MaximumFOp::create(b, loc, x, y); }
  Value min(Value x, Value y) const { return arith::MinimumFOp::create(b, loc, x, y); }
  Value exp(Value x) const { return math::ExpOp::create(b, loc, x); }
  Value select(arith::CmpFPredicate p, Value x, Value y, Value yes, Value no) const {
    return arith::SelectOp::create(b, loc, arith::CmpFOp::create(b, loc, p, x, y), yes, no);
  }
  Value sigmoid(Value x) const {
    Value one = constant(1);
    return div(one, add(one, exp(arith::NegFOp::create(b, loc, x))));
  }
  /// log(1 + e^x) without overflow: max(x, 0) + log1p(e^-|x|).
  Value softplus(Value x) const {
    Value decay = exp(arith::NegFOp::create(b, loc, math::AbsFOp::create(b, loc, x)));
    return add(max(x, constant(0)), math::Log1pOp::create(b, loc, decay));
  }
};

/// One row of the table in the op's description.
Value emitActivation(ActivationOp op, const Scalar &s, Value x) {
  auto alpha = [&](double otherwise) {
    return s.constant(op.getAlpha() ? op.getAlpha()->convertToDouble() : otherwise);
  };
  auto beta = [&](double otherwise) { return s.constant(op.getBeta() ? op.getBeta()->convertToDouble() : otherwise); };
  using P = arith::CmpFPredicate;
  Value zero = s.constant(0), one = s.constant(1);
  switch (op.getKind()) {
  case ActivationKind::relu:
    return s.max(x, zero);
  case ActivationKind::leaky_relu:
    return s.select(P::OGE, x, zero, x, s.mul(alpha(0.01), x));
  case ActivationKind::sigmoid:
    return s.sigmoid(x);
  case ActivationKind::tanh:
    return math::TanhOp::create(s.b, s.loc, x);
  case ActivationKind::erf:
    return math::ErfOp::create(s.b, s.loc, x);
  case ActivationKind::gelu: {
    Value phi = math::ErfOp::create(s.b, s.loc, s.mul(x, s.constant(0.70710678118654752)));
    return s.mul(s.mul(s.constant(0.5), x), s.add(one, phi));
  }
  case ActivationKind::gelu_tanh: {
    Value cubic = s.mul(s.constant(0.044715), s.mul(x, s.mul(x, x)));
    Value t = math::TanhOp::create(s.b, s.loc, s.mul(s.constant(0.79788456080286536), s.add(x, cubic)));
    return s.mul(s.mul(s.constant(0.5), x), s.add(one, t));
  }
  case ActivationKind::silu:
    return s.mul(x, s.sigmoid(s.mul(alpha(1), x)));
  case ActivationKind::hard_sigmoid:
  case ActivationKind::hard_swish: {
    Value gate = s.max(zero, s.min(one, s.add(s.mul(alpha(1.0 / 6), x), beta(0.5))));
    return op.getKind() == ActivationKind::hard_swish ? s.mul(x, gate) : gate;
  }
  case ActivationKind::elu:
    return s.select(P::OGE, x, zero, x, s.mul(alpha(1), s.sub(s.exp(x), one)));
  case ActivationKind::celu: {
    Value a = alpha(1);
    return s.add(s.max(x, zero), s.min(zero, s.mul(a, s.sub(s.exp(s.div(x, a)), one))));
  }
  case ActivationKind::selu: {
    Value a = alpha(1.67326319217681884765625), gamma = beta(1.05070102214813232421875);
    Value negative = s.sub(s.mul(a, s.exp(x)), a);
    return s.mul(gamma, s.select(P::OGT, x, zero, x, negative));
  }
  case ActivationKind::softplus:
    return s.softplus(x);
  case ActivationKind::softsign:
    return s.div(x, s.add(one, math::AbsFOp::create(s.b, s.loc, x)));
  case ActivationKind::mish:
    return s.mul(x, math::TanhOp::create(s.b, s.loc, s.softplus(x)));
  case ActivationKind::clip: {
    Value y = op.getAlpha() ? s.max(x, alpha(0)) : x;
    return op.getBeta() ? s.min(y, beta(0)) : y;
  }
  case ActivationKind::thresholded_relu:
    return s.select(P::OGT, x, alpha(1), x, zero);
  }
  llvm_unreachable("every kind is handled");
}

struct LowerActivation : OpRewritePattern<ActivationOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ActivationOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    SmallVector<OpFoldResult> shape = tensor::getMixedSizes(rewriter, loc, op.getInput());
    Value empty = tensor::EmptyOp::create(rewriter, loc, shape, type.getElementType());
    AffineMap identity = rewriter.getMultiDimIdentityMap(type.getRank());
    SmallVector<utils::IteratorType> parallel(type.getRank(), utils::IteratorType::parallel);
    auto body = [&](OpBuilder &b, Location loc, ValueRange args) {
      Value y = emitActivation(op, Scalar{b, loc, args[0].getType()}, args[0]);
      linalg::YieldOp::create(b, loc, y);
    };
    rewriter.replaceOpWithNewOp<linalg::GenericOp>(op, TypeRange{type}, ValueRange{op.getInput()}, ValueRange{empty},
                                                   ArrayRef<AffineMap>{identity, identity}, parallel, body);
    return success();
  }
};

struct LowerActivations : nnopt::impl::LowerActivationsBase<LowerActivations> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<LowerActivation>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
