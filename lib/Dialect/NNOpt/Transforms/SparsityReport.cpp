//===- SparsityReport.cpp - what was decided for each weight --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "SparsityReport.h"

using namespace mlir;
using namespace nnopt;

void SparsityReport::add(Operation *layer, Value weight, const WeightSparsity &sparsity, const std::optional<Decision> &decision) {
  Builder b(layer->getContext());
  known.insert(layer);
  StringAttr name = weightNameOf(weight);
  SmallVector<NamedAttribute> row{
      {"layer", b.getStringAttr(layerName(layer->getLoc()))},
      {"weight", name ? name : b.getStringAttr("")},
      {"shape", b.getDenseI64ArrayAttr(cast<ShapedType>(weight.getType()).getShape())},
      {"zeros", b.getI64IntegerAttr(sparsity.zeros())},
      {"pattern", b.getStringAttr(sparsity.pattern())},
      {"format", b.getStringAttr(decision ? decision->format : "dense")},
  };
  if (decision)
    row.append({{"rows", b.getI64IntegerAttr(decision->rows)},
                {"dense_us", b.getF64FloatAttr(decision->denseMicroseconds)},
                {"sparse_us", b.getF64FloatAttr(decision->sparseMicroseconds)}});
  rows.push_back(b.getDictionaryAttr(row));
}

void SparsityReport::addOthers(func::FuncOp function) {
  for (const WeightLayer &layer : findLayers(function)) {
    std::optional<ConstantData> data = ConstantData::of(layer.weight);
    if (!data || layer.layout.size() == 0 || llvm::all_of(layer.users, [&](Operation *user) { return known.contains(user); }))
      continue;
    WeightSparsity sparsity(*data, layer.layout);
    for (Operation *user : layer.users)
      if (!known.contains(user))
        add(user, layer.weight, sparsity, std::nullopt);
  }
}

void SparsityReport::attach(func::FuncOp function) const {
  function->setAttr(kSparsityReportAttr, ArrayAttr::get(function.getContext(), rows));
}
