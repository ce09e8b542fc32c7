//===- Shapes.cpp - ops that make or reshape tensors ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Frame.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::interpreter;

/// The shape of `type` with its dynamic extents taken from `dynamic`, in order.
static SmallVector<int64_t> shapeWith(RankedTensorType type, ArrayRef<int64_t> dynamic) {
  SmallVector<int64_t> shape;
  for (int64_t extent : type.getShape()) {
    if (ShapedType::isDynamic(extent)) {
      extent = dynamic.front();
      dynamic = dynamic.drop_front();
    }
    shape.push_back(extent);
  }
  return shape;
}

static LogicalResult yieldReshaped(OpCall &call, const HostTensor &source, ArrayRef<int64_t> shape) {
  if (llvm::any_of(shape, [](int64_t extent) { return extent < 0; }) || countOf(shape) != source.size())
    return call.op->emitOpError("cannot reshape ") << source.typeText() << " to " << typeText(source.type(), shape);
  return call.yield(source.reshaped(shape));
}

//===----------------------------------------------------------------------===//
// New tensors
//===----------------------------------------------------------------------===//

/// A tensor that nobody has written yet.
static LogicalResult yieldUnwritten(OpCall &call, RankedTensorType type, ValueRange dynamicSizes) {
  FailureOr<HostTensor> output = call.allocateResult(shapeWith(type, call.integers(dynamicSizes)));
  if (failed(output))
    return failure();
  // Shows up in the result if an op reads what nobody has written.
  if (isFloat(output->type())) {
    char *bytes = output->mutableBytes();
    for (int64_t i = 0; i < output->size(); ++i)
      storeScalar(output->type(), bytes, i, fromFloat(NAN));
  }
  return call.yield(std::move(*output));
}

static LogicalResult runEmpty(Frame &, tensor::EmptyOp op, OpCall &call) {
  return yieldUnwritten(call, op.getType(), op.getDynamicSizes());
}

static LogicalResult runAllocTensor(Frame &, bufferization::AllocTensorOp op, OpCall &call) {
  if (op.getCopy())
    return call.yield(call.tensor(op.getCopy()));
  return yieldUnwritten(call, op.getType(), op.getDynamicSizes());
}

static LogicalResult runSplat(Frame &, tensor::SplatOp op, OpCall &call) {
  FailureOr<HostTensor> output = call.allocateResult(shapeWith(op.getType(), call.integers(op.getDynamicSizes())));
  if (failed(output))
    return failure();
  char *bytes = output->mutableBytes();
  for (int64_t i = 0; i < output->size(); ++i)
    storeScalar(output->type(), bytes, i, call.operands[0].scalar);
  return call.yield(std::move(*output));
}

static LogicalResult runFromElements(Frame &, tensor::FromElementsOp op, OpCall &call) {
  FailureOr<HostTensor> output = call.allocateResult(op.getType().getShape());
  if (failed(output))
    return failure();
  char *bytes = output->mutableBytes();
  for (auto [i, element] : llvm::enumerate(call.operands))
    storeScalar(output->type(), bytes, i, element.scalar);
  return call.yield(std::move(*output));
}

/// Every element is what a region over its indices yields.
static LogicalResult fillFrom(Program &program, HostTensor &output) {
  char *bytes = output.mutableBytes();
  int64_t i = 0;
  return forEachIndex(output.shape(), [&](ArrayRef<int64_t> at) {
    for (auto [d, index] : llvm::enumerate(at))
      program.setArgument(d, fromInteger(index));
    if (failed(program.run()))
      return failure();
    storeScalar(output.type(), bytes, i++, program.result(0));
    return success();
  });
}

static LogicalResult runGenerate(Frame &frame, tensor::GenerateOp op, OpCall &call) {
  FailureOr<HostTensor> output = call.allocateResult(shapeWith(op.getType(), call.integers(op.getDynamicExtents())));
  if (failed(output))
    return failure();
  FailureOr<Program> program = frame.compile(op.getBody().front());
  if (failed(program) || failed(fillFrom(*program, *output)))
    return failure();
  return call.yield(std::move(*output));
}

static LogicalResult runPad(Frame &frame, tensor::PadOp op, OpCall &call) {
  const HostTensor &source = call.tensor(op.getSource());
  SmallVector<int64_t> low = call.mixed(op.getMixedLowPad()), high = call.mixed(op.getMixedHighPad()), shape;
  for (auto [extent, before, after] : llvm::zip_equal(source.shape(), low, high)) {
    if (before < 0 || after < 0)
      return op.emitOpError("has a padding of ") << std::min(before, after) << ", expected none that is negative";
    shape.push_back(extent + before + after);
  }
  FailureOr<HostTensor> output = call.allocateResult(shape);
  if (failed(output))
    return failure();
  FailureOr<Program> program = frame.compile(op.getRegion().front());
  if (failed(program) || failed(fillFrom(*program, *output)))
    return failure();
  char *bytes = output->mutableBytes();
  int64_t width = byteWidth(source.type()), i = 0;
  (void)forEachIndex(source.shape(), [&](ArrayRef<int64_t> at) {
    int64_t position = 0;
    for (size_t d = 0; d < at.size(); ++d)
      position = position * shape[d] + at[d] + low[d];
    std::memcpy(bytes + position * width, source.bytes() + i++ * width, width);
    return success();
  });
  return call.yield(std::move(*output));
}

//===----------------------------------------------------------------------===//
// The same elements
//===----------------------------------------------------------------------===//

static LogicalResult runExpand(Frame &, tensor::ExpandShapeOp op, OpCall &call) {
  return yieldReshaped(call, call.tensor(op.getSrc()), call.mixed(op.getMixedOutputShape()));
}

static LogicalResult runCollapse(Frame &, tensor::CollapseShapeOp op, OpCall &call) {
  const HostTensor &source = call.tensor(op.getSrc());
  SmallVector<int64_t> shape;
  for (const ReassociationIndices &group : op.getReassociationIndices())
    shape.push_back(countOf(source.shape().slice(group.front(), group.size())));
  return yieldReshaped(call, source, shape);
}

static LogicalResult runReshape(Frame &, tensor::ReshapeOp op, OpCall &call) {
  const HostTensor &wanted = call.tensor(op.getShape());
  SmallVector<int64_t> shape;
  for (int64_t i = 0; i < wanted.size(); ++i)
    shape.push_back(loadInteger(wanted.type(), wanted.bytes(), i));
  return yieldReshaped(call, call.tensor(op.getSource()), shape);
}

static LogicalResult runCast(Frame &, tensor::CastOp op, OpCall &call) { return call.yield(call.take(op.getSource())); }

static LogicalResult runBitcast(Frame &, tensor::BitcastOp op, OpCall &call) {
  std::optional<ElementType> type = elementTypeOf(op.getType().getElementType());
  HostTensor source = call.take(op.getSource());
  if (!type || byteWidth(*type) != byteWidth(source.type()))
    return op.emitOpError("cannot read ") << source.typeText() << " as " << op.getType();
  return call.yield(source.reinterpreted(*type));
}

static LogicalResult runDim(Frame &, tensor::DimOp op, OpCall &call) {
  ArrayRef<int64_t> shape = call.tensor(op.getSource()).shape();
  int64_t dim = call.integer(op.getIndex());
  if (dim < 0 || dim >= static_cast<int64_t>(shape.size()))
    return op.emitOpError("asks for dimension ") << dim << " of a tensor of rank " << shape.size();
  return call.yield(fromInteger(shape[dim]));
}

static LogicalResult runRank(Frame &, tensor::RankOp op, OpCall &call) {
  return call.yield(fromInteger(call.tensor(op.getTensor()).rank()));
}

void interpreter::addShapes(HandlerTable &table) {
  table.add<tensor::EmptyOp, runEmpty>();
  table.add<bufferization::AllocTensorOp, runAllocTensor>();
  table.add<tensor::SplatOp, runSplat>();
  table.add<tensor::FromElementsOp, runFromElements>();
  table.add<tensor::GenerateOp, runGenerate>();
  table.add<tensor::PadOp, runPad>();
  table.add<tensor::ExpandShapeOp, runExpand>();
  table.add<tensor::CollapseShapeOp, runCollapse>();
  table.add<tensor::ReshapeOp, runReshape>();
  table.add<tensor::CastOp, runCast>();
  table.add<tensor::BitcastOp, runBitcast>();
  table.add<tensor::DimOp, runDim>();
  table.add<tensor::RankOp, runRank>();
}
