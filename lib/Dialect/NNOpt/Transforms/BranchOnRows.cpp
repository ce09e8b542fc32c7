//===- BranchOnRows.cpp - two ways to compute, by the number of rows ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "BranchOnRows.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace nnopt;

/// The rows of `input`: the product of all its extents but the last.
static Value countRows(OpBuilder &b, Location loc, Value input) {
  Value rows;
  for (int64_t d = 0, rank = cast<ShapedType>(input.getType()).getRank(); d + 1 < rank; ++d) {
    Value extent = getValueOrCreateConstantIndexOp(b, loc, tensor::getMixedSize(b, loc, input, d));
    rows = rows ? b.createOrFold<arith::MulIOp>(loc, rows, extent) : extent;
  }
  return rows;
}

Operation *nnopt::branchOnRows(Operation *op, Value input, int64_t fromRows) {
  Location loc = op->getLoc();
  OpBuilder b(op);
  Value rows = countRows(b, loc, input);
  Value isMany = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::uge, rows, arith::ConstantIndexOp::create(b, loc, fromRows));
  // Both write to one tensor, which stays one: an empty one would be replaced in each branch by whatever the result goes to.
  auto structured = cast<StructuredOpInterface>(op);
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  SmallVector<Value> extents;
  for (auto [extent, size] : llvm::zip_equal(type.getShape(), structured.inferResultShape(b)))
    if (ShapedType::isDynamic(extent))
      extents.push_back(getValueOrCreateConstantIndexOp(b, loc, size));
  structured.getDestinationMutable().assign(bufferization::AllocTensorOp::create(b, loc, type, extents));
  auto branches = scf::IfOp::create(b, loc, type, isMany, /*addThenBlock=*/true, /*addElseBlock=*/true);
  op->getResult(0).replaceAllUsesWith(branches.getResult(0));
  b.setInsertionPointToStart(branches.thenBlock());
  Operation *copy = b.clone(*op);
  scf::YieldOp::create(b, loc, copy->getResults());
  op->moveBefore(branches.elseBlock(), branches.elseBlock()->begin());
  b.setInsertionPointToEnd(branches.elseBlock());
  scf::YieldOp::create(b, loc, op->getResults());
  return copy;
}
