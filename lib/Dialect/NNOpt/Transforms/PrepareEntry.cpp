//===- PrepareEntry.cpp - the entry function before bufferization ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"

namespace nnopt {
#define GEN_PASS_DEF_PREPAREENTRY
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

namespace {

class PrepareEntry : public nnopt::impl::PrepareEntryBase<PrepareEntry> {
public:
  using PrepareEntryBase::PrepareEntryBase;

  void runOnOperation() override {
    auto entry = getOperation().lookupSymbol<func::FuncOp>(kEntryName);
    if (!entry || entry.isExternal()) {
      getOperation().emitError("has no function @") << kEntryName << " to bufferize";
      return signalPassFailure();
    }
    if (entry.getBody().getBlocks().size() != 1) {
      entry.emitOpError("has control flow between blocks, expects one block");
      return signalPassFailure();
    }
    materializeGlobals(entry);
    if (failed(passResultsByArgument(entry)) || failed(passInputsAsBuffers(entry)))
      return signalPassFailure();
  }

private:
  /// Constants become read-only globals; equal ones share.
  void materializeGlobals(func::FuncOp entry) {
    OpBuilder top = OpBuilder::atBlockBegin(getOperation().getBody());
    llvm::MapVector<std::pair<Attribute, Type>, memref::GlobalOp> globals;
    entry.walk([&](Operation *op) {
      ElementsAttr value;
      if (auto weight = dyn_cast<WeightOp>(op))
        value = weight.getValue();
      else if (auto constant = dyn_cast<arith::ConstantOp>(op))
        value = dyn_cast<ElementsAttr>(constant.getValue());
      if (!value || !isa<RankedTensorType>(op->getResult(0).getType()))
        return;
      auto tensor = cast<RankedTensorType>(op->getResult(0).getType());
      auto type = MemRefType::get(tensor.getShape(), tensor.getElementType());
      memref::GlobalOp &global = globals[{value, type}];
      if (!global) {
        global = memref::GlobalOp::create(top, op->getLoc(), ("weight_" + Twine(globals.size() - 1)).str(),
                                          top.getStringAttr("private"), type, /*initial_value=*/Attribute(),
                                          /*constant=*/true, top.getI64IntegerAttr(64));
        global->setAttr(kValueAttr, value);
      }
      OpBuilder b(op);
      Value buffer = memref::GetGlobalOp::create(b, op->getLoc(), type, global.getSymName());
      Value read = bufferization::ToTensorOp::create(b, op->getLoc(), tensor, buffer, /*restrict=*/true);
      op->replaceAllUsesWith(ValueRange{read});
      op->erase();
    });
  }

  static MemRefType bufferOf(Type type) {
    auto tensor = cast<RankedTensorType>(type);
    return MemRefType::get(tensor.getShape(), tensor.getElementType());
  }

  /// The tensor that the pieces of `value` are inserted in (nnopt-materialize-destinations); null if it has none.
  static bufferization::AllocTensorOp beginningOf(Value value) {
    while (auto insert = value.getDefiningOp<tensor::InsertSliceOp>())
      value = insert.getDest();
    auto begin = value.getDefiningOp<bufferization::AllocTensorOp>();
    return begin && !begin.getCopy() ? begin : bufferization::AllocTensorOp();
  }

  /// Results are written to new last arguments; their extents are returned instead, for `@shapes`.
  LogicalResult passResultsByArgument(func::FuncOp entry) {
    auto terminator = cast<func::ReturnOp>(entry.front().getTerminator());
    OpBuilder b(terminator);
    SmallVector<Value> extents;
    SmallVector<DictionaryAttr> attributes;
    for (unsigned i = 0; i < entry.getNumResults(); ++i)
      attributes.push_back(entry.getResultAttrDict(i));
    for (auto [i, result] : llvm::enumerate(terminator.getOperands())) {
      auto type = dyn_cast<RankedTensorType>(result.getType());
      if (!type)
        return terminator.emitOpError("returns a ") << result.getType() << ", expects ranked tensors";
      NamedAttrList list(attributes[i] ? attributes[i] : DictionaryAttr::get(&getContext()));
      list.set(kOutputAttr, b.getUnitAttr());
      unsigned position = entry.getNumArguments();
      if (failed(entry.insertArgument(position, bufferOf(type), list.getDictionary(&getContext()), result.getLoc())))
        return failure();
      auto write = bufferization::MaterializeInDestinationOp::create(b, result.getLoc(), Type(), result, entry.getArgument(position));
      write.setWritable(true);
      bufferization::AllocTensorOp begin = beginningOf(result);
      // Before the beginning becomes the caller's buffer, whose extents are what is asked for.
      unsigned numDynamic = 0;
      for (int64_t d = 0; d < type.getRank(); ++d)
        extents.push_back(begin && type.isDynamicDim(d) ? Value(begin.getDynamicSizes()[numDynamic++])
                                                        : b.createOrFold<tensor::DimOp>(result.getLoc(), result, d));
      if (begin) { // assembled in the caller's buffer
        OpBuilder early(begin);
        Value output = bufferization::ToTensorOp::create(early, result.getLoc(), type, entry.getArgument(position),
                                                         /*restrict=*/true, /*writable=*/true);
        begin.replaceAllUsesWith(output);
        begin.erase();
      } else {
        write.setRestrict(true);
      }
    }
    terminator.getOperandsMutable().assign(extents);
    entry.setResAttrsAttr(nullptr);
    SmallVector<Type> types(extents.size(), b.getIndexType());
    entry.setType(b.getFunctionType(entry.getArgumentTypes(), types));
    return success();
  }

  /// Inputs become buffers; their dynamic extents one index argument per symbol.
  LogicalResult passInputsAsBuffers(func::FuncOp entry) {
    OpBuilder b = OpBuilder::atBlockBegin(&entry.front());
    SmallVector<Attribute> symbols;
    llvm::StringSet<> known;
    unsigned numArguments = entry.getNumArguments();
    for (unsigned i = 0; i < numArguments; ++i) {
      BlockArgument argument = entry.getArgument(i);
      auto tensor = dyn_cast<RankedTensorType>(argument.getType());
      if (!tensor) {
        if (entry.getArgAttr(i, kOutputAttr))
          continue;
        return entry.emitOpError("takes a ") << argument.getType() << " as argument " << i << ", expects ranked tensors";
      }
      auto dims = entry.getArgAttrOfType<ArrayAttr>(i, kDimsAttr);
      SmallVector<Attribute> names;
      for (int64_t d = 0; d < tensor.getRank(); ++d) {
        if (!tensor.isDynamicDim(d)) {
          names.push_back(b.getStringAttr(Twine(tensor.getDimSize(d))));
          continue;
        }
        std::string name = dims && d < int64_t(dims.size()) ? cast<StringAttr>(dims[d]).str() : std::string();
        if (name.empty() || name == "?")
          name = ("dim_" + Twine(i) + "_" + Twine(d)).str();
        names.push_back(b.getStringAttr(name));
        if (!known.insert(name).second)
          continue;
        symbols.push_back(b.getStringAttr(name));
        if (failed(entry.insertArgument(entry.getNumArguments(), b.getIndexType(), {}, entry.getLoc())))
          return failure();
      }
      entry.setArgAttr(i, kDimsAttr, b.getArrayAttr(names));
      argument = entry.getArgument(i);
      argument.setType(bufferOf(tensor));
      auto read = bufferization::ToTensorOp::create(b, entry.getLoc(), tensor, argument, /*restrict=*/true);
      argument.replaceAllUsesExcept(read, read);
    }
    entry.setType(b.getFunctionType(entry.front().getArgumentTypes(), entry.getResultTypes()));
    getOperation()->setAttr(kSymbolsAttr, b.getArrayAttr(symbols));
    return success();
  }
};

} // namespace
