//===- PlacePieces.cpp - producers write into larger tensors --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "AssemblePieces.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace nnopt;

static bool isPiece(Operation *op) { return isa_and_nonnull<tensor::InsertSliceOp>(op) && op->hasAttr(kPieceAttr); }

/// The use of an empty tensor as the place that `value` is written to; null if
/// there is none.
static OpOperand *placeOf(Value value) {
  auto result = dyn_cast<OpResult>(value);
  if (!result)
    return nullptr;
  OpOperand *place = nullptr;
  if (auto structured = dyn_cast<StructuredOpInterface>(result.getOwner())) {
    MutableOperandRange destination = structured.getDestinationMutable();
    place = destination.empty() ? nullptr : &destination[0];
  } else if (auto linalgOp = dyn_cast<linalg::LinalgOp>(result.getOwner())) {
    place = linalgOp.getDpsInitOperand(result.getResultNumber());
  } else {
    for (Operation *op = result.getOwner(); isPiece(op); op = place->get().getDefiningOp())
      place = &cast<tensor::InsertSliceOp>(op).getDestMutable();
  }
  while (place)
    if (auto fill = place->get().getDefiningOp<linalg::FillOp>(); fill && fill->hasOneUse())
      place = fill.getDpsInitOperand(0);
    else
      break;
  bool isEmpty = place && isa_and_nonnull<tensor::EmptyOp, bufferization::AllocTensorOp>(place->get().getDefiningOp());
  return isEmpty ? place : nullptr;
}

/// Moves what computes `values` before `position`, if it is only index
/// arithmetic and frames of padding.
static LogicalResult hoist(ValueRange values, Operation *position) {
  llvm::SetVector<Operation *> slice;
  std::function<bool(Value)> collect = [&](Value value) {
    Operation *op = value.getDefiningOp();
    if (!op || slice.contains(op) || op->getBlock() != position->getBlock() || op->isBeforeInBlock(position))
      return true;
    bool isIndices = isa<arith::ArithDialect, affine::AffineDialect>(op->getDialect()) || isa<tensor::DimOp>(op);
    if (!isIndices &&
        !isa<bufferization::AllocTensorOp, tensor::ExtractSliceOp, tensor::InsertSliceOp, linalg::FillOp>(op))
      return false;
    if (op == position || !llvm::all_of(op->getOperands(), collect))
      return false;
    slice.insert(op);
    return true;
  };
  if (!llvm::all_of(values, collect))
    return failure();
  for (Operation *op : slice)
    op->moveBefore(position);
  return success();
}

/// Lets the producer of `piece` write into `into`; the piece is inserted right
/// after it then.
static LogicalResult writeInPlace(tensor::InsertSliceOp piece, Value into) {
  OpOperand *place = placeOf(piece.getSource());
  if (!place || place->getOwner()->getBlock() != piece->getBlock())
    return failure();
  auto type = cast<RankedTensorType>(place->get().getType());
  RankedTensorType slice = tensor::ExtractSliceOp::inferResultType(piece.getDestType(), piece.getMixedSizes());
  Operation *writer = place->getOwner();
  SmallVector<Value> needed{into};
  llvm::append_range(needed,
                     ValueRange(piece->getOperands()).drop_front(2)); // offsets and sizes
  if (slice != type || failed(hoist(needed, writer)))
    return failure();
  OpBuilder b(writer);
  Operation *empty = place->get().getDefiningOp();
  place->set(tensor::ExtractSliceOp::create(b, piece.getLoc(), type, into, piece.getMixedOffsets(),
                                            piece.getMixedSizes(), piece.getMixedStrides()));
  if (empty->use_empty())
    empty->erase();
  piece->moveAfter(piece.getSource().getDefiningOp());
  return success();
}

/// Parts of a piece become parts of the larger tensor: bufferization takes the insertion for a write, which readers of
/// the whole piece may follow, but readers of a part of it may not.
static void cutFromLarger(tensor::InsertSliceOp piece) {
  SmallVector<tensor::ExtractSliceOp> parts;
  for (Operation *user : piece.getSource().getUsers())
    if (auto part = dyn_cast<tensor::ExtractSliceOp>(user); part && part.hasUnitStride())
      parts.push_back(part);
  for (tensor::ExtractSliceOp part : parts) {
    OpBuilder b(part);
    AffineExpr d0, d1;
    bindDims(b.getContext(), d0, d1);
    SmallVector<OpFoldResult> offsets;
    for (auto [inner, outer] : llvm::zip(part.getMixedOffsets(), piece.getMixedOffsets()))
      offsets.push_back(affine::makeComposedFoldedAffineApply(b, part.getLoc(), d0 + d1, {inner, outer}));
    Value cut = tensor::ExtractSliceOp::create(b, part.getLoc(), part.getType(), piece.getResult(), offsets,
                                               part.getMixedSizes(), part.getMixedStrides());
    part.replaceAllUsesWith(cut);
    part.erase();
  }
}

/// Orders the pieces of the chain that ends in `last` by their producers.
/// Returns how many are written in place.
static unsigned placeChain(tensor::InsertSliceOp last) {
  SmallVector<tensor::InsertSliceOp> pieces{last};
  while (isPiece(pieces.back().getDest().getDefiningOp()))
    pieces.push_back(pieces.back().getDest().getDefiningOp<tensor::InsertSliceOp>());
  Value current = pieces.back().getDest();
  Operation *end = last->getNextNode();
  SmallVector<OpOperand *> readers;
  for (OpOperand &use : last.getResult().getUses())
    readers.push_back(&use);
  llvm::stable_sort(pieces, [](tensor::InsertSliceOp a, tensor::InsertSliceOp b) {
    Operation *x = a.getSource().getDefiningOp(), *y = b.getSource().getDefiningOp();
    if (!x || !y || x->getBlock() != y->getBlock())
      return !x && y;
    return x->isBeforeInBlock(y);
  });
  SmallVector<tensor::InsertSliceOp> copied;
  unsigned inPlace = 0;
  for (tensor::InsertSliceOp piece : pieces) {
    if (failed(writeInPlace(piece, current))) {
      copied.push_back(piece);
      continue;
    }
    piece.getDestMutable().assign(current);
    cutFromLarger(piece);
    current = piece.getResult();
    ++inPlace;
  }
  for (tensor::InsertSliceOp piece : copied) {
    piece->moveBefore(end);
    piece.getDestMutable().assign(current);
    current = piece.getResult();
  }
  for (OpOperand *reader : readers)
    reader->set(current);
  return inPlace;
}

unsigned nnopt::placePieces(func::FuncOp function) {
  SmallVector<tensor::InsertSliceOp> lasts;
  function.walk([&](tensor::InsertSliceOp op) {
    auto continues = [&](OpOperand &use) {
      return isPiece(use.getOwner()) && cast<tensor::InsertSliceOp>(use.getOwner()).getDest() == op.getResult();
    };
    if (isPiece(op) && llvm::none_of(op->getUses(), continues))
      lasts.push_back(op);
  });
  unsigned inPlace = 0;
  // The last first: what is a piece itself gets its place before its own pieces
  // do.
  for (tensor::InsertSliceOp last : llvm::reverse(lasts))
    inPlace += placeChain(last);
  function.walk([](tensor::InsertSliceOp op) { op->removeAttr(kPieceAttr); });
  return inPlace;
}
