//===- BufferizableOpInterfaceImpl.cpp - how nnopt ops bufferize ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/Transforms/BufferizableOpInterfaceImpl.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace nnopt;

namespace {

/// Where a value lies if everything before it is bufferized in place.
struct Place {
  /// A box of a tensor that is written in pieces: the tensor before the first piece, and the slice.
  using Box = std::pair<Value, OffsetSizeAndStrideOpInterface>;

  SmallVector<Box> boxes;    ///< inner ones first
  SmallVector<Value> wholes; ///< values that it is, or is a part of

  explicit Place(Value value) {
    while (Operation *op = value.getDefiningOp()) {
      wholes.push_back(value);
      if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
        boxes.push_back({beforePieces(slice.getSource()), slice});
        value = slice.getSource();
      } else if (auto insert = dyn_cast<tensor::InsertSliceOp>(op)) {
        value = insert.getDest();
      } else if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op)) {
        value = op->getOperand(0);
      } else if (auto structured = dyn_cast<StructuredOpInterface>(op); structured && structured.getDestination()) {
        value = structured.getDestination();
      } else if (auto dps = dyn_cast<DestinationStyleOpInterface>(op)) {
        value = dps.getTiedOpOperand(cast<OpResult>(value))->get();
      } else {
        break;
      }
    }
  }

  static Value beforePieces(Value value) {
    while (auto insert = value.getDefiningOp<tensor::InsertSliceOp>())
      value = insert.getDest();
    return value;
  }
};

} // namespace

/// True if the boxes have no element in common, as far as static extents tell.
static bool areDisjoint(OffsetSizeAndStrideOpInterface x, OffsetSizeAndStrideOpInterface y) {
  if (!x.hasUnitStride() || !y.hasUnitStride())
    return false;
  auto isKnown = [](OffsetSizeAndStrideOpInterface op, unsigned d) {
    return !op.isDynamicOffset(d) && !op.isDynamicSize(d);
  };
  for (unsigned d = 0; d < x.getStaticOffsets().size(); ++d) {
    if (!isKnown(x, d) || !isKnown(y, d))
      continue;
    if (x.getStaticOffset(d) + x.getStaticSize(d) <= y.getStaticOffset(d) ||
        y.getStaticOffset(d) + y.getStaticSize(d) <= x.getStaticOffset(d))
      return true;
  }
  return false;
}

namespace {

/// A structured op reads its inputs and writes its destination, which its result then is.
template <typename Op> struct StructuredOpModel : BufferizableOpInterface::ExternalModel<StructuredOpModel<Op>, Op> {
  static bool isDestination(Operation *op, OpOperand &operand) {
    MutableOperandRange destination = cast<StructuredOpInterface>(op).getDestinationMutable();
    return !destination.empty() && &destination[0] == &operand;
  }

  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand, const AnalysisState &) const {
    return !isDestination(op, operand);
  }

  bool bufferizesToMemoryWrite(Operation *op, OpOperand &operand, const AnalysisState &) const {
    return isDestination(op, operand);
  }

  AliasingValueList getAliasingValues(Operation *op, OpOperand &operand, const AnalysisState &) const {
    if (isDestination(op, operand))
      return {{op->getResult(0), BufferRelation::Equivalent}};
    return {};
  }

  /// Reading a piece of a tensor is no conflict with writing another one, nor with inserting what is already there.
  bool isNotConflicting(Operation *op, OpOperand *read, OpOperand *write, const AnalysisState &) const {
    Place source(read->get()), target(write->get());
    auto insert = dyn_cast<tensor::InsertSliceOp>(write->getOwner());
    if (insert && write == &insert.getDestMutable()) {
      if (llvm::is_contained(source.wholes, insert.getSource()))
        return true;
      target.boxes.push_back({Place::beforePieces(insert.getDest()), insert});
    }
    for (auto [from, readBox] : source.boxes)
      for (auto [to, writtenBox] : target.boxes)
        if (from == to && areDisjoint(readBox, writtenBox))
          return true;
    return false;
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto structured = cast<StructuredOpInterface>(op);
    if (op->getNumResults() == 0)
      return success();
    if (!structured.getDestination())
      return op->emitOpError("needs a destination before it can be bufferized");
    SmallVector<Value> operands;
    for (OpOperand &operand : op->getOpOperands()) {
      if (!isa<TensorType>(operand.get().getType())) {
        operands.push_back(operand.get());
        continue;
      }
      FailureOr<Value> buffer = getBuffer(rewriter, operand.get(), options, state);
      if (failed(buffer))
        return failure();
      operands.push_back(*buffer);
    }
    rewriter.setInsertionPoint(op);
    OperationState clone(op->getLoc(), op->getName(), operands, TypeRange{}, op->getAttrs());
    clone.propertiesAttr = op->getPropertiesAsAttribute();
    for (unsigned i = 0; i < op->getNumRegions(); ++i)
      clone.addRegion();
    Operation *onBuffers = rewriter.create(clone);
    for (auto [from, to] : llvm::zip(op->getRegions(), onBuffers->getRegions()))
      rewriter.inlineRegionBefore(from, to, to.begin());
    Value destination = cast<StructuredOpInterface>(onBuffers).getDestination();
    replaceOpWithBufferizedValues(rewriter, op, destination);
    return success();
  }
};

/// The body is on buffers already, and takes the place of the op.
struct SparseComputeModel : DstBufferizableOpInterfaceExternalModel<SparseComputeModel, SparseComputeOp> {
  /// A buffer of the type of `argument` with the elements of `buffer`.
  static Value contiguous(RewriterBase &rewriter, Value buffer, Type argument) {
    if (buffer.getType() == argument)
      return buffer;
    Location loc = buffer.getLoc();
    auto type = cast<MemRefType>(argument);
    SmallVector<Value> extents;
    for (int64_t d = 0; d < type.getRank(); ++d)
      if (type.isDynamicDim(d))
        extents.push_back(memref::DimOp::create(rewriter, loc, buffer, d));
    Value copy = memref::AllocOp::create(rewriter, loc, type, extents);
    memref::CopyOp::create(rewriter, loc, buffer, copy);
    return copy;
  }

  LogicalResult bufferize(Operation *operation, RewriterBase &rewriter, const BufferizationOptions &options, BufferizationState &state) const {
    auto op = cast<SparseComputeOp>(operation);
    Block &body = op.getBody().front();
    if (isa<TensorType>(body.getArguments().back().getType()))
      return op.emitOpError("needs loops before it can be bufferized");
    SmallVector<Value> operands;
    Value target;
    for (auto [operand, argument] : llvm::zip_equal(op->getOperands(), body.getArgumentTypes())) {
      target = operand;
      if (isa<TensorType>(operand.getType())) {
        FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
        if (failed(buffer))
          return failure();
        target = *buffer;
      }
      operands.push_back(isa<MemRefType>(argument) ? contiguous(rewriter, target, argument) : target);
    }
    rewriter.inlineBlockBefore(&body, op, operands);
    if (operands.back() != target)
      memref::CopyOp::create(rewriter, op.getLoc(), operands.back(), target);
    replaceOpWithBufferizedValues(rewriter, op, target);
    return success();
  }
};

} // namespace

void nnopt::registerBufferizableOpInterfaceExternalModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, NNOptDialect *) {
    LinearOp::attachInterface<StructuredOpModel<LinearOp>>(*context);
    SparseLinearOp::attachInterface<StructuredOpModel<SparseLinearOp>>(*context);
    TileRowsOp::attachInterface<StructuredOpModel<TileRowsOp>>(*context);
    PermuteLinearOp::attachInterface<StructuredOpModel<PermuteLinearOp>>(*context);
    ImagePlanesOp::attachInterface<StructuredOpModel<ImagePlanesOp>>(*context);
    SparseConvOp::attachInterface<StructuredOpModel<SparseConvOp>>(*context);
    MatmulOp::attachInterface<StructuredOpModel<MatmulOp>>(*context);
    ConvOp::attachInterface<StructuredOpModel<ConvOp>>(*context);
    ConvTransposeOp::attachInterface<StructuredOpModel<ConvTransposeOp>>(*context);
    AttentionOp::attachInterface<StructuredOpModel<AttentionOp>>(*context);
    PoolOp::attachInterface<StructuredOpModel<PoolOp>>(*context);
    SoftmaxOp::attachInterface<StructuredOpModel<SoftmaxOp>>(*context);
    NormalizeOp::attachInterface<StructuredOpModel<NormalizeOp>>(*context);
    GatherOp::attachInterface<StructuredOpModel<GatherOp>>(*context);
    SparseComputeOp::attachInterface<SparseComputeModel>(*context);
  });
}
