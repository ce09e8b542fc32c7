//===- OrientProducts.cpp - operands of products row by row ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

namespace nnopt {
#define GEN_PASS_DEF_ORIENTPRODUCTS
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

static int64_t rankOf(Value value) { return cast<RankedTensorType>(value.getType()).getRank(); }

/// `matrices` with their last two dimensions exchanged in memory.
static Value transpose(OpBuilder &b, Location loc, Value matrices) {
  auto type = cast<RankedTensorType>(matrices.getType());
  SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
  std::swap(permutation[type.getRank() - 1], permutation[type.getRank() - 2]);
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, matrices);
  std::swap(sizes[type.getRank() - 1], sizes[type.getRank() - 2]);
  Value empty = tensor::EmptyOp::create(b, loc, sizes, type.getElementType());
  return linalg::TransposeOp::create(b, loc, matrices, empty, permutation)->getResult(0);
}

/// A linear op whose weight is computed is a product of two computed matrices.
static void replaceByMatmul(LinearOp op) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  auto type = cast<RankedTensorType>(op.getResult().getType());
  auto matmul = MatmulOp::create(b, loc, type, op.getInput(), op.getWeight(), ValueRange{}, Value(),
                                 /*transpose_lhs=*/false, /*transpose_rhs=*/!op.getWeightKn(), ArrayAttr());
  if (Value bias = op.getBias()) {
    AffineMap columns = AffineMap::get(type.getRank(), 0, b.getAffineDimExpr(type.getRank() - 1));
    matmul.getEpilogueOperandsMutable().append(bias);
    matmul.setEpilogueMapsAttr(b.getAffineMapArrayAttr({columns}));
    Block &block = matmul.getEpilogue().emplaceBlock();
    Value sum = block.addArgument(type.getElementType(), loc), addend = block.addArgument(type.getElementType(), loc);
    b.setInsertionPointToEnd(&block);
    YieldOp::create(b, loc, arith::AddFOp::create(b, loc, sum, addend));
  }
  op.getResult().replaceAllUsesWith(matmul.getResult());
  op.erase();
}

namespace {

class OrientProducts : public nnopt::impl::OrientProductsBase<OrientProducts> {
public:
  using OrientProductsBase::OrientProductsBase;

  void runOnOperation() override {
    getOperation().walk([](LinearOp op) {
      bool isPlain = !op.getInit() && !op.getPack() && op.getEpilogue().empty();
      if (isPlain && isF32(op) && rankOf(op.getInput()) >= 2 && !matchPattern(op.getWeight(), m_Constant()))
        replaceByMatmul(op);
    });
    getOperation().walk([](MatmulOp op) {
      if (!isF32(op))
        return;
      OpBuilder b(op);
      if (op.getTransposeLhs())
        op.getLhsMutable().assign(transpose(b, op.getLoc(), op.getLhs()));
      if (op.getTransposeRhs())
        op.getRhsMutable().assign(transpose(b, op.getLoc(), op.getRhs()));
      op.setTransposeLhs(false);
      op.setTransposeRhs(false);
    });
  }

private:
  static bool isF32(Operation *op) {
    return llvm::all_of(op->getOperands(), [](Value value) { return getElementTypeOrSelf(value.getType()).isF32(); });
  }
};

} // namespace
