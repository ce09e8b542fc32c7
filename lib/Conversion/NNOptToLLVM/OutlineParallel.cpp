//===- OutlineParallel.cpp - parallel regions to functions ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "WorkEstimate.h"
#include "nnopt/Conversion/Passes.h"
#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Target/Isa.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"

namespace nnopt {
#define GEN_PASS_DEF_OUTLINEPARALLEL
#include "nnopt/Conversion/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

static constexpr StringLiteral kRuntimeFunction = "nnopt_parallel_for";

/// Regions with less work than this many simple operations (some 20 us) are not shared: waking threads costs as much.
static constexpr double kLeastWork = 60000;

/// Moves the stack arrays at the start of `block` to the start of the function that `anchor` is in: left where the block is
/// inlined, they would grow the stack if that is a loop.
static void hoistStackArrays(Block &block, func::FuncOp function) {
  Operation *before = &function.getBody().front().front();
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (!isa<memref::AllocaOp, LLVM::AllocaOp>(op))
      continue;
    auto isConstant = [](Value operand) { return matchPattern(operand, m_Constant()); };
    if (!llvm::all_of(op.getOperands(), isConstant))
      continue;
    // The constants may be anywhere, and others may use them.
    OpBuilder b(before);
    for (OpOperand &operand : op.getOpOperands())
      operand.set(b.clone(*operand.get().getDefiningOp())->getResult(0));
    op.moveBefore(before);
  }
}

/// Runs the body in place on the whole range.
static void runInPlace(ParallelForOp op) {
  OpBuilder b(op);
  Block &block = op.getBody().front();
  hoistStackArrays(block, op->getParentOfType<func::FuncOp>());
  block.getArgument(0).replaceAllUsesWith(Value(arith::ConstantIndexOp::create(b, op.getLoc(), 0)));
  block.getArgument(1).replaceAllUsesWith(op.getCount());
  op->getBlock()->getOperations().splice(Block::iterator(op), block.getOperations());
  op.erase();
}

namespace {

/// One value captured by a region: how it travels in the context.
struct Capture {
  Value value;
  bool isStaticBuffer; ///< only its address travels, the rest is known from the type
  Type stored;

  Capture(Value value, const LLVMTypeConverter &converter) : value(value) {
    auto memref = dyn_cast<MemRefType>(value.getType());
    isStaticBuffer = memref && memref.hasStaticShape() && memref.getLayout().isIdentity();
    stored = isStaticBuffer ? LLVM::LLVMPointerType::get(value.getContext()) : converter.convertType(value.getType());
  }

  Value pack(OpBuilder &b, Location loc, const LLVMTypeConverter &converter) const {
    Type llvmType = converter.convertType(value.getType());
    if (llvmType == value.getType())
      return value;
    Value converted = UnrealizedConversionCastOp::create(b, loc, llvmType, value).getResult(0);
    return isStaticBuffer ? MemRefDescriptor(converted).alignedPtr(b, loc) : converted;
  }

  Value unpack(OpBuilder &b, Location loc, Value field, const LLVMTypeConverter &converter) const {
    if (field.getType() == value.getType())
      return field;
    if (isStaticBuffer)
      field = MemRefDescriptor::fromStaticShape(b, loc, converter, cast<MemRefType>(value.getType()), field);
    return UnrealizedConversionCastOp::create(b, loc, value.getType(), field).getResult(0);
  }
};

struct Outliner {
  Outliner(ModuleOp module, bool threads) : module(module), threads(threads) {}

  ModuleOp module;
  bool threads;
  LLVMTypeConverter converter{module.getContext()};
  Type pointer = LLVM::LLVMPointerType::get(module.getContext());
  llvm::StringMap<unsigned> numbers; ///< of bodies per entry function

  /// Captured constants and addresses of globals are made again inside: there they are constants still.
  static void rematerialize(ParallelForOp op, SetVector<Value> &captured) {
    OpBuilder b = OpBuilder::atBlockBegin(&op.getBody().front());
    captured.remove_if([&](Value value) {
      Operation *def = value.getDefiningOp();
      if (!def || !(def->hasTrait<OpTrait::ConstantLike>() || isa<memref::GetGlobalOp>(def)))
        return false;
      Value copy = b.clone(*def)->getResult(0);
      replaceAllUsesInRegionWith(value, copy, op.getBody());
      return true;
    });
  }

  func::FuncOp makeBody(ParallelForOp op, func::FuncOp parent, ArrayRef<Capture> captures, Type contextType) {
    OpBuilder b(module.getContext());
    b.setInsertionPointAfter(parent);
    Location loc = op.getLoc();
    std::string name = (parent.getName() + "_body" + Twine(numbers[parent.getName()]++)).str();
    Type i64 = b.getI64Type();
    auto body = func::FuncOp::create(b, loc, name, b.getFunctionType({pointer, i64, i64}, {}));
    body.setPrivate();
    body->setAttr(kIsaAttr, parent->getAttr(kIsaAttr));
    body.setNoInline(true);
    b.setInsertionPointToStart(body.addEntryBlock());

    Block &from = op.getBody().front(), &to = body.getBody().front();
    for (auto [i, capture] : llvm::enumerate(captures)) {
      Value address = LLVM::GEPOp::create(b, loc, pointer, contextType, body.getArgument(0),
                                          ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(i)});
      Value field = LLVM::LoadOp::create(b, loc, capture.stored, address);
      replaceAllUsesInRegionWith(capture.value, capture.unpack(b, loc, field, converter), op.getBody());
    }
    for (unsigned i = 0; i < 2; ++i) {
      Value bound = arith::IndexCastOp::create(b, loc, b.getIndexType(), body.getArgument(1 + i));
      from.getArgument(i).replaceAllUsesWith(bound);
    }
    to.getOperations().splice(to.end(), from.getOperations());
    b.setInsertionPointToEnd(&to);
    func::ReturnOp::create(b, loc);
    return body;
  }

  Value makeContext(ParallelForOp op, func::FuncOp parent, ArrayRef<Capture> captures, Type contextType) {
    OpBuilder b = OpBuilder::atBlockBegin(&parent.getBody().front());
    Location loc = op.getLoc();
    Value one = LLVM::ConstantOp::create(b, loc, b.getI64Type(), b.getI64IntegerAttr(1));
    Value context = LLVM::AllocaOp::create(b, loc, pointer, contextType, one);
    b.setInsertionPoint(op);
    for (auto [i, capture] : llvm::enumerate(captures)) {
      Value address = LLVM::GEPOp::create(b, loc, pointer, contextType, context,
                                          ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(i)});
      LLVM::StoreOp::create(b, loc, capture.pack(b, loc, converter), address);
    }
    return context;
  }

  void outline(ParallelForOp op, Value options) {
    auto parent = op->getParentOfType<func::FuncOp>();
    Location loc = op.getLoc();
    SetVector<Value> captured;
    getUsedValuesDefinedAbove(op.getBody(), captured);
    rematerialize(op, captured);
    SmallVector<Capture> captures;
    for (Value value : captured)
      captures.emplace_back(value, converter);
    auto contextType = LLVM::LLVMStructType::getLiteral(
        module.getContext(), llvm::map_to_vector(captures, [](const Capture &capture) { return capture.stored; }));

    Value context = makeContext(op, parent, captures, contextType);
    func::FuncOp body = makeBody(op, parent, captures, contextType);
    OpBuilder b(op);
    Value count = arith::IndexCastOp::create(b, loc, b.getI64Type(), op.getCount());
    if (threads) {
      Value function = func::ConstantOp::create(b, loc, body.getFunctionType(), SymbolRefAttr::get(body));
      function = UnrealizedConversionCastOp::create(b, loc, pointer, function).getResult(0);
      LLVM::CallOp::create(b, loc, runtimeFunction(), ValueRange{options, function, context, count});
    } else {
      Value zero = arith::ConstantIntOp::create(b, loc, 0, 64);
      func::CallOp::create(b, loc, body, ValueRange{context, zero, count});
    }
    op.erase();
  }

  LLVM::LLVMFuncOp runtimeFunction() {
    if (auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(kRuntimeFunction))
      return function;
    OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
    auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(module.getContext()),
                                            {pointer, pointer, pointer, b.getI64Type()});
    return LLVM::LLVMFuncOp::create(b, module.getLoc(), kRuntimeFunction, type);
  }
};

struct OutlineParallel : nnopt::impl::OutlineParallelBase<OutlineParallel> {
  using OutlineParallelBase::OutlineParallelBase;

  void runOnOperation() override {
    // Inner regions first, so that an outlined body holds none.
    SmallVector<ParallelForOp> ops;
    getOperation().walk<WalkOrder::PostOrder>([&](ParallelForOp op) { ops.push_back(op); });
    WorkEstimate estimate(getOperation());
    SmallVector<ParallelForOp> shared;
    for (ParallelForOp op : ops) {
      bool isTop = isEntry(op->getParentOfType<func::FuncOp>()) && !op->getParentOfType<ParallelForOp>();
      if (!isTop || getConstantIntValue(op.getCount()) == 1 || estimate.of(op).value_or(kLeastWork) < kLeastWork)
        runInPlace(op);
      else
        shared.push_back(op);
    }
    Outliner outliner(getOperation(), threads != 0);
    for (ParallelForOp op : shared)
      outliner.outline(op, op->getParentOfType<func::FuncOp>().getArguments().back());
  }

private:
  /// Entry functions end in the options.
  static bool isEntry(func::FuncOp function) {
    return function && function->hasAttr(kIsaAttr) && function.getName().starts_with((kEntryName + "_").str()) &&
           function.getNumArguments() == 5;
  }
};
} // namespace
