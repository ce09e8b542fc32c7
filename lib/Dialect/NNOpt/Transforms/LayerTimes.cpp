//===- LayerTimes.cpp - what layers with constant weights take ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "LayerTimes.h"

#include "ConvPlanes.h"
#include "WeightSparsity.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nnopt;

LogicalResult nnopt::findTargets(MLIRContext *context, StringRef pass, ArrayRef<std::string> isas, SmallVectorImpl<const Isa *> &targets) {
  llvm::Expected<SmallVector<const Isa *>> found = findIsas(isas);
  if (!found)
    return emitError(UnknownLoc::get(context)) << pass << ": " << llvm::toString(found.takeError());
  targets.assign(found->begin(), found->end());
  if (targets.empty())
    targets.push_back(&isaTable().front());
  return success();
}

int64_t nnopt::leastElements(ArrayRef<int64_t> extents) {
  int64_t elements = 1;
  for (int64_t extent : extents)
    if (!ShapedType::isDynamic(extent) && llvm::MulOverflow(elements, extent, elements))
      return std::numeric_limits<int32_t>::max();
  return elements;
}

static bool hasUnknownExtents(Value value) {
  return llvm::any_of(cast<ShapedType>(value.getType()).getShape(), ShapedType::isDynamic);
}

/// Does `nnopt-sparsify` take `conv`, if its kernel gains? Tells `size` what its kernel needs to know.
static bool canBeSparse(ConvOp conv, LayerSize &size) {
  if (isPointwise(conv))
    return true;
  llvm::Expected<ConvPlanes> planes = ConvPlanes::of(conv);
  if (!planes) {
    llvm::consumeError(planes.takeError());
    return false;
  }
  planes->describe(size);
  return true;
}

LayerTimes::Product::Product(Operation *op, int64_t expectedRows) : layout(weightOf(op).second), count(layout.groups) {
  LinearSize &product = size.product;
  product = {0, layout.outputs, layout.inputs};
  Value counted = op->getResult(0);
  int64_t perRow = layout.outputs * layout.groups;
  auto conv = dyn_cast<ConvOp>(op);
  if (conv) {
    product.depth *= layout.taps;
    size.taps = layout.taps;
    size.stride = conv.getStrides().empty() ? 1 : *llvm::max_element(conv.getStrides());
  } else if (isa<ConvTransposeOp>(op)) {
    // Each position of the input is multiplied with all taps.
    product.outputs *= layout.taps;
    counted = op->getOperand(0), perRow = layout.inputs * layout.groups;
  } else {
    count = layout.taps, perRow *= layout.taps;
  }
  hasUnknownRows = hasUnknownExtents(counted);
  bool isAssumed = hasUnknownRows && expectedRows > 0;
  product.rows = isAssumed ? expectedRows : perRow ? leastElements(cast<ShapedType>(counted.getType()).getShape()) / perRow : 0;
  bool isF32 = getElementTypeOrSelf(weightOf(op).first.getType()).isF32();
  canBeSparse = isF32 && (isa<LinearOp>(op) || (conv && ::canBeSparse(conv, size)));
}

LayerTimes::LayerTimes(const WeightLayer &layer, ArrayRef<const Isa *> isas, int64_t expectedRows) : isas(isas) {
  for (Operation *user : layer.users)
    products.emplace_back(user, expectedRows);
}

bool LayerTimes::hasUnknownRows() const {
  return llvm::any_of(products, [](const Product &product) { return product.hasUnknownRows; });
}

/// Every product in the best of the forms that `formsOf` gives for it, or dense.
template <typename FormsOf>
LayerTimes::Times LayerTimes::best(FormsOf formsOf) const {
  Times times;
  times.microseconds.resize(isas.size());
  for (const Product &product : products) {
    auto forms = product.canBeSparse ? SmallVector<BlockCount>(formsOf(product)) : SmallVector<BlockCount>();
    // As nnopt-sparsify, which does not store what is for few rows where there may be many.
    llvm::erase_if(forms, [&](const BlockCount &form) { return form.rows == kPanelRows && product.hasUnknownRows; });
    FormChoice form = chooseForm(isas, product.size, forms);
    times.gains |= form.gains();
    for (auto [isa, sum] : llvm::zip_equal(isas, times.microseconds))
      sum += product.count * (form.gains() ? bestSparse(*isa, product.size, form.blocks) : bestDense(*isa, product.size)).microseconds;
  }
  return times;
}

LayerTimes::Times LayerTimes::dense() const {
  return best([](const Product &) { return SmallVector<BlockCount>(); });
}

LayerTimes::Times LayerTimes::pruned(const SparsityPattern &pattern, double density) const {
  return best([&](const Product &product) { return expectedBlocks(product.size.product, pattern.rows, density); });
}

LayerTimes::Times LayerTimes::asStored(const ConstantData &data) const {
  if (countZeros(data) == 0)
    return dense();
  return best([&](const Product &product) {
    const WeightLayout &layout = product.layout;
    bool isKn = layout.outputStride == 1 && layout.inputStride == layout.outputs;
    WeightSparsity sparsity(WeightMatrix::of(data, layout.outputs, product.size.product.depth, isKn));
    return llvm::map_to_vector(sparsity.blocks, [](const WeightSparsity::Blocks &found) {
      return BlockCount{found.rows, static_cast<double>(found.count)};
    });
  });
}
