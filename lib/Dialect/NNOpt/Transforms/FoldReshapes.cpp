//===- FoldReshapes.cpp - reshapes of rows out of the way -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "FoldReshapes.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace nnopt;

/// True if the last dimension is not part of the reshape.
static bool keepsLast(ArrayRef<ReassociationIndices> groups) { return !groups.empty() && groups.back().size() == 1; }

/// A linear op that only its input ties to the shape of its rows.
static bool isPlain(LinearOp op) { return op && !op.getInit() && op.getEpilogue().empty(); }

static LinearOp withInput(PatternRewriter &rewriter, LinearOp op, Value input) {
  SmallVector<int64_t> shape(cast<RankedTensorType>(input.getType()).getShape());
  auto type = cast<RankedTensorType>(op.getResult().getType());
  shape.back() = type.getShape().back();
  auto copy = cast<LinearOp>(rewriter.clone(*op));
  copy.getInputMutable().assign(input);
  copy.getResult().setType(RankedTensorType::get(shape, type.getElementType()));
  return copy;
}

namespace {

/// expand(linear(x)) to linear(expand(x)).
struct ExpandBeforeLinear : OpRewritePattern<tensor::ExpandShapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::ExpandShapeOp op, PatternRewriter &rewriter) const override {
    auto linear = op.getSrc().getDefiningOp<LinearOp>();
    SmallVector<ReassociationIndices> groups = op.getReassociationIndices();
    if (!isPlain(linear) || !linear->hasOneUse() || !keepsLast(groups))
      return rewriter.notifyMatchFailure(op, "does not restore the rows of a linear op");
    SmallVector<int64_t> shape(op.getResultType().getShape());
    auto input = cast<RankedTensorType>(linear.getInput().getType());
    shape.back() = input.getShape().back();
    SmallVector<OpFoldResult> sizes = op.getMixedOutputShape();
    sizes.back() = tensor::getMixedSize(rewriter, op.getLoc(), linear.getInput(), input.getRank() - 1);
    Value expanded = tensor::ExpandShapeOp::create(
        rewriter, op.getLoc(), RankedTensorType::get(shape, input.getElementType()), linear.getInput(), groups, sizes);
    rewriter.replaceOp(op, withInput(rewriter, linear, expanded));
    return success();
  }
};

/// linear(collapse(x)) to collapse(linear(x)).
struct CollapseAfterLinear : OpRewritePattern<LinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LinearOp op, PatternRewriter &rewriter) const override {
    auto collapse = op.getInput().getDefiningOp<tensor::CollapseShapeOp>();
    if (!isPlain(op) || !collapse || !keepsLast(collapse.getReassociationIndices()))
      return rewriter.notifyMatchFailure(op, "has an input whose rows were not flattened");
    LinearOp linear = withInput(rewriter, op, collapse.getSrc());
    rewriter.replaceOpWithNewOp<tensor::CollapseShapeOp>(op, op.getResult().getType(), linear.getResult(),
                                                         collapse.getReassociationIndices());
    return success();
  }
};

} // namespace

/// Elementwise ops on rows that a linear op flattened, or flattened rows that
/// are restored after an elementwise op on a linear op.
static bool isBetweenLinearAndReshape(OpOperand *operand) {
  Operation *producer = operand->get().getDefiningOp();
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(producer))
    return keepsLast(collapse.getReassociationIndices()) &&
           isa_and_nonnull<LinearOp, linalg::GenericOp>(collapse.getSrc().getDefiningOp());
  auto expand = dyn_cast<tensor::ExpandShapeOp>(operand->getOwner());
  auto generic = dyn_cast<linalg::GenericOp>(producer);
  if (!expand || !generic || !keepsLast(expand.getReassociationIndices()))
    return false;
  return llvm::any_of(generic.getDpsInputs(), [](Value input) { return input.getDefiningOp<LinearOp>() != nullptr; });
}

LogicalResult nnopt::foldReshapesIntoRows(func::FuncOp function) {
  MLIRContext *context = function.getContext();
  RewritePatternSet patterns(context);
  patterns.add<ExpandBeforeLinear, CollapseAfterLinear>(context);
  linalg::populateFoldReshapeOpsByExpansionPatterns(patterns, isBetweenLinearAndReshape);
  tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns, context);
  tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, context);
  memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
  return applyPatternsGreedily(function, std::move(patterns));
}
