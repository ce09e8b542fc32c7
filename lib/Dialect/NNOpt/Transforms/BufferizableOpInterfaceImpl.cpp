//===- BufferizableOpInterfaceImpl.cpp - how nnopt ops bufferize ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/Transforms/BufferizableOpInterfaceImpl.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace nnopt;

namespace {

/// A structured op reads its inputs and writes its destination, which its result then is.
template <typename Op>
struct StructuredOpModel : BufferizableOpInterface::ExternalModel<StructuredOpModel<Op>, Op> {
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

} // namespace

void nnopt::registerBufferizableOpInterfaceExternalModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, NNOptDialect *) {
    LinearOp::attachInterface<StructuredOpModel<LinearOp>>(*context);
    MatmulOp::attachInterface<StructuredOpModel<MatmulOp>>(*context);
    ConvOp::attachInterface<StructuredOpModel<ConvOp>>(*context);
    ConvTransposeOp::attachInterface<StructuredOpModel<ConvTransposeOp>>(*context);
    AttentionOp::attachInterface<StructuredOpModel<AttentionOp>>(*context);
    PoolOp::attachInterface<StructuredOpModel<PoolOp>>(*context);
    SoftmaxOp::attachInterface<StructuredOpModel<SoftmaxOp>>(*context);
    NormalizeOp::attachInterface<StructuredOpModel<NormalizeOp>>(*context);
    GatherOp::attachInterface<StructuredOpModel<GatherOp>>(*context);
  });
}
