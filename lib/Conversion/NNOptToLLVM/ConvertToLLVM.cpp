//===- ConvertToLLVM.cpp - the last conversion ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Conversion/Passes.h"
#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Target/Isa.h"
#include "nnopt/Target/StraightLine.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include "llvm/ADT/StringSet.h"

namespace nnopt {
#define GEN_PASS_DEF_CONVERTTOLLVM
#include "nnopt/Conversion/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

namespace {

/// A weight: storage somewhere in the object, whose bytes the object writer supplies.
struct WeightToLLVM : ConvertOpToLLVMPattern<memref::GlobalOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(memref::GlobalOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    auto value = op->getAttrOfType<ElementsAttr>(kValueAttr);
    if (!value)
      return rewriter.notifyMatchFailure(op, "carries no value to be written as bytes");
    MemRefType type = op.getType();
    Type element = getTypeConverter()->convertType(type.getElementType());
    auto array = LLVM::LLVMArrayType::get(element, type.getNumElements());
    auto global = LLVM::GlobalOp::create(rewriter, op.getLoc(), array, /*isConstant=*/true, LLVM::Linkage::External,
                                         op.getSymName(), Attribute(), op.getAlignment().value_or(64));
    global.setVisibility_(LLVM::Visibility::Hidden);
    global->setAttr(kValueAttr, value);
    if (op->hasAttr(kCodeAttr))
      global->setAttr(kCodeAttr, rewriter.getUnitAttr());
    rewriter.eraseOp(op);
    return success();
  }
};

struct ConvertToLLVM : nnopt::impl::ConvertToLLVMBase<ConvertToLLVM> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (failed(checkNoAllocation()))
      return signalPassFailure();
    MLIRContext *context = &getContext();
    LowerToLLVMOptions options(context);
    LLVMTypeConverter converter(context, options);
    RewritePatternSet patterns(context);
    arith::populateCeilFloorDivExpandOpsPatterns(patterns);
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    index::populateIndexToLLVMConversionPatterns(converter, patterns);
    // Intrinsics, which the target may have instructions for, before calls of libm.
    populateMathToLLVMConversionPatterns(converter, patterns, /*approximateLog1p=*/false, /*benefit=*/2);
    populateMathToLibmConversionPatterns(patterns, /*benefit=*/1);
    populateVectorToLLVMConversionPatterns(converter, patterns);
    populateFinalizeMemRefToLLVMConversionPatterns(converter, patterns);
    populateFuncToLLVMConversionPatterns(converter, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    ub::populateUBToLLVMConversionPatterns(converter, patterns);
    patterns.add<WeightToLLVM>(converter, /*benefit=*/10);
    LLVMConversionTarget target(*context);
    target.addLegalOp<ModuleOp>();
    llvm::StringSet<> kept = neverInlined();
    if (failed(applyFullConversion(module, target, std::move(patterns))))
      return signalPassFailure();
    for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
      setTarget(function);
      if (kept.contains(function.getName()))
        function.setNoInline(true);
      if (function.isPrivate() && !function.isExternal())
        function.setLinkage(LLVM::Linkage::Internal);
    }
  }

private:
  /// A call of the artefact allocates nothing (docs/Architecture.md, "The artefact").
  LogicalResult checkNoAllocation() {
    WalkResult result = getOperation().walk([](memref::AllocOp op) {
      op.emitError("is not part of the workspace; the memory plan left an allocation of type ") << op.getType();
      return WalkResult::interrupt();
    });
    return failure(result.wasInterrupted());
  }

  /// The conversion of functions drops `no_inline`.
  llvm::StringSet<> neverInlined() {
    llvm::StringSet<> names;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.getNoInline())
        names.insert(function.getName());
    return names;
  }

  static void setTarget(LLVM::LLVMFuncOp function) {
    auto name = function->getAttrOfType<StringAttr>(kIsaAttr);
    const Isa *isa = name ? findIsa(name.getValue()) : nullptr;
    if (!isa)
      return;
    MLIRContext *context = function.getContext();
    function.setTargetCpu(isa->cpu);
    if (!isa->features.empty())
      function.setTargetFeaturesAttr(LLVM::TargetFeaturesAttr::get(context, isa->features));
  }
};
} // namespace
