//===- Resize.cpp - Resize, Upsample --------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Interpolation is separable: every axis is resized by itself, as a sum of a few elements whose places and weights are known while importing.
//===----------------------------------------------------------------------===//

#include "Build.h"

#include <cmath>

using namespace mlir;
using namespace nnopt;
using namespace nnopt::onnx;

namespace {
/// The attributes of a resize.
struct ResizeMode {
  StringRef mode, transform, nearest;
  double cubicCoefficient = -0.75, extrapolation = 0;
  bool excludesOutside = false, antialiases = false;
};

/// One axis: from `in` to `out` elements. `roi` is the part of the input that tf_crop_and_resize takes.
struct ResizeAxis {
  int64_t in, out;
  double scale;
  double roi[2] = {0, 1};
};

/// For each output position `taps` places and weights; `outside` marks those that get the extrapolation value.
struct ResizeTable {
  int64_t taps = 0;
  SmallVector<int32_t> places;
  SmallVector<double> weights;
  SmallVector<bool> outside;
};
} // namespace

static double sourceCoordinate(const ResizeMode &mode, const ResizeAxis &axis, int64_t i) {
  double length = axis.scale * double(axis.in), last = double(axis.in - 1);
  if (mode.transform == "align_corners")
    return length == 1 ? 0 : double(i) * last / (length - 1);
  if (mode.transform == "asymmetric")
    return double(i) / axis.scale;
  if (mode.transform == "tf_half_pixel_for_nn")
    return (double(i) + 0.5) / axis.scale;
  if (mode.transform == "tf_crop_and_resize") {
    double part = (axis.roi[1] - axis.roi[0]) * last;
    return axis.roi[0] * last + (length == 1 ? part / 2 : double(i) * part / (length - 1));
  }
  if (mode.transform == "pytorch_half_pixel" && length == 1)
    return -0.5;
  double offset = 0;
  if (mode.transform == "half_pixel_symmetric")
    offset = double(axis.in) / 2 * (1 - double(axis.out) / length);
  return offset + (double(i) + 0.5) / axis.scale - 0.5;
}

static double cubicWeight(double x, double a) {
  x = std::abs(x);
  if (x <= 1)
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/// Weights of the elements from `first` on, relative to the one left of the coordinate; `ratio` is how far behind that the coordinate lies.
static void kernelWeights(const ResizeMode &mode, double scale, double ratio, int64_t &first, SmallVectorImpl<double> &weights) {
  if (mode.mode == "nearest") {
    bool takesRight = mode.nearest == "round_prefer_ceil" ? ratio >= 0.5
                      : mode.nearest == "floor"           ? ratio == 1
                      : mode.nearest == "ceil"            ? true
                                                          : ratio > 0.5;
    first = takesRight ? 1 : 0;
    weights.assign(1, 1.0);
    return;
  }
  bool isCubic = mode.mode == "cubic";
  double stretch = mode.antialiases ? std::min(scale, 1.0) : 1.0;
  first = int64_t(std::floor((isCubic ? -2.0 : -1.0) / stretch)) + 1;
  int64_t count = 2 - 2 * first;
  double sum = 0;
  for (int64_t i = first; i < first + count; ++i) {
    double x = (double(i) - ratio) * stretch;
    weights.push_back(isCubic ? cubicWeight(x, mode.cubicCoefficient) : std::max(0.0, 1 - std::abs(x)));
    sum += weights.back();
  }
  if (mode.antialiases)
    for (double &weight : weights)
      weight /= sum;
}

static ResizeTable makeTable(const ResizeMode &mode, const ResizeAxis &axis) {
  ResizeTable table;
  for (int64_t i = 0; i < axis.out; ++i) {
    double x = sourceCoordinate(mode, axis, i), left = std::floor(x);
    bool isOutside = mode.transform == "tf_crop_and_resize" && (x < 0 || x > double(axis.in - 1));
    if (left == x) // the reference counts a whole coordinate as the end of the step before
      left -= 1;
    int64_t first = 0;
    SmallVector<double> weights;
    kernelWeights(mode, axis.scale, x - left, first, weights);
    double sum = 0;
    for (auto [k, weight] : llvm::enumerate(weights)) {
      double place = left + double(first) + double(k);
      if (isOutside || (mode.excludesOutside && (place < 0 || place >= double(axis.in))))
        weight = 0;
      sum += weight;
      table.places.push_back(int32_t(std::clamp(place, 0.0, double(axis.in - 1))));
    }
    if (mode.excludesOutside && sum != 0)
      for (double &weight : weights)
        weight /= sum;
    table.taps = weights.size();
    llvm::append_range(table.weights, weights);
    table.outside.push_back(isOutside);
  }
  return table;
}

template <typename T>
static Value constantTable(OpContext &c, ArrayRef<T> values, Type element) {
  std::vector<char> bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return c.value(c.constant(Constant::copy(RankedTensorType::get({int64_t(values.size())}, element), std::move(bytes))));
}

/// Sums the taps of every position of `axis`. One tap of weight 1 copies; then any element type does.
static Tensor *resizeAxis(OpContext &c, Tensor *x, int64_t axis, int64_t out, const ResizeTable &table, double extrapolation) {
  Extents extents = x->extents;
  extents[axis] = c.shapes.constant(out);
  bool isOutside = llvm::is_contained(table.outside, true);
  bool isCopy = table.taps == 1 && !isOutside;
  Type element = x->elementType(), sumType = element.isF64() ? element : Type(c.b.getF32Type());
  Value places = constantTable<int32_t>(c, table.places, c.b.getI32Type()), weights, added, source = c.value(x);
  if (!isCopy) {
    SmallVector<double> fill = llvm::map_to_vector(table.outside, [&](bool outside) { return outside ? extrapolation : 0.0; });
    auto make = [&](ArrayRef<double> list) {
      return sumType.isF64() ? constantTable<double>(c, list, sumType)
                             : constantTable<float>(c, llvm::to_vector_of<float>(list), sumType);
    };
    weights = make(table.weights);
    if (isOutside)
      added = make(fill);
  }
  return generate(c, extents, element, [&](Scalar &s, ValueRange at) {
    Scalar index = s.as(s.b.getIndexType()), real = s.as(sumType);
    Value sum = added ? readElement(s, added, at[axis]) : isCopy ? Value() : real.constant(0);
    for (int64_t k = 0; k < table.taps; ++k) {
      Value entry = index.add(index.mul(at[axis], index.constant(double(table.taps))), index.constant(double(k)));
      SmallVector<Value> from(at);
      from[axis] = s.as(s.b.getI32Type()).cast(readElement(s, places, entry), s.b.getIndexType());
      Value tap = readElement(s, source, from);
      if (isCopy)
        return tap;
      sum = real.add(sum, real.mul(s.cast(tap, sumType), readElement(s, weights, entry)));
    }
    return real.cast(sum, element);
  });
}

/// Dynamic extents can be repeated a whole number of times.
static Tensor *repeatAxis(OpContext &c, Tensor *x, int64_t axis, int64_t factor) {
  Extents extents = x->extents;
  extents[axis] = c.shapes.mul(extents[axis], c.shapes.constant(factor));
  Value source = c.value(x);
  return generate(c, extents, x->elementType(), [&](Scalar &s, ValueRange at) {
    Scalar index = s.as(s.b.getIndexType());
    SmallVector<Value> from(at);
    from[axis] = index.div(at[axis], index.constant(double(factor)));
    return readElement(s, source, from);
  });
}

static std::optional<ResizeMode> readMode(OpContext &c) {
  ResizeMode mode;
  mode.mode = c.attr("mode", "nearest");
  bool isOld = c.opset < 11; // asymmetric, and nearest rounds down
  mode.transform = isOld ? "asymmetric" : c.attr("coordinate_transformation_mode", "half_pixel");
  mode.nearest = isOld ? "floor" : c.attr("nearest_mode", "round_prefer_floor");
  mode.cubicCoefficient = c.attr("cubic_coeff_a", -0.75);
  mode.extrapolation = c.attr("extrapolation_value", 0.0);
  mode.excludesOutside = c.attr("exclude_outside", int64_t(0)) != 0;
  mode.antialiases = c.attr("antialias", int64_t(0)) != 0 && mode.mode != "nearest";
  if (mode.mode != "nearest" && mode.mode != "linear" && mode.mode != "cubic")
    c.error("has mode '{0}', expected nearest, linear or cubic", mode.mode);
  static constexpr StringLiteral kTransforms[] = {"half_pixel",         "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
                                                  "asymmetric",         "tf_crop_and_resize",   "tf_half_pixel_for_nn"};
  if (!llvm::is_contained(kTransforms, mode.transform))
    c.error("has coordinate_transformation_mode '{0}', which ONNX does not define", mode.transform);
  static constexpr StringLiteral kNearest[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
  if (!llvm::is_contained(kNearest, mode.nearest))
    c.error("has nearest_mode '{0}', which ONNX does not define", mode.nearest);
  return c.failed() ? std::nullopt : std::optional(mode);
}

/// The numbers of constant input `i`, which must have `count` elements.
static SmallVector<double> numbers(OpContext &c, unsigned i, StringRef what, size_t count) {
  SmallVector<double> list;
  if (!c.isConstant(i)) {
    c.unsupported("has {0} ('{1}') that depend on the data: shapes must follow from the shapes of the inputs", what, c.node.inputs[i]);
    return list;
  }
  const Constant &constant = *c.in(i)->constant;
  if (constant.size() != int64_t(count))
    c.error("has {0} {1}, expected {2}", constant.size(), what, count);
  for (int64_t k = 0; k < constant.size() && !c.failed(); ++k)
    list.push_back(constant.numberAt(k));
  return list;
}

/// With a policy, one scale serves all axes.
static void keepAspectRatio(StringRef policy, MutableArrayRef<ResizeAxis> axes) {
  if (policy == "stretch" || axes.empty())
    return;
  double scale = axes.front().scale;
  for (const ResizeAxis &axis : axes)
    scale = policy == "not_larger" ? std::min(scale, axis.scale) : std::max(scale, axis.scale);
  for (ResizeAxis &axis : axes) {
    axis.scale = scale;
    axis.out = int64_t(std::floor(scale * double(axis.in) + 0.5));
  }
}

/// Scales are input `scalesInput`, sizes the one behind.
static void resize(OpContext &c, const ResizeMode &mode, ArrayRef<int64_t> axes, unsigned scalesInput) {
  Tensor *x = c.in(0);
  StringRef policy = c.attr("keep_aspect_ratio_policy", "stretch");
  bool hasScales = c.hasInput(scalesInput) && !(c.isConstant(scalesInput) && c.in(scalesInput)->constant->size() == 0);
  if (!hasScales && !c.hasInput(scalesInput + 1))
    return c.error("has neither scales nor sizes");
  SmallVector<double> scales = hasScales ? numbers(c, scalesInput, "scales", axes.size())
                                         : numbers(c, scalesInput + 1, "sizes", axes.size());
  SmallVector<double> roi(2 * axes.size(), 0);
  if (mode.transform == "tf_crop_and_resize" && !c.failed())
    roi = numbers(c, 1, "corners of its region", 2 * axes.size());
  SmallVector<ResizeAxis> plan;
  for (auto [i, axis] : llvm::enumerate(axes)) {
    if (c.failed())
      return;
    double given = scales[i];
    if (!(given > 0) || given > double(1 << 30))
      return c.error("has a scale or size of {0}", given);
    int64_t in = x->dim(axis);
    if (ShapedType::isDynamic(in) && !(hasScales && given == std::floor(given) && (given == 1 || mode.mode == "nearest")))
      return c.unsupported("resizes a dynamic dimension by {0}", given);
    double length = ShapedType::isDynamic(in) ? given : double(in);
    if (length * given > double(1 << 30) && hasScales)
      return c.error("scales {0} elements by {1}", length, given);
    int64_t out = hasScales ? int64_t(std::floor(length * given)) : int64_t(given);
    plan.push_back({in, out, hasScales ? given : given / length, {roi[i], roi[axes.size() + i]}});
  }
  if (!hasScales)
    keepAspectRatio(policy, plan);
  for (auto [axis, step] : llvm::zip_equal(axes, plan)) {
    if (c.failed())
      return;
    bool isCopy = step.scale == 1 && mode.transform != "tf_crop_and_resize";
    if (ShapedType::isDynamic(step.in))
      x = isCopy ? x : repeatAxis(c, x, axis, int64_t(step.scale));
    else if (!isCopy || step.in != step.out)
      x = resizeAxis(c, x, axis, step.out, makeTable(mode, step), mode.extrapolation);
  }
  c.set(0, x);
}

static void importResize(OpContext &c) {
  std::optional<ResizeMode> mode = readMode(c);
  int64_t rank = c.in(0)->rank();
  SmallVector<int64_t> axes = c.attr("axes", ArrayRef<int64_t>(llvm::to_vector(llvm::seq<int64_t>(0, rank))));
  for (int64_t &axis : axes)
    axis = c.axis(axis, rank);
  if (!mode || c.failed())
    return;
  if (mode->mode != "nearest" && !c.in(0)->isFloat())
    return c.unsupported("interpolates elements of type {0}", c.elementType(0));
  resize(c, *mode, axes, c.opset < 11 ? 1 : 2);
}

/// Resize with the scales as second input, or as an attribute before opset 9.
static void importUpsample(OpContext &c) {
  int64_t rank = c.in(0)->rank();
  ResizeMode mode;
  mode.mode = c.attr("mode", "nearest");
  mode.transform = "asymmetric";
  mode.nearest = "floor";
  if (mode.mode != "nearest" && mode.mode != "linear" && mode.mode != "bilinear")
    return c.error("has mode '{0}', expected nearest or linear", mode.mode);
  if (c.opset < 9)
    return c.unsupported("has its scales as an attribute");
  resize(c, mode, llvm::to_vector(llvm::seq<int64_t>(0, rank)), 1);
}

static constexpr Operator kOperators[] = {
    {"Resize", 10, 1, 4, importResize, "scales and sizes that depend on data; dynamic dimensions but for nearest with whole scales"},
    {"Upsample", 9, 2, 2, importUpsample, "scales that depend on data", 9},
};

ArrayRef<Operator> nnopt::onnx::resizeOperators() { return kOperators; }
