//===- Layout.cpp - Pad ---------------------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Build.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::onnx;

namespace {
/// Elements added before and after each dimension; negative numbers remove some.
struct Pads {
  Extents before, after;
};
} // namespace

static std::optional<Pads> readPads(OpContext &c) {
  Tensor *x = c.in(0);
  Extents given = c.opset < 11 ? c.shapes.constants(c.attr("pads", ArrayRef<int64_t>()))
                  : c.hasInput(1) ? c.indices(1, "pads") : Extents();
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, x->rank()));
  if (c.hasInput(3)) {
    axes = c.integers(3, "axes");
    (void)c.axes(axes, x->rank());
  }
  if (!c.failed() && given.size() != 2 * axes.size())
    c.error("has {0} pads for {1} axes", given.size(), axes.size());
  for (OpFoldResult pad : given)
    if (std::abs(ShapeMath::get(pad).value_or(0)) > (int64_t(1) << 40))
      c.error("has a pad of {0}", *ShapeMath::get(pad));
  if (c.failed())
    return std::nullopt;
  Pads pads{Extents(x->rank(), c.shapes.constant(0)), Extents(x->rank(), c.shapes.constant(0))};
  for (auto [i, axis] : llvm::enumerate(axes)) {
    pads.before[axis < 0 ? axis + x->rank() : axis] = given[i];
    pads.after[axis < 0 ? axis + x->rank() : axis] = given[axes.size() + i];
  }
  return pads;
}

/// Takes away what negative pads remove, and leaves the pads that add.
static Tensor *crop(OpContext &c, Tensor *x, Pads &pads) {
  Extents offsets(x->rank(), c.shapes.constant(0)), sizes(x->extents), strides(x->rank(), c.shapes.constant(1));
  for (int64_t d = 0; d < x->rank(); ++d) {
    for (OpFoldResult *pad : {&pads.before[d], &pads.after[d]}) {
      std::optional<int64_t> known = ShapeMath::get(*pad);
      if (!known || *known >= 0)
        continue;
      sizes[d] = c.shapes.add(sizes[d], *pad);
      if (pad == &pads.before[d])
        offsets[d] = c.shapes.constant(-*known);
      *pad = c.shapes.constant(0);
    }
    if (ShapeMath::get(sizes[d]).value_or(0) < 0)
      c.error("removes more than dimension {0} of {1} has", d, x->type);
  }
  return slice(c, x, offsets, sizes, strides);
}

/// Where a padded coordinate reads from: the nearest element, a mirror image, or the other end.
static Value sourceIndex(Scalar &index, StringRef mode, Value at, Value extent) {
  Value zero = index.constant(0), one = index.constant(1), last = index.sub(extent, one);
  if (mode == "edge")
    return index.max(zero, index.min(at, last));
  auto modulo = [&](Value x, Value period) { return index.rem(x, period, /*fmod=*/false); };
  if (mode == "wrap")
    return modulo(at, extent);
  // Reflection has period 2 (extent - 1): forth, and back without repeating the ends.
  Value period = index.max(one, index.mul(last, index.constant(2)));
  Value phase = modulo(at, period);
  return index.min(phase, index.sub(period, phase));
}

static void importPad(OpContext &c) {
  Tensor *x = c.in(0);
  StringRef mode = c.attr("mode", "constant");
  double oldValue = c.opset < 11 ? c.attr("value", 0.0) : 0.0;
  std::optional<Pads> pads = readPads(c);
  if (!pads)
    return;
  x = crop(c, x, *pads);
  auto isZero = [](OpFoldResult pad) { return ShapeMath::is(pad, 0); };
  if (c.failed() || (llvm::all_of(pads->before, isZero) && llvm::all_of(pads->after, isZero)))
    return c.set(0, x);
  if (mode == "constant") {
    Tensor *value = c.hasInput(2) ? c.in(2) : c.scalar(x->elementType(), oldValue);
    expectSameTypes(c, {x, value});
    if (!value->hasOneElement())
      c.error("fills with a value of type {0}, expected one element", value->type);
    if (c.failed())
      return;
    Value scalar;
    if (value->constant && value->isFloat())
      scalar = arith::ConstantOp::create(c.b, c.loc, cast<TypedAttr>(value->constant->at(0)));
    else
      scalar = tensor::ExtractOp::create(c.b, c.loc, c.value(reshape(c, value, {})), ValueRange());
    return c.set(0, padConstant(c, x, pads->before, pads->after, scalar));
  }
  if (mode != "edge" && mode != "reflect" && mode != "wrap")
    return c.error("has mode '{0}', expected constant, reflect, edge or wrap", mode);
  Extents extents;
  SmallVector<Value> offsets, sizes;
  for (auto [extent, before, after] : llvm::zip_equal(x->extents, pads->before, pads->after)) {
    if (ShapeMath::is(extent, 0))
      return c.error("pads an empty dimension with mode '{0}'", mode);
    extents.push_back(c.shapes.add(extent, c.shapes.add(before, after)));
    offsets.push_back(c.shapes.asValue(before));
    sizes.push_back(c.shapes.asValue(extent));
  }
  Value source = c.value(x);
  c.set(0, generate(c, extents, x->elementType(), [&](Scalar &s, ValueRange at) {
          Scalar index = s.as(s.b.getIndexType());
          SmallVector<Value> from;
          for (auto [d, i] : llvm::enumerate(at))
            from.push_back(isZero(pads->before[d]) && isZero(pads->after[d])
                               ? i
                               : sourceIndex(index, mode, index.sub(i, offsets[d]), sizes[d]));
          return readElement(s, source, from);
        }));
}

static constexpr Operator kOperators[] = {
    {"Pad", 2, 1, 4, importPad, "pads that depend on data"},
};

ArrayRef<Operator> nnopt::onnx::layoutOperators() { return kOperators; }
