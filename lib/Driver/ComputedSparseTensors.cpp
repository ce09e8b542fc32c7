//===- ComputedSparseTensors.cpp - sparse values that are no constants ----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "SparseTensors.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/IR/SparseLevels.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace nnopt;

static bool hasSparseTypes(Operation *op) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  return llvm::any_of(op->getOperandTypes(), isSparse) || llvm::any_of(op->getResultTypes(), isSparse) ||
         (function && (llvm::any_of(function.getArgumentTypes(), isSparse) || llvm::any_of(function.getResultTypes(), isSparse)));
}

namespace {

/// Moves one linalg op, what it reads of sparse values, and the fill that it starts from into `nnopt.sparse_compute`.
class Wrapper {
public:
  explicit Wrapper(linalg::LinalgOp op) : op(op), fill(op.getDpsInits()[0].getDefiningOp<linalg::FillOp>()) {}

  void run() {
    collect();
    OpBuilder b(op);
    Value init = fill ? fill.getOutputs()[0] : op.getDpsInits()[0];
    auto compute = SparseComputeOp::create(b, op.getLoc(), init.getType(), inputs.getArrayRef(), init);
    Block *block = b.createBlock(&compute.getBody());
    IRMapping mapping;
    for (Value input : inputs)
      mapping.map(input, block->addArgument(input.getType(), input.getLoc()));
    Value start = block->addArgument(init.getType(), init.getLoc());
    for (Operation *inner : inside)
      b.clone(*inner, mapping);
    if (fill)
      start = linalg::FillOp::create(b, fill.getLoc(), mapping.lookup(fill.getInputs()[0]), start).getResult(0);
    mapping.map(op.getDpsInits()[0], start);
    YieldOp::create(b, op.getLoc(), b.clone(*op, mapping)->getResult(0));
    op->getResult(0).replaceAllUsesWith(compute.getResult());
    op.erase();
    if (fill && fill->use_empty())
      fill.erase();
  }

private:
  linalg::LinalgOp op;
  linalg::FillOp fill;
  llvm::SetVector<Value> inputs;
  llvm::SetVector<Operation *> inside;

  void add(Value value) {
    Operation *def = value.getDefiningOp();
    if (auto assemble = dyn_cast_or_null<sparse_tensor::AssembleOp>(def)) {
      inputs.insert(assemble->operand_begin(), assemble->operand_end());
      inside.insert(def);
    } else if (def && def->hasTrait<OpTrait::ConstantLike>() && !isa<ShapedType>(value.getType())) {
      inside.insert(def);
    } else {
      inputs.insert(value);
    }
  }

  void collect() {
    for (Value value : op.getDpsInputs())
      add(value);
    llvm::SetVector<Value> captured;
    getUsedValuesDefinedAbove(op->getRegions(), captured);
    if (fill)
      captured.insert(fill.getInputs()[0]);
    for (Value value : captured)
      add(value);
  }
};

class Importer {
public:
  explicit Importer(ModuleOp module) : module(module) {}

  LogicalResult run() {
    SmallVector<Operation *> ops;
    module.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (hasSparseTypes(op))
        ops.push_back(op);
    });
    if (ops.empty())
      return success();
    module.getContext()->loadDialect<NNOptDialect>(); // the file may have none of its ops
    for (Operation *op : ops)
      if (failed(import(op)))
        return failure();
    for (linalg::LinalgOp op : readers)
      Wrapper(op).run();
    for (sparse_tensor::AssembleOp op : assembles)
      if (op->use_empty())
        op.erase();
    return success();
  }

private:
  ModuleOp module;
  SmallVector<sparse_tensor::AssembleOp> assembles;
  SmallVector<linalg::LinalgOp> readers;

  LogicalResult import(Operation *op) {
    if (isa<FunctionOpInterface>(op))
      return op->emitOpError("takes or returns a value of a sparse type, which nnopt does not support; pass its positions, coordinates and values, and "
                             "assemble them inside");
    if (auto assemble = dyn_cast<sparse_tensor::AssembleOp>(op)) {
      assembles.push_back(assemble);
      if (sparseLevels(assemble))
        return success();
      return op->emitOpError("has a level in a format that nnopt does not support");
    }
    if (auto convert = dyn_cast<sparse_tensor::ConvertOp>(op))
      return import(convert);
    if (isa<tensor::EmptyOp>(op)) {
      op->getResult(0).setType(withoutEncoding(op->getResult(0).getType()));
      return success();
    }
    if (auto structured = dyn_cast<linalg::LinalgOp>(op))
      return import(structured);
    return op->emitOpError("has a value of a sparse type, which nnopt supports in linalg ops only");
  }

  /// Between encodings nothing changes; what gets one keeps all its elements.
  LogicalResult import(sparse_tensor::ConvertOp op) {
    auto from = cast<RankedTensorType>(op.getSource().getType()), to = cast<RankedTensorType>(op.getType());
    if (from.getElementType() != to.getElementType())
      return op.emitOpError("converts ") << from.getElementType() << " to " << to.getElementType() << " elements, which nnopt does not support";
    Value source = op.getSource();
    if (isSparse(from) && !isSparse(to))
      source = elementsOf(op);
    if (!source)
      return op->emitOpError("has a value of a sparse type, which nnopt does not support where it is not assembled");
    if (!isSparse(source.getType()) && source.getType() != withoutEncoding(to)) {
      OpBuilder b(op);
      source = tensor::CastOp::create(b, op.getLoc(), withoutEncoding(to), source);
    }
    op.getResult().replaceAllUsesWith(source);
    op.erase();
    return success();
  }

  static Value elementsOf(sparse_tensor::ConvertOp op) {
    auto assemble = op.getSource().getDefiningOp<sparse_tensor::AssembleOp>();
    if (!assemble)
      return {};
    OpBuilder b(op);
    RankedTensorType type = withoutEncoding(assemble.getResult().getType());
    Value empty = tensor::EmptyOp::create(b, op.getLoc(), type.getShape(), type.getElementType());
    auto compute = SparseComputeOp::create(b, op.getLoc(), type, assemble->getOperands(), empty);
    Block *block = b.createBlock(&compute.getBody());
    for (Value operand : compute->getOperands())
      block->addArgument(operand.getType(), operand.getLoc());
    IRMapping mapping;
    mapping.map(assemble->getOperands(), block->getArguments().drop_back());
    Value value = b.clone(*assemble, mapping)->getResult(0);
    YieldOp::create(b, op.getLoc(), Value(sparse_tensor::ConvertOp::create(b, op.getLoc(), type, value)));
    return compute.getResult();
  }

  LogicalResult import(linalg::LinalgOp op) {
    for (auto [init, result] : llvm::zip_equal(op.getDpsInits(), op->getResults()))
      result.setType(init.getType());
    WalkResult body = op->walk<WalkOrder::PreOrder>([](Operation *inner) {
      return isa<sparse_tensor::SparseTensorDialect>(inner->getDialect()) ? inner->emitOpError("is not supported by nnopt"), WalkResult::interrupt()
                                                                         : WalkResult::advance();
    });
    if (body.wasInterrupted())
      return failure();
    if (!llvm::any_of(op->getOperandTypes(), isSparse))
      return success(); // what it read has all its elements
    if (op->getNumResults() != 1 || isSparse(op->getResult(0).getType()))
      return op->emitOpError("reads a value of a sparse type, which nnopt supports where there is one result, of a dense type");
    readers.push_back(op);
    return success();
  }
};

} // namespace

LogicalResult nnopt::importComputedSparseTensors(ModuleOp module, bool &unsupported) {
  LogicalResult imported = Importer(module).run();
  unsupported |= failed(imported);
  return imported;
}
