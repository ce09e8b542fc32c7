//===- Slices.cpp - parts of tensors --------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Slices.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::interpreter;

LogicalResult Slice::verify(Operation *op, ArrayRef<int64_t> shape) const {
  for (size_t d = 0; d < shape.size(); ++d) {
    if (sizes[d] < 0)
      return op->emitOpError("has a size of ") << sizes[d] << " in dimension " << d;
    if (sizes[d] == 0)
      continue;
    int64_t reach, last;
    bool overflow = llvm::MulOverflow(sizes[d] - 1, strides[d], reach) || llvm::AddOverflow(offsets[d], reach, last);
    if (overflow || std::min(offsets[d], last) < 0 || std::max(offsets[d], last) >= shape[d])
      return op->emitOpError("takes ") << sizes[d] << " elements from " << offsets[d] << " in steps of " << strides[d]
                                       << " of dimension " << d << ", which has " << shape[d];
  }
  return success();
}

void Slice::forEach(ArrayRef<int64_t> shape, llvm::function_ref<void(int64_t whole, int64_t part)> body) const {
  SmallVector<int64_t> own = stridesOf(shape);
  int64_t part = 0;
  (void)forEachIndex(sizes, [&](ArrayRef<int64_t> at) {
    int64_t whole = 0;
    for (size_t d = 0; d < at.size(); ++d)
      whole += (offsets[d] + at[d] * strides[d]) * own[d];
    body(whole, part++);
    return success();
  });
}

LogicalResult interpreter::insertSlice(Operation *op, const Slice &slice, const HostTensor &source,
                                       HostTensor &target) {
  if (failed(slice.verify(op, target.shape())) ||
      failed(expectExtent(op, "elements in the inserted slice", countOf(slice.sizes), source.size())))
    return failure();
  char *bytes = target.mutableBytes();
  int64_t width = byteWidth(target.type());
  slice.forEach(target.shape(), [&](int64_t whole, int64_t part) {
    std::memcpy(bytes + whole * width, source.bytes() + part * width, width);
  });
  return success();
}

static LogicalResult runExtractSlice(Frame &, tensor::ExtractSliceOp op, OpCall &call) {
  const HostTensor &source = call.tensor(op.getSource());
  Slice slice{call.mixed(op.getMixedOffsets()), call.mixed(op.getMixedSizes()), call.mixed(op.getMixedStrides())};
  if (failed(slice.verify(op, source.shape())))
    return failure();
  llvm::SmallBitVector dropped = op.getDroppedDims();
  SmallVector<int64_t> shape;
  for (auto [d, size] : llvm::enumerate(slice.sizes))
    if (!dropped.test(d))
      shape.push_back(size);
  FailureOr<HostTensor> output = call.allocateResult(shape);
  if (failed(output) || failed(expectExtent(op, "elements in the slice", countOf(slice.sizes), output->size())))
    return failure();
  char *bytes = output->mutableBytes();
  int64_t width = byteWidth(source.type());
  slice.forEach(source.shape(), [&](int64_t whole, int64_t part) {
    std::memcpy(bytes + part * width, source.bytes() + whole * width, width);
  });
  return call.yield(std::move(*output));
}

static LogicalResult runInsertSlice(Frame &, tensor::InsertSliceOp op, OpCall &call) {
  Slice slice{call.mixed(op.getMixedOffsets()), call.mixed(op.getMixedSizes()), call.mixed(op.getMixedStrides())};
  HostTensor source = call.tensor(op.getSource()), target = call.take(op.getDest());
  if (failed(insertSlice(op, slice, source, target)))
    return failure();
  return call.yield(std::move(target));
}

static LogicalResult runConcat(Frame &, tensor::ConcatOp op, OpCall &call) {
  size_t dim = op.getDim();
  SmallVector<int64_t> shape(call.operands[0].tensor.shape());
  shape[dim] = 0;
  for (const RuntimeValue &part : call.operands) {
    for (auto [d, extent] : llvm::enumerate(part.tensor.shape()))
      if (d != dim && failed(expectExtent(op, "elements in another dimension of every operand", shape[d], extent)))
        return failure();
    shape[dim] += part.tensor.shape()[dim];
  }
  FailureOr<HostTensor> output = call.allocateResult(shape);
  if (failed(output))
    return failure();
  char *to = output->mutableBytes();
  int64_t inner = countOf(ArrayRef(shape).drop_front(dim + 1)) * byteWidth(output->type());
  for (int64_t outer = 0, rows = countOf(ArrayRef(shape).take_front(dim)); outer < rows; ++outer)
    for (const RuntimeValue &part : call.operands) {
      int64_t bytes = part.tensor.shape()[dim] * inner;
      std::memcpy(to, part.tensor.bytes() + outer * bytes, bytes);
      to += bytes;
    }
  return call.yield(std::move(*output));
}

/// Position of the element at `indices`; fails if it is outside.
static FailureOr<int64_t> elementPosition(OpCall &call, const HostTensor &tensor, ValueRange indices) {
  SmallVector<int64_t> at = call.integers(indices);
  if (std::optional<int64_t> position = linearPosition(at, tensor.shape()))
    return *position;
  InFlightDiagnostic diag = call.op->emitOpError("reaches element [");
  llvm::interleaveComma(at, diag);
  diag << "] of " << tensor.typeText();
  return failure();
}

static LogicalResult runExtract(Frame &, tensor::ExtractOp op, OpCall &call) {
  const HostTensor &tensor = call.tensor(op.getTensor());
  FailureOr<int64_t> position = elementPosition(call, tensor, op.getIndices());
  return failed(position) ? failure() : call.yield(loadScalar(tensor.type(), tensor.bytes(), *position));
}

static LogicalResult runInsert(Frame &, tensor::InsertOp op, OpCall &call) {
  HostTensor target = call.take(op.getDest());
  FailureOr<int64_t> position = elementPosition(call, target, op.getIndices());
  if (failed(position))
    return failure();
  storeScalar(target.type(), target.mutableBytes(), *position, call.operands[0].scalar);
  return call.yield(std::move(target));
}

void interpreter::addSlices(HandlerTable &table) {
  table.add<tensor::ExtractSliceOp, runExtractSlice>();
  table.add<tensor::InsertSliceOp, runInsertSlice>();
  table.add<tensor::ConcatOp, runConcat>();
  table.add<tensor::ExtractOp, runExtract>();
  table.add<tensor::InsertOp, runInsert>();
}
