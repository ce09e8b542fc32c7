//===- SinkThroughGenerics.cpp - linalg.generic on channels last ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An op whose loops run over [N, C, spatial...] is written with loops over [N, spatial..., C]. Operands that are transposes are replaced by
// their source; of all others only the maps change.
//===----------------------------------------------------------------------===//

#include "ConstantData.h"
#include "Elementwise.h"
#include "Layouts.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace nnopt;

namespace {

/// The loops of a linalg.generic in another order: old loop i is new loop `order[i]`.
class LoopReorder {
public:
  LoopReorder(PatternRewriter &rewriter, linalg::GenericOp op)
      : rewriter(rewriter), op(op), order(toChannelsFirst(op.getNumLoops())) {
    for (int64_t dim : order)
      dims.push_back(rewriter.getAffineDimExpr(dim));
  }

  /// The map of an operand that is read as before.
  AffineMap map(AffineMap old) { return old.replaceDimsAndSymbols(dims, {}, dims.size(), 0); }

  /// The map of the source of a transposed operand.
  AffineMap sourceMap(AffineMap old) {
    AffineMap moved = map(old);
    SmallVector<int64_t> permutation = toChannelsFirst(old.getNumResults());
    SmallVector<AffineExpr> results(old.getNumResults());
    for (auto [i, from] : llvm::enumerate(permutation))
      results[from] = moved.getResult(i);
    return AffineMap::get(dims.size(), 0, results, rewriter.getContext());
  }

  /// Takes the operand as it is, or from before its transpose.
  void addInput(OpOperand *input) {
    AffineMap old = op.getMatchingIndexingMap(input);
    Value source = channelsLastSource(input->get());
    inputs.push_back(source ? source : input->get());
    maps.push_back(source ? sourceMap(old) : map(old));
  }

  /// Takes the operand, of full size, with the channels last, by a new transpose if need be.
  void addMovedInput(OpOperand *input) {
    inputs.push_back(asChannelsLast(rewriter, op.getLoc(), input->get()));
    maps.push_back(sourceMap(op.getMatchingIndexingMap(input)));
  }

  /// The new op; `initMaps` go with `inits`.
  linalg::GenericOp create(TypeRange types, ValueRange inits, ArrayRef<AffineMap> initMaps) {
    llvm::append_range(maps, initMaps);
    SmallVector<utils::IteratorType> loops(op.getNumLoops());
    for (auto [i, iterator] : llvm::enumerate(op.getIteratorTypesArray()))
      loops[order[i]] = iterator;
    auto result = linalg::GenericOp::create(rewriter, op.getLoc(), types, inputs, inits, maps, loops);
    rewriter.cloneRegionBefore(op.getRegion(), result.getRegion(), result.getRegion().begin());
    result.getRegion().walk([&](linalg::IndexOp index) {
      rewriter.modifyOpInPlace(index, [&] { index.setDim(order[index.getDim()]); });
    });
    result.getRegion().walk([&](tensor::ExtractOp extract) { readSource(extract); });
    return result;
  }

private:
  PatternRewriter &rewriter;
  linalg::GenericOp op;
  SmallVector<int64_t> order;
  SmallVector<AffineExpr> dims;
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;

  void readSource(tensor::ExtractOp extract) {
    Value source = channelsLastSource(extract.getTensor());
    if (!source)
      return;
    SmallVector<Value> at(extract.getIndices().size());
    for (auto [i, from] : llvm::enumerate(toChannelsFirst(at.size())))
      at[from] = extract.getIndices()[i];
    rewriter.modifyOpInPlace(extract, [&] {
      extract.getTensorMutable().assign(source);
      extract.getIndicesMutable().assign(at);
    });
  }
};

/// Whether a transpose of as many dimensions as `op` has loops makes `value`.
bool isTransposedFor(linalg::GenericOp op, Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() == static_cast<int64_t>(op.getNumLoops()) && channelsLastSource(value);
}

/// Transposed tensors that the body reads on its own.
int64_t countExtracts(linalg::GenericOp op) {
  llvm::SmallDenseSet<Value> tensors;
  op.getRegion().walk([&](tensor::ExtractOp extract) {
    if (isTransposedFor(op, extract.getTensor()))
      tensors.insert(extract.getTensor());
  });
  return tensors.size();
}

struct SinkThroughElementwise : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op, PatternRewriter &rewriter) const override {
    int64_t rank = op.getNumLoops();
    if (rank < 3 || !op.hasPureTensorSemantics() || !isElementwise(op))
      return rewriter.notifyMatchFailure(op, "not elementwise on three or more dimensions");
    llvm::SmallDenseSet<Value> joining, added;
    SmallVector<OpOperand *> full;
    for (OpOperand *input : op.getDpsInputOperands()) {
      auto type = dyn_cast<RankedTensorType>(input->get().getType());
      if (!type || !op.getMatchingIndexingMap(input).isIdentity())
        continue;
      full.push_back(input);
      if (channelsLastSource(input->get()))
        joining.insert(input->get());
      else if (needsTranspose(input->get()))
        added.insert(input->get());
    }
    if (!paysToSink(op, joining.size() + countExtracts(op), added.size()))
      return rewriter.notifyMatchFailure(op, "would leave more transposes");
    LoopReorder loops(rewriter, op);
    for (OpOperand *input : op.getDpsInputOperands())
      llvm::is_contained(full, input) ? loops.addMovedInput(input) : loops.addInput(input);
    Value init = op.getDpsInits()[0];
    auto empty = init.getDefiningOp<tensor::EmptyOp>();
    SmallVector<OpFoldResult> sizes = empty ? empty.getMixedSizes() : tensor::getMixedSizes(rewriter, op.getLoc(), init);
    RankedTensorType type = permutedType(op.getResultTypes()[0], toChannelsLast(rank));
    Value moved = tensor::EmptyOp::create(rewriter, op.getLoc(), permuted(ArrayRef(sizes), toChannelsLast(rank)), type.getElementType());
    auto result = loops.create(TypeRange{moved.getType()}, moved, rewriter.getMultiDimIdentityMap(rank));
    Value back = transposed(rewriter, op.getLoc(), result.getResult(0), toChannelsFirst(rank));
    if (back.getType() != op.getResultTypes()[0])
      back = tensor::CastOp::create(rewriter, op.getLoc(), op.getResultTypes()[0], back);
    rewriter.replaceOp(op, back);
    return success();
  }
};

/// A reduction reads channels last as well; its result has no such layout and stays.
struct ReadChannelsLast : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op, PatternRewriter &rewriter) const override {
    if (op.getNumReductionLoops() == 0 || op.getNumLoops() < 3 || !op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "no reduction of three or more dimensions");
    bool reads = llvm::any_of(op.getDpsInputOperands(), [&](OpOperand *input) {
      return isTransposedFor(op, input->get()) && op.getMatchingIndexingMap(input).isIdentity();
    });
    if (!reads)
      return rewriter.notifyMatchFailure(op, "reads no transpose");
    LoopReorder loops(rewriter, op);
    for (OpOperand *input : op.getDpsInputOperands())
      loops.addInput(input);
    SmallVector<AffineMap> initMaps;
    for (OpOperand &init : op.getDpsInitsMutable())
      initMaps.push_back(loops.map(op.getMatchingIndexingMap(&init)));
    rewriter.replaceOp(op, loops.create(op.getResultTypes(), op.getDpsInits(), initMaps));
    return success();
  }
};

/// linalg.reduce as the generic op that the pattern above takes.
struct GeneralizeReduce : OpRewritePattern<linalg::ReduceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::ReduceOp op, PatternRewriter &rewriter) const override {
    if (llvm::none_of(op.getInputs(), channelsLastSource))
      return rewriter.notifyMatchFailure(op, "reads no transpose");
    return linalg::generalizeNamedOp(rewriter, op);
  }
};

} // namespace

void nnopt::populateSinkThroughGenerics(RewritePatternSet &patterns) {
  patterns.add<SinkThroughElementwise, ReadChannelsLast, GeneralizeReduce>(patterns.getContext());
}
