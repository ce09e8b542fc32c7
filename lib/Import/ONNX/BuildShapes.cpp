//===- BuildShapes.cpp - reshape, transpose, slice, concat, pad -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Build.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::onnx;

//===----------------------------------------------------------------------===//
// Reshape
//===----------------------------------------------------------------------===//

namespace {
/// Source dimensions [sourceBegin, sourceEnd) hold the same elements as target dimensions [targetBegin, targetEnd).
struct ReshapeGroup {
  int64_t sourceBegin, sourceEnd, targetBegin, targetEnd;
};
} // namespace

/// Cuts both shapes where the products of the extents so far agree, so that as little as possible is merged.
static SmallVector<ReshapeGroup> groupDims(const ShapeMath &shapes, ExtentsRef source, ExtentsRef target) {
  int64_t sourceRank = source.size(), targetRank = target.size();
  SmallVector<ReshapeGroup> groups;
  int64_t sourceBegin = 0, targetBegin = 0;
  auto cut = [&](int64_t sourceEnd, int64_t targetEnd) {
    groups.push_back({sourceBegin, sourceEnd, targetBegin, targetEnd});
    sourceBegin = sourceEnd;
    targetBegin = targetEnd;
  };
  while (sourceBegin < sourceRank && targetBegin < targetRank) {
    bool found = false;
    for (int64_t size = 2; !found && size <= sourceRank - sourceBegin + targetRank - targetBegin; ++size)
      for (int64_t s = sourceBegin + 1; !found && s <= std::min(sourceRank, sourceBegin + size - 1); ++s) {
        int64_t t = targetBegin + size - (s - sourceBegin);
        if (t > targetRank || t <= targetBegin)
          continue;
        found = shapes.monomial(source.slice(sourceBegin, s - sourceBegin)) ==
                shapes.monomial(target.slice(targetBegin, t - targetBegin));
        if (found)
          cut(s, t);
      }
    if (!found)
      break;
  }
  // What is left belongs to the last group: ones, or extents whose products are equal only when the model runs.
  if (sourceBegin < sourceRank || targetBegin < targetRank) {
    bool onlyOnes = llvm::all_of(source.drop_front(sourceBegin), [](OpFoldResult x) { return ShapeMath::is(x, 1); }) &&
                    llvm::all_of(target.drop_front(targetBegin), [](OpFoldResult x) { return ShapeMath::is(x, 1); });
    if (onlyOnes && !groups.empty()) {
      groups.back().sourceEnd = sourceRank;
      groups.back().targetEnd = targetRank;
    } else {
      cut(sourceRank, targetRank);
    }
  }
  return groups;
}

static SmallVector<ReassociationIndices> reassociation(ArrayRef<ReshapeGroup> groups, int64_t ReshapeGroup::*begin,
                                                       int64_t ReshapeGroup::*end) {
  return llvm::map_to_vector(groups, [&](const ReshapeGroup &group) {
    return llvm::to_vector_of<int64_t, 2>(llvm::seq(group.*begin, group.*end));
  });
}

/// One collapse, one expand, or both; groups keep what needs neither.
static Value emitReshape(OpContext &c, Tensor *tensor, ExtentsRef extents) {
  Value value = c.value(tensor);
  Type element = tensor->elementType();
  SmallVector<ReshapeGroup> groups = groupDims(c.shapes, tensor->extents, extents);
  // Without dimensions on one side there is one group with nothing in it.
  if (tensor->extents.empty() || extents.empty())
    groups.clear();
  Extents middle;
  for (const ReshapeGroup &group : groups) {
    ExtentsRef source = ExtentsRef(tensor->extents).slice(group.sourceBegin, group.sourceEnd - group.sourceBegin);
    ExtentsRef target = extents.slice(group.targetBegin, group.targetEnd - group.targetBegin);
    OpFoldResult left = c.shapes.product(source), right = c.shapes.product(target);
    middle.push_back(source.size() == 1 || ShapeMath::get(left) ? left : right);
  }
  SmallVector<int64_t> middleShape = ShapeMath::staticShape(middle);
  if (tensor->extents.size() != middle.size()) {
    // An extent that is the product of dynamic ones stays dynamic, even where the target knows it.
    for (auto [extent, group] : llvm::zip_equal(middleShape, groups))
      for (int64_t d = group.sourceBegin; d < group.sourceEnd; ++d)
        if (tensor->type.isDynamicDim(d))
          extent = ShapedType::kDynamic;
    value = tensor::CollapseShapeOp::create(c.b, c.loc, RankedTensorType::get(middleShape, element), value,
                                            reassociation(groups, &ReshapeGroup::sourceBegin, &ReshapeGroup::sourceEnd));
  }
  auto type = RankedTensorType::get(ShapeMath::staticShape(extents), element);
  if (extents.size() == middle.size()) {
    if (value.getType() != type)
      value = tensor::CastOp::create(c.b, c.loc, type, value);
    return value;
  }
  // Between a static and a dynamic extent of the same size stands a cast.
  SmallVector<int64_t> castShape(cast<RankedTensorType>(value.getType()).getShape());
  for (auto [extent, group] : llvm::zip_equal(castShape, groups)) {
    bool isStatic = true;
    int64_t product = 1;
    for (int64_t d = group.targetBegin; d < group.targetEnd; ++d) {
      isStatic &= !type.isDynamicDim(d);
      product *= isStatic ? type.getDimSize(d) : 1;
    }
    extent = isStatic ? product : ShapedType::kDynamic;
  }
  if (auto castType = RankedTensorType::get(castShape, element); castType != value.getType())
    value = tensor::CastOp::create(c.b, c.loc, castType, value);
  return tensor::ExpandShapeOp::create(c.b, c.loc, type, value,
                                       reassociation(groups, &ReshapeGroup::targetBegin, &ReshapeGroup::targetEnd), extents);
}

Tensor *nnopt::onnx::reshape(OpContext &c, Tensor *tensor, ExtentsRef extents) {
  if (c.failed() || ExtentsRef(tensor->extents) == extents)
    return tensor;
  SmallVector<int64_t> shape = ShapeMath::staticShape(extents);
  bool isStatic = !llvm::is_contained(shape, ShapedType::kDynamic);
  if (isStatic && tensor->type.hasStaticShape() && countElements(shape) != tensor->type.getNumElements()) {
    c.error("cannot give {0} the {1} elements of shape {2}", tensor->type, countElements(shape).value_or(0),
            RankedTensorType::get(shape, tensor->elementType()));
    return tensor;
  }
  if (tensor->constant && isStatic) {
    Tensor *result = c.constant(tensor->constant->reshaped(shape));
    result->name = tensor->name;
    return result;
  }
  if (tensor->entries && isStatic)
    return c.fromEntries(shape, tensor->elementType(), *tensor->entries);
  // Nothing to move, and no way to group extents of zero.
  if (llvm::is_contained(shape, 0)) {
    Value empty = tensor::EmptyOp::create(c.b, c.loc, extents, tensor->elementType());
    return c.tensor(empty, extents);
  }
  return c.tensor(emitReshape(c, tensor, extents), extents);
}

Tensor *nnopt::onnx::collapse(OpContext &c, Tensor *tensor, int64_t begin, int64_t end) {
  Extents extents(ExtentsRef(tensor->extents).take_front(begin));
  extents.push_back(c.shapes.product(ExtentsRef(tensor->extents).slice(begin, end - begin)));
  llvm::append_range(extents, ExtentsRef(tensor->extents).drop_front(end));
  return reshape(c, tensor, extents);
}

//===----------------------------------------------------------------------===//
// Other layouts
//===----------------------------------------------------------------------===//

/// Elements of a small known tensor, reordered: `source(i)` is the place of result element `i`.
static Tensor *permuteEntries(OpContext &c, Tensor *tensor, ArrayRef<int64_t> shape,
                              llvm::function_ref<int64_t(ArrayRef<int64_t>)> source) {
  std::optional<int64_t> count;
  if (!llvm::is_contained(shape, ShapedType::kDynamic))
    count = countElements(shape);
  const Extents *entries = count && *count <= kMostEntries ? c.entries(tensor) : nullptr;
  if (!entries)
    return nullptr;
  Extents results;
  SmallVector<int64_t> at(shape.size(), 0);
  for (int64_t i = 0; i < *count; ++i) {
    int64_t rest = i;
    for (int64_t d = int64_t(shape.size()) - 1; d >= 0; --d)
      at[d] = rest % shape[d], rest /= shape[d];
    results.push_back((*entries)[source(at)]);
  }
  return c.fromEntries(shape, tensor->elementType(), results);
}

static int64_t linearIndex(Tensor *tensor, ArrayRef<int64_t> at) {
  int64_t linear = 0;
  for (auto [d, index] : llvm::enumerate(at))
    linear = linear * tensor->dim(d) + index;
  return linear;
}

Tensor *nnopt::onnx::transpose(OpContext &c, Tensor *tensor, ArrayRef<int64_t> permutation) {
  if (c.failed() || llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size())))
    return tensor;
  Extents extents = llvm::map_to_vector(permutation, [&](int64_t d) { return tensor->extents[d]; });
  SmallVector<int64_t> shape = ShapeMath::staticShape(extents);
  if (Tensor *known = permuteEntries(c, tensor, shape, [&](ArrayRef<int64_t> at) {
        SmallVector<int64_t> from(at.size());
        for (auto [i, d] : llvm::enumerate(permutation))
          from[d] = at[i];
        return linearIndex(tensor, from);
      }))
    return known;
  Value init = tensor::EmptyOp::create(c.b, c.loc, extents, tensor->elementType());
  auto op = linalg::TransposeOp::create(c.b, c.loc, c.value(tensor), init, permutation);
  return c.tensor(op->getResult(0), extents);
}

Tensor *nnopt::onnx::broadcastTo(OpContext &c, Tensor *tensor, ExtentsRef extents) {
  Extents result = broadcastExtents(c, {tensor->extents, extents});
  if (c.failed() || result == Extents(tensor->extents))
    return tensor;
  // A rank larger only by ones needs no copy.
  size_t added = result.size() - tensor->extents.size();
  if (ExtentsRef(result).drop_front(added) == ExtentsRef(tensor->extents) &&
      llvm::all_of(ExtentsRef(result).take_front(added), [](OpFoldResult x) { return ShapeMath::is(x, 1); }))
    return reshape(c, tensor, result);
  if (tensor->constant && tensor->hasOneElement()) {
    Attribute value = tensor->constant->at(0);
    if (auto integer = dyn_cast<IntegerAttr>(value); integer && !tensor->isBool())
      value = c.b.getIntegerAttr(signlessOf(tensor->elementType()), integer.getValue().sextOrTrunc(tensor->elementType().getIntOrFloatBitWidth()));
    return filled(c, result, tensor->elementType(), cast<TypedAttr>(value));
  }
  SmallVector<int64_t> shape = ShapeMath::staticShape(result);
  if (Tensor *known = permuteEntries(c, tensor, shape, [&](ArrayRef<int64_t> at) {
        SmallVector<int64_t> from(at.drop_front(added));
        for (auto [d, index] : llvm::enumerate(from))
          index = tensor->dim(d) == 1 ? 0 : index;
        return linearIndex(tensor, from);
      }))
    return known;
  SmallVector<AffineExpr> exprs;
  for (auto [d, extent] : llvm::enumerate(tensor->extents)) {
    bool repeats = ShapeMath::is(extent, 1) && !ShapeMath::is(result[added + d], 1);
    exprs.push_back(repeats ? c.b.getAffineConstantExpr(0) : c.b.getAffineDimExpr(added + d));
  }
  AffineMap maps[] = {AffineMap::get(result.size(), 0, exprs, c.b.getContext()),
                      c.b.getMultiDimIdentityMap(result.size())};
  SmallVector<utils::IteratorType> loops(result.size(), utils::IteratorType::parallel);
  Value init = tensor::EmptyOp::create(c.b, c.loc, result, tensor->elementType());
  auto copy = [](OpBuilder &b, Location loc, ValueRange args) { linalg::YieldOp::create(b, loc, args[0]); };
  auto op = linalg::GenericOp::create(c.b, c.loc, init.getType(), c.value(tensor), init, maps, loops, copy);
  return c.tensor(op.getResult(0), result);
}

Tensor *nnopt::onnx::slice(OpContext &c, Tensor *tensor, ExtentsRef offsets, ExtentsRef sizes, ExtentsRef strides) {
  if (c.failed())
    return tensor;
  bool isWhole = ExtentsRef(tensor->extents) == sizes &&
                 llvm::all_of(offsets, [](OpFoldResult x) { return ShapeMath::is(x, 0); }) &&
                 llvm::all_of(strides, [](OpFoldResult x) { return ShapeMath::is(x, 1); });
  if (isWhole)
    return tensor;
  bool isKnown = llvm::all_of(llvm::concat<const OpFoldResult>(offsets, strides),
                              [](OpFoldResult x) { return ShapeMath::get(x).has_value(); });
  if (isKnown)
    if (Tensor *known = permuteEntries(c, tensor, ShapeMath::staticShape(sizes), [&](ArrayRef<int64_t> at) {
          SmallVector<int64_t> from(at);
          for (auto [d, index] : llvm::enumerate(from))
            index = *ShapeMath::get(offsets[d]) + index * *ShapeMath::get(strides[d]);
          return linearIndex(tensor, from);
        }))
      return known;
  if (llvm::any_of(sizes, [](OpFoldResult x) { return ShapeMath::is(x, 0); })) // may start behind the last element
    return c.tensor(tensor::EmptyOp::create(c.b, c.loc, sizes, tensor->elementType()), sizes);
  auto type = RankedTensorType::get(ShapeMath::staticShape(sizes), tensor->elementType());
  Value part = tensor::ExtractSliceOp::create(c.b, c.loc, type, c.value(tensor), offsets, sizes, strides);
  return c.tensor(part, sizes);
}

Tensor *nnopt::onnx::concat(OpContext &c, ArrayRef<Tensor *> tensors, int64_t axis) {
  Extents extents = tensors.front()->extents;
  for (Tensor *tensor : tensors.drop_front()) {
    if (tensor->rank() != tensors.front()->rank()) {
      c.error("joins tensors of {0} and {1} dimensions", tensors.front()->rank(), tensor->rank());
      return tensors.front();
    }
    for (int64_t d = 0; d < tensor->rank(); ++d) {
      auto left = ShapeMath::get(extents[d]), right = ShapeMath::get(tensor->extents[d]);
      if (d == axis)
        extents[d] = c.shapes.add(extents[d], tensor->extents[d]);
      else if (left && right && *left != *right)
        c.error("joins extents {0} and {1} in dimension {2}", *left, *right, d);
      else if (right || (!left && c.shapes.isSymbol(tensor->extents[d]) && !c.shapes.isSymbol(extents[d])))
        extents[d] = tensor->extents[d];
    }
  }
  expectSameTypes(c, tensors);
  if (c.failed() || tensors.size() == 1)
    return tensors.front();
  auto type = RankedTensorType::get(ShapeMath::staticShape(extents), tensors.front()->elementType());
  bool isSmall = type.hasStaticShape() && type.getNumElements() <= kMostEntries;
  if (isSmall && type.getRank() <= 1 && llvm::all_of(tensors, [&](Tensor *tensor) { return c.entries(tensor); })) {
    Extents entries;
    for (Tensor *tensor : tensors)
      llvm::append_range(entries, *c.entries(tensor));
    return c.fromEntries(type.getShape(), type.getElementType(), entries);
  }
  SmallVector<Value> values = llvm::map_to_vector(tensors, [&](Tensor *tensor) { return c.value(tensor); });
  return c.tensor(tensor::ConcatOp::create(c.b, c.loc, type, axis, values), extents);
}

Tensor *nnopt::onnx::padConstant(OpContext &c, Tensor *tensor, ExtentsRef before, ExtentsRef after, Value value) {
  if (c.failed())
    return tensor;
  Extents extents;
  for (auto [extent, low, high] : llvm::zip_equal(tensor->extents, before, after))
    extents.push_back(c.shapes.add(extent, c.shapes.add(low, high)));
  Value init = tensor::EmptyOp::create(c.b, c.loc, extents, tensor->elementType());
  Value padded = linalg::FillOp::create(c.b, c.loc, value, init).getResult(0);
  Extents strides(tensor->rank(), c.shapes.constant(1));
  padded = tensor::InsertSliceOp::create(c.b, c.loc, c.value(tensor), padded, before, tensor->extents, strides);
  return c.tensor(padded, extents);
}
