//===- ApplyMasks.cpp - zeros that masks from a file ask for --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "ConstantData.h"
#include "WeightMasks.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Remarks.h"

#include <cstring>

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

/// What stands for zero in the elements of a weight: +0 of floats, the zero points of integers.
class Zeros {
public:
  /// Nothing for integers of which not all readers dequantize in the same way.
  static std::optional<Zeros> of(WeightOp weight) {
    Zeros zeros;
    auto type = cast<RankedTensorType>(weight.getType());
    if (isa<FloatType>(type.getElementType()))
      return zeros;
    DequantizeOp first;
    for (Operation *user : weight->getUsers()) {
      auto dequantize = dyn_cast<DequantizeOp>(user);
      if (!dequantize || dequantize.getInput() != weight.getResult())
        return std::nullopt;
      first = first ? first : dequantize;
      if (dequantize.getZeroPoint() != first.getZeroPoint() || dequantize->getAttrDictionary() != first->getAttrDictionary())
        return std::nullopt;
    }
    if (!first || (first.getZeroPoint() && !zeros.readPoints(first, type)))
      return std::nullopt;
    return zeros;
  }

  /// The bytes of the zero of element `i`, or of none where they are all 0.
  ArrayRef<char> at(int64_t i) const {
    int64_t place = 0;
    for (int64_t dim = static_cast<int64_t>(extents.size()) - 1; dim >= 0; --dim) {
      place += i % extents[dim] / blocks[dim] * strides[dim];
      i /= extents[dim];
    }
    return points ? points->bytesAt(place) : ArrayRef<char>();
  }

private:
  std::optional<ConstantData> points;
  SmallVector<int64_t> extents, strides, blocks;

  bool readPoints(DequantizeOp dequantize, RankedTensorType type) {
    points = ConstantData::of(dequantize.getZeroPoint());
    if (!points || points->type.getElementType() != type.getElementType())
      return false;
    extents = llvm::to_vector(type.getShape());
    strides.assign(type.getRank(), 0), blocks.assign(type.getRank(), 1);
    if (std::optional<int64_t> block = dequantize.getBlockSize()) {
      strides = computeStrides(points->type.getShape());
      blocks[*dequantize.getAxis()] = std::max<int64_t>(1, *block);
    } else if (points->size() != 1 && dequantize.getAxis()) {
      strides[*dequantize.getAxis()] = 1;
    }
    int64_t last = 0;
    for (auto [extent, stride, block] : llvm::zip_equal(extents, strides, blocks))
      last += std::max<int64_t>(0, extent - 1) / block * stride;
    return last < points->size();
  }
};

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
    std::optional<Zeros> zeros = Zeros::of(weight);
    if (!zeros)
      return diag << "needs a weight of floats, or of integers that all readers dequantize alike, got " << type;
    if (!data)
      return diag << "needs the bytes of its weight, which are not here";
    diag.abandon();
    replace(mask, weight, *data, *zeros);
    ++maskedWeights;
    return success();
  }

  void replace(const WeightMask &mask, WeightOp weight, const ConstantData &data, const Zeros &zeros) {
    Location layer = layerOf(weight); // its reader, before it has none
    int64_t removed = 0, zero = 0;
    OpBuilder b(weight);
    WeightOp masked = createWeight(b, weight.getLoc(), weight.getSymNameAttr(), data.type, [&](MutableArrayRef<char> bytes) {
      char *to = bytes.data();
      for (int64_t i = 0; i < data.size(); ++i) {
        ArrayRef<char> from = data.bytesAt(i), point = zeros.at(i);
        bool isZero = point.empty() ? data.at(i) == 0 : from == point;
        if (!mask.keeps(i)) {
          ++removed;
          point.empty() ? std::memset(to, 0, from.size()) : std::memcpy(to, point.data(), point.size());
        } else {
          std::memcpy(to, from.data(), from.size());
        }
        zero += isZero || !mask.keeps(i);
        to += from.size();
      }
    });
    masked->setAttr(kSparsityAttr, SparsityAttr::get(&getContext(), SparsityOrigin::imported, mask.pattern, zero));
    weight->replaceAllUsesWith(masked);
    weight->erase();
    remark::passed(layer, kRemark) << remark::add("'{0}': {1} of {2} weights are zero, {3} by the mask ({4})", mask.name, zero, data.size(),
                                                  removed, mask.pattern);
  }
};

} // namespace
