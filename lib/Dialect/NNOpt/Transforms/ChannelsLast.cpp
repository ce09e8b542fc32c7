//===- ChannelsLast.cpp - convolutions with the channels last -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "Layouts.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace nnopt {
#define GEN_PASS_DEF_CHANNELSLAST
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

static constexpr remark::RemarkOpts kRemark = remark::RemarkOpts::name("layout").category("nnopt-channels-last");

/// Puts transposes around a convolution and computes it with the channels last.
static void convert(ConvOp op) {
  OpBuilder b(op);
  int64_t rank = cast<RankedTensorType>(op.getInput().getType()).getRank();
  Value input = transposed(b, op.getLoc(), op.getInput(), toChannelsLast(rank));
  auto conv = cast<ConvOp>(b.clone(*op));
  conv.getInputMutable().assign(input);
  conv.setChannelsLast(true);
  conv.getResult().setType(permutedType(op.getType(0), toChannelsLast(rank)));
  Value output = transposed(b, op.getLoc(), conv.getResult(), toChannelsFirst(rank));
  if (output.getType() != op.getType(0))
    output = tensor::CastOp::create(b, op.getLoc(), op.getType(0), output);
  op.getResult().replaceAllUsesWith(output);
  op.erase();
}

namespace {

struct ChannelsLast : nnopt::impl::ChannelsLastBase<ChannelsLast> {
  void runOnOperation() override {
    SmallVector<ConvOp> convs;
    getOperation().walk([&](ConvOp op) {
      if (!op.getChannelsLast() && !op.getInit() && !op.getPack() && op.getEpilogue().empty())
        convs.push_back(op);
    });
    for (ConvOp op : convs)
      convert(op);
    convertedOps += convs.size();
    if (failed(sink()) || failed(removeRest()))
      return signalPassFailure();
    report(convs.size());
  }

private:
  LogicalResult apply(RewritePatternSet &&patterns) {
    // Pairs of transposes and reshapes cancel by their own folders.
    linalg::TransposeOp::getCanonicalizationPatterns(patterns, &getContext());
    tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns, &getContext());
    tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, &getContext());
    GreedyRewriteConfig config;
    config.setMaxIterations(GreedyRewriteConfig::kNoLimit);
    return applyPatternsGreedily(getOperation(), std::move(patterns), config);
  }

  LogicalResult sink() {
    RewritePatternSet patterns(&getContext());
    populateSinkTransposes(patterns);
    return apply(std::move(patterns));
  }

  /// Afterwards: a reshape hides from the patterns above that it was a transpose.
  LogicalResult removeRest() {
    RewritePatternSet patterns(&getContext());
    populateRemoveTransposes(patterns);
    return apply(std::move(patterns));
  }

  void report(size_t converted) {
    int64_t left = 0;
    getOperation().walk([&](linalg::TransposeOp op) {
      bool isLast = isToChannelsLast(op);
      if (!isLast && !channelsLastSource(op->getResult(0)))
        return;
      ++left;
      Operation *neighbour = isLast ? op.getInput().getDefiningOp() : op->use_empty() ? nullptr : *op->user_begin();
      remark::missed(op.getLoc(), kRemark)
          << remark::reason("channels are first {0} '{1}'", isLast ? "after" : "before",
                            neighbour ? neighbour->getName().getStringRef() : StringRef("the function's arguments"));
    });
    leftTransposes += left;
    if (converted > 0)
      remark::passed(getOperation().getLoc(), kRemark)
          << remark::add("{0} convolutions with the channels last, {1} transposes left", converted, left);
  }
};

} // namespace
