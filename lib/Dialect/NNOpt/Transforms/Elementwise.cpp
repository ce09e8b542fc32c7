//===- Elementwise.cpp - what graph passes ask of linalg.generic ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Elementwise.h"

#include "ConstantData.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nnopt;

bool nnopt::isElementwise(linalg::GenericOp op) {
  return op.getNumResults() == 1 && op.getNumDpsInits() == 1 && op.getNumParallelLoops() == op.getNumLoops() &&
         op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity() && op.getRegionOutputArgs()[0].use_empty();
}

bool nnopt::readsOwnElement(AffineMap map, ArrayRef<int64_t> shape) {
  if (map.getNumResults() != map.getNumDims() || map.getNumResults() != shape.size())
    return false;
  for (auto [i, result] : llvm::enumerate(map.getResults())) {
    auto constant = dyn_cast<AffineConstantExpr>(result);
    bool isUnit = constant && constant.getValue() == 0 && shape[i] == 1;
    if (!isUnit && result != getAffineDimExpr(i, map.getContext()))
      return false;
  }
  return true;
}

OpOperand *nnopt::operandOf(linalg::GenericOp op, Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  return argument && argument.getOwner() == op.getBody() ? &op->getOpOperand(argument.getArgNumber()) : nullptr;
}

Operation *nnopt::singleBodyOp(linalg::GenericOp op) {
  if (!isElementwise(op))
    return nullptr;
  Operation *only = nullptr;
  for (Operation &inner : op.getBody()->without_terminator()) {
    if (isa<arith::ConstantOp>(inner))
      continue;
    if (only || inner.getNumResults() != 1)
      return nullptr;
    only = &inner;
  }
  return only && op.getBody()->getTerminator()->getOperand(0) == only->getResult(0) ? only : nullptr;
}

std::optional<double> nnopt::numberOf(linalg::GenericOp op, Value value) {
  FloatAttr number;
  if (matchPattern(value, m_Constant(&number)))
    return number.getValueAsDouble();
  OpOperand *operand = operandOf(op, value);
  return operand && isa<FloatType>(value.getType()) ? splatOf(operand->get()) : std::nullopt;
}
