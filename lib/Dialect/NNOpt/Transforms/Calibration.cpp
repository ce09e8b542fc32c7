//===- Calibration.cpp - measure what weights are applied to --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/Transforms/Calibration.h"

#include "PruningTask.h"
#include "QuantizationTask.h"

#include "mlir/IR/AsmState.h"

#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace nnopt;

/// Parts of a range: eight for each step of 8 bits.
static constexpr int64_t kBins = 2048;

RankedTensorType ObservedInput::statistic(ObserveKind kind) const {
  MLIRContext *context = users.front()->getContext();
  if (kind == ObserveKind::histogram)
    return RankedTensorType::get(kBins, IntegerType::get(context, 64));
  SmallVector<int64_t> shape{groups, depth};
  if (kind == ObserveKind::gram)
    shape.push_back(depth);
  return RankedTensorType::get(shape, Float32Type::get(context));
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

template <typename Map>
static SmallVector<ObservedInput> listOf(Map &inputs) {
  SmallVector<ObservedInput> list;
  for (auto &entry : inputs)
    list.push_back(std::move(entry.second));
  return list;
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
  return listOf(inputs);
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

/// Which dimension of its input a product sums over.
static int64_t channelDim(Operation *product) {
  auto conv = dyn_cast<ConvOp>(product);
  return conv && !conv.getChannelsLast() ? 1 : cast<ShapedType>(product->getOperand(0).getType()).getRank() - 1;
}

/// The first of the products in their block: the value exists there.
static Operation *firstOf(ArrayRef<Operation *> products) {
  return *llvm::min_element(products, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
}

SmallVector<ObservedInput> nnopt::findObservedInputs(func::FuncOp function, const QuantizeOptions &options) {
  QuantizeFilter filter(options);
  llvm::MapVector<Value, ObservedInput> inputs;
  for (const WeightLayer &layer : findLayers(function)) {
    bool isObservable = llvm::all_of(layer.users, [&](Operation *user) { return user->getBlock() == &function.front(); });
    if (isObservable && filter.whyNot(layer, ConstantData::of(layer.weight)).empty())
      for (Operation *user : layer.users)
        inputs[user->getOperand(0)].users.push_back(user);
  }
  SmallVector<ObservedInput> list = listOf(inputs);
  for (ObservedInput &input : list) {
    Operation *first = firstOf(input.users);
    input.groups = 1, input.depth = cast<ShapedType>(first->getOperand(0).getType()).getDimSize(channelDim(first)), input.windows = false;
  }
  llvm::erase_if(list, [](const ObservedInput &input) { return ShapedType::isDynamic(input.depth); });
  return list;
}

/// The windows of `conv`, or each of its positions alone.
static void setGeometry(ObserveOp op, ConvOp conv, bool windows) {
  op.setChannelsLast(conv.getChannelsLast());
  ArrayRef<int64_t> kernel = cast<ShapedType>(conv.getWeight().getType()).getShape().drop_front(2);
  if (!windows) {
    SmallVector<int64_t> ones(kernel.size(), 1);
    op.setKernel(ones);
    op.setStrides(ones);
    op.setDilations(ones);
    op.setPads(SmallVector<int64_t>(2 * kernel.size(), 0));
    return;
  }
  op.setKernel(kernel);
  op.setStridesAttr(conv.getStridesAttr());
  op.setDilationsAttr(conv.getDilationsAttr());
  op.setPadsAttr(conv.getPadsAttr());
  op.setGroups(conv.getGroups());
}

static Value observe(const ObservedInput &input, ObserveKind kind) {
  Operation *first = firstOf(input.users);
  OpBuilder b(first);
  auto op = ObserveOp::create(b, first->getLoc(), input.statistic(kind), kind, first->getOperand(0), DenseI64ArrayAttr(), DenseI64ArrayAttr(),
                              DenseI64ArrayAttr(), DenseI64ArrayAttr(), /*groups=*/1, /*channels_last=*/false, DenseF32ArrayAttr());
  auto conv = dyn_cast<ConvOp>(first);
  if (kind == ObserveKind::histogram)
    op.setRange(ArrayRef(input.range));
  else if (conv)
    setGeometry(op, conv, input.windows);
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
    attributes.set(kNameAttr, b.getStringAttr("observed_" + stringifyObserveKind(kind) + Twine(i)));
    attributes.set(kDimsAttr, b.getArrayAttr(dims));
    (void)function.insertResult(function.getNumResults(), statistic.getType(), attributes.getDictionary(b.getContext()));
    end->insertOperands(end->getNumOperands(), statistic);
  }
}

void nnopt::attachRange(const ObservedInput &input, ArrayRef<int64_t> counts) {
  Builder b(input.users.front()->getContext());
  auto range = DenseElementsAttr::get(RankedTensorType::get(2, b.getF32Type()), ArrayRef(input.range));
  auto histogram = counts.empty() ? ElementsAttr() : DenseResourceElementsAttr::get(RankedTensorType::get(counts.size(), b.getI64Type()),
                                                                                    kObservedHistogramAttr,
                                                                                    HeapAsmResourceBlob::allocateAndCopyInferAlign<int64_t>(counts));
  for (Operation *user : input.users) {
    user->setAttr(kObservedRangeAttr, range);
    if (histogram)
      user->setAttr(kObservedHistogramAttr, histogram);
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
