//===- BranchShapes.cpp - extents of what branches compute ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/Transforms/BranchShapes.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"

using namespace mlir;
using namespace nnopt;

/// The tensor outside `branches` that `value`, which one of them yields, is written to; null if there is none.
static Value destinationOutside(scf::IfOp branches, Value value) {
  while (value && branches->isAncestor(value.getParentBlock()->getParentOp())) {
    if (auto structured = value.getDefiningOp<StructuredOpInterface>())
      value = structured.getDestination();
    else if (auto cast = value.getDefiningOp<tensor::CastOp>())
      value = cast.getSource();
    else
      return Value();
  }
  return value;
}

namespace {
struct BranchShapes : ReifyRankedShapedTypeOpInterface::ExternalModel<BranchShapes, scf::IfOp> {
  LogicalResult reifyResultShapes(Operation *op, OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) const {
    auto branches = cast<scf::IfOp>(op);
    for (auto [i, result] : llvm::enumerate(op->getResults())) {
      auto type = dyn_cast<RankedTensorType>(result.getType());
      Value destination = type ? destinationOutside(branches, branches.thenYield().getOperand(i)) : Value();
      if (!destination || destination != destinationOutside(branches, branches.elseYield().getOperand(i)))
        return failure();
      SmallVector<OpFoldResult> &shape = shapes.emplace_back();
      for (auto [d, extent] : llvm::enumerate(type.getShape())) {
        OpFoldResult size = tensor::getMixedSize(b, op->getLoc(), destination, d);
        bool isDynamic = ShapedType::isDynamic(extent);
        shape.push_back(isDynamic ? OpFoldResult(getValueOrCreateConstantIndexOp(b, op->getLoc(), size)) : b.getIndexAttr(extent));
      }
    }
    return success();
  }
};
} // namespace

void nnopt::registerBranchShapes(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, scf::SCFDialect *) { scf::IfOp::attachInterface<BranchShapes>(*context); });
}
