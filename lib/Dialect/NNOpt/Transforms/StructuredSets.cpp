//===- StructuredSets.cpp - groups that may be removed --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "StructuredSets.h"

#include "PrunableLayers.h"

#include "llvm/ADT/MapVector.h"

#include <cmath>
#include <map>

using namespace mlir;
using namespace nnopt;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

std::string StructuredSet::names() const {
  llvm::SmallSetVector<StringRef, 4> names;
  for (const SharedDim *dim : dims)
    if (dim->role == SliceRole::Output)
      if (SmallVector<StringRef> all = namesOf(dim->weight, dim->users); !all.empty())
        names.insert(all.front());
  return names.empty() ? "a layer" : "'" + llvm::join(names, "', '") + "'";
}

Location StructuredSet::location() const {
  auto output = llvm::find_if(dims, [](const SharedDim *dim) { return dim->role == SliceRole::Output; });
  return (*output)->users.front()->getLoc();
}

std::vector<SharedDim> nnopt::sharedDims(const DependencyGroups &groups) {
  std::vector<SharedDim> dims;
  std::map<std::tuple<void *, int64_t, SliceRole>, size_t> known;
  for (const DependencyGroups::WeightDim &dim : groups.weightDims()) {
    auto [entry, isNew] = known.try_emplace({dim.weight.getAsOpaquePointer(), dim.dim, dim.role}, dims.size());
    if (isNew)
      dims.push_back({dim.weight, dim.dim, dim.role, {}});
    dims[entry->second].users.push_back(dim.user);
  }
  return dims;
}

static StructuredSet::Kind kindOf(int64_t group, ArrayRef<const SharedDim *> dims, const DependencyGroups &groups) {
  if (groups.isHead(group))
    return StructuredSet::Heads;
  bool isOfConvolution = llvm::any_of(dims, [](const SharedDim *dim) {
    return dim->role == SliceRole::Output && isa<ConvOp, ConvTransposeOp>(dim->users.front());
  });
  return isOfConvolution ? StructuredSet::Channels : StructuredSet::Neurons;
}

std::vector<StructuredSet> nnopt::findStructuredSets(DependencyGroups &groups, ArrayRef<SharedDim> dims) {
  // Of each group, how many slices of each dimension it has.
  llvm::MapVector<int64_t, std::map<const SharedDim *, int64_t>> slices;
  for (const SharedDim &dim : dims)
    for (int64_t i = 0, extent = typeOf(dim.weight).getDimSize(dim.dim); i < extent; ++i)
      if (int64_t group = groups.groupOf(dim.weight, dim.dim, i); !groups.pinnedBy(group))
        ++slices[group][&dim];
  std::vector<StructuredSet> sets;
  std::map<std::vector<const SharedDim *>, size_t> known;
  for (const auto &[group, counts] : slices) {
    std::vector<const SharedDim *> make;
    int64_t width = 0;
    for (auto [dim, count] : counts) {
      make.push_back(dim);
      if (dim->role == SliceRole::Output && isa<FloatType>(typeOf(dim->weight).getElementType()))
        width = std::max(width, count);
    }
    if (width == 0)
      continue;
    auto [entry, isNew] = known.try_emplace(make, sets.size());
    if (isNew)
      sets.push_back({kindOf(group, make, groups), make, {}, width});
    StructuredSet &set = sets[entry->second];
    set.groups.push_back(group);
    set.width = std::max(set.width, width);
  }
  return sets;
}

std::vector<double> nnopt::scoreGroups(const StructuredSet &set, DependencyGroups &groups, bool squares) {
  llvm::DenseMap<int64_t, std::pair<double, int64_t>> sums;
  for (int64_t group : set.groups)
    sums[group] = {0, 0};
  for (const SharedDim *dim : set.dims) {
    RankedTensorType type = typeOf(dim->weight);
    std::optional<ConstantData> data = ConstantData::of(dim->weight);
    if (type.getRank() < 2 || !isa<FloatType>(type.getElementType()))
      continue;
    int64_t extent = type.getDimSize(dim->dim), inner = ShapedType::getNumElements(type.getShape().drop_front(dim->dim + 1));
    std::vector<double> perSlice(extent);
    for (int64_t i = 0, count = data->size(); i < count; ++i) {
      double value = std::abs(data->at(i));
      perSlice[i / inner % extent] += squares ? value * value : value;
    }
    for (int64_t i = 0; i < extent; ++i)
      if (auto sum = sums.find(groups.groupOf(dim->weight, dim->dim, i)); sum != sums.end()) {
        sum->second.first += perSlice[i];
        sum->second.second += data->size() / extent;
      }
  }
  std::vector<double> scores;
  for (int64_t group : set.groups)
    scores.push_back(sums[group].first / std::max<int64_t>(sums[group].second, 1));
  return scores;
}
