//===- SinkTransposes.cpp - ops that follow their input's layout ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "ConstantData.h"
#include "Layouts.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cstring>

using namespace mlir;
using namespace nnopt;

static int64_t rankOf(Value value) { return cast<RankedTensorType>(value.getType()).getRank(); }

/// Replaces `op` by the transpose of `moved`, the same with the channels last.
static void replaceByTranspose(PatternRewriter &rewriter, Operation *op, Value moved) {
  Value back = transposed(rewriter, op->getLoc(), moved, toChannelsFirst(rankOf(moved)));
  if (back.getType() != op->getResult(0).getType())
    back = tensor::CastOp::create(rewriter, op->getLoc(), op->getResult(0).getType(), back);
  rewriter.replaceOp(op, back);
}

/// `op` on another operand 0 and with another result type.
template <typename Op>
static Op cloneOn(PatternRewriter &rewriter, Op op, Value input) {
  auto result = cast<Op>(rewriter.clone(*op));
  result->setOperand(0, input);
  result->getResult(0).setType(permutedType(op->getResult(0).getType(), toChannelsLast(rankOf(op->getResult(0)))));
  return result;
}

namespace {

/// Sinks through an op of one tensor; `move` makes the op on the channels-last source, or nothing.
template <typename Op, Value (*move)(PatternRewriter &, Op, Value)>
struct SinkThrough : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    Value source = channelsLastSource(op->getOperand(0));
    if (!source)
      return rewriter.notifyMatchFailure(op, "reads no transpose");
    Value moved = move(rewriter, op, source);
    if (!moved)
      return rewriter.notifyMatchFailure(op, "has no form with the channels last");
    replaceByTranspose(rewriter, op, moved);
    return success();
  }
};

Value moveActivation(PatternRewriter &rewriter, ActivationOp op, Value source) {
  return cloneOn(rewriter, op, source).getResult();
}

Value movePool(PatternRewriter &rewriter, PoolOp op, Value source) {
  if (op.getChannelsLast() || op.getInit())
    return {};
  PoolOp moved = cloneOn(rewriter, op, source);
  moved.setChannelsLast(true);
  return moved.getResult();
}

Value moveSoftmax(PatternRewriter &rewriter, SoftmaxOp op, Value source) {
  if (op.getInit())
    return {};
  SoftmaxOp moved = cloneOn(rewriter, op, source);
  moved.setAxis(toChannelsFirst(rankOf(source))[op.getAxis()]);
  return moved.getResult();
}

Value movePad(PatternRewriter &rewriter, tensor::PadOp op, Value source) {
  Value padding = op.getConstantPaddingValue();
  if (!padding)
    return {};
  SmallVector<int64_t> order = toChannelsLast(rankOf(source));
  SmallVector<OpFoldResult> low = op.getMixedLowPad(), high = op.getMixedHighPad();
  return tensor::PadOp::create(rewriter, op.getLoc(), permutedType(op.getType(), order), source, permuted(ArrayRef(low), order),
                               permuted(ArrayRef(high), order), padding, op.getNofold());
}

Value moveSlice(PatternRewriter &rewriter, tensor::ExtractSliceOp op, Value source) {
  if (op.getType().getRank() != rankOf(source))
    return {};
  SmallVector<int64_t> order = toChannelsLast(rankOf(source));
  SmallVector<OpFoldResult> offsets = op.getMixedOffsets(), sizes = op.getMixedSizes(), strides = op.getMixedStrides();
  return tensor::ExtractSliceOp::create(rewriter, op.getLoc(), permutedType(op.getType(), order), source,
                                        permuted(ArrayRef(offsets), order), permuted(ArrayRef(sizes), order),
                                        permuted(ArrayRef(strides), order));
}

/// Spatial dimensions that are flattened among themselves.
Value moveCollapse(PatternRewriter &rewriter, tensor::CollapseShapeOp op, Value source) {
  SmallVector<ReassociationIndices> groups = op.getReassociationIndices(), moved;
  if (groups.size() < 3 || groups[0].size() != 1 || groups[1].size() != 1)
    return {};
  moved.push_back(groups[0]);
  for (const ReassociationIndices &group : ArrayRef(groups).drop_front(2)) {
    moved.emplace_back();
    for (int64_t dim : group)
      moved.back().push_back(dim - 1);
  }
  moved.push_back({rankOf(source) - 1});
  return tensor::CollapseShapeOp::create(rewriter, op.getLoc(), source, moved);
}

struct SinkThroughConcat : OpRewritePattern<tensor::ConcatOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::ConcatOp op, PatternRewriter &rewriter) const override {
    llvm::SmallDenseSet<Value> joining, added;
    for (Value input : op.getInputs())
      if (channelsLastSource(input))
        joining.insert(input);
      else if (needsTranspose(input))
        added.insert(input);
    if (!paysToSink(op, joining.size(), added.size()))
      return rewriter.notifyMatchFailure(op, "would leave more transposes");
    auto moved = llvm::map_to_vector(op.getInputs(), [&](Value input) { return asChannelsLast(rewriter, op.getLoc(), input); });
    int64_t rank = op.getRank();
    Value result = tensor::ConcatOp::create(rewriter, op.getLoc(), permutedType(op.getType(), toChannelsLast(rank)),
                                            toChannelsFirst(rank)[op.getDim()], moved);
    replaceByTranspose(rewriter, op, result);
    return success();
  }
};

/// An extent of a transpose is one of its source; this frees the transpose.
struct ExtentOfTranspose : OpRewritePattern<tensor::DimOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::DimOp op, PatternRewriter &rewriter) const override {
    auto transpose = op.getSource().getDefiningOp<linalg::TransposeOp>();
    std::optional<int64_t> dim = op.getConstantIndex();
    if (!transpose || !dim || *dim < 0 || *dim >= static_cast<int64_t>(transpose.getPermutation().size()))
      return rewriter.notifyMatchFailure(op, "no extent of a transpose");
    rewriter.replaceOpWithNewOp<tensor::DimOp>(op, transpose.getInput(), transpose.getPermutation()[*dim]);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Transposes that need no work
//===----------------------------------------------------------------------===//

/// Groups of dimensions with one extent other than 1 each, for a tensor of `shape`.
SmallVector<ReassociationIndices> groupUnits(ArrayRef<int64_t> shape) {
  SmallVector<ReassociationIndices> groups(1);
  bool isFull = false;
  for (auto [dim, extent] : llvm::enumerate(shape)) {
    if (extent != 1 && isFull)
      groups.emplace_back();
    isFull |= extent != 1;
    groups.back().push_back(dim);
  }
  return groups;
}

struct TransposeOfUnits : OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::TransposeOp op, PatternRewriter &rewriter) const override {
    auto from = cast<RankedTensorType>(op.getInput().getType()), to = cast<RankedTensorType>(op->getResult(0).getType());
    int64_t last = -1;
    for (int64_t dim : op.getPermutation()) {
      if (from.getDimSize(dim) == 1)
        continue;
      if (dim < last)
        return rewriter.notifyMatchFailure(op, "moves an extent other than 1");
      last = dim;
    }
    if (last < 0 || from.getRank() == 1 || !hasStaticUnits(from, to))
      return rewriter.notifyMatchFailure(op, "has nothing but extents of 1");
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(rewriter, op.getLoc(), op.getInput());
    sizes = permuted(ArrayRef(sizes), op.getPermutation());
    Value flat = tensor::CollapseShapeOp::create(rewriter, op.getLoc(), op.getInput(), groupUnits(from.getShape()));
    rewriter.replaceOpWithNewOp<tensor::ExpandShapeOp>(op, to, flat, groupUnits(to.getShape()), sizes);
    return success();
  }

private:
  /// Whether both types know the same extents.
  static bool hasStaticUnits(RankedTensorType from, RankedTensorType to) {
    return llvm::count(from.getShape(), 1) == llvm::count(to.getShape(), 1) && llvm::count(from.getShape(), 1) > 0;
  }
};

/// A linear layer over flattened channels and space: its columns change order instead.
struct FlattenIntoLinear : OpRewritePattern<tensor::CollapseShapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::CollapseShapeOp op, PatternRewriter &rewriter) const override {
    Value source = channelsLastSource(op.getSrc());
    if (!source || op.getType().getRank() != 2 || op.getReassociationIndices()[0].size() != 1)
      return rewriter.notifyMatchFailure(op, "is no flatten of a transpose");
    ArrayRef<int64_t> shape = cast<RankedTensorType>(source.getType()).getShape();
    if (llvm::any_of(shape.drop_front(), ShapedType::isDynamic) || ShapedType::isDynamic(op.getType().getDimSize(1)))
      return rewriter.notifyMatchFailure(op, "has dynamic channels or space");
    for (OpOperand &use : op->getUses()) {
      auto linear = dyn_cast<LinearOp>(use.getOwner());
      if (!linear || use.getOperandNumber() != 0 || linear.getPack() || !ConstantData::of(linear.getWeight()))
        return rewriter.notifyMatchFailure(op, "has a reader that is no linear layer with a constant weight");
    }
    int64_t channels = shape.back(), space = op.getType().getDimSize(1) / std::max<int64_t>(channels, 1);
    for (Operation *user : llvm::to_vector(op->getUsers())) {
      auto linear = cast<LinearOp>(user);
      rewriter.setInsertionPoint(linear);
      Value weight = reorder(rewriter, linear, channels, space);
      rewriter.modifyOpInPlace(linear, [&] { linear.getWeightMutable().assign(weight); });
    }
    rewriter.setInsertionPoint(op);
    rewriter.replaceOpWithNewOp<tensor::CollapseShapeOp>(op, op.getType(), source, op.getReassociationIndices());
    return success();
  }

private:
  static Value reorder(PatternRewriter &rewriter, LinearOp linear, int64_t channels, int64_t space) {
    ConstantData data = *ConstantData::of(linear.getWeight());
    int64_t depth = channels * space, outputs = data.size() / std::max<int64_t>(depth, 1);
    bool isKN = linear.getWeightKn();
    auto fill = [&](MutableArrayRef<char> bytes) {
      int64_t width = data.size() ? bytes.size() / data.size() : 0;
      for (int64_t n = 0; n < outputs; ++n)
        for (int64_t k = 0; k < depth; ++k) {
          int64_t from = k % channels * space + k / channels;
          auto at = [&](int64_t k) { return isKN ? k * outputs + n : n * depth + k; };
          std::memcpy(&bytes[at(k) * width], data.bytesAt(at(from)).data(), width);
        }
    };
    WeightOp weight = createWeight(rewriter, linear.getWeight().getLoc(), weightNameOf(linear.getWeight()), data.type, fill);
    // What was side by side along the inputs no longer is.
    return carrySparsity(linear.getWeight(), weight, "unstructured");
  }
};

} // namespace

void nnopt::populateSinkTransposes(RewritePatternSet &patterns) {
  patterns.add<SinkThrough<ActivationOp, moveActivation>, SinkThrough<PoolOp, movePool>, SinkThrough<SoftmaxOp, moveSoftmax>,
               SinkThrough<tensor::PadOp, movePad>, SinkThrough<tensor::ExtractSliceOp, moveSlice>,
               SinkThrough<tensor::CollapseShapeOp, moveCollapse>, SinkThroughConcat, ExtentOfTranspose>(patterns.getContext());
  populateSinkThroughGenerics(patterns);
}

void nnopt::populateRemoveTransposes(RewritePatternSet &patterns) {
  patterns.add<TransposeOfUnits, FlattenIntoLinear>(patterns.getContext());
}
