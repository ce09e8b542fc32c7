//===- Calibration.cpp - measure what weights are applied to --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/Transforms/Calibration.h"

#include "PruningTask.h"

#include "mlir/IR/AsmState.h"

#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace nnopt;

RankedTensorType ObservedInput::statistic(ObserveKind kind) const {
  SmallVector<int64_t> shape{groups, depth};
  if (kind == ObserveKind::gram)
    shape.push_back(depth);
  return RankedTensorType::get(shape, Float32Type::get(users.front()->getContext()));
}

/// The value that `product` applies its weight to, and all that says how.
static std::pair<Value, Attribute> readingOf(Operation *product) {
  if (auto linear = dyn_cast<LinearOp>(product))
    return {linear.getInput(), Attribute()};
  auto conv = cast<ConvOp>(product);
  Builder b(product->getContext());
  ArrayRef<int64_t> kernel = cast<ShapedType>(conv.getWeight().getType()).getShape().drop_front(2);
  return {conv.getInput(), b.getArrayAttr({b.getDenseI64ArrayAttr(kernel), conv.getStridesAttr(), conv.getDilationsAttr(), conv.getPadsAttr(),
                                           conv.getGroupsAttr(), b.getBoolAttr(conv.getChannelsLast())})};
}

static SmallVector<ObservedInput> findInputs(func::FuncOp function, const LayerFilter &filter) {
  SmallVector<WeightLayer> layers = findLayers(function);
  llvm::MapVector<std::pair<Value, Attribute>, ObservedInput> inputs;
  for (const WeightLayer &layer : layers) {
    bool isObservable = llvm::all_of(layer.users, [&](Operation *user) {
      return isa<LinearOp, ConvOp>(user) && user->getBlock() == &function.front();
    });
    if (!isObservable || !filter.whyNot(layer, ConstantData::of(layer.weight)).empty())
      continue;
    for (Operation *user : layer.users) {
      ObservedInput &input = inputs[readingOf(user)];
      input.users.push_back(user);
      input.groups = layer.layout.groups, input.depth = layer.layout.taps * layer.layout.inputs;
    }
  }
  SmallVector<ObservedInput> list;
  for (auto &entry : inputs)
    list.push_back(std::move(entry.second));
  return list;
}

template <typename Options>
static SmallVector<ObservedInput> findFor(func::FuncOp function, const Options &options) {
  return findInputs(function, LayerFilter{*SparsityPattern::parse(options.pattern), options.exclude, options.only, options.first, options.last,
                                          options.depthwise});
}

SmallVector<ObservedInput> nnopt::findObservedInputs(func::FuncOp function, const PruneWandaOptions &options) {
  return findFor(function, options);
}

SmallVector<ObservedInput> nnopt::findObservedInputs(func::FuncOp function, const PruneSparseGPTOptions &options) {
  return findFor(function, options);
}

/// Before the first reader: the value exists there.
static Value observe(const ObservedInput &input, ObserveKind kind) {
  Operation *first = input.users.front();
  for (Operation *user : input.users)
    if (user->isBeforeInBlock(first))
      first = user;
  OpBuilder b(first);
  auto op = ObserveOp::create(b, first->getLoc(), input.statistic(kind), kind, readingOf(first).first, DenseI64ArrayAttr(), DenseI64ArrayAttr(),
                              DenseI64ArrayAttr(), DenseI64ArrayAttr(), /*groups=*/1, /*channels_last=*/false, DenseF32ArrayAttr());
  if (auto conv = dyn_cast<ConvOp>(first)) {
    op.setKernel(cast<ShapedType>(conv.getWeight().getType()).getShape().drop_front(2));
    op.setStridesAttr(conv.getStridesAttr());
    op.setDilationsAttr(conv.getDilationsAttr());
    op.setPadsAttr(conv.getPadsAttr());
    op.setGroups(conv.getGroups());
    op.setChannelsLast(conv.getChannelsLast());
  }
  return op.getResult();
}

void nnopt::addObservations(func::FuncOp function, ArrayRef<ObservedInput> inputs, ObserveKind kind) {
  Operation *end = function.front().getTerminator();
  Builder b(function.getContext());
  for (auto [i, input] : llvm::enumerate(inputs)) {
    Value statistic = observe(input, kind);
    SmallVector<Attribute> dims;
    for (int64_t extent : input.statistic(kind).getShape())
      dims.push_back(b.getStringAttr(Twine(extent)));
    NamedAttrList attributes;
    attributes.set(kNameAttr, b.getStringAttr("observed" + Twine(i)));
    attributes.set(kDimsAttr, b.getArrayAttr(dims));
    (void)function.insertResult(function.getNumResults(), statistic.getType(), attributes.getDictionary(b.getContext()));
    end->insertOperands(end->getNumOperands(), statistic);
  }
}

void nnopt::attachMoments(const ObservedInput &input, ObserveKind kind, ArrayRef<double> sums) {
  // Single precision halves what the largest layers take; sums are rounded once.
  SmallVector<float, 0> rounded(sums.begin(), sums.end());
  auto value = DenseResourceElementsAttr::get(input.statistic(kind), kObservedAttr,
                                              HeapAsmResourceBlob::allocateAndCopyInferAlign<float>(ArrayRef<float>(rounded)));
  for (Operation *user : input.users)
    user->setAttr(kObservedAttr, value);
}
