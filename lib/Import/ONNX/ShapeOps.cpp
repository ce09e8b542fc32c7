//===- ShapeOps.cpp - operators about shapes ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Build.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::onnx;

static void importShape(OpContext &c) {
  int64_t rank = c.in(0)->rank();
  auto clamp = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank); };
  int64_t start = clamp(c.attr("start", int64_t(0))), end = clamp(c.attr("end", rank));
  ExtentsRef extents = ExtentsRef(c.in(0)->extents).slice(start, std::max<int64_t>(0, end - start));
  c.set(0, c.fromEntries({int64_t(extents.size())}, c.b.getI64Type(), Extents(extents)));
}

static void importSize(OpContext &c) {
  c.set(0, c.fromEntries({}, c.b.getI64Type(), {c.shapes.product(c.in(0)->extents)}));
}

static void importReshape(OpContext &c) {
  Tensor *x = c.in(0);
  bool allowZero = c.attr("allowzero", int64_t(0)) != 0;
  if (c.in(1)->rank() != 1)
    c.error("has a shape of type {0}, expected one dimension", c.in(1)->type);
  Extents extents = c.failed() ? Extents() : c.indices(1, "a shape");
  std::optional<size_t> inferred;
  for (auto [d, extent] : llvm::enumerate(extents)) {
    std::optional<int64_t> known = ShapeMath::get(extent);
    if (known == 0 && !allowZero) {
      if (int64_t(d) >= x->rank())
        c.error("copies extent {0} of {1}, which has {2} dimensions", d, x->type, x->rank());
      else
        extent = x->extents[d];
    } else if (known == -1 && !inferred) {
      inferred = d;
    } else if (known && *known < 0) {
      c.error(*known == -1 ? "infers two extents" : "has the negative extent {0}", *known);
    }
  }
  if (c.failed())
    return;
  if (inferred) {
    Extents rest(extents);
    rest.erase(rest.begin() + *inferred);
    auto total = c.shapes.monomial(x->extents), part = c.shapes.monomial(rest);
    if (total.values.empty() && part.values.empty() && (part.factor == 0 ? total.factor != 0 : total.factor % part.factor != 0))
      return c.error("cannot divide {0} elements into rows of {1}", total.factor, part.factor);
    extents[*inferred] = c.shapes.quotient(x->extents, rest);
  }
  c.set(0, reshape(c, x, extents));
}

static void importFlatten(OpContext &c) {
  Tensor *x = c.in(0);
  int64_t axis = c.attr("axis", int64_t(1));
  if (axis < -x->rank() || axis > x->rank())
    return c.error("has axis {0}, but its tensor has {1} dimensions", axis, x->rank());
  axis = axis < 0 ? axis + x->rank() : axis;
  ExtentsRef all = x->extents;
  c.set(0, reshape(c, x, {c.shapes.product(all.take_front(axis)), c.shapes.product(all.drop_front(axis))}));
}

/// Axes were an attribute before opset 13.
static SmallVector<int64_t> axesOf(OpContext &c) {
  if (c.opset < 13)
    return c.attr("axes", ArrayRef<int64_t>());
  return c.hasInput(1) ? c.integers(1, "axes") : SmallVector<int64_t>();
}

static void importSqueeze(OpContext &c) {
  Tensor *x = c.in(0);
  SmallVector<int64_t> axes = c.axes(axesOf(c), x->rank());
  if (c.failed())
    return;
  bool all = axes.empty();
  Extents extents;
  for (auto [d, extent] : llvm::enumerate(x->extents)) {
    bool isOne = ShapeMath::is(extent, 1);
    if (all && !ShapeMath::get(extent))
      return c.unsupported("removes all extents of 1, but extent {0} of {1} is dynamic", d, x->type);
    if (!(all ? isOne : llvm::is_contained(axes, d)))
      extents.push_back(extent);
    else if (ShapeMath::get(extent) && !isOne)
      return c.error("removes extent {0} of {1}, which is not 1", d, x->type);
  }
  c.set(0, reshape(c, x, extents));
}

static void importUnsqueeze(OpContext &c) {
  Tensor *x = c.in(0);
  SmallVector<int64_t> given = axesOf(c);
  SmallVector<int64_t> axes = c.axes(given, x->rank() + given.size());
  if (c.failed())
    return;
  Extents extents(x->extents);
  for (int64_t axis : axes)
    extents.insert(extents.begin() + axis, c.shapes.constant(1));
  c.set(0, reshape(c, x, extents));
}

static void importTranspose(OpContext &c) {
  int64_t rank = c.in(0)->rank();
  SmallVector<int64_t> reversed = llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, rank)));
  SmallVector<int64_t> permutation = c.attr("perm", ArrayRef<int64_t>(reversed)), sorted(permutation);
  llvm::sort(sorted);
  if (!llvm::equal(sorted, llvm::seq<int64_t>(0, rank)))
    return c.error("has a perm that does not permute {0} dimensions", rank);
  c.set(0, transpose(c, c.in(0), permutation));
}

static void importExpand(OpContext &c) {
  Extents extents = c.indices(1, "a shape");
  if (!c.failed())
    c.set(0, broadcastTo(c, c.in(0), extents));
}

/// Each dimension gets one of repeats in front, which broadcasts: [r0, d0, r1, d1, ...], then both become one.
static void importTile(OpContext &c) {
  Tensor *x = c.in(0);
  Extents repeats = c.indices(1, "repeats");
  if (!c.failed() && int64_t(repeats.size()) != x->rank())
    c.error("has {0} repeats for {1}", repeats.size(), x->type);
  if (c.failed())
    return;
  Extents apart, wide, result;
  for (auto [extent, repeat] : llvm::zip_equal(x->extents, repeats)) {
    if (ShapeMath::get(repeat).value_or(0) < 0)
      return c.error("repeats {0} times", *ShapeMath::get(repeat));
    if (!ShapeMath::is(repeat, 1)) {
      apart.push_back(c.shapes.constant(1));
      wide.push_back(repeat);
    }
    apart.push_back(extent);
    wide.push_back(extent);
    result.push_back(c.shapes.product({repeat, extent}));
  }
  c.set(0, reshape(c, broadcastTo(c, reshape(c, x, apart), wide), result));
}

static void importConcat(OpContext &c) {
  if (!c.hasAttr("axis"))
    return c.error("has no axis");
  int64_t axis = c.axis(c.attr("axis", int64_t(0)), c.in(0)->rank());
  SmallVector<Tensor *> tensors;
  for (unsigned i = 0; i < c.numInputs(); ++i)
    if (c.hasInput(i))
      tensors.push_back(c.in(i));
  if (!c.failed())
    c.set(0, concat(c, tensors, axis));
}

/// Parts as given; else equal ones, of which the last may be smaller.
static void importSplit(OpContext &c) {
  Tensor *x = c.in(0);
  int64_t axis = c.axis(c.attr("axis", int64_t(0)), x->rank()), outputs = c.numOutputs();
  SmallVector<int64_t> sizes;
  if (c.opset < 13)
    sizes = c.attr("split", ArrayRef<int64_t>());
  else if (c.hasInput(1))
    sizes = c.integers(1, "sizes");
  int64_t parts = c.attr("num_outputs", outputs);
  if (c.failed())
    return;
  if (x->rank() == 0 || (sizes.empty() && (x->type.isDynamicDim(axis) || parts < 1)))
    return c.unsupported("splits {0} into {1} parts of unknown size", x->type, parts);
  if (sizes.empty()) {
    int64_t size = llvm::divideCeil(x->dim(axis), parts), rest = x->dim(axis);
    for (int64_t i = 0; i < outputs; ++i, rest -= sizes.back())
      sizes.push_back(std::min(size, rest));
  }
  int64_t sum = 0;
  for (int64_t size : sizes) {
    if (size < 0 || size > (int64_t(1) << 40))
      return c.error("has a part of size {0}", size);
    sum += size;
  }
  if (int64_t(sizes.size()) < outputs || (!x->type.isDynamicDim(axis) && sum != x->dim(axis)))
    return c.error("splits extent {0} into {1} parts of together {2}", x->dim(axis), sizes.size(), sum);
  Extents offsets(x->rank(), c.shapes.constant(0)), extents(x->extents), strides(x->rank(), c.shapes.constant(1));
  int64_t offset = 0;
  for (int64_t i = 0; i < outputs; ++i) {
    offsets[axis] = c.shapes.constant(offset);
    extents[axis] = c.shapes.constant(sizes[i]);
    c.set(i, slice(c, x, offsets, extents, strides));
    offset += sizes[i];
  }
}

//===----------------------------------------------------------------------===//
// Slice
//===----------------------------------------------------------------------===//

/// `x` clamped to [0, extent].
static OpFoldResult clampTo(OpContext &c, OpFoldResult x, OpFoldResult extent, int64_t below) {
  return c.shapes.max(c.shapes.constant(below), c.shapes.min(x, extent));
}

/// Elements from `start` to `end` in steps of `step` along each axis; negative steps walk backwards.
static Tensor *sliceSteps(OpContext &c, Tensor *x, ArrayRef<int64_t> axes, ExtentsRef starts, ExtentsRef ends,
                          ArrayRef<int64_t> steps) {
  Extents offsets(x->rank(), c.shapes.constant(0)), sizes(x->extents);
  SmallVector<int64_t> strides(x->rank(), 1);
  for (auto [axis, start, end, step] : llvm::zip_equal(axes, starts, ends, steps)) {
    OpFoldResult extent = x->extents[axis];
    strides[axis] = step;
    if (step > 0) {
      OpFoldResult from = clampTo(c, c.shapes.fromEnd(start, extent), extent, 0);
      OpFoldResult to = clampTo(c, c.shapes.fromEnd(end, extent), extent, 0);
      OpFoldResult length = c.shapes.sub(to, from);
      // An empty range is no negative extent.
      bool isOrdered = ShapeMath::is(from, 0);
      sizes[axis] = c.shapes.ceilDiv(isOrdered ? length : c.shapes.max(length, c.shapes.constant(0)), c.shapes.constant(step));
      offsets[axis] = from;
      continue;
    }
    OpFoldResult last = c.shapes.sub(extent, c.shapes.constant(1));
    OpFoldResult from = clampTo(c, c.shapes.fromEnd(start, extent), last, 0);
    OpFoldResult to = clampTo(c, c.shapes.fromEnd(end, extent), last, -1);
    OpFoldResult length = c.shapes.max(c.shapes.sub(from, to), c.shapes.constant(0));
    sizes[axis] = c.shapes.min(c.shapes.ceilDiv(length, c.shapes.constant(-step)), extent);
    offsets[axis] = from;
  }
  if (llvm::all_of(strides, [](int64_t stride) { return stride > 0; }))
    return slice(c, x, offsets, sizes, c.shapes.constants(strides));
  // Small known tensors are reversed element by element.
  const Extents *entries = x->rank() == 1 ? c.entries(x) : nullptr;
  if (std::optional<int64_t> size = entries ? ShapeMath::get(sizes[0]) : std::nullopt; size && ShapeMath::get(offsets[0])) {
    Extents picked;
    for (int64_t i = 0; i < *size; ++i)
      picked.push_back((*entries)[*ShapeMath::get(offsets[0]) + i * strides[0]]);
    return c.fromEntries({*size}, x->elementType(), picked);
  }
  Value source = c.value(x);
  SmallVector<Value> from = llvm::map_to_vector(offsets, [&](OpFoldResult offset) { return c.shapes.asValue(offset); });
  return generate(c, sizes, x->elementType(), [&](Scalar &s, ValueRange at) {
    Scalar index = s.as(s.b.getIndexType());
    SmallVector<Value> place;
    for (auto [d, i] : llvm::enumerate(at))
      place.push_back(index.add(from[d], index.mul(i, index.constant(strides[d]))));
    return readElement(s, source, place);
  });
}

static void importSlice(OpContext &c) {
  Tensor *x = c.in(0);
  Extents starts, ends;
  SmallVector<int64_t> axes, steps;
  if (c.opset < 10) {
    starts = c.shapes.constants(c.attr("starts", ArrayRef<int64_t>()));
    ends = c.shapes.constants(c.attr("ends", ArrayRef<int64_t>()));
    axes = c.attr("axes", ArrayRef<int64_t>());
  } else if (!c.hasInput(1) || !c.hasInput(2)) {
    return c.error("has no starts or no ends");
  } else {
    starts = c.indices(1, "starts");
    ends = c.indices(2, "ends");
    if (c.hasInput(3))
      axes = c.integers(3, "axes");
    if (c.hasInput(4))
      steps = c.integers(4, "steps");
  }
  if (axes.empty())
    axes = llvm::to_vector(llvm::seq<int64_t>(0, starts.size()));
  if (steps.empty())
    steps.assign(starts.size(), 1);
  if (!c.failed() && (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size()))
    c.error("has {0} starts, {1} ends, {2} axes and {3} steps", starts.size(), ends.size(), axes.size(), steps.size());
  (void)c.axes(axes, x->rank());
  if (llvm::is_contained(steps, 0))
    c.error("has a step of 0");
  if (c.failed())
    return;
  for (int64_t &axis : axes)
    axis = axis < 0 ? axis + x->rank() : axis;
  for (int64_t &step : steps)
    step = std::clamp<int64_t>(step, -(int64_t(1) << 40), int64_t(1) << 40);
  // "To the end" is a huge number: clamped before anything is added to it.
  for (Extents *list : {&starts, &ends})
    for (OpFoldResult &value : *list)
      if (std::optional<int64_t> known = ShapeMath::get(value))
        value = c.shapes.constant(std::clamp<int64_t>(*known, -(int64_t(1) << 48), int64_t(1) << 48));
  c.set(0, sliceSteps(c, x, axes, starts, ends, steps));
}

//===----------------------------------------------------------------------===//
// DepthToSpace, SpaceToDepth
//===----------------------------------------------------------------------===//

static std::optional<int64_t> readBlock(OpContext &c) {
  int64_t block = c.attr("blocksize", int64_t(0));
  if (c.in(0)->rank() != 4 || block < 1 || block > (1 << 20)) {
    c.error("has blocksize {0} and an input of type {1}, expected 4 dimensions", block, c.in(0)->type);
    return std::nullopt;
  }
  return block;
}

static void importDepthToSpace(OpContext &c) {
  StringRef mode = c.attr("mode", "DCR");
  std::optional<int64_t> block = readBlock(c);
  if (!block)
    return;
  Extents &e = c.in(0)->extents;
  int64_t channels = c.in(0)->dim(1);
  if (ShapedType::isDynamic(channels) || channels % (*block * *block) != 0)
    return c.error("cannot divide {0} channels into blocks of {1} by {1}", channels, *block);
  OpFoldResult b = c.shapes.constant(*block), depth = c.shapes.constant(channels / *block / *block);
  bool isColumnRow = mode == "CRD";
  Extents split = isColumnRow ? Extents{e[0], depth, b, b, e[2], e[3]} : Extents{e[0], b, b, depth, e[2], e[3]};
  Tensor *y = reshape(c, c.in(0), split);
  y = transpose(c, y, isColumnRow ? ArrayRef<int64_t>({0, 1, 4, 2, 5, 3}) : ArrayRef<int64_t>({0, 3, 4, 1, 5, 2}));
  c.set(0, reshape(c, y, {e[0], depth, c.shapes.product({e[2], b}), c.shapes.product({e[3], b})}));
}

static void importSpaceToDepth(OpContext &c) {
  std::optional<int64_t> block = readBlock(c);
  if (!block)
    return;
  Extents &e = c.in(0)->extents;
  for (unsigned d : {2, 3})
    if (c.in(0)->type.isDynamicDim(d) || c.in(0)->dim(d) % *block != 0)
      return c.error("cannot divide extent {0} into blocks of {1}", c.in(0)->dim(d), *block);
  OpFoldResult b = c.shapes.constant(*block), rows = c.shapes.constant(c.in(0)->dim(2) / *block),
               columns = c.shapes.constant(c.in(0)->dim(3) / *block);
  Tensor *y = reshape(c, c.in(0), {e[0], e[1], rows, b, columns, b});
  y = transpose(c, y, {0, 3, 5, 1, 2, 4});
  c.set(0, reshape(c, y, {e[0], c.shapes.product({b, b, e[1]}), rows, columns}));
}

static constexpr Operator kOperators[] = {
    {"Shape", 1, 1, 1, importShape},
    {"Size", 1, 1, 1, importSize},
    {"Reshape", 5, 2, 2, importReshape, "shapes that depend on data"},
    {"Flatten", 1, 1, 1, importFlatten},
    {"Squeeze", 1, 1, 2, importSqueeze},
    {"Unsqueeze", 1, 1, 2, importUnsqueeze},
    {"Transpose", 1, 1, 1, importTranspose},
    {"Expand", 8, 2, 2, importExpand, "shapes that depend on data"},
    {"Tile", 6, 2, 2, importTile, "repeats that depend on data"},
    {"Concat", 4, 1, kAnyNumber, importConcat},
    {"Split", 2, 1, 2, importSplit, "sizes that depend on data"},
    {"Slice", 1, 1, 5, importSlice, "starts and ends that depend on data"},
    {"DepthToSpace", 1, 1, 1, importDepthToSpace},
    {"SpaceToDepth", 1, 1, 1, importSpaceToDepth},
};

ArrayRef<Operator> nnopt::onnx::shapeOperators() { return kOperators; }
