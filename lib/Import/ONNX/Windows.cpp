//===- Windows.cpp - convolutions and pooling -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Build.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::onnx;

/// Attributes common to all ops that slide a window.
struct Window {
  SmallVector<int64_t> kernel, strides, dilations, pads;
  bool isExplicit = true; ///< pads are given, not to be computed from the input's extents
  StringRef autoPad;
};

static bool checkList(OpContext &c, StringRef name, ArrayRef<int64_t> list, size_t expected, int64_t least) {
  if (list.size() != expected)
    c.error("has {0} {1}, expected {2}", list.size(), name, expected);
  for (int64_t value : list)
    if (value < least || value > (int64_t(1) << 31))
      c.error("has {0} of {1}", name, value);
  return !c.failed();
}

/// Pads of auto_pad: the result has ceil(input / stride) positions, with the odd pad at the end (UPPER) or the start.
static void computePads(OpContext &c, Tensor *input, Window &w) {
  size_t rank = w.kernel.size();
  for (size_t i = 0; i < rank; ++i) {
    int64_t extent = input->dim(2 + i), window = (w.kernel[i] - 1) * w.dilations[i] + 1;
    // With stride 1 the pads do not depend on the extent.
    if (ShapedType::isDynamic(extent) && w.strides[i] != 1)
      return c.unsupported("has auto_pad = {0} and stride {1} on a dynamic dimension", w.autoPad, w.strides[i]);
    int64_t total = window - 1;
    if (!ShapedType::isDynamic(extent))
      total = std::max<int64_t>(0, (llvm::divideCeil(extent, w.strides[i]) - 1) * w.strides[i] + window - extent);
    w.pads[i] = w.autoPad == "SAME_LOWER" ? total - total / 2 : total / 2;
    w.pads[rank + i] = total - w.pads[i];
  }
}

static std::optional<Window> readWindow(OpContext &c, Tensor *input, ArrayRef<int64_t> kernel) {
  Window w;
  size_t rank = kernel.size();
  w.kernel.assign(kernel.begin(), kernel.end());
  w.strides = c.attr("strides", ArrayRef<int64_t>(SmallVector<int64_t>(rank, 1)));
  w.dilations = c.attr("dilations", ArrayRef<int64_t>(SmallVector<int64_t>(rank, 1)));
  w.pads = c.attr("pads", ArrayRef<int64_t>(SmallVector<int64_t>(2 * rank, 0)));
  w.autoPad = c.attr("auto_pad", "NOTSET");
  if (input->rank() != int64_t(rank) + 2 || rank == 0)
    c.error("slides a window of {0} dimensions over {1}", rank, input->type);
  if (c.failed() || !checkList(c, "kernel_shape", w.kernel, rank, 1) || !checkList(c, "strides", w.strides, rank, 1) ||
      !checkList(c, "dilations", w.dilations, rank, 1) || !checkList(c, "pads", w.pads, 2 * rank, 0))
    return std::nullopt;
  if (w.autoPad == "VALID") {
    w.pads.assign(2 * rank, 0);
  } else if (w.autoPad == "SAME_UPPER" || w.autoPad == "SAME_LOWER") {
    w.isExplicit = false;
    computePads(c, input, w);
  } else if (w.autoPad != "NOTSET" && !w.autoPad.empty()) {
    c.error("has auto_pad = '{0}', expected NOTSET, VALID, SAME_UPPER or SAME_LOWER", w.autoPad);
  }
  for (size_t i = 0; i < rank && !c.failed(); ++i) {
    int64_t extent = input->dim(2 + i), window = (w.kernel[i] - 1) * w.dilations[i] + 1;
    if (!ShapedType::isDynamic(extent) && extent + w.pads[i] + w.pads[rank + i] < window)
      c.error("slides a window of extent {0} over a padded extent of {1}", window, extent + w.pads[i] + w.pads[rank + i]);
  }
  return c.failed() ? std::nullopt : std::optional(w);
}

/// The extents of a filter [outputs, inputs, spatial...], which must be static.
static std::optional<SmallVector<int64_t>> filterShape(OpContext &c, Tensor *input, Tensor *filter) {
  if (filter->rank() != input->rank() || filter->rank() < 3) {
    c.error("has a filter of type {0} for an input of type {1}", filter->type, input->type);
    return std::nullopt;
  }
  if (!filter->type.hasStaticShape()) {
    c.unsupported("has a filter of dynamic type {0}", filter->type);
    return std::nullopt;
  }
  SmallVector<int64_t> kernel(filter->shape().drop_front(2)), given = c.attr("kernel_shape", ArrayRef<int64_t>(kernel));
  if (given != kernel)
    c.error("has a kernel_shape that differs from its filter's type {0}", filter->type);
  return c.failed() ? std::nullopt : std::optional(kernel);
}

Tensor *nnopt::onnx::convolve(OpContext &c, Tensor *input, Tensor *filter, Tensor *bias) {
  int64_t groups = c.attr("group", int64_t(1));
  expectSameTypes(c, {input, filter, bias ? bias : input});
  std::optional<SmallVector<int64_t>> kernel = c.failed() ? std::nullopt : filterShape(c, input, filter);
  if (!kernel)
    return nullptr;
  std::optional<Window> w = readWindow(c, input, *kernel);
  if (!w)
    return nullptr;
  if (groups < 1 || filter->dim(0) % groups != 0)
    return c.error("cannot divide {0} outputs into {1} groups", filter->dim(0), groups), nullptr;
  int64_t channels = input->dim(1), perGroup = filter->dim(1);
  if (!ShapedType::isDynamic(channels) && (channels % groups != 0 || channels / groups != perGroup))
    return c.error("has {0} input channels, expected {1} groups of {2}", channels, groups, perGroup), nullptr;
  if (bias && (bias->rank() != 1 || bias->dim(0) != filter->dim(0)))
    return c.error("has a bias of type {0}, expected {1} elements", bias->type, filter->dim(0)), nullptr;
  return c.structured<ConvOp>(input->elementType(), input->rank(), c.value(input), c.value(filter),
                                bias ? c.value(bias) : Value(), ValueRange(), Value(), w->strides, w->dilations, w->pads,
                                groups, /*channels_last=*/false, PackAttr(), ArrayAttr());
}

static void importConv(OpContext &c) {
  expectNoNaN(c, 1);
  if (Tensor *result = convolve(c, c.in(0), c.in(1), c.in(2)))
    c.set(0, result);
}

/// Pads from output_shape or auto_pad; what a stride leaves open goes to the output padding.
static bool transposePads(OpContext &c, Tensor *input, Window &w, ArrayRef<int64_t> outputPadding) {
  size_t rank = w.kernel.size();
  SmallVector<int64_t> wanted = c.attr("output_shape", ArrayRef<int64_t>());
  bool isSame = w.autoPad == "SAME_UPPER" || w.autoPad == "SAME_LOWER";
  if (wanted.empty() && !isSame)
    return true;
  if (!wanted.empty() && wanted.size() != rank) // some exporters give the whole shape
    wanted.erase(wanted.begin(), wanted.begin() + std::min<size_t>(2, wanted.size()));
  for (size_t i = 0; i < rank; ++i) {
    int64_t extent = input->dim(2 + i);
    if (ShapedType::isDynamic(extent)) {
      c.unsupported("computes its pads from a dynamic dimension");
      return false;
    }
    int64_t result = wanted.empty() ? extent * w.strides[i] : i < wanted.size() ? wanted[i] : 0;
    int64_t total = w.strides[i] * (extent - 1) + outputPadding[i] + (w.kernel[i] - 1) * w.dilations[i] + 1 - result;
    if (total < 0) {
      c.unsupported("has an output_shape of {0} that is larger than its windows reach", result);
      return false;
    }
    w.pads[i] = w.autoPad == "SAME_UPPER" ? total / 2 : total - total / 2;
    w.pads[rank + i] = total - w.pads[i];
  }
  return true;
}

static void importConvTranspose(OpContext &c) {
  Tensor *input = c.in(0), *filter = c.in(1), *bias = c.in(2);
  int64_t groups = c.attr("group", int64_t(1));
  expectSameTypes(c, {input, filter, bias ? bias : input});
  expectNoNaN(c, 1);
  std::optional<SmallVector<int64_t>> kernel = c.failed() ? std::nullopt : filterShape(c, input, filter);
  if (!kernel)
    return;
  size_t rank = kernel->size();
  Window w;
  w.kernel = *kernel;
  w.strides = c.attr("strides", ArrayRef<int64_t>(SmallVector<int64_t>(rank, 1)));
  w.dilations = c.attr("dilations", ArrayRef<int64_t>(SmallVector<int64_t>(rank, 1)));
  w.pads = c.attr("pads", ArrayRef<int64_t>(SmallVector<int64_t>(2 * rank, 0)));
  w.autoPad = c.attr("auto_pad", "NOTSET");
  SmallVector<int64_t> outputPadding = c.attr("output_padding", ArrayRef<int64_t>(SmallVector<int64_t>(rank, 0)));
  if (!checkList(c, "strides", w.strides, rank, 1) || !checkList(c, "dilations", w.dilations, rank, 1) ||
      !checkList(c, "pads", w.pads, 2 * rank, 0) || !checkList(c, "output_padding", outputPadding, rank, 0) ||
      !transposePads(c, input, w, outputPadding))
    return;
  if (groups < 1 || filter->dim(0) % groups != 0)
    return c.error("cannot divide {0} input channels into {1} groups", filter->dim(0), groups);
  if (!ShapedType::isDynamic(input->dim(1)) && input->dim(1) != filter->dim(0))
    return c.error("has {0} input channels, expected {1}", input->dim(1), filter->dim(0));
  if (bias && (bias->rank() != 1 || bias->dim(0) != filter->dim(1) * groups))
    return c.error("has a bias of type {0}, expected {1} elements", bias->type, filter->dim(1) * groups);
  c.set(0, c.structured<ConvTransposeOp>(input->elementType(), input->rank(), c.value(input), c.value(filter),
                                         bias ? c.value(bias) : Value(), Value(), w.strides, w.dilations, w.pads,
                                         outputPadding, groups));
}

static Tensor *pool(OpContext &c, PoolKind kind, Tensor *input, const Window &w, bool includePad, bool ceil) {
  return c.structured<PoolOp>(input->elementType(), input->rank(), kind, c.value(input), Value(), w.kernel, w.strides,
                              w.dilations, w.pads, includePad, ceil, /*channels_last=*/false);
}

static std::optional<Window> readPool(OpContext &c) {
  SmallVector<int64_t> kernel = c.attr("kernel_shape", ArrayRef<int64_t>());
  if (kernel.empty())
    c.error("has no kernel_shape");
  return c.failed() ? std::nullopt : readWindow(c, c.in(0), kernel);
}

static void importMaxPool(OpContext &c) {
  bool ceil = c.attr("ceil_mode", int64_t(0)) != 0;
  c.ignoreAttr("storage_order"); // of the indices, which are not computed
  if (std::optional<Window> w = readPool(c))
    c.set(0, pool(c, PoolKind::max, c.in(0), *w, false, ceil && w->isExplicit));
}

static void importAveragePool(OpContext &c) {
  bool ceil = c.attr("ceil_mode", int64_t(0)) != 0, includePad = c.attr("count_include_pad", int64_t(0)) != 0;
  expectFloat(c, c.in(0));
  if (std::optional<Window> w = readPool(c))
    c.set(0, pool(c, PoolKind::average, c.in(0), *w, includePad, ceil && w->isExplicit));
}

/// (sum |x|^p)^(1/p): the average of |x|^p over the padded input, times the number of its elements.
static void importLpPool(OpContext &c) {
  int64_t p = c.attr("p", int64_t(2));
  bool ceil = c.attr("ceil_mode", int64_t(0)) != 0;
  expectFloat(c, c.in(0));
  std::optional<Window> w = readPool(c);
  if (!w || p < 1)
    return w ? c.error("has p = {0}", p) : void();
  Type element = c.elementType(0);
  auto power = [&](Scalar &s, Value x, double exponent) -> Value {
    return exponent == 1 ? x : exponent == 2 ? s.mul(x, x) : exponent == 0.5 ? Value(math::SqrtOp::create(s.b, s.loc, x))
                             : Value(math::PowFOp::create(s.b, s.loc, x, s.constant(exponent)));
  };
  Tensor *powers = elementwise(c, {c.in(0)}, element, [&](Scalar &s, ValueRange args) {
    return power(s, s.abs(args[0]), double(p));
  });
  int64_t count = 1;
  for (int64_t extent : w->kernel)
    count *= extent;
  Tensor *average = pool(c, PoolKind::average, powers, *w, /*includePad=*/true, ceil && w->isExplicit);
  c.set(0, elementwise(c, {average}, element, [&](Scalar &s, ValueRange args) {
          return power(s, s.mul(args[0], s.constant(double(count))), 1.0 / double(p));
        }));
}

//===----------------------------------------------------------------------===//
// Global pooling
//===----------------------------------------------------------------------===//

static SmallVector<int64_t> spatialAxes(OpContext &c) {
  if (c.in(0)->rank() < 3)
    c.error("has an input of type {0}, expected spatial dimensions", c.in(0)->type);
  return llvm::to_vector(llvm::seq<int64_t>(2, std::max<int64_t>(2, c.in(0)->rank())));
}

static void importGlobalAveragePool(OpContext &c) {
  expectFloat(c, c.in(0));
  SmallVector<int64_t> axes = spatialAxes(c);
  if (!c.failed())
    c.set(0, reduceMean(c, c.in(0), axes, /*keep=*/true));
}

static void importGlobalMaxPool(OpContext &c) {
  expectFloat(c, c.in(0));
  SmallVector<int64_t> axes = spatialAxes(c);
  auto max = [](Scalar &s, Value x, Value y) { return s.max(x, y); };
  if (!c.failed())
    c.set(0, reduce(c, c.in(0), axes, /*keep=*/true,
                    {scalarAttr(c.elementType(0), -std::numeric_limits<double>::infinity()), max}));
}

static void importGlobalLpPool(OpContext &c) {
  double p = double(c.attr("p", int64_t(2)));
  expectFloat(c, c.in(0));
  SmallVector<int64_t> axes = spatialAxes(c);
  if (c.failed())
    return;
  Tensor *powers = elementwise(c, {c.in(0)}, c.elementType(0), [&](Scalar &s, ValueRange args) -> Value {
    return math::PowFOp::create(s.b, s.loc, s.abs(args[0]), s.constant(p));
  });
  c.set(0, elementwise(c, {reduceSum(c, powers, axes, /*keep=*/true)}, c.elementType(0), [&](Scalar &s, ValueRange args) -> Value {
          return math::PowFOp::create(s.b, s.loc, args[0], s.constant(1 / p));
        }));
}

static constexpr Operator kOperators[] = {
    {"Conv", 1, 2, 3, importConv, "filters of dynamic shape"},
    {"ConvTranspose", 1, 2, 3, importConvTranspose, "filters of dynamic shape; output_shape beyond the windows"},
    {"MaxPool", 1, 1, 1, importMaxPool, "output of indices"},
    {"AveragePool", 7, 1, 1, importAveragePool},
    {"LpPool", 2, 1, 1, importLpPool},
    {"GlobalAveragePool", 1, 1, 1, importGlobalAveragePool},
    {"GlobalMaxPool", 1, 1, 1, importGlobalMaxPool},
    {"GlobalLpPool", 2, 1, 1, importGlobalLpPool},
};

ArrayRef<Operator> nnopt::onnx::windowOperators() { return kOperators; }
