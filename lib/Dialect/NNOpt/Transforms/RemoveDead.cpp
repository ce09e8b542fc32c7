//===- RemoveDead.cpp - drop channels that do not matter ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "ConstantData.h"
#include "ConstantSlices.h"
#include "StructuredSets.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"

#include "llvm/ADT/MapVector.h"

namespace nnopt {
#define GEN_PASS_DEF_REMOVEDEAD
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

static constexpr remark::RemarkOpts kRemark = remark::RemarkOpts::name("dead").category("nnopt-remove-dead");

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// Which slices of dimension `dim` of a constant are all zero; none if its elements are not here.
static llvm::BitVector zeroSlices(Value weight, int64_t dim) {
  std::optional<ConstantData> data = ConstantData::of(weight);
  int64_t extent = typeOf(weight).getDimSize(dim);
  llvm::BitVector zero(extent);
  // Most weights have no such slice, which the first element of each tells.
  for (int64_t i = 0; i < extent && data && data->size() > 0; ++i)
    zero[i] = isSliceOf(*data, dim, i, 0);
  return zero;
}

namespace {

/// A row or column of a weight that a product sums over.
struct SummedSlice {
  Operation *user;
  Value weight;
  int64_t dim, index;
  bool isZero;
};

/// What to add to the bias of a product for slices that hold a number.
using Folds = llvm::MapVector<Operation *, SmallVector<std::pair<SummedSlice, double>>>;

struct RemoveDead : nnopt::impl::RemoveDeadBase<RemoveDead> {
  using RemoveDeadBase::RemoveDeadBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal() || !mayHaveDead(function))
      return;
    separateSmallConstants(function);
    // A channel that only dead ones read is dead next.
    while (removeOnce(function))
      ;
  }

private:
  /// Most models have none, and nothing is done for them.
  static bool mayHaveDead(func::FuncOp function) {
    DependencyGroups groups(function);
    return llvm::any_of(sharedDims(groups), [](const SharedDim &dim) {
      return typeOf(dim.weight).getRank() > 1 && zeroSlices(dim.weight, dim.dim).any();
    });
  }

  bool removeOnce(func::FuncOp function) {
    Folds folds;
    {
      DependencyGroups groups(function);
      std::vector<SharedDim> dims = sharedDims(groups);
      findDead(function, groups, dims, findStructuredSets(groups, dims), &folds);
    }
    for (auto &[user, slices] : folds)
      foldIntoBias(user, slices);
    // Weights of what was folded are zero now.
    DependencyGroups groups(function);
    std::vector<SharedDim> dims = sharedDims(groups);
    std::vector<StructuredSet> sets = findStructuredSets(groups, dims);
    llvm::DenseSet<int64_t> dead = findDead(function, groups, dims, sets, nullptr);
    keepOneSlice(function, groups, dead);
    if (dead.empty())
      return false;
    removedGroups += dead.size();
    for (const StructuredSet &set : sets)
      tell(set, llvm::count_if(set.groups, [&](int64_t group) { return dead.contains(group); }));
    removeGroups(function, groups, dead);
    return true;
  }

  /// The groups that nothing needs. With `folds`, those too that need an addition to the bias of what reads them.
  static llvm::DenseSet<int64_t> findDead(func::FuncOp function, DependencyGroups &groups, ArrayRef<SharedDim> dims,
                                          ArrayRef<StructuredSet> sets, Folds *folds) {
    ConstantSlices constants(function);
    llvm::DenseMap<int64_t, SmallVector<SummedSlice>> summed;
    for (const SharedDim &dim : dims) {
      if (dim.role != SliceRole::Input)
        continue;
      llvm::BitVector zero = zeroSlices(dim.weight, dim.dim);
      for (int64_t i = 0, extent = zero.size(); i < extent; ++i)
        for (Operation *user : dim.users)
          summed[groups.groupOf(dim.weight, dim.dim, i)].push_back({user, dim.weight, dim.dim, i, zero[i]});
    }
    llvm::DenseSet<int64_t> dead;
    for (const StructuredSet &set : sets)
      for (int64_t group : set.groups)
        if (!groups.isSummed(group) && isDead(summed.lookup(group), constants, folds))
          dead.insert(group);
    return dead;
  }

  static void tell(const StructuredSet &set, int64_t count) {
    if (count == 0)
      return;
    remark::passed(set.location(), kRemark) << remark::add("{0} of {1} slices of {2} are dead", count, set.groups.size(), set.names());
  }

  static bool isDead(ArrayRef<SummedSlice> slices, ConstantSlices &constants, Folds *folds) {
    SmallVector<std::pair<SummedSlice, double>> needed;
    for (const SummedSlice &slice : slices) {
      if (slice.isZero)
        continue;
      std::optional<double> number = valueOf(slice, constants);
      if (!number || (*number != 0 && !(folds && canFold(slice))))
        return false;
      if (*number != 0)
        needed.push_back({slice, *number});
    }
    for (auto &fold : needed)
      (*folds)[fold.first.user].push_back(fold);
    return true;
  }

  /// What the product multiplies the slice with, if it is one number.
  static std::optional<double> valueOf(const SummedSlice &slice, ConstantSlices &constants) {
    if (auto linear = dyn_cast<LinearOp>(slice.user))
      return constants.of(linear.getInput(), typeOf(linear.getInput()).getRank() - 1, slice.index);
    if (auto conv = dyn_cast<ConvOp>(slice.user))
      return constants.of(conv.getInput(), conv.getChannelsLast() ? conv.getSpatialRank() + 1 : 1, slice.index);
    if (auto conv = dyn_cast<ConvTransposeOp>(slice.user))
      return constants.of(conv.getInput(), 1, slice.index);
    auto matmul = cast<MatmulOp>(slice.user);
    bool isLeft = matmul.getRhs() == slice.weight;
    Value other = isLeft ? matmul.getLhs() : matmul.getRhs();
    int64_t rank = typeOf(other).getRank();
    return constants.of(other, isLeft ? rank - 1 - matmul.getTransposeLhs() : rank - 2 + matmul.getTransposeRhs(), slice.index);
  }

  /// True if a number in the slice adds the same to every element of an output: no padding mixes zeros in, and nothing else reads the weight.
  static bool canFold(const SummedSlice &slice) {
    auto isFree = [&](Value bias) { return slice.weight.hasOneUse() && (!bias || ConstantData::of(bias)); };
    if (auto linear = dyn_cast<LinearOp>(slice.user))
      return isFree(linear.getBias());
    auto conv = dyn_cast<ConvOp>(slice.user);
    return conv && isFree(conv.getBias()) && llvm::all_of(conv.getPads(), [](int64_t pad) { return pad == 0; });
  }

  static void foldIntoBias(Operation *user, ArrayRef<std::pair<SummedSlice, double>> slices) {
    Value weight = slices.front().first.weight;
    ConstantData data = *ConstantData::of(weight);
    int64_t inputDim = slices.front().first.dim, extent = data.type.getDimSize(inputDim), outputs = data.type.getDimSize(1 - inputDim);
    llvm::DenseMap<int64_t, double> numbers;
    for (const auto &entry : slices)
      numbers[entry.first.index] = entry.second;
    // Of the first two dimensions one counts outputs, the other inputs; taps follow.
    int64_t taps = data.size() / (extent * outputs);
    std::vector<double> sums(outputs);
    OpBuilder b(user);
    // The input and the output of element i.
    auto slicesOf = [&](int64_t i) {
      int64_t first = i / taps / data.type.getDimSize(1), second = i / taps % data.type.getDimSize(1);
      return inputDim == 0 ? std::pair(first, second) : std::pair(second, first);
    };
    for (int64_t i = 0; i < data.size(); ++i) {
      auto [input, output] = slicesOf(i);
      if (auto number = numbers.find(input); number != numbers.end())
        sums[output] += data.at(i) * number->second;
    }
    WeightOp rest = createZeroed(b, weight, data, [&](int64_t i) { return numbers.contains(slicesOf(i).first); });
    auto linear = dyn_cast<LinearOp>(user);
    Value bias = linear ? linear.getBias() : cast<ConvOp>(user).getBias();
    std::optional<ConstantData> before = bias ? ConstantData::of(bias) : std::nullopt;
    auto type = RankedTensorType::get({outputs}, before ? before->type.getElementType() : typeOf(user->getResult(0)).getElementType());
    auto floating = cast<FloatType>(type.getElementType());
    SmallVector<APFloat> elements;
    for (int64_t i = 0; i < outputs; ++i) {
      APFloat element(sums[i] + (before ? before->at(i) : 0));
      bool losesInfo;
      element.convert(floating.getFloatSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
      elements.push_back(element);
    }
    Value folded = WeightOp::create(b, user->getLoc(), type, bias ? weightNameOf(bias) : StringAttr(), DenseElementsAttr::get(type, elements));
    weight.replaceAllUsesWith(rest.getResult());
    linear ? linear.getBiasMutable().assign(folded) : cast<ConvOp>(user).getBiasMutable().assign(folded);
    remark::passed(user->getLoc(), kRemark) << remark::add("the bias takes what {0} slices of one number each add", slices.size());
  }
};

} // namespace
