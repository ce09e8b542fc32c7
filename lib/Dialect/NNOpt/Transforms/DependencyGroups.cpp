//===- DependencyGroups.cpp - slices that can only go together ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "DependencyGroups.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nnopt;

DependencyGroups::DependencyGroups(func::FuncOp function, SliceChange change) : kind(change) {
  for (BlockArgument argument : function.getArguments())
    pin(function, argument);
  for (Operation &op : function.getBody().front()) {
    applyDependencyRule(&op, *this);
    ++rule;
  }
}

std::string nnopt::describePin(Operation *pin, SliceChange change) {
  if (isa<func::FuncOp>(pin))
    return "an input of the model comes to them";
  if (isa<func::ReturnOp>(pin))
    return "they reach an output of the model";
  return "'" + pin->getName().getStringRef().str() + "' does not work " +
         (change == SliceChange::Remove ? "without some of them" : "with them in another order");
}

int64_t DependencyGroups::sliceOf(Value value, int64_t dim, int64_t index) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type)
    return -1;
  auto [entry, isNew] = firstSlices.try_emplace(value);
  if (isNew)
    for (int64_t extent : type.getShape()) {
      entry->second.push_back(ShapedType::isDynamic(extent) ? -1 : groups.size());
      for (int64_t i = 0; i < extent; ++i)
        groups.push_back({static_cast<int64_t>(groups.size())});
    }
  int64_t first = entry->second[dim];
  return first < 0 ? -1 : first + index;
}

int64_t DependencyGroups::find(int64_t slice) {
  while (groups[slice].parent != slice)
    slice = groups[slice].parent = groups[groups[slice].parent].parent;
  return slice;
}

void DependencyGroups::unite(int64_t a, int64_t b) {
  a = find(a), b = find(b);
  if (a == b)
    return;
  groups[b].parent = a;
  if (!groups[a].pin)
    groups[a].pin = groups[b].pin;
  groups[a].isHead |= groups[b].isHead;
  groups[a].isSummed |= groups[b].isSummed;
}

int64_t DependencyGroups::groupOf(Value value, int64_t dim, int64_t index) {
  int64_t slice = sliceOf(value, dim, index);
  return slice < 0 ? -1 : find(slice);
}

void DependencyGroups::tieSlices(Value a, int64_t dimA, int64_t indexA, Value b, int64_t dimB, int64_t indexB) {
  int64_t first = sliceOf(a, dimA, indexA), second = sliceOf(b, dimB, indexB);
  if (first < 0 || second < 0)
    return;
  unite(first, second);
  if (kind == SliceChange::Reorder)
    allTies.push_back({rule, first, second});
}

static int64_t extentOf(Value value, int64_t dim) { return cast<RankedTensorType>(value.getType()).getDimSize(dim); }

void DependencyGroups::tie(Operation *op, Value a, int64_t dimA, Value b, int64_t dimB) {
  int64_t extent = extentOf(a, dimA);
  if (extent != extentOf(b, dimB)) {
    pin(op, a, dimA);
    pin(op, b, dimB);
    return;
  }
  for (int64_t i = 0; i < extent; ++i)
    tieSlices(a, dimA, i, b, dimB, i);
}

void DependencyGroups::pin(Operation *op, Value value, int64_t dim) {
  for (int64_t i = 0, extent = extentOf(value, dim); i < extent; ++i)
    if (Group &group = groups[groupOf(value, dim, i)]; !group.pin)
      group.pin = op;
}

void DependencyGroups::pin(Operation *op, Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  for (int64_t dim = 0, rank = type ? type.getRank() : 0; dim < rank; ++dim)
    pin(op, value, dim);
}

void DependencyGroups::markHeads(Value value, int64_t dim) {
  for (int64_t i = 0, extent = extentOf(value, dim); i < extent; ++i)
    groups[groupOf(value, dim, i)].isHead = true;
}

void DependencyGroups::markSummed(Value value, int64_t dim) {
  for (int64_t i = 0, extent = extentOf(value, dim); i < extent; ++i)
    groups[groupOf(value, dim, i)].isSummed = true;
}

void DependencyGroups::addWeightDim(Value weight, int64_t dim, SliceRole role, Operation *user) {
  if (matchPattern(weight, m_Constant()))
    dims.push_back({weight, dim, role, user});
}

/// A vector, whatever extents of 1 it has beside; or nothing at all.
static bool isSmallConstant(Operation *op, RankedTensorType type) {
  constexpr int64_t kSmall = 1 << 14;
  return matchPattern(op, m_Constant()) && type.getNumElements() <= kSmall &&
         llvm::count_if(type.getShape(), [](int64_t extent) { return extent != 1; }) <= 1;
}

void nnopt::separateSmallConstants(func::FuncOp function) {
  SmallVector<Operation *> shared;
  function.walk([&](Operation *op) {
    auto type = op->getNumResults() == 1 ? dyn_cast<RankedTensorType>(op->getResult(0).getType()) : RankedTensorType();
    if (type && (isa<tensor::EmptyOp>(op) || isSmallConstant(op, type)) && !op->use_empty())
      shared.push_back(op);
  });
  for (Operation *op : shared) {
    OpBuilder b(op);
    b.setInsertionPointAfter(op);
    for (OpOperand &use : llvm::make_early_inc_range(llvm::drop_begin(op->getUses())))
      use.set(b.clone(*op)->getResult(0));
  }
}

void nnopt::keepOneSlice(func::FuncOp function, DependencyGroups &groups, llvm::DenseSet<int64_t> &removed) {
  function.walk([&](Operation *op) {
    for (Value result : op->getResults()) {
      auto type = dyn_cast<RankedTensorType>(result.getType());
      for (int64_t dim = 0, rank = type ? type.getRank() : 0; dim < rank; ++dim) {
        int64_t extent = type.getDimSize(dim), gone = 0;
        while (gone < extent && removed.contains(groups.groupOf(result, dim, gone)))
          ++gone;
        if (extent > 0 && gone == extent)
          removed.erase(groups.groupOf(result, dim, 0));
      }
    }
  });
}
