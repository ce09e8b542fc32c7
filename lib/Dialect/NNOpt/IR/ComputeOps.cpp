//===- ComputeOps.cpp - sums of products ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "OpSupport.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"

#include "llvm/Support/InterleavedRange.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::detail;

NNOPT_STRUCTURED_OP_METHODS(LinearOp)
NNOPT_STRUCTURED_OP_METHODS(PermuteLinearOp)
NNOPT_STRUCTURED_OP_METHODS(MatmulOp)
NNOPT_STRUCTURED_OP_METHODS(ConvOp)
NNOPT_STRUCTURED_OP_METHODS(ConvTransposeOp)
NNOPT_STRUCTURED_OP_METHODS(AttentionOp)

/// A packed weight holds groups * ceil(outputs / panel) * depth * panel elements; a depthwise one depth * outputs.
static LogicalResult verifyPack(Operation *op, Value weight, PackAttr pack, int64_t groups) {
  auto type = cast<ShapedType>(weight.getType());
  int64_t panel = pack.getPanel();
  int64_t expected = panel == 0 ? pack.getDepth() * pack.getOutputs()
                                : groups * ((pack.getOutputs() + panel - 1) / panel) * pack.getDepth() * panel;
  if (!type.hasStaticShape() || type.getNumElements() != expected)
    return op->emitOpError("expects ") << expected << " packed weight elements, got type " << type;
  return success();
}

//===----------------------------------------------------------------------===//
// LinearOp
//===----------------------------------------------------------------------===//

static std::pair<int64_t, int64_t> outputsAndDepth(LinearOp op) {
  if (auto pack = op.getPack())
    return {pack->getOutputs(), pack->getDepth()};
  ArrayRef<int64_t> weight = shapeOf(op.getWeight());
  return op.getWeightKn() ? std::pair(weight[1], weight[0]) : std::pair(weight[0], weight[1]);
}

LogicalResult LinearOp::verify() {
  ArrayRef<int64_t> input = shapeOf(getInput());
  if (input.empty())
    return emitOpError("expects an input of rank 1 or more, got 0");
  if (!getPack() && shapeOf(getWeight()).size() != 2)
    return emitOpError("expects a weight of rank 2, got ") << shapeOf(getWeight()).size();
  if (getPack() && failed(verifyPack(*this, getWeight(), *getPack(), /*groups=*/1)))
    return failure();
  auto [outputs, depth] = outputsAndDepth(*this);
  if (!compatible(input.back(), depth)) { // c1
    InFlightDiagnostic diag = emitOpError("expects ")
                              << depth << " input features (the weight's), got " << input.back();
    if (Operation *def = getWeight().getDefiningOp())
      diag.attachNote(def->getLoc()) << "the weight is produced here";
    return diag;
  }
  if (failed(verifyBias(*this, getBias(), outputs))) // c2
    return failure();
  return verifyEpilogue(*this, getEpilogue(), getEpilogueOperands(), getEpilogueMaps(), input.size()); // c3
}

SmallVector<int64_t> LinearOp::inferStaticShape() {
  SmallVector<int64_t> shape(shapeOf(getInput()));
  shape.back() = outputsAndDepth(*this).first;
  return shape;
}

SmallVector<OpFoldResult> LinearOp::inferResultShape(OpBuilder &builder) {
  SmallVector<OpFoldResult> shape = dimsOf(builder, getLoc(), getInput());
  int64_t outputs = outputsAndDepth(*this).first;
  shape.back() = ShapedType::isDynamic(outputs) ? dimOf(builder, getLoc(), getWeight(), getWeightKn() ? 1 : 0)
                                                : OpFoldResult(builder.getIndexAttr(outputs));
  return shape;
}

//===----------------------------------------------------------------------===//
// PermuteLinearOp
//===----------------------------------------------------------------------===//

LogicalResult PermuteLinearOp::verify() {
  ArrayRef<int64_t> input = shapeOf(getInput()), values = shapeOf(getValues());
  PermutePackAttr pack = getPack();
  if (input.empty())
    return emitOpError("expects an input of rank 1 or more, got 0");
  if (!compatible(input.back(), pack.getDepth())) // c1
    return emitOpError("expects ") << pack.getDepth() << " input features (the weight's), got " << input.back();
  if (values.size() != 2 || values[1] != pack.getRows()) // c2
    return emitOpError("expects values of ") << pack.getRows() << " rows per slot, got type " << getValues().getType();
  auto expectIntegers = [&](Value value, StringRef name, ArrayRef<int64_t> shape, unsigned width) -> LogicalResult {
    auto type = cast<ShapedType>(value.getType());
    if (type.getShape() != shape || !type.getElementType().isSignlessInteger(width))
      return emitOpError("expects ") << name << " of " << llvm::interleaved(shape, "x") << " i" << width << ", got type " << type;
    return success();
  };
  if (failed(expectIntegers(getIndices(), "indices", values, 8)) || failed(expectIntegers(getColumns(), "columns", values[0], 32)) ||
      failed(expectIntegers(getStarts(), "starts", pack.lists() + 1, 32)))
    return failure();
  if (failed(verifyBias(*this, getBias(), pack.getOutputs()))) // c3
    return failure();
  return verifyEpilogue(*this, getEpilogue(), getEpilogueOperands(), getEpilogueMaps(), input.size()); // c4
}

SmallVector<int64_t> PermuteLinearOp::inferStaticShape() {
  SmallVector<int64_t> shape(shapeOf(getInput()));
  shape.back() = getPack().getOutputs();
  return shape;
}

SmallVector<OpFoldResult> PermuteLinearOp::inferResultShape(OpBuilder &builder) {
  SmallVector<OpFoldResult> shape = dimsOf(builder, getLoc(), getInput());
  shape.back() = builder.getIndexAttr(getPack().getOutputs());
  return shape;
}

//===----------------------------------------------------------------------===//
// MatmulOp
//===----------------------------------------------------------------------===//

LogicalResult MatmulOp::verify() {
  ArrayRef<int64_t> lhs = shapeOf(getLhs()), rhs = shapeOf(getRhs());
  if (lhs.size() < 2 || rhs.size() < 2)
    return emitOpError("expects operands of rank 2 or more, got ") << lhs.size() << " and " << rhs.size();
  int64_t lhsDepth = lhs[lhs.size() - (getTransposeLhs() ? 2 : 1)];
  int64_t rhsDepth = rhs[rhs.size() - (getTransposeRhs() ? 1 : 2)];
  if (!compatible(lhsDepth, rhsDepth)) // c1
    return emitOpError("multiplies rows of ") << lhsDepth << " by columns of " << rhsDepth;
  for (size_t i = 2; i < std::min(lhs.size(), rhs.size()); ++i) { // c2
    int64_t l = lhs[lhs.size() - 1 - i], r = rhs[rhs.size() - 1 - i];
    if (l != 1 && r != 1 && !compatible(l, r))
      return emitOpError("cannot broadcast batch extents ") << l << " and " << r;
  }
  return verifyEpilogue(*this, getEpilogue(), getEpilogueOperands(), getEpilogueMaps(),
                        std::max(lhs.size(), rhs.size()));
}

SmallVector<int64_t> MatmulOp::inferStaticShape() {
  ArrayRef<int64_t> lhs = shapeOf(getLhs()), rhs = shapeOf(getRhs());
  size_t rank = std::max(lhs.size(), rhs.size());
  SmallVector<int64_t> shape(rank, 1);
  for (size_t i = 2; i < rank; ++i) {
    int64_t l = i < lhs.size() ? lhs[lhs.size() - 1 - i] : 1, r = i < rhs.size() ? rhs[rhs.size() - 1 - i] : 1;
    shape[rank - 1 - i] = l == 1 ? r : (ShapedType::isDynamic(l) && r != 1 ? r : l);
  }
  shape[rank - 2] = lhs[lhs.size() - (getTransposeLhs() ? 1 : 2)];
  shape[rank - 1] = rhs[rhs.size() - (getTransposeRhs() ? 2 : 1)];
  return shape;
}

SmallVector<OpFoldResult> MatmulOp::inferResultShape(OpBuilder &builder) {
  ArrayRef<int64_t> lhs = shapeOf(getLhs()), rhs = shapeOf(getRhs());
  size_t rank = std::max(lhs.size(), rhs.size());
  SmallVector<OpFoldResult> shape(rank, builder.getIndexAttr(1));
  auto fromBack = [&](Value value, size_t size, size_t i) { return dimOf(builder, getLoc(), value, size - 1 - i); };
  for (size_t i = 2; i < rank; ++i) {
    bool useRhs = i >= lhs.size() || (lhs[lhs.size() - 1 - i] == 1 && i < rhs.size());
    shape[rank - 1 - i] = useRhs ? fromBack(getRhs(), rhs.size(), i) : fromBack(getLhs(), lhs.size(), i);
  }
  shape[rank - 2] = fromBack(getLhs(), lhs.size(), getTransposeLhs() ? 0 : 1);
  shape[rank - 1] = fromBack(getRhs(), rhs.size(), getTransposeRhs() ? 1 : 0);
  return shape;
}

//===----------------------------------------------------------------------===//
// ConvOp
//===----------------------------------------------------------------------===//

SmallVector<int64_t> ConvOp::getKernelShape() {
  if (auto pack = getPack())
    return SmallVector<int64_t>(pack->getKernel());
  return SmallVector<int64_t>(shapeOf(getWeight()).drop_front(2));
}

int64_t ConvOp::getNumOutputs() {
  if (auto pack = getPack())
    return pack->getPanel() == 0 ? pack->getOutputs() : pack->getOutputs() * getGroups();
  return shapeOf(getWeight())[0];
}

bool ConvOp::isDepthwise() {
  ArrayRef<int64_t> input = shapeOf(getInput());
  int64_t channels = getChannelsLast() ? input.back() : input[1];
  int64_t groups = getGroups();
  return groups > 1 && channels == groups && getNumOutputs() == channels;
}

LogicalResult ConvOp::verify() {
  ArrayRef<int64_t> input = shapeOf(getInput()), weight = shapeOf(getWeight());
  if (!getPack() && weight.size() != input.size())
    return emitOpError("expects a weight of rank ") << input.size() << ", got " << weight.size();
  if (failed(verifyWindow(*this, getInput(), getKernelShape(), getStrides(), getDilations(), getPads()))) // c3
    return failure();
  int64_t groups = getGroups(), channels = getChannelsLast() ? input.back() : input[1];
  if (groups < 1)
    return emitOpError("expects at least one group, got ") << groups;
  if (auto pack = getPack()) {
    if (failed(verifyPack(*this, getWeight(), *pack, groups)))
      return failure();
  } else {
    if (!ShapedType::isDynamic(weight[1]) && !compatible(channels, groups * weight[1])) { // c1
      InFlightDiagnostic diag = emitOpError("expects ") << groups * weight[1] << " input channels (" << groups
                                                        << " groups of " << weight[1] << "), got " << channels;
      if (Operation *def = getWeight().getDefiningOp())
        diag.attachNote(def->getLoc()) << "the weight is produced here";
      return diag;
    }
    if (!ShapedType::isDynamic(weight[0]) && weight[0] % groups != 0) // c2
      return emitOpError("cannot divide ") << weight[0] << " outputs into " << groups << " groups";
  }
  if (failed(verifyBias(*this, getBias(), getNumOutputs()))) // c4
    return failure();
  return verifyEpilogue(*this, getEpilogue(), getEpilogueOperands(), getEpilogueMaps(), input.size());
}

SmallVector<int64_t> ConvOp::inferStaticShape() {
  SmallVector<int64_t> windows = dilated(getKernelShape(), getDilations());
  WindowShape shape{windows, getStrides(), getPads(), /*ceil=*/false, getChannelsLast()};
  return shape.infer(shapeOf(getInput()), getNumOutputs());
}

SmallVector<OpFoldResult> ConvOp::inferResultShape(OpBuilder &builder) {
  SmallVector<int64_t> windows = dilated(getKernelShape(), getDilations());
  WindowShape shape{windows, getStrides(), getPads(), /*ceil=*/false, getChannelsLast()};
  int64_t outputs = getNumOutputs();
  return shape.reify(builder, getLoc(), getInput(),
                     ShapedType::isDynamic(outputs) ? dimOf(builder, getLoc(), getWeight(), 0)
                                                    : OpFoldResult(builder.getIndexAttr(outputs)));
}

//===----------------------------------------------------------------------===//
// ConvTransposeOp
//===----------------------------------------------------------------------===//

static int64_t transposeOutputs(ConvTransposeOp op) {
  int64_t perGroup = shapeOf(op.getWeight())[1];
  return ShapedType::isDynamic(perGroup) ? perGroup : perGroup * static_cast<int64_t>(op.getGroups());
}

LogicalResult ConvTransposeOp::verify() {
  ArrayRef<int64_t> input = shapeOf(getInput()), weight = shapeOf(getWeight());
  if (weight.size() != input.size())
    return emitOpError("expects a weight of rank ") << input.size() << ", got " << weight.size();
  if (failed(verifyWindow(*this, getInput(), weight.drop_front(2), getStrides(), getDilations(), getPads())))
    return failure();
  if (getOutputPadding().size() != getStrides().size())
    return emitOpError("expects ") << getStrides().size() << " output paddings, got " << getOutputPadding().size();
  if (!compatible(input[1], weight[0]))
    return emitOpError("expects ") << weight[0] << " input channels (the weight's), got " << input[1];
  if (getGroups() < 1 || (!ShapedType::isDynamic(weight[0]) && weight[0] % getGroups() != 0))
    return emitOpError("cannot divide ") << weight[0] << " input channels into " << getGroups() << " groups";
  return verifyBias(*this, getBias(), transposeOutputs(*this));
}

/// `scale` and `offset` of the affine function from an input to an output extent.
static std::pair<int64_t, int64_t> transposeExtent(ConvTransposeOp op, unsigned i) {
  unsigned rank = op.getStrides().size();
  int64_t kernel = shapeOf(op.getWeight())[2 + i], stride = op.getStrides()[i];
  return {stride, -stride + op.getOutputPadding()[i] + (kernel - 1) * op.getDilations()[i] + 1 - op.getPads()[i] -
                      op.getPads()[rank + i]};
}

SmallVector<int64_t> ConvTransposeOp::inferStaticShape() {
  SmallVector<int64_t> shape(shapeOf(getInput()));
  shape[1] = transposeOutputs(*this);
  for (unsigned i = 0; i < getStrides().size(); ++i) {
    auto [scale, offset] = transposeExtent(*this, i);
    if (!ShapedType::isDynamic(shape[2 + i]))
      shape[2 + i] = std::max<int64_t>(0, shape[2 + i] * scale + offset);
  }
  return shape;
}

SmallVector<OpFoldResult> ConvTransposeOp::inferResultShape(OpBuilder &builder) {
  SmallVector<OpFoldResult> shape = dimsOf(builder, getLoc(), getInput());
  OpFoldResult perGroup = dimOf(builder, getLoc(), getWeight(), 1);
  shape[1] = affine::makeComposedFoldedAffineApply(builder, getLoc(), builder.getAffineDimExpr(0) * getGroups(), {perGroup});
  for (unsigned i = 0; i < getStrides().size(); ++i) {
    auto [scale, offset] = transposeExtent(*this, i);
    shape[2 + i] = affine::makeComposedFoldedAffineApply(builder, getLoc(),
                                                         builder.getAffineDimExpr(0) * scale + offset, {shape[2 + i]});
  }
  return shape;
}

//===----------------------------------------------------------------------===//
// AttentionOp
//===----------------------------------------------------------------------===//

LogicalResult AttentionOp::verify() {
  ArrayRef<int64_t> q = shapeOf(getQuery()), k = shapeOf(getKey()), v = shapeOf(getValue());
  if (q.size() != 4 || k.size() != 4 || v.size() != 4)
    return emitOpError("expects operands of rank 4, got ") << q.size() << ", " << k.size() << " and " << v.size();
  unsigned heads = getSequenceMajor() ? 2 : 1, sequence = getSequenceMajor() ? 1 : 2;
  if (!compatible(q[0], k[0]) || !compatible(q[0], v[0]) || !compatible(k[0], v[0])) // c3
    return emitOpError("has batches of ") << q[0] << " queries, " << k[0] << " keys and " << v[0] << " values";
  if (!compatible(q[3], k[3])) // c1
    return emitOpError("multiplies queries of size ") << q[3] << " by keys of size " << k[3];
  if (!compatible(k[sequence], v[sequence]))
    return emitOpError("has ") << k[sequence] << " keys and " << v[sequence] << " values";
  if (!compatible(k[heads], v[heads]))
    return emitOpError("has ") << k[heads] << " key heads and " << v[heads] << " value heads";
  if (!ShapedType::isDynamic(q[heads]) && !ShapedType::isDynamic(k[heads]) &&
      (k[heads] == 0 || q[heads] % k[heads] != 0)) // c2
    return emitOpError("cannot share ") << k[heads] << " key heads among " << q[heads] << " query heads";
  if (getMask()) {
    ArrayRef<int64_t> mask = shapeOf(getMask());
    if (mask.size() != 4)
      return emitOpError("expects a mask of rank 4, got ") << mask.size();
    int64_t scores[] = {q[0], q[heads], q[sequence], k[sequence]};
    for (unsigned i = 0; i < 4; ++i)
      if (mask[i] != 1 && !compatible(mask[i], scores[i]))
        return emitOpError("cannot broadcast mask extent ") << mask[i] << " to " << scores[i] << " in dimension " << i;
  }
  return success();
}

SmallVector<int64_t> AttentionOp::inferStaticShape() {
  SmallVector<int64_t> shape(shapeOf(getQuery()));
  shape[3] = shapeOf(getValue())[3];
  return shape;
}

SmallVector<OpFoldResult> AttentionOp::inferResultShape(OpBuilder &builder) {
  SmallVector<OpFoldResult> shape = dimsOf(builder, getLoc(), getQuery());
  shape[3] = dimOf(builder, getLoc(), getValue(), 3);
  return shape;
}
