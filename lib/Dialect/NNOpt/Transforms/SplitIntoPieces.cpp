//===- SplitIntoPieces.cpp - padding and concatenation as insertions ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "AssemblePieces.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace nnopt;

static OpFoldResult plus(OpBuilder &b, Location loc, OpFoldResult x, OpFoldResult y) {
  AffineExpr d0, d1;
  bindDims(b.getContext(), d0, d1);
  return affine::makeComposedFoldedAffineApply(b, loc, d0 + d1, {x, y});
}

static SmallVector<OpFoldResult> repeat(OpBuilder &b, int64_t value, size_t count) {
  return SmallVector<OpFoldResult>(count, b.getIndexAttr(value));
}

/// Cuts `padded`, the input of `op` with `low` elements before and `high` after it, down to what `op` needs.
static Value inputWithPads(OpBuilder &b, ConvOp op, Value padded, ArrayRef<int64_t> low, ArrayRef<int64_t> high) {
  unsigned spatial = op.getSpatialRank();
  if (op.getPads().take_front(spatial) == low && op.getPads().drop_front(spatial) == high)
    return padded;
  Location loc = op.getLoc();
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, op.getInput()), offsets = repeat(b, 0, sizes.size());
  for (unsigned d = 0; d < spatial; ++d) {
    offsets[d + 1] = b.getIndexAttr(low[d] - op.getPads()[d]);
    sizes[d + 1] = plus(b, loc, sizes[d + 1], b.getIndexAttr(op.getPads()[d] + op.getPads()[spatial + d]));
  }
  return tensor::ExtractSliceOp::create(b, loc, padded, offsets, sizes, repeat(b, 1, sizes.size()));
}

void nnopt::padConvolutions(func::FuncOp function) {
  llvm::MapVector<Value, SmallVector<ConvOp>> byInput;
  function.walk([&](ConvOp op) {
    if (op.getPack() && op.getChannelsLast() && llvm::any_of(op.getPads(), [](int64_t pad) { return pad != 0; }))
      byInput[op.getInput()].push_back(op);
  });
  for (auto &[input, ops] : byInput) {
    auto type = cast<RankedTensorType>(input.getType());
    unsigned spatial = ops.front().getSpatialRank();
    SmallVector<int64_t> low(spatial, 0), high(spatial, 0);
    for (ConvOp op : ops)
      for (unsigned d = 0; d < spatial; ++d) {
        low[d] = std::max(low[d], op.getPads()[d]);
        high[d] = std::max(high[d], op.getPads()[spatial + d]);
      }
    OpBuilder b(function.getContext());
    b.setInsertionPointAfterValue(input);
    Location loc = ops.front().getLoc();
    SmallVector<OpFoldResult> before = repeat(b, 0, spatial + 2), after = before;
    SmallVector<int64_t> shape(type.getShape());
    for (unsigned d = 0; d < spatial; ++d) {
      before[d + 1] = b.getIndexAttr(low[d]), after[d + 1] = b.getIndexAttr(high[d]);
      if (!ShapedType::isDynamic(shape[d + 1]))
        shape[d + 1] += low[d] + high[d];
    }
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type.getElementType()));
    Value padded = tensor::PadOp::create(b, loc, type.clone(shape), input, before, after, zero);
    for (ConvOp op : ops) {
      b.setInsertionPoint(op);
      op.getInputMutable().assign(inputWithPads(b, op, padded, low, high));
      op.setPads(SmallVector<int64_t>(2 * spatial, 0));
    }
  }
}

//===----------------------------------------------------------------------===//
// Pieces
//===----------------------------------------------------------------------===//

/// A tensor without content that is never taken for another one: two frames of
/// padding that look alike are written differently.
static Value createUnique(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> sizes, Type element) {
  SmallVector<int64_t> shape;
  SmallVector<Value> dynamic;
  dispatchIndexOpFoldResults(sizes, dynamic, shape);
  return bufferization::AllocTensorOp::create(b, loc, RankedTensorType::get(shape, element), dynamic);
}

static Value insertPiece(OpBuilder &b, Location loc, Value piece, Value into, ArrayRef<OpFoldResult> offsets) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, piece);
  auto insert = tensor::InsertSliceOp::create(b, loc, piece, into, offsets, sizes, repeat(b, 1, sizes.size()));
  insert->setAttr(kPieceAttr, b.getUnitAttr());
  return insert;
}

/// Fills a box of `tensor`.
static Value fillBox(OpBuilder &b, Location loc, Value tensor, ArrayRef<OpFoldResult> offsets,
                     ArrayRef<OpFoldResult> sizes, Value value) {
  SmallVector<OpFoldResult> ones = repeat(b, 1, sizes.size());
  Value box = tensor::ExtractSliceOp::create(b, loc, tensor, offsets, sizes, ones);
  Value filled = linalg::FillOp::create(b, loc, ValueRange{value}, ValueRange{box}).getResult(0);
  return tensor::InsertSliceOp::create(b, loc, filled, tensor, offsets, sizes, ones);
}

/// Only the frame around the input is filled: its inside is written by the
/// input's producer.
static LogicalResult splitPad(tensor::PadOp op) {
  Value value = op.getConstantPaddingValue();
  auto low = op.getStaticLow(), high = op.getStaticHigh();
  if (!value || llvm::any_of(llvm::concat<const int64_t>(low, high), [](int64_t pad) { return pad < 0; }))
    return failure();
  OpBuilder b(op);
  Location loc = op.getLoc();
  SmallVector<OpFoldResult> inside = tensor::getMixedSizes(b, loc, op.getSource()), outside;
  for (auto [size, before, after] : llvm::zip(inside, low, high))
    outside.push_back(plus(b, loc, size, b.getIndexAttr(before + after)));
  auto type = op.getResultType();
  Value tensor = createUnique(b, loc, outside, type.getElementType());
  SmallVector<OpFoldResult> offsets = repeat(b, 0, inside.size()), sizes = outside;
  for (size_t d = 0; d < inside.size(); ++d) {
    // Later dimensions fill the rest of what is inside along the earlier ones.
    if (low[d] > 0) {
      sizes[d] = b.getIndexAttr(low[d]);
      tensor = fillBox(b, loc, tensor, offsets, sizes, value);
    }
    if (high[d] > 0) {
      offsets[d] = plus(b, loc, inside[d], b.getIndexAttr(low[d])), sizes[d] = b.getIndexAttr(high[d]);
      tensor = fillBox(b, loc, tensor, offsets, sizes, value);
    }
    offsets[d] = b.getIndexAttr(low[d]), sizes[d] = inside[d];
  }
  Value result = insertPiece(b, loc, op.getSource(), tensor, offsets);
  if (result.getType() != type)
    result = tensor::CastOp::create(b, loc, type, result);
  op.replaceAllUsesWith(result);
  op.erase();
  return success();
}

/// `extent`, which may ask for an extent of a tensor, asked of the first tensor that has it.
static OpFoldResult originalExtent(OpBuilder &b, OpFoldResult extent) {
  while (auto dim = dyn_cast_if_present<Value>(extent) ? cast<Value>(extent).getDefiningOp<tensor::DimOp>()
                                                       : tensor::DimOp()) {
    auto reifiable = dim.getSource().getDefiningOp<ReifyRankedShapedTypeOpInterface>();
    std::optional<int64_t> d = dim.getConstantIndex();
    ReifiedRankedShapedTypeDims shapes;
    OpBuilder::InsertionGuard guard(b);
    if (!reifiable || !d || reifiable->getNumResults() != 1)
      break;
    b.setInsertionPoint(reifiable);
    if (failed(reifiable.reifyResultShapes(b, shapes)))
      break;
    extent = shapes.front()[*d];
  }
  return extent;
}

static bool isSameExtent(OpBuilder &b, OpFoldResult x, OpFoldResult y) {
  x = originalExtent(b, x), y = originalExtent(b, y);
  if (isEqualConstantIntOrValue(x, y))
    return true;
  auto dimOf = [](OpFoldResult extent) {
    auto value = dyn_cast_if_present<Value>(extent);
    return value ? value.getDefiningOp<tensor::DimOp>() : tensor::DimOp();
  };
  tensor::DimOp from = dimOf(x), to = dimOf(y);
  return from && to && from.getSource() == to.getSource() && from.getConstantIndex() &&
         from.getConstantIndex() == to.getConstantIndex();
}

/// The part of a tensor that `value` is, if it is a slice that is cut along `axis` only.
static tensor::ExtractSliceOp cutAlong(OpBuilder &b, Value value, int64_t axis) {
  auto slice = value.getDefiningOp<tensor::ExtractSliceOp>();
  if (!slice || !slice.hasUnitStride() || slice.getDroppedDims().any() || slice.isDynamicOffset(axis) ||
      slice.isDynamicSize(axis))
    return {};
  SmallVector<OpFoldResult> offsets = slice.getMixedOffsets(), sizes = slice.getMixedSizes();
  for (int64_t d = 0; d < slice.getType().getRank(); ++d)
    if (d != axis && (!isZeroInteger(offsets[d]) ||
                      !isSameExtent(b, sizes[d], tensor::getMixedSize(b, slice.getLoc(), slice.getSource(), d))))
      return {};
  return slice;
}

/// `inputs`, where neighbouring parts of one tensor that follow each other are one part, or the tensor itself.
static SmallVector<Value> joinCuts(OpBuilder &b, ValueRange inputs, int64_t axis) {
  SmallVector<Value> joined;
  for (Value input : inputs) {
    tensor::ExtractSliceOp part = cutAlong(b, input, axis);
    tensor::ExtractSliceOp last = joined.empty() ? part : cutAlong(b, joined.back(), axis);
    bool follows = !joined.empty() && part && last && part.getSource() == last.getSource() &&
                   last.getStaticOffset(axis) + last.getStaticSize(axis) == part.getStaticOffset(axis);
    if (!follows) {
      joined.push_back(input);
      continue;
    }
    SmallVector<OpFoldResult> sizes = last.getMixedSizes();
    int64_t extent = last.getStaticSize(axis) + part.getStaticSize(axis);
    sizes[axis] = b.getIndexAttr(extent);
    bool isAll = isZeroInteger(last.getMixedOffsets()[axis]) && extent == last.getSourceType().getDimSize(axis);
    joined.back() = isAll ? last.getSource()
                          : tensor::ExtractSliceOp::create(b, part.getLoc(), last.getSource(), last.getMixedOffsets(),
                                                           sizes, last.getMixedStrides())
                                .getResult();
  }
  return joined;
}

static void splitConcat(tensor::ConcatOp op) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  int64_t axis = op.getDim();
  SmallVector<Value> inputs = joinCuts(b, op.getInputs(), axis);
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, inputs.front());
  SmallVector<OpFoldResult> starts{b.getIndexAttr(0)};
  for (Value input : inputs)
    starts.push_back(plus(b, loc, starts.back(), tensor::getMixedSize(b, loc, input, axis)));
  sizes[axis] = starts.back();
  Value tensor = createUnique(b, loc, sizes, op.getResultType().getElementType());
  for (auto [input, start] : llvm::zip(inputs, starts)) {
    SmallVector<OpFoldResult> offsets = repeat(b, 0, sizes.size());
    offsets[axis] = start;
    tensor = insertPiece(b, loc, input, tensor, offsets);
  }
  if (tensor.getType() != op.getType())
    tensor = tensor::CastOp::create(b, loc, op.getType(), tensor);
  op.replaceAllUsesWith(tensor);
  op.erase();
}

void nnopt::splitIntoPieces(func::FuncOp function) {
  function.walk([](Operation *op) {
    if (auto pad = dyn_cast<tensor::PadOp>(op))
      (void)splitPad(pad);
    else if (auto concat = dyn_cast<tensor::ConcatOp>(op))
      splitConcat(concat);
  });
}
