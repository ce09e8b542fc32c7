//===- FuseElementwise.cpp - merge chains of elementwise ops --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "Elementwise.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace nnopt {
#define GEN_PASS_DEF_FUSEELEMENTWISE
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

/// Ops that may be computed again rather than stored.
static constexpr unsigned kCheapOps = 4;

/// True if the op's elements are as easily computed as loaded.
static bool isCheap(linalg::GenericOp op) {
  unsigned count = 0;
  for (Operation &inner : op.getBody()->without_terminator()) {
    if (isa<arith::ConstantOp, UnrealizedConversionCastOp>(inner))
      continue;
    if (isa<arith::DivFOp, arith::DivSIOp, arith::DivUIOp, arith::RemFOp, arith::RemSIOp, arith::RemUIOp>(inner) ||
        !isa_and_nonnull<arith::ArithDialect>(inner.getDialect()) || ++count > kCheapOps)
      return false;
  }
  return true;
}

/// True if `value` is made by an op that can finish its elements in an epilogue.
static bool isProduct(Value value) { return isa_and_nonnull<LinearOp, MatmulOp, ConvOp>(value.getDefiningOp()); }

/// The products that `op` could finish in their epilogue.
static llvm::SmallDenseSet<Value> productsReadBy(linalg::GenericOp op) {
  llvm::SmallDenseSet<Value> products;
  if (!isElementwise(op))
    return products;
  for (OpOperand *input : op.getDpsInputOperands())
    if (isProduct(input->get()) &&
        readsOwnElement(op.getMatchingIndexingMap(input), cast<RankedTensorType>(input->get().getType()).getShape()))
      products.insert(input->get());
  return products;
}

/// Tensors read by the op that fusing `producer` into `consumer` makes.
static int64_t countOperands(linalg::GenericOp producer, linalg::GenericOp consumer) {
  llvm::SmallDenseSet<Value> values;
  for (linalg::GenericOp op : {producer, consumer})
    for (Value input : op.getDpsInputs())
      if (isa<RankedTensorType>(input.getType()) && input != producer.getResult(0))
        values.insert(input);
  return values.size();
}

/// Whether computing the producer where `operand` is read is no loss, given that nothing else reads it.
static bool paysToFuse(OpOperand *operand, int64_t maxOperands) {
  auto producer = operand->get().getDefiningOp<linalg::GenericOp>();
  auto consumer = dyn_cast<linalg::GenericOp>(operand->getOwner());
  if (!producer || !consumer || producer.getNumResults() != 1 || countOperands(producer, consumer) > maxOperands)
    return false;
  AffineMap map = consumer.getMatchingIndexingMap(operand);
  auto shape = cast<RankedTensorType>(operand->get().getType()).getShape();
  // The epilogue of the product takes the producer; it takes the consumer too only if that is elementwise, and has no product of its own.
  llvm::SmallDenseSet<Value> products = productsReadBy(producer);
  if (!products.empty())
    return isElementwise(consumer) && readsOwnElement(map, shape) &&
           llvm::all_of(productsReadBy(consumer), [&](Value product) { return products.contains(product); }) &&
           shape == cast<RankedTensorType>(consumer.getResultTypes()[0]).getShape();
  bool isReadOnce = map.isPermutation() || readsOwnElement(map, shape);
  return isReadOnce || isCheap(producer);
}

/// Gives every reader of a cheap op its own copy, if all can take it.
static void copyCheapProducers(func::FuncOp function, int64_t maxOperands) {
  SmallVector<linalg::GenericOp> producers;
  function.walk([&](linalg::GenericOp op) { producers.push_back(op); });
  // Readers first: then a chain is copied as a whole.
  for (linalg::GenericOp producer : llvm::reverse(producers)) {
    if (!isElementwise(producer) || producer.getResult(0).hasOneUse() || producer.getResult(0).use_empty() ||
        !isCheap(producer) || !productsReadBy(producer).empty())
      continue;
    bool takenByAll = llvm::all_of(producer->getUses(), [&](OpOperand &use) {
      return paysToFuse(&use, maxOperands) && linalg::areElementwiseOpsFusable(&use);
    });
    if (!takenByAll)
      continue;
    OpBuilder b(producer);
    // One copy per op, which may read it more than once.
    llvm::SmallMapVector<Operation *, SmallVector<OpOperand *>, 4> readers;
    for (OpOperand &use : producer->getUses())
      readers[use.getOwner()].push_back(&use);
    for (auto &[owner, uses] : llvm::drop_begin(readers)) {
      Operation *copy = b.clone(*producer);
      for (OpOperand *use : uses)
        use->set(copy->getResult(0));
    }
  }
}

namespace {

struct FuseElementwise : nnopt::impl::FuseElementwiseBase<FuseElementwise> {
  using FuseElementwiseBase::FuseElementwiseBase;

  LogicalResult initialize(MLIRContext *context) override {
    if (maxOperands >= 1)
      return success();
    return emitError(UnknownLoc::get(context)) << getArgument() << ": max-operands must be at least 1, got " << maxOperands.getValue();
  }

  void runOnOperation() override {
    int64_t limit = maxOperands;
    copyCheapProducers(getOperation(), limit);
    RewritePatternSet patterns(&getContext());
    linalg::populateElementwiseOpsFusionPatterns(patterns, [limit](OpOperand *operand) {
      return llvm::all_equal(operand->get().getUsers()) && paysToFuse(operand, limit);
    });
    linalg::GenericOp::getCanonicalizationPatterns(patterns, &getContext());
    linalg::populateEraseUnusedOperandsAndResultsPatterns(patterns);
    // Producers before consumers, so that the rules see whole chains.
    GreedyRewriteConfig config;
    config.setUseTopDownTraversal(true);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      signalPassFailure();
  }
};

} // namespace
