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

struct ApproximateMath : nnopt::impl::ApproximateMathBase<ApproximateMath> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    auto name = function->getAttrOfType<StringAttr>(kIsaAttr);
    const Isa *isa = name ? findIsa(name.getValue()) : nullptr;
    RewritePatternSet patterns(&getContext());
    populateMathPolynomialApproximationPatterns(patterns, MathPolynomialApproximationOptions{});
    if (isa && !isa->fma) {
      patterns.add<SplitFma>(&getContext());
      // Such machines do not round to integers in one instruction either.
      math::populateExpansionPatterns(patterns, {"floor", "ceil", "roundeven", "round"});
    }
    if (failed(applyPatternsGreedily(function, std::move(patterns))))
      return signalPassFailure();
    if (isa && isa->fma)
      allowContraction(function);
  }

private:
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
