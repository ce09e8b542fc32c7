//===- LowerEntry.cpp - the binary interface of the entry functions -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Conversion/Passes.h"
#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Target/Isa.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/IRMapping.h"

namespace nnopt {
#define GEN_PASS_DEF_LOWERENTRY
#include "nnopt/Conversion/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

namespace {

/// What an argument of the entry function is; see docs/Architecture.md.
struct Signature {
  SmallVector<unsigned> inputs, outputs, symbols;
  std::optional<unsigned> workspace;

  static FailureOr<Signature> of(func::FuncOp function) {
    Signature result;
    for (unsigned i = 0; i < function.getNumArguments(); ++i) {
      Type type = function.getArgument(i).getType();
      auto memref = dyn_cast<MemRefType>(type);
      if (type.isIndex())
        result.symbols.push_back(i);
      else if (!memref || !memref.getLayout().isIdentity())
        return function.emitError("has an argument of type ") << type << ", expected a contiguous buffer or an index";
      else if (function.getArgAttr(i, kOutputAttr))
        result.outputs.push_back(i);
      else if (function.getArgAttr(i, kNameAttr))
        result.inputs.push_back(i);
      else if (result.workspace)
        return function.emitError("has two arguments without '") << kNameAttr << "', expected the workspace only";
      else
        result.workspace = i;
    }
    return result;
  }
};

/// Emits the body of a function of the binary interface.
struct EntryBuilder {
  OpBuilder &b;
  Location loc;
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());

  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }
  Value toI64(Value value) { return arith::IndexCastOp::create(b, loc, b.getI64Type(), value); }

  Value element(Value array, Type type, int64_t i) {
    Value address = LLVM::GEPOp::create(b, loc, pointer, type, array, ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i)});
    return LLVM::LoadOp::create(b, loc, type, address);
  }
  SmallVector<Value> loadSymbols(Value array, unsigned count) {
    SmallVector<Value> result;
    for (unsigned i = 0; i < count; ++i)
      result.push_back(arith::IndexCastOp::create(b, loc, b.getIndexType(), element(array, b.getI64Type(), i)));
    return result;
  }
  void store(Value value, Value array, int64_t i) {
    Value address = LLVM::GEPOp::create(b, loc, pointer, b.getI64Type(), array, ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i)});
    LLVM::StoreOp::create(b, loc, toI64(value), address);
  }

  /// A contiguous buffer of the given extents.
  Value buffer(MemRefType type, Value data, ArrayRef<Value> extents) {
    LLVMTypeConverter converter(b.getContext());
    auto descriptor = MemRefDescriptor::poison(b, loc, converter.convertType(type));
    descriptor.setAllocatedPtr(b, loc, data);
    descriptor.setAlignedPtr(b, loc, data);
    descriptor.setConstantOffset(b, loc, 0);
    Value stride = LLVM::ConstantOp::create(b, loc, b.getI64Type(), b.getI64IntegerAttr(1));
    for (int64_t d = type.getRank(); d-- > 0;) {
      Value extent = toI64(extents[d]);
      descriptor.setSize(b, loc, d, extent);
      descriptor.setStride(b, loc, d, stride);
      stride = b.createOrFold<arith::MulIOp>(loc, stride, extent);
    }
    return UnrealizedConversionCastOp::create(b, loc, type, Value(descriptor)).getResult(0);
  }

  /// The results of `function`, whose body is copied here, for `arguments`.
  SmallVector<Value> inlined(func::FuncOp function, ValueRange arguments) {
    IRMapping mapping;
    Block &body = function.getBody().front();
    mapping.map(body.getArguments(), arguments);
    for (Operation &op : body.without_terminator())
      b.clone(op, mapping);
    return llvm::map_to_vector(body.getTerminator()->getOperands(), [&](Value v) { return mapping.lookupOrDefault(v); });
  }
};

struct LowerEntry : nnopt::impl::LowerEntryBase<LowerEntry> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto shapes = lookup(kShapesName), workspace = lookup(kWorkspaceName);
    if (!shapes || !workspace)
      return signalPassFailure();
    for (func::FuncOp function : llvm::to_vector(module.getOps<func::FuncOp>())) {
      if (!function->hasAttr(kIsaAttr) || !function.getName().starts_with((kEntryName + "_").str()))
        continue;
      FailureOr<Signature> signature = Signature::of(function);
      if (failed(signature))
        return signalPassFailure();
      recordSignature(function, *signature);
      if (failed(lowerMain(function, *signature, shapes)))
        return signalPassFailure();
    }
    lowerQuery(workspace, /*returns=*/true);
    lowerQuery(shapes, /*returns=*/false);
  }

private:
  func::FuncOp lookup(StringRef name) {
    auto function = getOperation().lookupSymbol<func::FuncOp>(name);
    if (!function || !llvm::hasSingleElement(function.getBody())) {
      getOperation().emitError("has no function '@") << name << "' of one block";
      return nullptr;
    }
    return function;
  }

  void recordSignature(func::FuncOp function, const Signature &signature) {
    Builder b(&getContext());
    auto describe = [&](ArrayRef<unsigned> arguments) {
      SmallVector<Attribute> rows;
      for (unsigned i : arguments) {
        auto type = cast<MemRefType>(function.getArgument(i).getType());
        NamedAttrList row;
        row.set("name", function.getArgAttr(i, kNameAttr));
        row.set("dims", function.getArgAttr(i, kDimsAttr) ? function.getArgAttr(i, kDimsAttr) : b.getArrayAttr({}));
        row.set("type", TypeAttr::get(RankedTensorType::get(type.getShape(), type.getElementType())));
        rows.push_back(row.getDictionary(&getContext()));
      }
      return b.getArrayAttr(rows);
    };
    getOperation()->setAttr(kInputsAttr, describe(signature.inputs));
    getOperation()->setAttr(kOutputsAttr, describe(signature.outputs));
  }

  /// Extents of an input, from its symbols.
  LogicalResult inputExtents(func::FuncOp function, unsigned argument, ArrayRef<Value> symbols, EntryBuilder &e,
                             SmallVector<Value> &extents) {
    auto type = cast<MemRefType>(function.getArgument(argument).getType());
    auto dims = function.getArgAttrOfType<ArrayAttr>(argument, kDimsAttr);
    auto names = getOperation()->getAttrOfType<ArrayAttr>(kSymbolsAttr);
    for (int64_t d = 0; d < type.getRank(); ++d) {
      if (!type.isDynamicDim(d)) {
        extents.push_back(e.index(type.getDimSize(d)));
        continue;
      }
      Attribute dim = dims && d < static_cast<int64_t>(dims.size()) ? dims[d] : Attribute();
      auto found = names ? llvm::find(names, dim) : nullptr;
      size_t position = names ? std::distance(names.begin(), found) : 0;
      if (!names || position >= symbols.size())
        return function.emitError("has no symbol for dimension ") << d << " of argument #" << argument;
      extents.push_back(symbols[position]);
    }
    return success();
  }

  LogicalResult lowerMain(func::FuncOp function, const Signature &signature, func::FuncOp shapes) {
    OpBuilder b(function);
    Location loc = function.getLoc();
    Type pointer = LLVM::LLVMPointerType::get(&getContext());
    auto entry = func::FuncOp::create(b, loc, function.getName(), b.getFunctionType(SmallVector<Type>(5, pointer), {}));
    entry->setAttr(kIsaAttr, function->getAttr(kIsaAttr));
    for (unsigned i = 0; i < 5; ++i)
      entry.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(), b.getUnitAttr());
    b.setInsertionPointToStart(entry.addEntryBlock());
    EntryBuilder e{b, loc};
    Value inputs = entry.getArgument(0), outputs = entry.getArgument(1), workspace = entry.getArgument(3);

    IRMapping mapping;
    SmallVector<Value> symbols = e.loadSymbols(entry.getArgument(2), signature.symbols.size());
    for (auto [i, value] : llvm::zip_equal(signature.symbols, symbols))
      mapping.map(function.getArgument(i), value);
    for (auto [n, i] : llvm::enumerate(signature.inputs)) {
      SmallVector<Value> extents;
      if (failed(inputExtents(function, i, symbols, e, extents)))
        return failure();
      auto type = cast<MemRefType>(function.getArgument(i).getType());
      mapping.map(function.getArgument(i), e.buffer(type, e.element(inputs, pointer, n), extents));
    }
    SmallVector<Value> outputExtents = e.inlined(shapes, symbols);
    size_t next = 0;
    for (auto [n, i] : llvm::enumerate(signature.outputs)) {
      auto type = cast<MemRefType>(function.getArgument(i).getType());
      if (next + type.getRank() > outputExtents.size())
        return shapes.emitError("returns ") << outputExtents.size() << " extents, too few for the outputs";
      ArrayRef<Value> extents = ArrayRef(outputExtents).slice(next, type.getRank());
      next += type.getRank();
      mapping.map(function.getArgument(i), e.buffer(type, e.element(outputs, pointer, n), extents));
    }
    if (signature.workspace) { // its extent is the caller's affair; nothing reads it
      auto type = cast<MemRefType>(function.getArgument(*signature.workspace).getType());
      mapping.map(function.getArgument(*signature.workspace),
                  e.buffer(type, workspace, e.index(std::numeric_limits<int64_t>::max())));
    }
    for (BlockArgument argument : function.getArguments())
      argument.replaceAllUsesWith(mapping.lookup(argument));
    Block &from = function.getBody().front(), &to = entry.getBody().front();
    to.getOperations().splice(to.end(), from.getOperations());
    function.erase();
    return success();
  }

  /// `@workspace(symbols) -> bytes` or `@shapes(symbols, extents)`.
  void lowerQuery(func::FuncOp function, bool returns) {
    OpBuilder b(function);
    Type pointer = LLVM::LLVMPointerType::get(&getContext()), i64 = b.getI64Type();
    FunctionType type = returns ? b.getFunctionType({pointer}, {i64}) : b.getFunctionType({pointer, pointer}, {});
    auto query = func::FuncOp::create(b, function.getLoc(), function.getName(), type);
    b.setInsertionPointToStart(query.addEntryBlock());
    EntryBuilder e{b, function.getLoc()};
    SmallVector<Value> symbols = e.loadSymbols(query.getArgument(0), function.getNumArguments());
    SmallVector<Value> results = e.inlined(function, symbols);
    if (returns) {
      func::ReturnOp::create(b, e.loc, e.toI64(results.front()));
    } else {
      for (auto [i, value] : llvm::enumerate(results))
        e.store(value, query.getArgument(1), i);
      func::ReturnOp::create(b, e.loc);
    }
    function.erase();
  }
};
} // namespace
