//===- LinalgToLoops.cpp - linalg ops and copies as loops -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "LinalgToLoops.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace nnopt;

namespace {
/// A linalg op on buffers at one point of its iteration space.
struct Point {
  linalg::LinalgOp op;
  LoopEmitter &e;
  ArrayRef<Value> iteration;

  SmallVector<Value> coordinates(OpOperand &operand) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    SmallVector<OpFoldResult> values(iteration.begin(), iteration.end());
    return llvm::map_to_vector(map.getResults(), [&](AffineExpr result) -> Value {
      if (auto dim = dyn_cast<AffineDimExpr>(result))
        return iteration[dim.getPosition()];
      AffineMap one = AffineMap::get(map.getNumDims(), 0, result);
      return getValueOrCreateConstantIndexOp(
          e.b, e.loc, affine::makeComposedFoldedAffineApply(e.b, e.loc, one, values));
    });
  }

  void emit() {
    Block &body = *op.getBlock();
    IRMapping mapping;
    for (OpOperand &operand : op->getOpOperands()) {
      Value argument = op.getMatchingBlockArgument(&operand);
      if (!isa<MemRefType>(operand.get().getType()))
        mapping.map(argument, operand.get());
      else if (!argument.use_empty())
        mapping.map(argument, Value(memref::LoadOp::create(e.b, e.loc, operand.get(), coordinates(operand))));
    }
    for (Operation &inner : body.without_terminator()) {
      if (auto index = dyn_cast<linalg::IndexOp>(inner))
        mapping.map(index.getResult(), iteration[index.getDim()]);
      else
        e.b.clone(inner, mapping);
    }
    for (auto [init, value] : llvm::zip_equal(op.getDpsInitsMutable(), body.getTerminator()->getOperands()))
      memref::StoreOp::create(e.b, e.loc, mapping.lookupOrDefault(value), init.get(), coordinates(init));
  }
};
} // namespace

LogicalResult nnopt::lowerToLoops(linalg::LinalgOp op, LoopEmitter &e) {
  if (!op.hasPureBufferSemantics())
    return op.emitOpError("expects buffers; run bufferization first");
  SmallVector<Range> ranges = op.createLoopRanges(e.b, e.loc);
  SmallVector<unsigned> parallel, reduction;
  op.getParallelDims(parallel);
  op.getReductionDims(reduction);
  auto extents = [&](ArrayRef<unsigned> dims) {
    return llvm::map_to_vector(dims, [&](unsigned d) { return getValueOrCreateConstantIndexOp(e.b, e.loc, ranges[d].size); });
  };
  SmallVector<Value> outer = extents(parallel), inner = extents(reduction);
  e.forEach(outer, [&](LoopEmitter::Coordinates outerAt) {
    e.nest(inner, [&](LoopEmitter::Coordinates innerAt) {
      SmallVector<Value> iteration(ranges.size());
      for (auto [d, value] : llvm::zip_equal(parallel, outerAt))
        iteration[d] = value;
      for (auto [d, value] : llvm::zip_equal(reduction, innerAt))
        iteration[d] = value;
      Point{op, e, iteration}.emit();
    });
  });
  return success();
}

LogicalResult nnopt::lowerToLoops(memref::CopyOp op, LoopEmitter &e) {
  e.forEach(e.extents(op.getTarget()), [&](LoopEmitter::Coordinates at) {
    memref::StoreOp::create(e.b, e.loc, Value(memref::LoadOp::create(e.b, e.loc, op.getSource(), at)), op.getTarget(), at);
  });
  return success();
}
