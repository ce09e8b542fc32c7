//===- Canonicalization.cpp - one form for ops that mean the same ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "OpSupport.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::detail;

/// True if `value` is a constant whose elements are all zero. Large resources are not searched.
static bool isZero(Value value) {
  DenseElementsAttr elements;
  if (!matchPattern(value, m_Constant(&elements)) || !isa<FloatType>(elements.getElementType()))
    return false;
  return llvm::all_of(elements.getValues<APFloat>(), [](const APFloat &number) { return number.isZero(); });
}

/// What `value` is the transpose of, if that swaps the last two dimensions and nothing else.
static Value lastTwoSwapped(Value value) {
  auto op = value.getDefiningOp<linalg::TransposeOp>();
  ArrayRef<int64_t> permutation = op ? op.getPermutation() : ArrayRef<int64_t>();
  int64_t rank = permutation.size();
  if (rank < 2 || permutation[rank - 1] != rank - 2 || permutation[rank - 2] != rank - 1)
    return {};
  return llvm::equal(permutation.drop_back(2), llvm::seq<int64_t>(0, rank - 2)) ? op.getInput() : Value();
}

namespace {

template <typename Op>
struct DropZeroBias : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    if (!op.getBias() || !isZero(op.getBias()))
      return rewriter.notifyMatchFailure(op, "has no bias of zeros");
    rewriter.modifyOpInPlace(op, [&] { op.getBiasMutable().clear(); });
    return success();
  }
};

/// linear(x, transpose(w)) reads w in its other order.
struct TransposedWeight : OpRewritePattern<LinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LinearOp op, PatternRewriter &rewriter) const override {
    Value weight = op.getPack() ? Value() : lastTwoSwapped(op.getWeight());
    if (!weight)
      return rewriter.notifyMatchFailure(op, "has no transposed weight");
    rewriter.modifyOpInPlace(op, [&] {
      op.getWeightMutable().assign(weight);
      op.setWeightKn(!op.getWeightKn());
    });
    return success();
  }
};

/// matmul(transpose(a), transpose(b)) reads a and b in their other order.
struct TransposedOperand : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp op, PatternRewriter &rewriter) const override {
    if (op.getInit())
      return rewriter.notifyMatchFailure(op, "has a destination: its operands were stored as kernels read them");
    Value lhs = lastTwoSwapped(op.getLhs()), rhs = lastTwoSwapped(op.getRhs());
    if (!lhs && !rhs)
      return rewriter.notifyMatchFailure(op, "has no transposed operand");
    rewriter.modifyOpInPlace(op, [&] {
      if (lhs) {
        op.getLhsMutable().assign(lhs);
        op.setTransposeLhs(!op.getTransposeLhs());
      }
      if (rhs) {
        op.getRhsMutable().assign(rhs);
        op.setTransposeRhs(!op.getTransposeRhs());
      }
    });
    return success();
  }
};

/// A product with a constant matrix is a linear layer, whose weight can be packed.
struct MatmulWithWeight : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp op, PatternRewriter &rewriter) const override {
    if (shapeOf(op.getRhs()).size() != 2 || !matchPattern(op.getRhs(), m_Constant()))
      return rewriter.notifyMatchFailure(op, "has no constant right-hand side of rank 2");
    if (op.getTransposeLhs() || op.getInit() || !op.getEpilogue().empty())
      return rewriter.notifyMatchFailure(op, "is not in its plain form");
    rewriter.replaceOpWithNewOp<LinearOp>(op, op.getType(0), op.getLhs(), op.getRhs(), /*bias=*/Value(),
                                          /*epilogue_operands=*/ValueRange(), /*init=*/Value(),
                                          /*weight_kn=*/!op.getTransposeRhs(), /*pack=*/PackAttr(), /*epilogue_maps=*/ArrayAttr());
    return success();
  }
};

/// Bounds of an activation that clamps; an infinite one is absent.
struct Bounds {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();

  static std::optional<Bounds> of(ActivationOp op) {
    Bounds bounds;
    if (op.getKind() == ActivationKind::relu) {
      bounds.low = 0;
      return bounds;
    }
    if (op.getKind() != ActivationKind::clip)
      return std::nullopt;
    if (op.getAlpha())
      bounds.low = op.getAlpha()->convertToDouble();
    if (op.getBeta())
      bounds.high = op.getBeta()->convertToDouble();
    // NaN, or bounds that cross, are left alone.
    return bounds.low <= bounds.high ? std::optional(bounds) : std::nullopt;
  }
};

/// A clip that is a relu, or no bound at all.
struct SimplifyClip : OpRewritePattern<ActivationOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ActivationOp op, PatternRewriter &rewriter) const override {
    std::optional<Bounds> bounds = op.getKind() == ActivationKind::clip ? Bounds::of(op) : std::nullopt;
    if (!bounds || !std::isinf(bounds->high) || bounds->high < 0 || (bounds->low != 0 && !std::isinf(bounds->low)))
      return rewriter.notifyMatchFailure(op, "is no clip without an upper bound");
    if (bounds->low == 0)
      rewriter.replaceOpWithNewOp<ActivationOp>(op, op.getType(), ActivationKind::relu, op.getInput(), FloatAttr(), FloatAttr());
    else if (bounds->low < 0)
      rewriter.replaceOp(op, op.getInput());
    else
      return rewriter.notifyMatchFailure(op, "its lower bound is infinity");
    return success();
  }
};

/// One clamp after another is one clamp.
struct MergeClamps : OpRewritePattern<ActivationOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ActivationOp op, PatternRewriter &rewriter) const override {
    auto first = op.getInput().getDefiningOp<ActivationOp>();
    std::optional<Bounds> outer = Bounds::of(op), inner = first ? Bounds::of(first) : std::nullopt;
    if (!outer || !inner)
      return rewriter.notifyMatchFailure(op, "is no clamp of a clamp");
    double low = std::clamp(inner->low, outer->low, outer->high), high = std::clamp(inner->high, outer->low, outer->high);
    auto attr = [&](double bound) { return std::isinf(bound) ? FloatAttr() : rewriter.getF32FloatAttr(bound); };
    if (std::isinf(low) && std::isinf(high))
      return rewriter.notifyMatchFailure(op, "has no finite bound");
    bool isRelu = low == 0 && std::isinf(high);
    rewriter.replaceOpWithNewOp<ActivationOp>(op, op.getType(), isRelu ? ActivationKind::relu : ActivationKind::clip, first.getInput(),
                                              isRelu ? FloatAttr() : attr(low), attr(high));
    return success();
  }
};

/// Windows of one element, one after the other.
struct IdentityPool : OpRewritePattern<PoolOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(PoolOp op, PatternRewriter &rewriter) const override {
    auto all = [](ArrayRef<int64_t> list, int64_t value) { return llvm::all_of(list, [=](int64_t v) { return v == value; }); };
    if (op.getInit() || !all(op.getKernel(), 1) || !all(op.getStrides(), 1) || !all(op.getPads(), 0) ||
        op.getInput().getType() != op.getType(0))
      return rewriter.notifyMatchFailure(op, "is no identity");
    rewriter.replaceOp(op, op.getInput());
    return success();
  }
};

/// Rows at constant, evenly spaced places of a table of known length are a slice.
struct GatherOfSlice : OpRewritePattern<GatherOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GatherOp op, PatternRewriter &rewriter) const override {
    DenseIntElementsAttr indices;
    auto table = cast<ShapedType>(op.getData().getType()), type = cast<ShapedType>(op.getIndices().getType());
    int64_t extent = table.getDimSize(op.getAxis());
    if (op.getInit() || type.getRank() > 1 || ShapedType::isDynamic(extent) || !matchPattern(op.getIndices(), m_Constant(&indices)) ||
        indices.empty())
      return rewriter.notifyMatchFailure(op, "has no constant list of indices into a table of known length");
    SmallVector<int64_t> rows;
    for (const APInt &index : indices.getValues<APInt>()) {
      int64_t row = type.getElementType().isUnsignedInteger() ? index.getZExtValue() : index.getSExtValue();
      rows.push_back(std::clamp<int64_t>(row < 0 ? row + extent : row, 0, extent - 1));
    }
    int64_t step = rows.size() > 1 ? rows[1] - rows[0] : 1;
    for (size_t i = 1; i < rows.size(); ++i)
      if (step < 1 || rows[i] - rows[i - 1] != step)
        return rewriter.notifyMatchFailure(op, "reads rows that are not evenly spaced");
    Location loc = op.getLoc();
    SmallVector<OpFoldResult> sizes = dimsOf(rewriter, loc, op.getData());
    SmallVector<OpFoldResult> offsets(sizes.size(), rewriter.getIndexAttr(0)), strides(sizes.size(), rewriter.getIndexAttr(1));
    offsets[op.getAxis()] = rewriter.getIndexAttr(rows[0]);
    sizes[op.getAxis()] = rewriter.getIndexAttr(rows.size());
    strides[op.getAxis()] = rewriter.getIndexAttr(step);
    rewriter.replaceOpWithNewOp<tensor::ExtractSliceOp>(op, cast<RankedTensorType>(op.getType(0)), op.getData(), offsets, sizes, strides);
    return success();
  }
};

} // namespace

void LinearOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<DropZeroBias<LinearOp>, TransposedWeight>(context);
}

void MatmulOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<TransposedOperand, MatmulWithWeight>(context);
}

void ConvOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<DropZeroBias<ConvOp>>(context);
}

void ActivationOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<SimplifyClip, MergeClamps>(context);
}

void PoolOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) { patterns.add<IdentityPool>(context); }

void GatherOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) { patterns.add<GatherOfSlice>(context); }
