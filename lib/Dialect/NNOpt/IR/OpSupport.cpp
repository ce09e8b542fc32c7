//===- OpSupport.cpp - helpers shared by the op families ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "OpSupport.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace nnopt;

int64_t nnopt::windowResult(int64_t input, int64_t window, int64_t stride, int64_t padBegin, int64_t padEnd,
                            bool ceil) {
  if (ShapedType::isDynamic(input))
    return ShapedType::kDynamic;
  int64_t room = input + padBegin + padEnd - window;
  if (room < 0)
    return 0;
  int64_t count = room / stride + 1;
  if (ceil && room % stride != 0 && count * stride < input + padBegin)
    ++count;
  return count;
}

namespace nnopt::detail {

ArrayRef<int64_t> shapeOf(Value value) { return cast<ShapedType>(value.getType()).getShape(); }

OpFoldResult dimOf(OpBuilder &builder, Location loc, Value value, int64_t dim) {
  int64_t extent = shapeOf(value)[dim];
  if (!ShapedType::isDynamic(extent))
    return builder.getIndexAttr(extent);
  if (isa<MemRefType>(value.getType()))
    return memref::DimOp::create(builder, loc, value, dim).getResult();
  return tensor::DimOp::create(builder, loc, value, dim).getResult();
}

SmallVector<OpFoldResult> dimsOf(OpBuilder &builder, Location loc, Value value) {
  SmallVector<OpFoldResult> dims;
  for (int64_t i = 0, e = shapeOf(value).size(); i < e; ++i)
    dims.push_back(dimOf(builder, loc, value, i));
  return dims;
}

bool compatible(int64_t a, int64_t b) { return ShapedType::isDynamic(a) || ShapedType::isDynamic(b) || a == b; }

LogicalResult verifySparsePack(Operation *op, Value values, Value columns, Value starts, SparsePackAttr pack) {
  ArrayRef<int64_t> blocks = shapeOf(values);
  if (blocks.size() != 2 || blocks[1] != pack.getRows())
    return op->emitOpError("expects values of ") << pack.getRows() << " rows per block, got type " << values.getType();
  auto expectIntegers = [&](Value value, StringRef name, int64_t count) -> LogicalResult {
    auto type = cast<ShapedType>(value.getType());
    if (type.getRank() != 1 || type.getDimSize(0) != count || !type.getElementType().isSignlessInteger(32))
      return op->emitOpError("expects ") << name << " of " << count << " i32, got type " << type;
    return success();
  };
  return failure(failed(expectIntegers(columns, "columns", blocks[0])) ||
                 failed(expectIntegers(starts, "starts", pack.lists() + 1)));
}

/// Extents that an epilogue operand is read at agree with the result's.
static LogicalResult verifyEpilogueExtents(StructuredOpInterface op, ValueRange operands, std::optional<ArrayAttr> maps) {
  SmallVector<int64_t> result = op.inferStaticShape();
  for (auto [i, operand] : llvm::enumerate(operands)) {
    AffineMap map = cast<AffineMapAttr>((*maps)[i]).getValue();
    for (auto [d, expr, extent] : llvm::enumerate(map.getResults(), shapeOf(operand))) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      int64_t read = dim ? result[dim.getPosition()] : 1;
      if (!compatible(read, extent) && (dim || extent < 1))
        return op->emitOpError("epilogue map #") << i << " reads " << read << " elements of dimension " << d
                                                 << " of an operand that has " << extent;
    }
  }
  return success();
}

LogicalResult verifyEpilogue(Operation *op, Region &epilogue, ValueRange operands, std::optional<ArrayAttr> maps,
                             int64_t resultRank) {
  size_t numMaps = maps ? maps->size() : 0;
  if (numMaps != operands.size())
    return op->emitOpError("expects ") << operands.size() << " epilogue maps, got " << numMaps;
  if (epilogue.empty()) {
    if (!operands.empty())
      return op->emitOpError("has epilogue operands but no epilogue");
    return success();
  }
  Block &block = epilogue.front();
  if (block.getNumArguments() != operands.size() + 1)
    return op->emitOpError("expects ") << operands.size() + 1 << " epilogue arguments (the accumulator and "
                                       << operands.size() << " operands), got " << block.getNumArguments();
  for (size_t i = 0; i < numMaps; ++i) {
    AffineMap map = cast<AffineMapAttr>((*maps)[i]).getValue();
    int64_t rank = shapeOf(operands[i]).size();
    if (map.getNumDims() != resultRank || map.getNumResults() != rank)
      return op->emitOpError("epilogue map #")
             << i << " goes from " << map.getNumDims() << " to " << map.getNumResults() << " dimensions, expected "
             << resultRank << " to " << rank;
    if (!map.isProjectedPermutation(/*allowZeroInResults=*/true))
      return op->emitOpError("epilogue map #") << i << " is not a projected permutation";
    Type element = cast<ShapedType>(operands[i].getType()).getElementType();
    if (block.getArgument(i + 1).getType() != element)
      return op->emitOpError("epilogue argument #")
             << i + 1 << " has type " << block.getArgument(i + 1).getType() << ", its operand has elements of type "
             << element;
  }
  if (block.empty() || !isa<YieldOp>(block.back()))
    return op->emitOpError("expects its epilogue to end in 'nnopt.yield'");
  auto structured = cast<StructuredOpInterface>(op);
  Value destination = structured.getDestination();
  Type yielded = cast<YieldOp>(block.back()).getValue().getType();
  Type element = getElementTypeOrSelf(destination ? destination : op->getResult(0));
  if (yielded != element)
    return op->emitOpError("yields ") << yielded << " from its epilogue, the result has elements of type " << element;
  return verifyEpilogueExtents(structured, operands, maps);
}

void structuredEffects(StructuredOpInterface op,
                       SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  Value destination = op.getDestination();
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    if (operand.get() == destination)
      effects.emplace_back(MemoryEffects::Write::get(), &operand, 0, true, SideEffects::DefaultResource::get());
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand, 0, true, SideEffects::DefaultResource::get());
  }
}

LogicalResult verifyStructuredOp(StructuredOpInterface op) {
  Value destination = op.getDestination();
  bool onBuffers = destination && isa<MemRefType>(destination.getType());
  for (Value operand : op->getOperands())
    if (isa<ShapedType>(operand.getType()) && isa<MemRefType>(operand.getType()) != onBuffers)
      return op->emitOpError("mixes tensors and buffers");
  if (op->getNumResults() != (onBuffers ? 0u : 1u))
    return op->emitOpError("expects ") << (onBuffers ? 0 : 1) << " results, got " << op->getNumResults();
  auto type = cast<ShapedType>(onBuffers ? destination.getType() : op->getResult(0).getType());
  if (!onBuffers && destination && destination.getType() != type)
    return op->emitOpError("has a destination of type ") << destination.getType() << " and a result of type " << type;
  SmallVector<int64_t> inferred = op.inferStaticShape();
  if (static_cast<int64_t>(inferred.size()) != type.getRank())
    return op->emitOpError("expects a result of rank ") << inferred.size() << ", got " << type.getRank();
  for (auto [i, expected, got] : llvm::enumerate(inferred, type.getShape()))
    if (!compatible(expected, got))
      return op->emitOpError("expects extent ") << expected << " in dimension " << i << " of the result, got " << got;
  return success();
}

OpFoldResult windowResult(OpBuilder &builder, Location loc, OpFoldResult input, int64_t window, int64_t stride,
                          int64_t padBegin, int64_t padEnd, bool ceil) {
  if (auto extent = getConstantIntValue(input))
    return builder.getIndexAttr(nnopt::windowResult(*extent, window, stride, padBegin, padEnd, ceil));
  // Dropping a last window that starts in the padding needs a minimum; see windowResult above.
  MLIRContext *ctx = builder.getContext();
  AffineExpr d0 = builder.getAffineDimExpr(0);
  AffineExpr room = d0 + (padBegin + padEnd - window);
  if (!ceil)
    return affine::makeComposedFoldedAffineApply(builder, loc, room.floorDiv(stride) + 1, {input});
  AffineMap counts = AffineMap::get(1, 0, {room.ceilDiv(stride) + 1, (d0 + (padBegin - 1)).floorDiv(stride) + 1}, ctx);
  return affine::makeComposedFoldedAffineMin(builder, loc, counts, {input});
}

SmallVector<int64_t> WindowShape::infer(ArrayRef<int64_t> input, int64_t channels) const {
  SmallVector<int64_t> shape(input);
  unsigned rank = windows.size(), first = channelsLast ? 1 : 2;
  for (unsigned i = 0; i < rank; ++i)
    shape[first + i] =
        nnopt::windowResult(input[first + i], windows[i], strides[i], pads[i], pads[rank + i], ceil);
  shape[channelsLast ? rank + 1 : 1] = channels;
  return shape;
}

SmallVector<OpFoldResult> WindowShape::reify(OpBuilder &builder, Location loc, Value input,
                                             OpFoldResult channels) const {
  SmallVector<OpFoldResult> shape = dimsOf(builder, loc, input);
  unsigned rank = windows.size(), first = channelsLast ? 1 : 2;
  for (unsigned i = 0; i < rank; ++i)
    shape[first + i] = windowResult(builder, loc, shape[first + i], windows[i], strides[i], pads[i], pads[rank + i], ceil);
  shape[channelsLast ? rank + 1 : 1] = channels;
  return shape;
}

SmallVector<int64_t> dilated(ArrayRef<int64_t> kernel, ArrayRef<int64_t> dilations) {
  SmallVector<int64_t> windows;
  for (auto [k, d] : llvm::zip_equal(kernel, dilations))
    windows.push_back((k - 1) * d + 1);
  return windows;
}

LogicalResult verifyWindow(Operation *op, Value input, ArrayRef<int64_t> kernel, ArrayRef<int64_t> strides,
                           ArrayRef<int64_t> dilations, ArrayRef<int64_t> pads) {
  int64_t rank = static_cast<int64_t>(shapeOf(input).size()) - 2;
  if (rank < 1)
    return op->emitOpError("expects an input of rank 3 or more, got ") << rank + 2;
  auto check = [&](StringRef what, ArrayRef<int64_t> list, int64_t expected, int64_t least) -> LogicalResult {
    if (static_cast<int64_t>(list.size()) != expected)
      return op->emitOpError("expects ") << expected << " " << what << ", got " << list.size();
    for (int64_t value : list)
      if (value < least)
        return op->emitOpError("expects ") << what << " of at least " << least << ", got " << value;
    return success();
  };
  return failure(failed(check("kernel extents", kernel, rank, 1)) || failed(check("strides", strides, rank, 1)) ||
                 failed(check("dilations", dilations, rank, 1)) || failed(check("pads", pads, 2 * rank, 0)));
}

LogicalResult verifyBias(Operation *op, Value bias, int64_t outputs) {
  if (!bias)
    return success();
  ArrayRef<int64_t> shape = shapeOf(bias);
  if (shape.size() != 1)
    return op->emitOpError("expects a bias of rank 1, got ") << shape.size();
  if (!compatible(shape[0], outputs))
    return op->emitOpError("expects ") << outputs << " bias elements, one per output, got " << shape[0];
  return success();
}

} // namespace nnopt::detail
