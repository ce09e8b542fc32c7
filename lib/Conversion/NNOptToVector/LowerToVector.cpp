//===- LowerToVector.cpp - replace ops on buffers by kernels --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Conversion/Passes.h"

#include "Kernels.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace nnopt {
#define GEN_PASS_DEF_LOWERTOVECTOR
#include "nnopt/Conversion/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

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
  }
};

} // namespace
