//===- ApplyMasks.cpp - zeros that masks from a file ask for --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "ConstantData.h"
#include "WeightMasks.h"

#include "mlir/IR/Remarks.h"

namespace nnopt {
#define GEN_PASS_DEF_APPLYMASKS
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

static constexpr remark::RemarkOpts kRemark = remark::RemarkOpts::name("mask").category("nnopt-apply-masks");

/// Where the user of the model would look: the first op that reads the weight.
static Location layerOf(WeightOp weight) {
  return weight->use_empty() ? weight.getLoc() : (*weight->getUsers().begin())->getLoc();
}

namespace {

struct ApplyMasks : nnopt::impl::ApplyMasksBase<ApplyMasks> {
  using ApplyMasksBase::ApplyMasksBase;

  void runOnOperation() override {
    llvm::Expected<WeightMasks> masks = WeightMasks::read(file);
    if (!masks) {
      getOperation().emitError() << file << ": " << llvm::toString(masks.takeError());
      return signalPassFailure();
    }
    llvm::StringMap<SmallVector<WeightOp>> weights;
    getOperation().walk([&](WeightOp weight) {
      if (weight.getSymName())
        weights[*weight.getSymName()].push_back(weight);
    });
    for (const WeightMask &mask : masks->all()) {
      auto found = weights.find(mask.name);
      if (found == weights.end()) {
        getOperation().emitError() << file << ": mask '" << mask.name << "' matches none of the " << weights.size() << " weights";
        return signalPassFailure();
      }
      for (WeightOp weight : found->second)
        if (failed(apply(mask, weight)))
          return signalPassFailure();
    }
  }

private:
  LogicalResult apply(const WeightMask &mask, WeightOp weight) {
    InFlightDiagnostic diag = emitError(layerOf(weight)) << "mask '" << mask.name << "' of " << mask.shapeText() << " ";
    auto type = cast<RankedTensorType>(weight.getType());
    if (ArrayRef(mask.shape) != type.getShape())
      return diag << "does not fit the weight of " << type;
    std::optional<ConstantData> data = ConstantData::of(weight.getResult());
    if (!isa<FloatType>(type.getElementType()))
      return diag << "needs a weight of floats, got " << type;
    if (!data)
      return diag << "needs the bytes of its weight, which are not here";
    diag.abandon();
    replace(mask, weight, *data);
    ++maskedWeights;
    return success();
  }

  void replace(const WeightMask &mask, WeightOp weight, const ConstantData &data) {
    Location layer = layerOf(weight); // its reader, before it has none
    int64_t removed = 0;
    for (int64_t i = 0; i < data.size(); ++i)
      removed += !mask.keeps(i);
    SparsityAttr sparsity = replaceByZeroed(weight.getResult(), data, [&](int64_t i) { return !mask.keeps(i); }, SparsityOrigin::imported, mask.pattern);
    remark::passed(layer, kRemark) << remark::add("'{0}': {1} of {2} weights are zero, {3} by the mask ({4})", mask.name, sparsity.getZeros(),
                                                  data.size(), removed, mask.pattern);
  }
};

} // namespace
