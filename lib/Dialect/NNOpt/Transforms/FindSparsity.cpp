//===- FindSparsity.cpp - say what zeros the weights have -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "WeightSparsity.h"

#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "mlir/IR/Remarks.h"

namespace nnopt {
#define GEN_PASS_DEF_FINDSPARSITY
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

static constexpr remark::RemarkOpts kRemark = remark::RemarkOpts::name("zeros").category("nnopt-find-sparsity");

namespace {

struct FindSparsity : nnopt::impl::FindSparsityBase<FindSparsity> {
  void runOnOperation() override {
    for (const WeightLayer &layer : findLayers(getOperation())) {
      auto weight = layer.weight.getDefiningOp<WeightOp>();
      std::optional<ConstantData> data = ConstantData::of(layer.weight);
      if (weight && data && layer.layout.size() != 0)
        annotate(weight, layer, WeightSparsity(*data, layer.layout));
    }
  }

private:
  void annotate(WeightOp weight, const WeightLayer &layer, const WeightSparsity &sparsity) {
    auto known = weight->getAttrOfType<SparsityAttr>(kSparsityAttr);
    if (sparsity.zeros() == 0) {
      weight->removeAttr(kSparsityAttr);
      return;
    }
    ++sparseWeights;
    std::string pattern = sparsity.best().str();
    remark::analysis(layer.users.front()->getLoc(), kRemark)
        << remark::add("{0} of {1} weights are zero ({2:f2} %): {3}", sparsity.zeros(), sparsity.elements, 100 * sparsity.zeroShare(),
                       sparsity.pattern());
    // What put the zeros there knows their pattern better.
    if (known && known.getZeros() == sparsity.zeros())
      return;
    SparsityOrigin origin = known ? known.getOrigin() : SparsityOrigin::found;
    weight->setAttr(kSparsityAttr, SparsityAttr::get(&getContext(), origin, pattern, sparsity.zeros()));
  }
};

} // namespace
