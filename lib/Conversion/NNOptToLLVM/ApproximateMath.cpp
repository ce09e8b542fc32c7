//===- ApproximateMath.cpp - transcendental functions as polynomials ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Conversion/Passes.h"
#include "nnopt/Target/Isa.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace nnopt {
#define GEN_PASS_DEF_APPROXIMATEMATH
#include "nnopt/Conversion/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

namespace {

/// x * y + z in two roundings, for machines without a fused form: there the fused one is a call of libm.
struct SplitFma : OpRewritePattern<math::FmaOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::FmaOp op, PatternRewriter &rewriter) const override {
    Value product = arith::MulFOp::create(rewriter, op.getLoc(), op.getA(), op.getB());
    rewriter.replaceOpWithNewOp<arith::AddFOp>(op, product, op.getC());
    return success();
  }
};

/// erf(x) = x * P(x^2) / Q(x^2) on [-3.92, 3.92], a minimax fit of the relative error (2e-8; 4e-7 with the roundings of f32). Beyond, it
/// is 1 to f32's precision. Upstream's form selects among coefficients for four intervals, which costs twice as much.
struct RationalErf : OpRewritePattern<math::ErfOp> {
  using OpRewritePattern::OpRewritePattern;

  static constexpr double kLimit = 3.92;
  static constexpr double kP[] = {2.05010663e-06, 0.00028487868, 0.00376546429, 0.0527482536, 0.190403005, 1.12837915};
  static constexpr double kQ[] = {3.80917021e-05, 0.00116249727, 0.0149689126, 0.11410767, 0.502073011, 1.0};

  LogicalResult matchAndRewrite(math::ErfOp op, PatternRewriter &rewriter) const override {
    Type type = op.getType();
    if (!getElementTypeOrSelf(type).isF32())
      return rewriter.notifyMatchFailure(op, "is not of f32");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto constant = [&](double value) -> Value {
      TypedAttr attribute = b.getF32FloatAttr(value);
      if (auto shaped = dyn_cast<ShapedType>(type))
        attribute = DenseElementsAttr::get(shaped, Attribute(attribute));
      return arith::ConstantOp::create(b, attribute);
    };
    // Comparisons such that NaN is passed on, and that are one instruction.
    auto clamp = [&](Value x, double limit) -> Value {
      for (auto [predicate, bound] : {std::pair(arith::CmpFPredicate::OGT, limit), {arith::CmpFPredicate::OLT, -limit}}) {
        Value outside = arith::CmpFOp::create(b, predicate, x, constant(bound));
        x = arith::SelectOp::create(b, outside, constant(bound), x);
      }
      return x;
    };
    Value x = clamp(op.getOperand(), kLimit), square = arith::MulFOp::create(b, x, x);
    auto polynomial = [&](ArrayRef<double> coefficients) {
      Value y = constant(coefficients.front());
      for (double coefficient : coefficients.drop_front())
        y = math::FmaOp::create(b, y, square, constant(coefficient));
      return y;
    };
    Value numerator = arith::MulFOp::create(b, x, polynomial(kP));
    rewriter.replaceOp(op, clamp(arith::DivFOp::create(b, numerator, polynomial(kQ)), 1));
    return success();
  }
};

struct ApproximateMath : nnopt::impl::ApproximateMathBase<ApproximateMath> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    auto name = function->getAttrOfType<StringAttr>(kIsaAttr);
    const Isa *isa = name ? findIsa(name.getValue()) : nullptr;
    RewritePatternSet patterns(&getContext());
    populateMathPolynomialApproximationPatterns(patterns, MathPolynomialApproximationOptions{});
    patterns.add<RationalErf>(&getContext(), /*benefit=*/2);
    if (isa && !isa->fma) {
      patterns.add<SplitFma>(&getContext());
      // Such machines do not round to integers in one instruction either.
      math::populateExpansionPatterns(patterns, {"floor", "ceil", "roundeven", "round"});
    }
    if (failed(applyPatternsGreedily(function, std::move(patterns))))
      return signalPassFailure();
    if (isa && isa->fma && !isQuantized(function))
      allowContraction(function);
  }

private:
  /// True if numbers are rounded to integers or come from them: the same integers are to come out on all machines.
  static bool isQuantized(func::FuncOp function) {
    return function
        .walk([](Operation *op) {
          return isa<arith::FPToSIOp, arith::FPToUIOp, arith::SIToFPOp, arith::UIToFPOp>(op) ? WalkResult::interrupt() : WalkResult::advance();
        })
        .wasInterrupted();
  }

  /// Products and sums written apart (elementwise code of models) may become one instruction; nothing else is relaxed.
  static void allowContraction(func::FuncOp function) {
    auto contract = arith::FastMathFlagsAttr::get(function.getContext(), arith::FastMathFlags::contract);
    function.walk([&](arith::ArithFastMathInterface op) {
      if (isa<arith::AddFOp, arith::SubFOp, arith::MulFOp>(op) && op.getFastMathFlagsAttr().getValue() == arith::FastMathFlags::none)
        op->setAttr(op.getFastMathAttrName(), contract);
    });
  }
};
} // namespace
