//===- OverflowCheck.cpp - sizes that cannot be counted -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "OverflowCheck.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"

using namespace llvm;

static Intrinsic::ID checkedForm(const BinaryOperator &op) {
  switch (op.getOpcode()) {
  case Instruction::Add:
    return Intrinsic::sadd_with_overflow;
  case Instruction::Sub:
    return Intrinsic::ssub_with_overflow;
  case Instruction::Mul:
    return Intrinsic::smul_with_overflow;
  default:
    return Intrinsic::not_intrinsic;
  }
}

void nnopt::returnMinusOneOnOverflow(Function &function) {
  SmallVector<BinaryOperator *> ops;
  SmallVector<ReturnInst *> returns;
  for (Instruction &instruction : instructions(function)) {
    if (auto *op = dyn_cast<BinaryOperator>(&instruction); op && checkedForm(*op) != Intrinsic::not_intrinsic)
      ops.push_back(op);
    if (auto *ret = dyn_cast<ReturnInst>(&instruction))
      returns.push_back(ret);
  }
  if (ops.empty())
    return;
  IRBuilder<> b(&*function.getEntryBlock().getFirstInsertionPt());
  Value *flag = b.CreateAlloca(b.getInt1Ty()); // becomes a register
  b.CreateStore(b.getFalse(), flag);
  for (BinaryOperator *op : ops) {
    b.SetInsertPoint(op);
    Value *checked = b.CreateBinaryIntrinsic(checkedForm(*op), op->getOperand(0), op->getOperand(1));
    b.CreateStore(b.CreateOr(b.CreateLoad(b.getInt1Ty(), flag), b.CreateExtractValue(checked, 1)), flag);
    op->replaceAllUsesWith(b.CreateExtractValue(checked, 0));
    op->eraseFromParent();
  }
  for (ReturnInst *ret : returns) {
    b.SetInsertPoint(ret);
    Value *value = ret->getReturnValue();
    Value *minusOne = ConstantInt::getSigned(value->getType(), -1);
    ret->setOperand(0, b.CreateSelect(b.CreateLoad(b.getInt1Ty(), flag), minusOne, value));
  }
}
