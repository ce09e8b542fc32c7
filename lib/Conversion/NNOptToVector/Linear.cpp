//===- Linear.cpp - linear and matmul as register-tiled products ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Products.h"

#include "nnopt/Cost/Linear.h"

using namespace mlir;
using namespace nnopt;

bool nnopt::isF32(ValueRange values) {
  return llvm::all_of(values, [](Value value) { return getElementTypeOrSelf(value.getType()).isF32(); });
}

bool nnopt::isIntegerProduct(Value input, Value bias, PackAttr pack) {
  return pack.getInner() == kIntegerRun && getElementTypeOrSelf(input.getType()).isSignlessInteger(8) &&
         (!bias || getElementTypeOrSelf(bias.getType()).isSignlessInteger(32));
}

void nnopt::setInteger(KernelBuilder &k, Value weight, GemmProblem &problem) {
  std::optional<ArrayRef<char>> bytes = constantBytes(weight);
  problem.isInteger = true;
  problem.isNarrow = bytes && !llvm::is_contained(*bytes, std::numeric_limits<int8_t>::min());
  problem.b.element = k.b.getI8Type();
}

bool nnopt::isUnitInnermost(Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  return type.getRank() > 0 && type.isLastDimUnitStride();
}

RowAccess nnopt::rowAccess(KernelBuilder &k, Value memref, unsigned rows) {
  Buffer buffer = k.buffer(memref);
  RowAccess access;
  access.pointer = buffer.pointer;
  access.strides.assign(buffer.strides.begin(), buffer.strides.begin() + rows);
  access.contiguous = cast<MemRefType>(memref.getType()).getLayout().isIdentity();
  access.element = buffer.element;
  return access;
}

/// True if an epilogue can read `memref` through `map`, whose dimensions are those of the output.
static bool isEpilogueAccess(Value memref, AffineMap map) {
  unsigned last = map.getNumDims() - 1;
  for (auto [i, result] : llvm::enumerate(map.getResults())) {
    if (auto constant = dyn_cast<AffineConstantExpr>(result); constant && constant.getValue() == 0)
      continue;
    auto dim = dyn_cast<AffineDimExpr>(result);
    if (!dim || (dim.getPosition() == last && (i + 1 != map.getNumResults() || !isUnitInnermost(memref))))
      return false;
  }
  return true;
}

bool nnopt::isFastEpilogue(Region &epilogue, ValueRange operands, std::optional<ArrayAttr> maps) {
  if (!isVectorEpilogue(epilogue))
    return false;
  for (auto [i, operand] : llvm::enumerate(operands))
    if (!isEpilogueAccess(operand, cast<AffineMapAttr>((*maps)[i]).getValue()))
      return false;
  return true;
}

RowAccess nnopt::epilogueAccess(KernelBuilder &k, Value memref, AffineMap map) {
  Buffer buffer = k.buffer(memref);
  RowAccess access;
  access.pointer = buffer.pointer, access.element = buffer.element;
  access.alongColumns = false;
  access.strides.assign(map.getNumDims() - 1, k.index(0));
  for (auto [i, result] : llvm::enumerate(map.getResults())) {
    auto dim = dyn_cast<AffineDimExpr>(result);
    if (!dim)
      continue;
    if (dim.getPosition() + 1 == map.getNumDims())
      access.alongColumns = true;
    else
      access.strides[dim.getPosition()] = k.add(access.strides[dim.getPosition()], buffer.strides[i]);
  }
  access.contiguous = map.isIdentity() && cast<MemRefType>(memref.getType()).getLayout().isIdentity();
  return access;
}

LogicalResult nnopt::emitLinear(Operation *operation, KernelBuilder &k) {
  auto op = cast<LinearOp>(operation);
  std::optional<PackAttr> pack = op.getPack();
  bool isInteger = pack && isIntegerProduct(op.getInput(), op.getBias(), *pack);
  if (!pack || pack->getPanel() != kPanel || !(isInteger || isF32(op->getOperands())) || !isUnitInnermost(op.getInput()) ||
      !isUnitInnermost(op.getInit()) || !isFastEpilogue(op.getEpilogue(), op.getEpilogueOperands(), op.getEpilogueMaps()))
    return failure();

  GemmProblem problem = productProblem(k, op, pack->getOutputs());
  problem.depths = {k.index(pack->getDepth())};
  problem.depthStrides = {k.index(1)};
  problem.a = rowAccess(k, op.getInput(), problem.rows.size());
  problem.b.pointer = k.buffer(op.getWeight()).pointer;
  if (isInteger)
    setInteger(k, op.getWeight(), problem);
  emitGemm(k, std::move(problem));
  return success();
}

/// Strides of an operand's leading dimensions, 0 where it is broadcast, aligned to `rank` dimensions on the right.
static SmallVector<Value> batchStrides(KernelBuilder &k, Value memref, unsigned rank) {
  auto type = cast<MemRefType>(memref.getType());
  Buffer buffer = k.buffer(memref);
  SmallVector<Value> strides(rank, k.index(0));
  unsigned own = type.getRank() - 2;
  for (unsigned d = 0; d < own; ++d)
    if (type.getDimSize(d) != 1)
      strides[rank - own + d] = buffer.strides[d];
  return strides;
}

LogicalResult nnopt::emitMatmul(Operation *operation, KernelBuilder &k) {
  auto op = cast<MatmulOp>(operation);
  auto lhs = cast<MemRefType>(op.getLhs().getType()), rhs = cast<MemRefType>(op.getRhs().getType());
  auto output = cast<MemRefType>(op.getInit().getType());
  if (op.getTransposeLhs() || op.getTransposeRhs() || lhs.getRank() < 2 || rhs.getRank() < 2 ||
      output.getRank() != std::max(lhs.getRank(), rhs.getRank()) || !isF32(op->getOperands()) ||
      !isUnitInnermost(op.getLhs()) || !isUnitInnermost(op.getRhs()) || !isUnitInnermost(op.getInit()) ||
      !isFastEpilogue(op.getEpilogue(), op.getEpilogueOperands(), op.getEpilogueMaps()))
    return failure();

  unsigned batch = output.getRank() - 2;
  Buffer a = k.buffer(op.getLhs()), b = k.buffer(op.getRhs()), c = k.buffer(op.getInit());
  GemmProblem problem;
  problem.op = op;
  problem.rows.assign(c.extents.begin(), c.extents.end() - 1);
  problem.columns = c.extents.back();
  problem.depths = {a.extents.back()};
  problem.depthStrides = {k.index(1)};
  problem.packed = false;
  problem.bRow = b.strides[b.rank() - 2];
  problem.a = RowAccess{a.pointer, batchStrides(k, op.getLhs(), batch)};
  problem.a.strides.push_back(a.strides[a.rank() - 2]);
  problem.b = RowAccess{b.pointer, batchStrides(k, op.getRhs(), batch)};
  problem.b.strides.push_back(k.index(0));
  problem.c = rowAccess(k, op.getInit(), batch + 1);
  setEpilogue(k, op, problem);
  emitGemm(k, std::move(problem));
  return success();
}
