//===- ExpandBFloat16.cpp - bfloat16 arithmetic in f32 --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Conversion/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace nnopt {
#define GEN_PASS_DEF_EXPANDBFLOAT16
#include "nnopt/Conversion/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

static bool isBFloat16(Type type) { return getElementTypeOrSelf(type).isBF16(); }

namespace {
/// Upstream expands the truncation of f32 only.
struct TruncateThroughF32 : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::TruncFOp op, PatternRewriter &rewriter) const override {
    Type from = op.getIn().getType(), to = op.getType();
    if (!isBFloat16(to) || getElementTypeOrSelf(from).getIntOrFloatBitWidth() <= 32)
      return failure();
    Type single = rewriter.getF32Type();
    if (auto shaped = dyn_cast<ShapedType>(from))
      single = shaped.clone(single);
    Value middle = arith::TruncFOp::create(rewriter, op.getLoc(), single, op.getIn());
    rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, to, middle);
    return success();
  }
};

struct ExpandBFloat16 : nnopt::impl::ExpandBFloat16Base<ExpandBFloat16> {
  void runOnOperation() override {
    WalkResult found = getOperation().walk([](Operation *op) {
      return llvm::any_of(op->getResultTypes(), isBFloat16) ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (!found.wasInterrupted())
      return;
    MLIRContext &context = getContext();
    TypeConverter converter;
    arith::populateEmulateUnsupportedFloatsConversions(converter, {BFloat16Type::get(&context)}, Float32Type::get(&context));
    RewritePatternSet arithmetic(&context);
    arith::populateEmulateUnsupportedFloatsPatterns(arithmetic, converter);
    ConversionTarget target(context);
    arith::populateEmulateUnsupportedFloatsLegality(target, converter);
    RewritePatternSet truncation(&context);
    arith::populateExpandBFloat16Patterns(truncation);
    truncation.add<TruncateThroughF32>(&context);
    if (failed(applyPartialConversion(getOperation(), target, std::move(arithmetic))) ||
        failed(applyPatternsGreedily(getOperation(), std::move(truncation))))
      signalPassFailure();
  }
};
} // namespace
