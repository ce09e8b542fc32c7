//===- LowerToVector.cpp - replace ops on buffers by kernels --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Conversion/Passes.h"

#include "Kernels.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Remarks.h"

namespace nnopt {
#define GEN_PASS_DEF_LOWERTOVECTOR
#include "nnopt/Conversion/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

/// What keeps an op on buffers from all vector kernels, as far as its own form tells.
static StringRef whyPortable(Operation *op) {
  auto isF32 = [](Value value) { return getElementTypeOrSelf(value.getType()).isF32(); };
  auto conv = dyn_cast<ConvOp>(op);
  auto linear = dyn_cast<LinearOp>(op);
  auto pool = dyn_cast<PoolOp>(op);
  if (!isa<GatherOp, SparseLinearOp, PermuteLinearOp, SparseConvOp>(op) && !llvm::all_of(op->getOperands(), isF32))
    return "not all operands are f32";
  if ((conv && !conv.getChannelsLast()) || (pool && !pool.getChannelsLast()))
    return "the channels are not last";
  if ((conv && !conv.getPack()) || (linear && !linear.getPack()))
    return "the weight is not packed";
  if (conv && llvm::any_of(conv.getPads(), [](int64_t pad) { return pad != 0; }))
    return "the input has implicit padding";
  if (!llvm::all_of(op->getOperands(), [](Value v) { auto type = cast<MemRefType>(v.getType()); return type.getRank() == 0 || type.isLastDimUnitStride(); }))
    return "the elements of a row are not neighbours";
  return "no kernel has this form";
}

namespace {

class LowerToVector : public nnopt::impl::LowerToVectorBase<LowerToVector> {
public:
  using LowerToVectorBase::LowerToVectorBase;

  void runOnOperation() override {
    for (auto function : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if (auto name = function->getAttrOfType<StringAttr>(kIsaAttr))
        if (failed(lower(function, name.getValue())))
          return signalPassFailure();
  }

private:
  LogicalResult lower(func::FuncOp function, StringRef name) {
    const Isa *isa = findIsa(name);
    if (!isa)
      return function.emitOpError("names an unknown instruction set '") << name << "'";
    SmallVector<Operation *> ops;
    function.walk([&](Operation *op) { ops.push_back(op); });
    for (Operation *op : ops)
      if (llvm::any_of(kernelTable(), [&](const Kernel &kernel) { return kernel.op == op->getName().getStringRef(); }))
        replace(op, *isa);
    return success();
  }

  static void replace(Operation *op, const Isa &isa) {
    OpBuilder b(op);
    KernelBuilder k(b, op->getLoc(), isa);
    for (const Kernel &kernel : kernelTable())
      if (kernel.op == op->getName().getStringRef() && succeeded(kernel.emit(op, k)))
        return op->erase();
    if (llvm::isa<NNOptDialect>(op->getDialect()))
      remark::missed(op->getLoc(), remark::RemarkOpts::name("kernel").category("nnopt-lower-to-vector"))
          << remark::add("{0} runs in portable loops", op->getName().getStringRef()) << remark::reason("{0}", whyPortable(op));
  }
};

} // namespace
