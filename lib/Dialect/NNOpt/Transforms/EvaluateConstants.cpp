//===- EvaluateConstants.cpp - compute what is constant -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ops are marked constant in their order. A constant result that another op needs is computed with everything that it comes from, in a
// function of its own that the interpreter runs; what is between stays a temporary. Later results begin from earlier ones.
//===----------------------------------------------------------------------===//

#include "EvaluateConstants.h"

#include "ConstantData.h"

#include "nnopt/Interpreter/Interpreter.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

#include <cstring>

using namespace mlir;
using namespace nnopt;

static constexpr remark::RemarkOpts kRemark = remark::RemarkOpts::name("constant").category("nnopt-fold-constants");

/// Steps of the innermost loop that compiling may spend on one op: some seconds.
static constexpr int64_t kMostSteps = int64_t(1) << 27;

static bool isStaticTensor(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape() && type.getElementType().isIntOrFloat() && elementTypeOf(type.getElementType());
}

static int64_t bytesOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  std::optional<ElementType> element = type ? elementTypeOf(type.getElementType()) : std::nullopt;
  return element && type.hasStaticShape() ? type.getNumElements() * byteWidth(*element) : 0;
}

/// How often the body of `op` runs, or nothing if it is no op for compile time.
static std::optional<int64_t> stepsOf(Operation *op) {
  if (auto structured = dyn_cast<linalg::LinalgOp>(op)) {
    int64_t steps = 1;
    for (int64_t range : structured.getStaticLoopRanges()) {
      if (ShapedType::isDynamic(range) || (range != 0 && steps > kMostSteps / range))
        return std::nullopt;
      steps *= range;
    }
    return steps;
  }
  int64_t depth = 1;
  if (auto linear = dyn_cast<LinearOp>(op))
    depth = cast<RankedTensorType>(linear.getInput().getType()).getShape().back();
  else if (auto matmul = dyn_cast<MatmulOp>(op))
    depth = cast<RankedTensorType>(matmul.getLhs().getType()).getShape().end()[matmul.getTransposeLhs() ? -2 : -1];
  else if (isa<ConvOp, ConvTransposeOp, AttentionOp, PoolOp>(op))
    return std::nullopt;
  int64_t elements = 0;
  for (Value result : op->getResults())
    if (auto type = dyn_cast<RankedTensorType>(result.getType()))
      elements += type.getNumElements();
  if (depth > 0 && elements > kMostSteps / depth)
    return std::nullopt;
  return elements * depth;
}

namespace {

class ConstantFinder {
public:
  explicit ConstantFinder(int64_t maxBytes) : maxBytes(maxBytes) {}

  int64_t run(Block &block) {
    for (Operation &op : block)
      if (isConstant(&op))
        constants.insert(&op);
    int64_t replaced = 0;
    for (Operation *op : constants)
      if (isNeeded(op))
        replaced += replace(op);
    return replaced;
  }

private:
  int64_t maxBytes;
  llvm::SetVector<Operation *> constants; ///< without those that only hold a constant

  static bool holdsConstant(Operation *op) { return op && op->hasTrait<OpTrait::ConstantLike>(); }

  /// Everything that `op` reads, its regions included.
  static SmallVector<Value> valuesReadBy(Operation *op) {
    llvm::SetVector<Value> values(op->operand_begin(), op->operand_end());
    getUsedValuesDefinedAbove(op->getRegions(), values);
    return llvm::to_vector(values);
  }

  bool isConstant(Operation *op) {
    bool isKnown = isa_and_nonnull<NNOptDialect, linalg::LinalgDialect, tensor::TensorDialect>(op->getDialect());
    if (!isKnown || holdsConstant(op) || op->getNumResults() == 0 || !isMemoryEffectFree(op) ||
        !llvm::all_of(op->getResults(), isStaticTensor))
      return false;
    for (Value value : valuesReadBy(op)) {
      Operation *def = value.getDefiningOp();
      if (!holdsConstant(def) && !(def && constants.contains(def)))
        return false;
    }
    return stepsOf(op).has_value();
  }

  /// True if an op that is not constant reads a result. Contents that are undefined or all equal are not worth storing.
  bool isNeeded(Operation *op) {
    if (isa<tensor::EmptyOp, tensor::SplatOp, linalg::FillOp>(op))
      return false;
    return llvm::any_of(op->getUsers(), [&](Operation *user) {
      // A reader inside a region counts as the op that has the region.
      Operation *owner = op->getBlock()->findAncestorOpInBlock(*user);
      return !owner || !constants.contains(owner);
    });
  }

  int64_t replace(Operation *op) {
    SmallVector<Operation *> slice = sliceOf(op);
    int64_t have = 0, need = 0;
    Operation *largest = largestConstant(slice, have);
    StringAttr name = largest ? weightNameOf(largest->getResult(0)) : StringAttr();
    for (Value result : op->getResults())
      need += bytesOf(result);
    if (need - have > maxBytes) {
      remark::missed(op->getLoc(), kRemark) << remark::reason("{0} bytes from constants of {1} bytes: more than max-bytes={2} on top", need,
                                                              have, maxBytes);
      return 0;
    }
    std::string problem;
    FailureOr<SmallVector<HostTensor>> values = evaluate(op, slice, problem);
    if (failed(values)) {
      remark::missed(op->getLoc(), kRemark) << remark::reason("{0}", problem);
      return 0;
    }
    OpBuilder b(op);
    for (auto [result, value] : llvm::zip_equal(op->getResults(), *values)) {
      const void *source = value.bytes();
      auto weight = createWeight(b, op->getLoc(), name, cast<RankedTensorType>(result.getType()),
                                 [&](MutableArrayRef<char> bytes) { std::memcpy(bytes.data(), source, bytes.size()); });
      if (largest && llvm::all_of(slice, [](Operation *part) { return holdsConstant(part) || isa<QuantizeOp, DequantizeOp>(part); }))
        carrySparsity(largest->getResult(0), weight);
      result.replaceAllUsesWith(weight.getResult());
    }
    remark::passed(op->getLoc(), kRemark) << remark::add("{0} bytes from constants of {1} bytes", need, have);
    return op->getNumResults();
  }

  /// The constant ops that `op` needs and itself, in order, with the ops that hold constants.
  SmallVector<Operation *> sliceOf(Operation *op) {
    llvm::SetVector<Operation *> slice;
    SmallVector<Operation *> worklist{op};
    while (!worklist.empty()) {
      Operation *next = worklist.pop_back_val();
      if (!slice.insert(next))
        continue;
      for (Value value : valuesReadBy(next))
        worklist.push_back(value.getDefiningOp());
    }
    SmallVector<Operation *> ordered = slice.takeVector();
    llvm::sort(ordered, [](Operation *a, Operation *b) { return a != b && a->isBeforeInBlock(b); });
    return ordered;
  }

  /// The bytes of all constants, and the largest that has a name.
  static Operation *largestConstant(ArrayRef<Operation *> slice, int64_t &bytes) {
    Operation *found = nullptr;
    int64_t largest = -1;
    for (Operation *op : slice) {
      if (!holdsConstant(op))
        continue;
      int64_t size = bytesOf(op->getResult(0));
      bytes += size;
      if (weightNameOf(op->getResult(0)) && size > largest) {
        largest = size;
        found = op;
      }
    }
    return found;
  }

  /// Runs the slice; `problem` is the first error of the interpreter.
  static FailureOr<SmallVector<HostTensor>> evaluate(Operation *op, ArrayRef<Operation *> slice, std::string &problem) {
    OpBuilder b(op->getContext());
    OwningOpRef<func::FuncOp> function =
        func::FuncOp::create(b, op->getLoc(), "constant", b.getFunctionType({}, op->getResultTypes()));
    b.setInsertionPointToStart(function->addEntryBlock());
    IRMapping mapping;
    for (Operation *part : slice)
      b.clone(*part, mapping);
    auto results = llvm::map_to_vector(op->getResults(), [&](Value result) { return mapping.lookup(result); });
    func::ReturnOp::create(b, op->getLoc(), results);
    ScopedDiagnosticHandler handler(op->getContext(), [&](Diagnostic &diagnostic) {
      if (problem.empty() && diagnostic.getSeverity() == DiagnosticSeverity::Error)
        problem = diagnostic.str();
      return success();
    });
    return interpret(*function, {});
  }
};

} // namespace

int64_t nnopt::evaluateConstants(func::FuncOp function, int64_t maxBytes) {
  if (function.isExternal())
    return 0;
  int64_t replaced = ConstantFinder(maxBytes).run(function.getBody().front());
  // What was replaced is dead now.
  IRRewriter rewriter(function.getContext());
  (void)runRegionDCE(rewriter, function->getRegions());
  return replaced;
}
