//===- OrderedLayer.cpp - what a product costs in another order -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "OrderedLayer.h"

#include "LayerTimes.h"
#include "PermutedWeight.h"
#include "RowClusters.h"

using namespace mlir;
using namespace nnopt;

// Blocks of outputs that kernels store for any number of rows.
static constexpr int64_t kBlockRows[] = {4, 8};
// Nothing is stored without its zeros below.
static constexpr double kLeastZeros = 0.3;
// Parts that threads share out.
static constexpr int64_t kParts = 8;

/// The fewest rows there can be, and the stride.
static LayerSize sizeOf(Operation *op, const WeightLayout &layout) {
  auto conv = dyn_cast<ConvOp>(op);
  SmallVector<int64_t> shape(cast<ShapedType>(op->getResult(0).getType()).getShape());
  shape.erase(conv && !conv.getChannelsLast() ? shape.begin() + 1 : shape.end() - 1);
  LayerSize size{{leastElements(shape), layout.outputs, layout.inputs * layout.taps}, layout.taps, 1};
  for (int64_t stride : conv ? conv.getStrides() : ArrayRef<int64_t>())
    size.stride = std::max(size.stride, stride);
  return size;
}

std::optional<OrderedLayer> OrderedLayer::of(const WeightLayer &layer, Operation *op) {
  std::optional<ConstantData> data = ConstantData::of(layer.weight);
  const WeightLayout &layout = layer.layout;
  if (!isa<LinearOp, ConvOp>(op) || !data || !data->type.getElementType().isF32() || !layer.sameLayout || layout.groups != 1 || layout.size() == 0)
    return std::nullopt;
  OrderedLayer result(NonzeroBits(layout.outputs, layout.inputs * layout.taps));
  result.constant = layer.weight;
  result.inputs = layout.inputs;
  result.size = sizeOf(op, layout);
  for (int64_t tap = 0; tap < layout.taps; ++tap)
    result.nonzeros.place(NonzeroBits(*data, layout, tap), tap * layout.inputs);
  if (auto linear = dyn_cast<LinearOp>(op)) {
    if (linear.getWeightKn())
      std::swap(result.outputsAt, result.inputsAt);
    bool isOpen = llvm::any_of(cast<ShapedType>(linear.getResult().getType()).getShape(), ShapedType::isDynamic);
    result.fewRows = !isOpen && result.size.product.rows <= kMostPanelInputs && layout.inputs >= kPanelWindow;
  }
  return result;
}

bool OrderedLayer::isSparse() const {
  int64_t count = nonzeros.count();
  return count > 0 && count < (1 - kLeastZeros) * nonzeros.rows() * nonzeros.columns();
}

SmallVector<int64_t> OrderedLayer::orderOf(int64_t dim, int64_t extent, const SliceMoves &moves) const {
  auto entry = moves.find({constant, dim});
  return entry == moves.end() ? llvm::to_vector(llvm::seq(extent)) : entry->second;
}

std::pair<int64_t, int64_t> OrderedLayer::blocks(int64_t rows, const SliceMoves &moves) const {
  int64_t all = llvm::divideCeil(nonzeros.rows(), rows) * nonzeros.columns();
  return {all, countBlocks(nonzeros, orderOf(outputsAt, nonzeros.rows(), moves), rows)};
}

int64_t OrderedLayer::countSlots(ArrayRef<int64_t> outputOrder, ArrayRef<int64_t> inputOrder) const {
  int64_t outputs = nonzeros.rows(), depth = nonzeros.columns();
  WeightMatrix matrix{outputs, depth, std::vector<float>(outputs * depth)};
  for (int64_t n = 0; n < outputs; ++n)
    for (int64_t k = 0; k < depth; ++k)
      matrix.values[n * depth + k] = nonzeros.at(outputOrder[n], inputOrder[k]);
  return PermutedWeight(matrix, panelPack(constant.getContext(), outputs, depth)).slots();
}

/// By how much the fullest of a few parts of the outputs, cut at strips, exceeds the mean.
double OrderedLayer::unevenness(ArrayRef<int64_t> outputOrder, int64_t strip) const {
  int64_t strips = llvm::divideCeil(nonzeros.rows(), strip), perPart = llvm::divideCeil(strips, std::min(strips, kParts)) * strip;
  int64_t fullest = 0, all = 0;
  for (int64_t first = 0; first < nonzeros.rows(); first += perPart) {
    int64_t part = 0;
    for (int64_t row : outputOrder.slice(first, std::min<int64_t>(perPart, outputOrder.size() - first)))
      part += nonzeros.count(row);
    fullest = std::max(fullest, part), all += part;
  }
  double mean = static_cast<double>(all) * perPart / nonzeros.rows();
  return all ? std::max(1.0, fullest / mean) : 1.0;
}

OrderEstimate OrderedLayer::estimate(ArrayRef<const Isa *> isas, const SliceMoves &moves) const {
  SmallVector<int64_t> outputOrder = orderOf(outputsAt, nonzeros.rows(), moves);
  SmallVector<BlockCount> forms{{1, static_cast<double>(nonzeros.count())}};
  for (int64_t rows : kBlockRows)
    forms.push_back({rows, static_cast<double>(countBlocks(nonzeros, outputOrder, rows))});
  if (fewRows) {
    forms.push_back({kPanelRows, static_cast<double>(countBlocks(nonzeros, outputOrder, kPanelRows))});
    forms.push_back({kPanelRows, static_cast<double>(countSlots(outputOrder, orderOf(inputsAt, inputs, moves))), kPanelWindow});
  }
  FormChoice choice = chooseForm(isas, size, forms);
  if (!choice.gains())
    return {choice.dense.microseconds, choice.dense.microseconds};
  int64_t strip = choice.blocks.rows == kPanelRows ? kPanelRows : sparseCut(size.product, choice.blocks.rows).strip;
  return {choice.sparse.microseconds, choice.sparse.microseconds * unevenness(outputOrder, strip)};
}
