//===- ChannelGroups.cpp - values that share their channels ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Starting at the result of a layer, every op that reads or makes a value with the channels either passes them on to its other operands and results,
// begins them (a layer's outputs), ends them (a layer's inputs), or does not let the order change.
//===----------------------------------------------------------------------===//

#include "ChannelGroups.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace nnopt;

static ArrayRef<int64_t> shapeOf(Value value) { return cast<ShapedType>(value.getType()).getShape(); }

/// The dimension of the channels in the operands and results of convolutions and pools.
template <typename Op>
static int64_t channelDim(Op op) {
  return op.getChannelsLast() ? shapeOf(op.getInput()).size() - 1 : 1;
}

/// True if the order in which `op` takes up its elements along a reduction does not matter.
static bool isAnyOrder(linalg::LinalgOp op) {
  for (Value yielded : op.getBlock()->getTerminator()->getOperands()) {
    Operation *combiner = yielded.getDefiningOp();
    if (!isa_and_present<arith::AddFOp, arith::AddIOp, arith::MulFOp, arith::MulIOp, arith::MaximumFOp, arith::MinimumFOp, arith::MaxNumFOp,
                         arith::MinNumFOp, arith::MaxSIOp, arith::MinSIOp, arith::MaxUIOp, arith::MinUIOp>(combiner))
      return false;
    if (llvm::none_of(combiner->getOperands(), [&](Value operand) {
          auto argument = dyn_cast<BlockArgument>(operand);
          return argument && static_cast<int64_t>(argument.getArgNumber()) >= op.getNumDpsInputs();
        }))
      return false;
  }
  return true;
}

namespace {

class GroupFinder {
public:
  std::optional<ChannelGroup> run(Operation *layer, std::string &obstacle) {
    auto conv = dyn_cast<ConvOp>(layer);
    Value result = layer->getResult(0);
    join(result, conv ? channelDim(conv) : shapeOf(result).size() - 1);
    while (!work.empty() && reason.empty()) {
      auto [value, dim] = work.pop_back_val();
      if (Operation *op = value.getDefiningOp())
        visit(op, nullptr, dim);
      else
        reason = "the channels are those of an input of the model";
      for (OpOperand &use : value.getUses())
        visit(use.getOwner(), &use, dim);
    }
    if (reason.empty() && !ownsWeights())
      reason = "a layer elsewhere shares a weight";
    obstacle = reason;
    return reason.empty() ? std::optional(group) : std::nullopt;
  }

private:
  ChannelGroup group;
  SmallVector<std::pair<Value, int64_t>> work;
  llvm::DenseSet<std::pair<Value, int64_t>> seen;
  llvm::DenseSet<std::pair<OpOperand *, int64_t>> taken;
  std::string reason;

  void stop(Operation *op) {
    if (reason.empty())
      reason = isa<func::ReturnOp>(op) ? "the channels are those of an output of the model"
                                       : llvm::formatv("{0} does not carry another order of channels", op->getName()).str();
  }

  void join(Value value, int64_t dim) {
    if (seen.insert({value, dim}).second)
      work.push_back({value, dim});
  }

  void take(SmallVector<ChannelGroup::Use> &list, OpOperand &operand, int64_t dim) {
    if (!ConstantData::of(operand.get()))
      return stop(operand.getOwner());
    if (taken.insert({&operand, dim}).second)
      list.push_back({&operand, dim});
  }

  /// An operand with the channels in `dim`: constants are reordered, other values lead on.
  void joinOperand(OpOperand &operand, int64_t dim) {
    // What has one element, or equal ones, is the same in any order; unrelated ops may share it.
    if (shapeOf(operand.get())[dim] == 1 || isa_and_present<tensor::EmptyOp, linalg::FillOp>(operand.get().getDefiningOp()))
      return;
    if (matchPattern(operand.get(), m_Constant()))
      take(group.parameters, operand, dim);
    else
      join(operand.get(), dim);
  }

  void joinParameters(MutableArrayRef<OpOperand> operands, int64_t dim) {
    for (OpOperand &operand : operands)
      take(group.parameters, operand, dim);
  }

  /// What `op` makes of the channels in dimension `dim` of its operand `use`, or of its result if null.
  void visit(Operation *op, OpOperand *use, int64_t dim) {
    llvm::TypeSwitch<Operation *>(op)
        .Case<LinearOp, ConvOp, NormalizeOp, PoolOp>([&](auto op) { visitOp(op, use, dim); })
        .Case<QuantizeOp, DequantizeOp>([&](auto op) { visitScaled(op, use, dim); })
        .Case<ActivationOp, SoftmaxOp>([&](auto op) { pass(op, use, dim); })
        .Case<tensor::CollapseShapeOp>([&](auto op) { visitReshape(op, op.getSrc(), op.getResult(), op.getReassociationIndices(), use != nullptr, dim); })
        .Case<tensor::ExpandShapeOp>([&](auto op) { visitReshape(op, op.getResult(), op.getSrc(), op.getReassociationIndices(), use == nullptr, dim); })
        .Case<tensor::PadOp>([&](auto op) {
          bool padsIt = op.getStaticLow()[dim] != 0 || op.getStaticHigh()[dim] != 0 || (use && use->getOperandNumber() != 0);
          padsIt || !op.getConstantPaddingValue() ? stop(op) : (join(op.getSource(), dim), join(op.getResult(), dim));
        })
        .Case<tensor::EmptyOp, tensor::DimOp>([](auto) {})
        .Case<linalg::LinalgOp>([&](auto op) { visitOp(op, use, dim); })
        .Default([&](Operation *op) { stop(op); });
  }

  /// Input and result have the channels in the same dimension.
  template <typename Op>
  void pass(Op op, OpOperand *use, int64_t dim) {
    if (use && use->get() != op.getInput())
      return stop(op);
    join(op.getInput(), dim);
    join(op.getResult(), dim);
  }

  template <typename Op>
  static bool isPlain(Op op) {
    return !op.getInit() && !op.getPack() && op.getEpilogue().empty();
  }

  void visitOp(LinearOp op, OpOperand *use, int64_t dim) {
    int64_t last = shapeOf(op.getInput()).size() - 1;
    if (!isPlain(op) || (use && use->get() != op.getInput()) || (use && op.getInput() == op.getWeight()))
      return stop(op);
    if (dim != last) {
      join(op.getInput(), dim);
      join(op.getResult(), dim);
    } else if (use) {
      take(group.consumers, op.getWeightMutable(), op.getWeightKn() ? 0 : 1);
    } else {
      take(group.producers, op.getWeightMutable(), op.getWeightKn() ? 1 : 0);
      joinParameters(op.getBiasMutable(), 0);
    }
  }

  void visitOp(ConvOp op, OpOperand *use, int64_t dim) {
    if (!isPlain(op) || dim != channelDim(op) || (use && use->get() != op.getInput()) || (op.getGroups() != 1 && !op.isDepthwise()))
      return stop(op);
    if (op.getGroups() != 1) {
      take(group.parameters, op.getWeightMutable(), 0);
      joinParameters(op.getBiasMutable(), 0);
      join(op.getInput(), dim);
      join(op.getResult(), dim);
    } else if (use) {
      take(group.consumers, op.getWeightMutable(), 1);
    } else {
      take(group.producers, op.getWeightMutable(), 0);
      joinParameters(op.getBiasMutable(), 0);
    }
  }

  void visitOp(NormalizeOp op, OpOperand *use, int64_t dim) {
    int64_t axis = op.getAxis();
    if (dim >= axis) {
      joinParameters(op.getScaleMutable(), dim - axis);
      joinParameters(op.getBiasMutable(), dim - axis);
    }
    op.getInit() ? stop(op) : pass(op, use, dim);
  }

  void visitOp(PoolOp op, OpOperand *use, int64_t dim) { dim != channelDim(op) || op.getInit() ? stop(op) : pass(op, use, dim); }

  template <typename Op>
  void visitScaled(Op op, OpOperand *use, int64_t dim) {
    if (op.getAxis() && static_cast<int64_t>(*op.getAxis()) == dim) {
      if (op.getBlockSize())
        return stop(op);
      take(group.parameters, op.getScaleMutable(), 0);
      joinParameters(op.getZeroPointMutable(), 0);
    }
    pass(op, use, dim);
  }

  /// `wide` has a dimension for each of the `pieces` of a dimension of `narrow`. Channels pass if the other pieces have one element.
  void visitReshape(Operation *op, Value wide, Value narrow, ArrayRef<ReassociationIndices> pieces, bool isWide, int64_t dim) {
    for (auto [whole, parts] : llvm::enumerate(pieces)) {
      if (isWide ? !llvm::is_contained(parts, dim) : static_cast<int64_t>(whole) != dim)
        continue;
      SmallVector<int64_t> larger = llvm::filter_to_vector(parts, [&](int64_t part) { return shapeOf(wide)[part] != 1; });
      if (larger.size() != 1 || (isWide && larger[0] != dim))
        return stop(op);
      join(wide, larger[0]);
      return join(narrow, whole);
    }
    stop(op);
  }

  void visitOp(linalg::LinalgOp op, OpOperand *use, int64_t dim) {
    OpOperand &at = use ? *use : *op.getDpsInitOperand(0);
    if (op->getNumResults() != 1 || op.hasIndexSemantics())
      return stop(op);
    auto loop = dyn_cast<AffineDimExpr>(op.getMatchingIndexingMap(&at).getResult(dim));
    if (!loop)
      return stop(op);
    if (op.getIteratorTypesArray()[loop.getPosition()] != utils::IteratorType::parallel && !isAnyOrder(op))
      return stop(op);
    for (OpOperand &operand : op->getOpOperands()) {
      if (!isa<RankedTensorType>(operand.get().getType()))
        continue;
      for (auto [position, expr] : llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults())) {
        if (expr == loop)
          joinOperand(operand, position);
        else if (expr.isFunctionOfDim(loop.getPosition()))
          return stop(op);
        else
          continue;
        if (op.isDpsInit(&operand))
          join(op->getResult(0), position);
      }
    }
  }

  /// Reordering a weight that something else reads would need a second copy of it.
  bool ownsWeights() {
    for (ArrayRef<ChannelGroup::Use> list : {ArrayRef(group.producers), ArrayRef(group.consumers)})
      for (const ChannelGroup::Use &weight : list)
        for (OpOperand &use : weight.operand->get().getUses())
          if (!taken.contains({&use, weight.dim}))
            return false;
    return true;
  }
};

} // namespace

std::optional<ChannelGroup> nnopt::findChannelGroup(Operation *layer, std::string &obstacle) { return GroupFinder().run(layer, obstacle); }
