//===- LowerToLoops.cpp - the portable lowering of structured ops ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "LinalgToLoops.h"
#include "nnopt/Conversion/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include "llvm/ADT/TypeSwitch.h"

namespace nnopt {
#define GEN_PASS_DEF_LOWERTOLOOPS
#include "nnopt/Conversion/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

/// The instruction set of the function around `op`; the portable one where none is said.
static const Isa &isaOf(Operation *op) {
  if (auto function = op->getParentOfType<func::FuncOp>())
    if (auto name = function->getAttrOfType<StringAttr>(kIsaAttr))
      if (const Isa *isa = findIsa(name.getValue()))
        return *isa;
  return isaTable().front();
}

static bool isContiguous(Value memref) { return cast<MemRefType>(memref.getType()).getLayout().isIdentity(); }

/// Copies of contiguous buffers become memcpy later.
static bool isLowered(Operation *op) {
  if (auto copy = dyn_cast<memref::CopyOp>(op))
    return !isContiguous(copy.getSource()) || !isContiguous(copy.getTarget());
  return isa<StructuredOpInterface, linalg::LinalgOp>(op);
}

static LogicalResult lower(Operation *op, LoopEmitter &e) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<LinearOp, TileRowsOp, SparseLinearOp, PermuteLinearOp, ImagePlanesOp, SparseConvOp, MatmulOp, ConvOp, ConvTransposeOp, PoolOp,
            AttentionOp, SoftmaxOp, NormalizeOp, GatherOp,
            memref::CopyOp, linalg::LinalgOp>([&](auto typed) { return lowerToLoops(typed, e); })
      .Default([](Operation *other) { return other->emitOpError("has no lowering to loops"); });
}

namespace {
struct LowerToLoops : nnopt::impl::LowerToLoopsBase<LowerToLoops> {
  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isLowered(op))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      if (auto structured = dyn_cast<StructuredOpInterface>(op);
          structured && !(structured.getDestination() && isa<MemRefType>(structured.getDestination().getType()))) {
        op->emitOpError("is not on buffers; run bufferization first");
        return signalPassFailure();
      }
      OpBuilder builder(op);
      LoopEmitter emitter(builder, op->getLoc(), isaOf(op));
      if (failed(lower(op, emitter)))
        return signalPassFailure();
      op->erase();
    }
  }
};
} // namespace
