//===- PlaneOps.cpp - pruned convolutions ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "OpSupport.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::detail;

NNOPT_STRUCTURED_OP_METHODS(ImagePlanesOp)
NNOPT_STRUCTURED_OP_METHODS(SparseConvOp)

/// Fails unless `list` has two entries of `least` or more.
static LogicalResult verifyPair(Operation *op, StringRef what, ArrayRef<int64_t> list, int64_t least) {
  if (list.size() != 2)
    return op->emitOpError("expects 2 ") << what << ", got " << list.size();
  for (int64_t value : list)
    if (value < least)
      return op->emitOpError("expects ") << what << " of at least " << least << ", got " << value;
  return success();
}

static LogicalResult verifyRank(Operation *op, Value image) {
  if (int64_t rank = shapeOf(image).size(); rank != 4)
    return op->emitOpError("expects an input of rank 4, got ") << rank;
  return success();
}

//===----------------------------------------------------------------------===//
// ImagePlanesOp
//===----------------------------------------------------------------------===//

LogicalResult ImagePlanesOp::verify() {
  if (failed(verifyRank(*this, getInput())) || failed(verifyPair(*this, "strides", getStrides(), 1)) ||
      failed(verifyPair(*this, "phases", getPhases(), 1)) || failed(verifyPair(*this, "pads", getPads(), 0))) // c1
    return failure();
  int64_t lines = getLines(), pitch = getPitch(), size = getSize();
  if (lines < 1 || pitch < 1)
    return emitOpError("expects at least 1 line of at least 1 element, got ") << lines << " of " << pitch;
  for (auto [phases, stride] : llvm::zip_equal(getPhases(), getStrides()))
    if (phases > stride) // c2
      return emitOpError("has ") << phases << " phases for a stride of " << stride;
  if (lines > size / pitch) // c3
    return emitOpError("has planes of ") << size << " elements for " << lines << " lines of " << pitch;
  return success();
}

SmallVector<int64_t> ImagePlanesOp::inferStaticShape() {
  ArrayRef<int64_t> input = shapeOf(getInput());
  return {input[0], input[3], getPhases()[0] * getPhases()[1], static_cast<int64_t>(getSize())};
}

SmallVector<OpFoldResult> ImagePlanesOp::inferResultShape(OpBuilder &builder) {
  return {dimOf(builder, getLoc(), getInput(), 0), dimOf(builder, getLoc(), getInput(), 3),
          builder.getIndexAttr(getPhases()[0] * getPhases()[1]), builder.getIndexAttr(getSize())};
}

//===----------------------------------------------------------------------===//
// SparseConvOp
//===----------------------------------------------------------------------===//

LogicalResult SparseConvOp::verify() {
  if (failed(verifyRank(*this, getPlanes())) || failed(verifyPair(*this, "extents", getExtents(), 1)))
    return failure();
  SparsePackAttr pack = getPack();
  ArrayRef<int64_t> image = shapeOf(getPlanes()).drop_front();
  if (llvm::any_of(image, ShapedType::isDynamic) || ShapedType::getNumElements(image) != pack.getDepth()) // c1
    return emitOpError("expects planes of ") << pack.getDepth() << " elements per image (the depth of the pack), got type "
                                             << getPlanes().getType();
  if (getExtents()[1] > static_cast<int64_t>(getPitch())) // c2
    return emitOpError("has lines of ") << getExtents()[1] << " results at a pitch of " << static_cast<int64_t>(getPitch());
  if (failed(verifySparsePack(*this, getValues(), getColumns(), getStarts(), pack)) || // c3
      failed(verifyBias(*this, getBias(), pack.getOutputs())))                         // c4
    return failure();
  if (auto frame = getFrame()) { // c6
    if (failed(verifyPair(*this, "entries of the frame", *frame, 0)))
      return failure();
    if ((*frame)[1] - (*frame)[0] < positions())
      return emitOpError("has planes of ") << (*frame)[1] << " elements for " << positions() << " positions behind " << (*frame)[0];
  }
  return verifyEpilogue(*this, getEpilogue(), getEpilogueOperands(), getEpilogueMaps(), /*resultRank=*/4); // c5
}

SmallVector<int64_t> SparseConvOp::inferStaticShape() {
  if (auto frame = getFrame())
    return {shapeOf(getPlanes())[0], getPack().getOutputs(), 1, (*frame)[1]};
  return {shapeOf(getPlanes())[0], getExtents()[0], getExtents()[1], getPack().getOutputs()};
}

SmallVector<OpFoldResult> SparseConvOp::inferResultShape(OpBuilder &builder) {
  if (auto frame = getFrame())
    return {dimOf(builder, getLoc(), getPlanes(), 0), builder.getIndexAttr(getPack().getOutputs()), builder.getIndexAttr(1),
            builder.getIndexAttr((*frame)[1])};
  return {dimOf(builder, getLoc(), getPlanes(), 0), builder.getIndexAttr(getExtents()[0]),
          builder.getIndexAttr(getExtents()[1]), builder.getIndexAttr(getPack().getOutputs())};
}
