//===- SpecializeIsa.cpp - one entry function per instruction set ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Conversion/Passes.h"
#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Target/Isa.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace nnopt {
#define GEN_PASS_DEF_SPECIALIZEISA
#include "nnopt/Conversion/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

namespace {
struct SpecializeIsa : nnopt::impl::SpecializeIsaBase<SpecializeIsa> {
  using SpecializeIsaBase::SpecializeIsaBase;

  LogicalResult initialize(MLIRContext *context) override {
    rows.clear();
    for (const std::string &name : isas) {
      const Isa *isa = findIsa(name);
      if (!isa)
        return emitError(UnknownLoc::get(context)) << getArgument() << ": unknown instruction set '" << name << "'";
      if (!rows.empty() && rows.front()->arch != isa->arch)
        return emitError(UnknownLoc::get(context)) << getArgument() << ": '" << rows.front()->name << "' and '" << name
                                                   << "' are of different architectures";
      if (!llvm::is_contained(rows, isa))
        rows.push_back(isa);
    }
    if (rows.empty())
      return emitError(UnknownLoc::get(context)) << getArgument() << ": no instruction set given";
    return success();
  }

  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>(kEntryName);
    if (!main) {
      getOperation().emitError("has no function '@") << kEntryName << "'";
      return signalPassFailure();
    }
    for (const Isa *isa : rows) {
      OpBuilder builder(main);
      auto variant = cast<func::FuncOp>(builder.clone(*main));
      variant.setName((kEntryName + "_" + isa->name).str());
      variant->setAttr(kIsaAttr, builder.getStringAttr(isa->name));
    }
    main.erase();
  }

  SmallVector<const Isa *> rows;
};
} // namespace
