//===- FuseEpilogues.cpp - elementwise consumers into their producers -----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An elementwise `linalg.generic` that is the only reader of a product moves
// into the product's epilogue, where its values are still in registers. The
// product moves down to the consumer, so that the other operands exist.
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "Elementwise.h"
#include "FoldReshapes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"

#include "llvm/ADT/TypeSwitch.h"

namespace nnopt {
#define GEN_PASS_DEF_FUSEEPILOGUES
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

static constexpr remark::RemarkOpts kRemark = remark::RemarkOpts::name("epilogue").category("nnopt-fuse-epilogues");

static ArrayRef<int64_t> shapeOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }

/// The scalar that all elements of `value` are, if it is a constant of floats.
static FloatAttr splatOf(Value value) {
  ElementsAttr elements;
  if (!isa<FloatType>(getElementTypeOrSelf(value.getType())) || !matchPattern(value, m_Constant(&elements)))
    return {};
  auto dense = dyn_cast<DenseElementsAttr>(elements);
  return dense && dense.isSplat() ? dense.getSplatValue<FloatAttr>() : FloatAttr();
}

/// Why an elementwise op cannot be part of any epilogue; null if it can.
static const char *whyNotElementwise(linalg::GenericOp op) {
  if (op.getNumResults() != 1 || op.getNumParallelLoops() != op.getNumLoops())
    return "it reduces or has several results";
  if (!op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
    return "it permutes its result";
  if (!op.getRegionOutputArgs()[0].use_empty())
    return "it reads its destination";
  for (OpOperand *input : op.getDpsInputOperands())
    if (isa<RankedTensorType>(input->get().getType()) ? !op.getMatchingIndexingMap(input).isProjectedPermutation(
                                                            /*allowZeroInResults=*/true)
                                                      : !matchPattern(input->get(), m_Constant()))
      return "an operand is not read element by element";
  bool isPlain = llvm::all_of(op.getBody()->without_terminator(), [](Operation &inner) {
    return isPure(&inner) && inner.getNumRegions() == 0 && !isa<linalg::IndexOp>(inner);
  });
  return isPlain ? nullptr : "its body does more than arithmetic";
}

/// Why `consumer` cannot move into the epilogue of `producer`; null if it can.
static const char *whyNotInto(linalg::GenericOp consumer, Value product) {
  auto from = cast<RankedTensorType>(product.getType()), to = cast<RankedTensorType>(consumer.getResult(0).getType());
  // Sums of integers become anything: of floats, the kernels' tiles have the sums' size.
  if (from.getElementType() != to.getElementType() && !from.getElementType().isInteger(32))
    return "it changes the element type";
  // What kernels do not read beside their sums would leave the product to loops.
  bool isInteger = from.getElementType().isInteger(32);
  for (OpOperand *input : consumer.getDpsInputOperands()) {
    Type element = getElementTypeOrSelf(input->get().getType());
    bool isRead = element.isF32() || (isInteger && element.isInteger(8));
    if ((isInteger || from.getElementType().isF32()) && input->get() != product && !isRead)
      return "an operand has elements that kernels do not read";
  }
  if (!llvm::all_of(product.getUsers(), [&](Operation *user) { return user == consumer; }))
    return "the product has another reader";
  if (consumer->getBlock() != product.getDefiningOp()->getBlock())
    return "it is in another block";
  for (OpOperand *input : consumer.getDpsInputOperands())
    if (input->get() == product &&
        !(readsOwnElement(consumer.getMatchingIndexingMap(input), from.getShape()) && from.getShape() == to.getShape()))
      return "it broadcasts the product";
  return nullptr;
}

namespace {

/// Moves `consumer` into the epilogue of `producer`, which takes its place.
template <typename Op> class EpilogueBuilder {
public:
  EpilogueBuilder(Op producer, linalg::GenericOp consumer) : producer(producer), consumer(consumer) {}

  void run() {
    producer->moveBefore(consumer);
    Block &block = beginBlock();
    Operation *end = block.getTerminator();
    Value result = end->getOperand(0);
    OpBuilder b(end);
    IRMapping mapping;
    for (OpOperand *input : consumer.getDpsInputOperands())
      mapping.map(consumer.getMatchingBlockArgument(input), argumentFor(b, block, input, result));
    for (Operation &inner : consumer.getBody()->without_terminator())
      b.clone(inner, mapping);
    end->setOperand(0, mapping.lookupOrDefault(consumer.getBody()->getTerminator()->getOperand(0)));
    producer.setEpilogueMapsAttr(b.getAffineMapArrayAttr(maps));
    producer.getEpilogueOperandsMutable().append(operands);
    producer->getResult(0).setType(cast<RankedTensorType>(consumer.getResult(0).getType()));
    consumer.getResult(0).replaceAllUsesWith(producer->getResult(0));
    // The value is the consumer's now: nnopt-run --probe goes by the last name.
    producer->setLoc(b.getFusedLoc({producer.getLoc(), consumer.getLoc()}));
    Value init = consumer.getDpsInits()[0];
    consumer.erase();
    if (Operation *empty = init.getDefiningOp(); empty && isOpTriviallyDead(empty))
      empty->erase();
  }

private:
  Op producer;
  linalg::GenericOp consumer;
  SmallVector<AffineMap> maps;
  SmallVector<Value> operands; ///< new ones

  /// The block of the epilogue; a new one yields the accumulator.
  Block &beginBlock() {
    if (auto old = producer.getEpilogueMaps())
      llvm::append_range(maps, old->template getAsValueRange<AffineMapAttr>());
    Region &epilogue = producer.getEpilogue();
    if (!epilogue.empty())
      return epilogue.front();
    Block &block = epilogue.emplaceBlock();
    Value sum = block.addArgument(getElementTypeOrSelf(producer.getType(0)), producer.getLoc());
    OpBuilder b = OpBuilder::atBlockEnd(&block);
    YieldOp::create(b, producer.getLoc(), sum);
    return block;
  }

  /// What the epilogue has for an input of the consumer.
  Value argumentFor(OpBuilder &b, Block &block, OpOperand *input, Value result) {
    Value value = input->get();
    if (value == producer->getResult(0))
      return result;
    if (!isa<RankedTensorType>(value.getType()))
      return value;
    if (FloatAttr splat = splatOf(value))
      return arith::ConstantOp::create(b, consumer.getLoc(), splat);
    operands.push_back(value);
    maps.push_back(consumer.getMatchingIndexingMap(input));
    return block.addArgument(getElementTypeOrSelf(value.getType()), consumer.getLoc());
  }
};

} // namespace

/// `value`, a constant, with all its elements in one dimension.
static Value flatten(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getRank() == 1)
    return value;
  ElementsAttr elements;
  if (!type.hasStaticShape() || !matchPattern(value, m_Constant(&elements)))
    return {};
  auto flat = RankedTensorType::get({type.getNumElements()}, type.getElementType());
  if (auto dense = dyn_cast<DenseElementsAttr>(elements))
    elements = dense.reshape(flat);
  else if (auto resource = dyn_cast<DenseResourceElementsAttr>(elements))
    elements = DenseResourceElementsAttr::get(flat, resource.getRawHandle());
  else
    return {};
  OpBuilder b(value.getDefiningOp());
  auto weight = value.getDefiningOp<WeightOp>();
  return WeightOp::create(b, value.getLoc(), flat, weight ? weight.getSymNameAttr() : StringAttr(), elements);
}

/// True if `map` reads a vector along result dimension `channel`.
static bool isChannelVector(AffineMap map, unsigned channel) {
  unsigned found = 0;
  for (AffineExpr result : map.getResults()) {
    if (auto dim = dyn_cast<AffineDimExpr>(result); dim && dim.getPosition() == channel)
      ++found;
    else if (!isa<AffineConstantExpr>(result))
      return false;
  }
  return found == 1;
}

/// An epilogue that begins by adding a vector of channels has a bias: kernels
/// begin their sums with it.
template <typename Op> static void extractBias(Op op, unsigned channel) {
  if (op.getBias() || op.getEpilogue().empty())
    return;
  Block &block = op.getEpilogue().front();
  BlockArgument sum = block.getArgument(0);
  auto add = sum.hasOneUse() ? dyn_cast<arith::AddFOp>(*sum.user_begin()) : arith::AddFOp();
  if (!add)
    return;
  auto addend = dyn_cast<BlockArgument>(add.getLhs() == sum ? add.getRhs() : add.getLhs());
  if (!addend || addend == sum || addend.getOwner() != &block)
    return;
  unsigned i = addend.getArgNumber() - 1;
  SmallVector<AffineMap> maps(op.getEpilogueMaps()->template getAsValueRange<AffineMapAttr>());
  Value bias = isChannelVector(maps[i], channel) ? flatten(op.getEpilogueOperands()[i]) : Value();
  if (!bias || shapeOf(bias)[0] != shapeOf(op.getResult())[channel])
    return;
  add.replaceAllUsesWith(Value(sum));
  add.erase();
  op.getBiasMutable().append(bias);
  if (!addend.use_empty())
    return;
  block.eraseArgument(i + 1);
  op.getEpilogueOperandsMutable().erase(i);
  maps.erase(maps.begin() + i);
  OpBuilder b(op);
  maps.empty() ? (void)op.removeEpilogueMapsAttr() : op.setEpilogueMapsAttr(b.getAffineMapArrayAttr(maps));
  if (block.getOperations().size() == 1 && block.getTerminator()->getOperand(0) == sum)
    op.getEpilogue().getBlocks().clear();
}

namespace {

class FuseEpilogues : public nnopt::impl::FuseEpiloguesBase<FuseEpilogues> {
public:
  using FuseEpiloguesBase::FuseEpiloguesBase;

  void runOnOperation() override {
    if (failed(foldReshapesIntoRows(getOperation())))
      return signalPassFailure();
    SmallVector<linalg::GenericOp> consumers;
    getOperation().walk([&](linalg::GenericOp op) { consumers.push_back(op); });
    for (linalg::GenericOp consumer : consumers)
      fuse(consumer);
    getOperation().walk([](Operation *op) {
      if (auto linear = dyn_cast<LinearOp>(op))
        extractBias(linear, shapeOf(linear.getResult()).size() - 1);
      else if (auto conv = dyn_cast<ConvOp>(op))
        extractBias(conv, conv.getChannelsLast() ? shapeOf(conv.getResult()).size() - 1 : 1);
    });
  }

private:
  void fuse(linalg::GenericOp consumer) {
    const char *reason = nullptr;
    Operation *best = nullptr;
    for (OpOperand *input : consumer.getDpsInputOperands()) {
      Operation *producer = input->get().getDefiningOp();
      if (!isa_and_nonnull<LinearOp, MatmulOp, ConvOp>(producer))
        continue;
      const char *why = whyNotElementwise(consumer);
      if (!why)
        why = whyNotInto(consumer, input->get());
      // Of two products, the later one: it moves the least.
      if (why)
        reason = why;
      else if (!best || best->isBeforeInBlock(producer))
        best = producer;
    }
    if (!best) {
      if (reason)
        remark::missed(consumer.getLoc(), kRemark) << remark::reason(reason);
      return;
    }
    remark::passed(consumer.getLoc(), kRemark) << remark::add("moved into {0}", best->getName().getStringRef());
    llvm::TypeSwitch<Operation *>(best).Case<LinearOp, MatmulOp, ConvOp>(
        [&](auto producer) { EpilogueBuilder(producer, consumer).run(); });
    ++fusedOps;
  }
};

} // namespace
