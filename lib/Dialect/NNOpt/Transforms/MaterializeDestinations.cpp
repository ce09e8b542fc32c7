//===- MaterializeDestinations.cpp - where results are written ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "AssemblePieces.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace nnopt {
#define GEN_PASS_DEF_MATERIALIZEDESTINATIONS
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

namespace {

class MaterializeDestinations : public nnopt::impl::MaterializeDestinationsBase<MaterializeDestinations> {
public:
  using MaterializeDestinationsBase::MaterializeDestinationsBase;

  void runOnOperation() override {
    padConvolutions(getOperation());
    splitIntoPieces(getOperation());
    addDestinations(getOperation());
    separateFills(getOperation());
    // Afterwards extents are arithmetic on extents of the inputs, which can be
    // moved to where a tensor is begun.
    RewritePatternSet patterns(&getContext());
    memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    piecesInPlace += placePieces(getOperation());
  }

private:
  /// Structured ops that have no destination yet get an empty one.
  static void addDestinations(func::FuncOp function) {
    function.walk([](StructuredOpInterface op) {
      if (op.getDestination() || op->getNumResults() == 0)
        return;
      OpBuilder b(op);
      auto type = cast<RankedTensorType>(op->getResult(0).getType());
      Value empty = tensor::EmptyOp::create(b, op->getLoc(), op.inferResultShape(b), type.getElementType());
      if (empty.getType() != type)
        empty = tensor::CastOp::create(b, op->getLoc(), type, empty);
      op.getDestinationMutable().assign(empty);
    });
  }

  /// What a reduction starts from is overwritten by it: every one gets a tensor that is not shared, and stays so.
  static void separateFills(func::FuncOp function) {
    function.walk([](linalg::LinalgOp op) {
      for (OpOperand &init : op.getDpsInitsMutable()) {
        auto fill = init.get().getDefiningOp<linalg::FillOp>();
        auto empty = fill ? fill.getOutputs()[0].getDefiningOp<tensor::EmptyOp>() : tensor::EmptyOp();
        if (!empty)
          continue;
        OpBuilder b(op);
        Value own = bufferization::AllocTensorOp::create(b, op.getLoc(), empty.getType(), empty.getDynamicSizes());
        init.set(linalg::FillOp::create(b, fill.getLoc(), fill.getInputs(), own).getResult(0));
        if (fill->use_empty())
          fill->erase();
      }
    });
  }
};

} // namespace
