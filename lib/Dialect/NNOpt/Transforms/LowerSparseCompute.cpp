//===- LowerSparseCompute.cpp - values that are sparse at run time --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "SparseStorage.h"
#include "SparsifierLoops.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/RegionUtils.h"

#include "llvm/Support/FormatVariadic.h"

namespace nnopt {
#define GEN_PASS_DEF_LOWERSPARSECOMPUTE
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

static constexpr auto kRemark = [](StringRef name) { return remark::RemarkOpts::name(name).category("nnopt-lower-sparse-compute"); };

/// Sparse values with more elements are not written out.
static constexpr int64_t kMostElements = int64_t(1) << 28;

/// How much longer a stored element takes that goes to single elements of the result, against one that goes to whole rows of it: neither loads nor
/// stores are vectors then.
static constexpr double kScatterCost = 10;

static MemRefType bufferOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return MemRefType::get(tensor.getShape(), tensor.getElementType());
}

namespace {

/// What a body on tensors consists of.
struct SparseBody {
  SmallVector<sparse_tensor::AssembleOp> assembles;
  SmallVector<SmallVector<SparseLevel>> levels;
  linalg::LinalgOp compute; ///< null if the result is a sparse value, with all its elements
  linalg::FillOp fill;      ///< what the result starts from; null if it is `init`

  static FailureOr<SparseBody> of(SparseComputeOp op) {
    SparseBody body;
    Block &block = op.getBody().front();
    auto yield = block.empty() ? YieldOp() : dyn_cast<YieldOp>(block.back());
    body.compute = yield ? yield.getValue().getDefiningOp<linalg::LinalgOp>() : linalg::LinalgOp();
    auto expand = yield ? yield.getValue().getDefiningOp<sparse_tensor::ConvertOp>() : sparse_tensor::ConvertOp();
    if (!expand && (!body.compute || body.compute->getNumResults() != 1))
      return op.emitOpError("expects a body that ends in one linalg op, or in a conversion");
    for (Operation &inner : block.without_terminator()) {
      auto assemble = dyn_cast<sparse_tensor::AssembleOp>(inner);
      if (!assemble && &inner != body.compute && &inner != expand && !isa<linalg::FillOp, tensor::EmptyOp>(inner) && !inner.hasTrait<OpTrait::ConstantLike>())
        return inner.emitOpError("is not expected in nnopt.sparse_compute");
      if (!assemble)
        continue;
      auto levels = sparseLevels(assemble);
      if (!levels)
        return assemble.emitOpError("has a level in a format that nnopt does not support");
      body.assembles.push_back(assemble);
      body.levels.push_back(*levels);
    }
    if (body.compute)
      body.fill = body.compute.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
    return body;
  }

  /// `compute` as a product of matrices.
  struct Product {
    Value lhs, rhs;
    bool transposeLhs = false, transposeRhs = false;
  };

  /// The product that `compute` is, if it is one of matrices or batches of them that starts from zero.
  std::optional<Product> product() {
    if (!fill || !matchPattern(fill.getInputs()[0], m_AnyZeroFloat()) || !linalg::isaContractionOpInterface(compute) ||
        compute.getNumDpsInputs() != 2 || !getElementTypeOrSelf(compute->getResult(0)).isF32())
      return std::nullopt;
    ArrayRef<AffineExpr> out = compute.getIndexingMapsArray()[2].getResults();
    if (out.size() < 2 || compute.getNumLoops() != out.size() + 1)
      return std::nullopt;
    for (unsigned left : {0, 1}) {
      OpOperand *lhs = compute.getDpsInputOperand(left), *rhs = compute.getDpsInputOperand(1 - left);
      std::optional<bool> transposeLhs = isTransposed(lhs, out, out[out.size() - 2], /*isKept=*/0);
      std::optional<bool> transposeRhs = isTransposed(rhs, out, out.back(), /*isKept=*/1);
      if (transposeLhs && transposeRhs)
        return Product{lhs->get(), rhs->get(), *transposeLhs, *transposeRhs};
    }
    return std::nullopt;
  }

  /// True if nothing is computed where a sparse operand stores nothing: a sum of products, or a product of elements.
  bool vanishesWithSparse() {
    if (linalg::isaContractionOpInterface(compute))
      return true;
    Operation *value = compute.getBlock()->getTerminator()->getOperand(0).getDefiningOp();
    return compute.getNumReductionLoops() == 0 && isa_and_nonnull<arith::MulFOp, arith::MulIOp>(value) &&
           llvm::all_of(compute.getDpsInputOperands(), [&](OpOperand *operand) {
             return !sparse_tensor::getSparseTensorEncoding(operand->get().getType()) ||
                    llvm::is_contained(value->getOperands(), compute.getMatchingBlockArgument(operand));
           });
  }

  /// True if every stored element takes part in a contiguous row of the result.
  bool hasWholeRows() {
    AffineMap out = compute.getMatchingIndexingMap(compute.getDpsInitOperand(0));
    return out.getNumResults() > 0 && llvm::none_of(compute.getDpsInputOperands(), [&](OpOperand *operand) {
      return sparse_tensor::getSparseTensorEncoding(operand->get().getType()) &&
             llvm::is_contained(compute.getMatchingIndexingMap(operand).getResults(), out.getResults().back());
    });
  }

  /// The share of elements that a sparse operand stores, at most, as far as the types tell.
  std::optional<double> density() {
    std::optional<double> most;
    for (sparse_tensor::AssembleOp assemble : assembles) {
      auto values = cast<RankedTensorType>(assemble.getValues().getType());
      auto all = cast<RankedTensorType>(assemble.getResult().getType());
      if (values.hasStaticShape() && all.getNumElements() > 0)
        most = std::max(most.value_or(0), double(values.getNumElements()) / all.getNumElements());
    }
    return most;
  }

private:
  /// Whether the last two loops of `operand` are swapped, `kept` being the one of the result, at place `place` otherwise; nothing if they are others.
  std::optional<bool> isTransposed(OpOperand *operand, ArrayRef<AffineExpr> out, AffineExpr kept, unsigned place) {
    ArrayRef<AffineExpr> loops = compute.getMatchingIndexingMap(operand).getResults();
    if (loops.size() != out.size() || loops.drop_back(2) != out.drop_back(2))
      return std::nullopt;
    ArrayRef<AffineExpr> matrix = loops.take_back(2);
    if (llvm::is_contained(out, matrix[1 - place]) == llvm::is_contained(out, matrix[place]))
      return std::nullopt;
    if (matrix[place] == kept)
      return false;
    return matrix[1 - place] == kept ? std::optional(true) : std::nullopt;
  }
};

class LowerSparseCompute : public nnopt::impl::LowerSparseComputeBase<LowerSparseCompute> {
public:
  using LowerSparseComputeBase::LowerSparseComputeBase;

  LogicalResult initialize(MLIRContext *context) override {
    if (maxDensity >= 0)
      return success();
    return emitError(UnknownLoc::get(context)) << getArgument() << ": max-density must not be negative, got " << maxDensity;
  }

  void runOnOperation() override {
    SmallVector<SparseComputeOp> ops;
    getOperation().walk([&](SparseComputeOp op) {
      if (isa<RankedTensorType>(op.getBody().front().getArguments().back().getType()))
        ops.push_back(op);
    });
    for (SparseComputeOp op : ops)
      if (failed(lower(op)))
        return signalPassFailure();
  }

private:
  LogicalResult lower(SparseComputeOp op) {
    FailureOr<SparseBody> body = SparseBody::of(op);
    if (failed(body))
      return failure();
    if (!body->compute)
      return rewrite(op, *body, /*loops=*/nullptr), success();
    std::string whyDense = whyNotSparse(*body);
    OwningOpRef<ModuleOp> loops;
    if (whyDense.empty())
      loops = sparsify(op, *body, whyDense);
    if (loops)
      remark::passed(op.getLoc(), kRemark("sparse")) << remark::add("loops over what is stored");
    else
      remark::missed(op.getLoc(), kRemark("sparse")) << remark::add("computed with all elements") << remark::reason("{0}", whyDense);
    loops ? ++sparseLoops : ++densified;
    if (!loops)
      for (sparse_tensor::AssembleOp assemble : body->assembles)
        if (int64_t count = cast<RankedTensorType>(assemble.getResult().getType()).getNumElements(); count > kMostElements)
          return assemble.emitOpError("has ") << count << " elements, too many to compute with all of them: " << whyDense;
    rewrite(op, *body, loops.get());
    return success();
  }

  /// Empty if loops over what is stored may be faster.
  std::string whyNotSparse(SparseBody &body) {
    for (auto [assemble, levels] : llvm::zip_equal(body.assembles, body.levels))
      if (StringRef why = whyNotSparsifier(assemble, levels); !why.empty())
        return why.str();
    if (!body.vanishesWithSparse())
      return "the result has elements where nothing is stored";
    std::optional<double> density = body.density();
    double most = body.hasWholeRows() ? maxDensity.getValue() : maxDensity.getValue() / kScatterCost;
    if (body.product() && density && *density > most)
      return llvm::formatv("{0:f3} of the elements are stored, more than {1:f3}", *density, most);
    return {};
  }

  /// Upstream's loops, as the one function of a module with the arguments of the body; null, and why, if it fails.
  OwningOpRef<ModuleOp> sparsify(SparseComputeOp op, SparseBody &body, std::string &why) {
    OpBuilder b = OpBuilder::atBlockEnd(getOperation().getBody());
    auto module = ModuleOp::create(b, op.getLoc());
    b.setInsertionPointToEnd(module.getBody());
    SmallVector<Type> types = argumentTypes(op);
    auto function = func::FuncOp::create(b, op.getLoc(), "loops", b.getFunctionType(types, {}));
    Block *block = function.addEntryBlock();
    b.setInsertionPointToStart(block);
    IRMapping mapping;
    for (auto [from, to] : llvm::zip_equal(op.getBody().getArguments(), block->getArguments())) {
      Value value = to;
      if (auto tensor = dyn_cast<RankedTensorType>(from.getType()))
        value = bufferization::ToTensorOp::create(b, op.getLoc(), tensor, to, /*restrict=*/true, /*writable=*/from == op.getBody().getArguments().back());
      mapping.map(from, value);
    }
    mapping.map(body.compute.getDpsInits()[0], mapping.lookup(op.getBody().getArguments().back()));
    for (Operation &inner : op.getBody().front().without_terminator())
      if (!isa<linalg::FillOp, tensor::EmptyOp>(inner))
        b.clone(inner, mapping);
    bufferization::MaterializeInDestinationOp::create(b, op.getLoc(), Type(), mapping.lookup(body.compute->getResult(0)),
                                                      block->getArguments().back())
        .setWritable(true);
    func::ReturnOp::create(b, op.getLoc());

    OpPassManager pipeline(ModuleOp::getOperationName());
    addSparsifier(pipeline);
    LogicalResult status = success();
    {
      ScopedDiagnosticHandler quiet(&getContext(), [&](Diagnostic &diagnostic) {
        if (why.empty() && diagnostic.getSeverity() == DiagnosticSeverity::Error)
          why = "upstream's sparsifier says: " + diagnostic.str();
        return success();
      });
      status = runPipeline(pipeline, module);
    }
    module->remove();
    OwningOpRef<ModuleOp> owned(module);
    if (succeeded(status) && succeeded(finishLoops(function, why)))
      return owned;
    if (why.empty())
      why = "upstream's sparsifier fails";
    return {};
  }

  static SmallVector<Type> argumentTypes(SparseComputeOp op) {
    return llvm::map_to_vector(op->getOperandTypes(), [](Type type) { return isa<RankedTensorType>(type) ? Type(bufferOf(type)) : type; });
  }

  /// Makes a body on buffers: checks, then the loops (or what stands for them), else NaN.
  void rewrite(SparseComputeOp op, SparseBody &body, ModuleOp loops) {
    OpBuilder b(op);
    Location loc = op.getLoc();
    auto onBuffers = SparseComputeOp::create(b, loc, op.getType(), op.getInputs(), op.getInit());
    SmallVector<Type> types = argumentTypes(op);
    Block *block = b.createBlock(&onBuffers.getBody(), {}, types, SmallVector<Location>(types.size(), loc));
    IRMapping mapping;
    mapping.map(op.getBody().getArguments(), block->getArguments());
    Value target = block->getArguments().back();
    SmallVector<SparseStorage> storages;
    SmallVector<Value> dense;
    for (auto [assemble, levels] : llvm::zip_equal(body.assembles, body.levels)) {
      storages.emplace_back(assemble, levels, mapping);
      if (!body.compute)
        dense.push_back(target);
      else if (!loops)
        dense.push_back(memref::AllocOp::create(b, loc, bufferOf(withoutEncoding(assemble.getResult().getType()))));
    }
    Value valid = body.compute ? emitExtentCheck(b, body, mapping, target) : Value(arith::ConstantIntOp::create(b, loc, 1, 1));
    for (SparseStorage &storage : storages)
      valid = arith::AndIOp::create(b, loc, valid, storage.emitCheck(b));
    auto branch = scf::IfOp::create(b, loc, valid, /*withElseRegion=*/true);
    b.setInsertionPointToStart(branch.thenBlock());
    if (body.fill)
      linalg::FillOp::create(b, loc, scalarOf(b, body.fill.getInputs()[0], mapping), target);
    if (loops) {
      auto function = *loops.getOps<func::FuncOp>().begin();
      mapping.map(function.getArguments(), block->getArguments());
      for (Operation &inner : function.getBody().front().without_terminator())
        b.clone(inner, mapping);
    } else {
      emitDense(b, body, storages, dense, mapping, target);
    }
    b.setInsertionPointToStart(branch.elseBlock());
    Type element = getElementTypeOrSelf(target.getType());
    TypedAttr nothing = b.getZeroAttr(element);
    if (auto type = dyn_cast<FloatType>(element))
      nothing = b.getFloatAttr(type, APFloat::getNaN(type.getFloatSemantics()));
    linalg::FillOp::create(b, loc, Value(arith::ConstantOp::create(b, loc, nothing)), target);
    op.replaceAllUsesWith(onBuffers.getResult());
    op.erase();
  }

  /// A number of the body: an argument, or a constant that is made again.
  static Value scalarOf(OpBuilder &b, Value value, IRMapping &mapping) {
    if (Operation *def = value.getDefiningOp(); def && !mapping.contains(value))
      b.clone(*def, mapping);
    return mapping.lookup(value);
  }

  /// Extents that a call decides must agree with the others of their loop.
  static Value emitExtentCheck(OpBuilder &b, SparseBody &body, IRMapping &mapping, Value target) {
    Location loc = body.compute.getLoc();
    Value valid = arith::ConstantIntOp::create(b, loc, 1, 1);
    SmallVector<OpFoldResult> extents(body.compute.getNumLoops());
    SmallVector<SmallVector<OpFoldResult>> dynamic(body.compute.getNumLoops());
    for (OpOperand &operand : body.compute->getOpOperands()) {
      auto type = dyn_cast<RankedTensorType>(operand.get().getType());
      Value buffer = body.compute.isDpsInit(&operand) ? target : mapping.lookupOrNull(operand.get());
      for (auto [d, loop] : llvm::enumerate(body.compute.getMatchingIndexingMap(&operand).getResults())) {
        auto dim = dyn_cast<AffineDimExpr>(loop);
        if (!type || !dim)
          continue;
        OpFoldResult &known = extents[dim.getPosition()];
        if (!type.isDynamicDim(d))
          known = b.getIndexAttr(type.getDimSize(d));
        else
          dynamic[dim.getPosition()].push_back(Value(memref::DimOp::create(b, loc, buffer, d)));
      }
    }
    for (auto [known, others] : llvm::zip_equal(extents, dynamic))
      for (OpFoldResult other : others) {
        if (!known)
          known = others[0];
        Value same = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, getValueOrCreateConstantIndexOp(b, loc, known), cast<Value>(other));
        valid = arith::AndIOp::create(b, loc, valid, same);
      }
    return valid;
  }

  /// Writes all elements of the sparse values to `dense` and computes with these; a conversion writes to `target`.
  static void emitDense(OpBuilder &b, SparseBody &body, MutableArrayRef<SparseStorage> storages, ArrayRef<Value> dense, IRMapping &mapping,
                        Value target) {
    Location loc = target.getLoc();
    for (auto [assemble, storage, buffer] : llvm::zip_equal(body.assembles, storages, dense)) {
      Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(getElementTypeOrSelf(buffer.getType())));
      linalg::FillOp::create(b, loc, zero, buffer);
      storage.emitScatter(b, buffer);
      mapping.map(assemble.getResult(), buffer);
    }
    if (!body.compute)
      return;
    if (std::optional<SparseBody::Product> product = body.product()) {
      MatmulOp::create(b, loc, Type(), mapping.lookup(product->lhs), mapping.lookup(product->rhs), ValueRange(), target, product->transposeLhs,
                       product->transposeRhs, ArrayAttr());
      return;
    }
    SmallVector<Value> operands;
    for (OpOperand &operand : body.compute->getOpOperands())
      operands.push_back(body.compute.isDpsInit(&operand) ? target : scalarOf(b, operand.get(), mapping));
    llvm::SetVector<Value> read;
    getUsedValuesDefinedAbove(body.compute->getRegions(), read);
    for (Value value : read)
      (void)scalarOf(b, value, mapping);
    OperationState state(loc, body.compute->getName(), operands, TypeRange(), body.compute->getAttrs());
    state.propertiesAttr = body.compute->getPropertiesAsAttribute();
    for (Region &region : body.compute->getRegions())
      region.cloneInto(state.addRegion(), mapping);
    b.create(state);
  }
};

} // namespace
