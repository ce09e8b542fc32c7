//===- SparsifierLoops.cpp - what upstream's sparsifier does for us -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "SparsifierLoops.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SparseTensor/IR/SparseTensorType.h"
#include "mlir/Dialect/SparseTensor/Transforms/Passes.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace nnopt;

StringRef nnopt::whyNotSparsifier(sparse_tensor::AssembleOp op, ArrayRef<SparseLevel> levels) {
  sparse_tensor::SparseTensorType type(cast<RankedTensorType>(op.getResult().getType()));
  for (size_t l = 0; l < levels.size(); ++l) {
    bool isFollowed = l + 1 < levels.size() && levels[l + 1].kind == SparseLevel::Kind::Singleton;
    if (!levels[l].isOrdered)
      return "upstream's sparsifier needs ordered levels";
    if (!levels[l].isUnique && !isFollowed)
      return "upstream's sparsifier needs unique coordinates";
    if (levels[l].size == 1)
      return "upstream's sparsifier takes no level of one element";
  }
  if (type.isPermutation())
    return {};
  // Anything else than blocks in every dimension crashes it (MLIR 22).
  if (!sparse_tensor::isBlockSparsity(type.getDimToLvl()) || type.getLvlRank() != 2 * type.getDimRank())
    return "upstream's sparsifier takes blocks of all dimensions only";
  for (auto [size, extent] : llvm::zip_equal(sparse_tensor::getBlockSize(type.getDimToLvl()), type.getDimShape()))
    if (size == 0 || extent % size != 0)
      return "upstream's sparsifier takes whole blocks only";
  return {};
}

void nnopt::addSparsifier(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createLinalgGeneralizeNamedOpsPass());
  pm.addPass(createPreSparsificationRewritePass());
  pm.addPass(createSparseReinterpretMapPass(ReinterpretMapScope::kAll));
  SparsificationOptions options(SparseParallelizationStrategy::kDenseOuterLoop, /*enableRT=*/false);
  pm.addPass(createSparsificationPass(options));
  pm.addPass(createSparseTensorCodegenPass(/*createSparseDeallocs=*/false, /*enableBufferInitialization=*/false));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createLoopInvariantCodeMotionPass());
  pm.addPass(createCSEPass());
}

/// The output is written in place: what materializes it again does nothing.
static void dropMaterialization(func::FuncOp function) {
  Block &block = function.getBody().front();
  auto write = llvm::to_vector(block.getOps<bufferization::MaterializeInDestinationOp>());
  if (write.size() != 1)
    return;
  auto read = write[0].getSource().getDefiningOp<bufferization::ToTensorOp>();
  if (!read || read.getBuffer() != block.getArguments().back())
    return;
  write[0].erase();
  if (read->use_empty())
    read.erase();
}

/// An outer loop whose iterations are independent is shared between threads.
static LogicalResult makeParallel(scf::ParallelOp op) {
  if (op.getNumLoops() != 1 || op.getNumReductions() != 0 || !matchPattern(op.getLowerBound()[0], m_Zero()) ||
      !matchPattern(op.getStep()[0], m_One()))
    return failure();
  OpBuilder b(op);
  Location loc = op.getLoc();
  auto shared = ParallelForOp::create(b, loc, op.getUpperBound()[0]);
  Type index = b.getIndexType();
  Block *block = b.createBlock(&shared.getBody(), {}, {index, index}, {loc, loc});
  auto loop = scf::ForOp::create(b, loc, block->getArgument(0), block->getArgument(1), arith::ConstantIndexOp::create(b, loc, 1));
  op.getInductionVars()[0].replaceAllUsesWith(loop.getInductionVar());
  op.getBody()->getTerminator()->erase();
  Block *body = loop.getBody();
  body->getOperations().splice(body->getTerminator()->getIterator(), op.getBody()->getOperations());
  op.erase();
  return success();
}

LogicalResult nnopt::finishLoops(func::FuncOp function, std::string &why) {
  dropMaterialization(function);
  WalkResult walked = function.walk([&](Operation *op) {
    op->removeAttr("Emitted from");
    bool isKnown = isa_and_nonnull<arith::ArithDialect, math::MathDialect, scf::SCFDialect, memref::MemRefDialect>(op->getDialect()) &&
                   !isa<memref::AllocOp, memref::AllocaOp, memref::DeallocOp>(op);
    if (isKnown || isa<func::FuncOp, func::ReturnOp, linalg::FillOp, linalg::YieldOp>(op))
      return WalkResult::advance();
    why = ("upstream's sparsifier leaves " + op->getName().getStringRef()).str();
    return WalkResult::interrupt();
  });
  if (walked.wasInterrupted())
    return failure();
  SmallVector<scf::ParallelOp> parallel;
  function.walk([&](scf::ParallelOp op) { parallel.push_back(op); });
  for (scf::ParallelOp op : parallel)
    if (failed(makeParallel(op))) {
      why = "upstream's sparsifier makes a parallel loop of another form";
      return failure();
    }
  function.walk([](arith::ArithFastMathInterface op) {
    if (isa<arith::MulFOp, arith::AddFOp, arith::SubFOp>(op.getOperation()))
      op->setAttr(op.getFastMathAttrName(), arith::FastMathFlagsAttr::get(op.getContext(), op.getFastMathFlagsAttr().getValue() | arith::FastMathFlags::contract));
  });
  return success();
}
