//===- Workloads.cpp - the layers that nnopt-bench measures ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The sizes are those of BERT-base and MiniLM, ResNet-50 and EfficientNet-lite0.
//===----------------------------------------------------------------------===//

#include "nnopt/Bench/Workloads.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/Parser/Parser.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

using namespace mlir;
using namespace nnopt;

using llvm::formatv;
using Shape = std::vector<int64_t>;

static int64_t elements(const Shape &shape) {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

static std::string extents(const Shape &shape, StringRef separator) {
  return llvm::join(llvm::map_range(shape, [](int64_t extent) { return std::to_string(extent); }), separator);
}

static std::string tensorType(const Shape &shape, StringRef element = "f32") {
  return "tensor<" + extents(shape, "x") + "x" + element.str() + ">";
}

namespace {
/// A module around one op: inputs %x0, %x1, ..., weights %w0, %w1, ..., result %y.
class ModuleText {
public:
  explicit ModuleText(std::string name) { workload.name = std::move(name); }

  ModuleText &input(const Shape &shape, StringRef element = "f32") {
    return value(inputTypes, "x", shape, element);
  }

  ModuleText &weight(const Shape &shape) {
    body += formatv("  %w{0} = nnopt.weight dense<1.0> : {1}\n", weightTypes.size(), tensorType(shape)).str();
    workload.bytes += 4 * elements(shape);
    weightTypes.push_back(tensorType(shape));
    return *this;
  }

  /// The op's line up to its types; they are all inputs, then all weights.
  ModuleText &op(const llvm::Twine &text, const Shape &result) {
    std::vector<std::string> types(inputTypes);
    types.insert(types.end(), weightTypes.begin(), weightTypes.end());
    return line("%y = " + text + " : (" + llvm::join(types, ", ") + ") -> " + tensorType(result)).result(result);
  }

  ModuleText &line(const llvm::Twine &text) {
    body += "  " + text.str() + "\n";
    return *this;
  }

  ModuleText &result(const Shape &shape) {
    resultShape = shape;
    workload.bytes += 4 * elements(shape);
    return *this;
  }

  /// `length` products are summed for each element of the result.
  ModuleText &products(int64_t length) {
    workload.flops = 2.0 * length * elements(resultShape);
    return *this;
  }

  ModuleText &flops(double count) {
    workload.flops = count;
    return *this;
  }

  /// Only so much of the first weight's blocks of `rows` outputs is not zero, and only these products count.
  ModuleText &pruned(double density, int64_t rows) {
    workload.density = density, workload.blockRows = rows;
    workload.flops *= density;
    return *this;
  }

  /// Instead of all that is there.
  ModuleText &bytes(double count) {
    workload.bytes = count;
    return *this;
  }

  Workload take() {
    workload.text = formatv("func.func @main({0}) -> ({1} {{nnopt.name = \"y\", nnopt.dims = [\"{2}\"]}) {{\n{3}  return %y : {1}\n}\n",
                            arguments, tensorType(resultShape), extents(resultShape, "\", \""), body)
                        .str();
    return workload;
  }

private:
  ModuleText &value(std::vector<std::string> &types, StringRef prefix, const Shape &shape, StringRef element) {
    arguments += formatv("{0}%{1}{2}: {3} {{nnopt.name = \"{1}{2}\", nnopt.dims = [\"{4}\"]}", types.empty() ? "" : ", ", prefix,
                         types.size(), tensorType(shape, element), extents(shape, "\", \""))
                     .str();
    types.push_back(tensorType(shape, element));
    workload.bytes += (element == "i64" ? 8 : 4) * elements(shape);
    return *this;
  }

  Workload workload;
  std::string arguments, body;
  std::vector<std::string> inputTypes, weightTypes;
  Shape resultShape;
};
} // namespace

//===----------------------------------------------------------------------===//
// Families of layers
//===----------------------------------------------------------------------===//

static Workload linear(int64_t inputs, int64_t outputs, int64_t rows) {
  return ModuleText(formatv("linear-{0}-{1}-m{2}", inputs, outputs, rows).str())
      .input({rows, inputs})
      .weight({outputs, inputs})
      .weight({outputs})
      .op("nnopt.linear %x0, %w0 bias %w1", {rows, outputs})
      .products(inputs)
      .take();
}

Workload nnopt::prunedLinear(const std::string &name, int64_t rows, int64_t outputs, int64_t depth, double density, int64_t blockRows, int64_t group) {
  Workload workload = ModuleText(name)
                          .input({rows, depth})
                          .weight({outputs, depth})
                          .weight({outputs})
                          .op("nnopt.linear %x0, %w0 bias %w1", {rows, outputs})
                          .products(depth)
                          .pruned(density, blockRows)
                          .take();
  workload.group = group;
  return workload;
}

static Workload sparseLinear(int64_t inputs, int64_t outputs, int64_t rows, int64_t sparsity, int64_t blockRows) {
  std::string name = formatv("sparse-linear-{0}-{1}-m{2}-{3}%-{4}x1", inputs, outputs, rows, sparsity, blockRows).str();
  return prunedLinear(name, rows, outputs, inputs, (100.0 - sparsity) / 100, blockRows);
}

namespace {
struct ConvSize {
  int64_t size, inputs, outputs, kernel, stride = 1, dilation = 1, groups = 1;
};
} // namespace

/// Square images, channels last, padded so that a stride of 1 keeps their size.
static ModuleText convText(const std::string &family, const ConvSize &c, StringRef suffix = "") {
  int64_t pad = (c.kernel - 1) * c.dilation / 2;
  int64_t out = windowResult(c.size, (c.kernel - 1) * c.dilation + 1, c.stride, pad, pad, /*ceil=*/false);
  std::string attributes = formatv("{{strides = array<i64: {0}, {0}>, dilations = array<i64: {1}, {1}>, pads = array<i64: {2}, {2}, {2}, {2}>, "
                                   "groups = {3} : i64, channels_last}",
                                   c.stride, c.dilation, pad, c.groups)
                               .str();
  int64_t depth = c.inputs / c.groups;
  ModuleText text(formatv("{0}-{1}x{1}-{2}-{3}{4}", family, c.size, c.inputs, c.outputs, c.stride == 1 ? "" : "-s" + std::to_string(c.stride)).str() + suffix.str());
  text.input({1, c.size, c.size, c.inputs})
      .weight({c.outputs, depth, c.kernel, c.kernel})
      .weight({c.outputs})
      .op("nnopt.conv %x0, %w0 bias %w1 " + attributes, {1, out, out, c.outputs})
      .products(depth * c.kernel * c.kernel);
  return text;
}

static Workload conv(const std::string &family, const ConvSize &c) { return convText(family, c).take(); }

/// A convolution that arrives pruned, as sparseLinear.
static Workload sparseConv(const std::string &family, const ConvSize &c, int64_t sparsity, int64_t blockRows) {
  std::string suffix = formatv("-{0}%-{1}x1", sparsity, blockRows).str();
  return convText("sparse-" + family, c, suffix).pruned((100.0 - sparsity) / 100, blockRows).take();
}

static Workload attention(int64_t heads, int64_t length, int64_t size) {
  Shape shape = {1, heads, length, size};
  return ModuleText(formatv("attention-{0}x{1}x{2}", heads, length, size).str())
      .input(shape)
      .input(shape)
      .input(shape)
      .op(formatv("nnopt.attention %x0, %x1, %x2 {{scale = {0:f6} : f32}", 1 / std::sqrt(double(size))).str(), shape)
      .flops(4.0 * heads * length * length * size)
      .take();
}

static Workload matmul(int64_t batch, int64_t rows, int64_t depth, int64_t columns) {
  return ModuleText(formatv("matmul-{0}x{1}x{2}x{3}", batch, rows, depth, columns).str())
      .input({batch, rows, depth})
      .input({batch, depth, columns})
      .op("nnopt.matmul %x0, %x1", {batch, rows, columns})
      .products(depth)
      .take();
}

static Workload softmax(int64_t rows, int64_t length) {
  return ModuleText(formatv("softmax-{0}x{1}", rows, length).str())
      .input({rows, length})
      .op("nnopt.softmax %x0 {axis = 1 : i64}", {rows, length})
      .take();
}

static Workload normalize(StringRef kind, int64_t rows, int64_t length) {
  ModuleText text(formatv("normalize-{0}-{1}x{2}", kind, rows, length).str());
  text.input({rows, length}).weight({length});
  if (kind == "layer")
    text.weight({length});
  return text.op("nnopt.normalize " + kind + " %x0 scale %w0" + (kind == "layer" ? " bias %w1" : "") + " {axis = 1 : i64, epsilon = 1.0e-5 : f32}",
                 {rows, length})
      .take();
}

static Workload pool(StringRef kind, int64_t size, int64_t channels, int64_t kernel, int64_t stride, int64_t pad) {
  int64_t out = windowResult(size, kernel, stride, pad, pad, /*ceil=*/false);
  return ModuleText(formatv("pool-{0}-{1}x{1}-{2}-k{3}", kind, size, channels, kernel).str())
      .input({1, size, size, channels})
      .op(formatv("nnopt.pool {0} %x0 {{kernel = array<i64: {1}, {1}>, strides = array<i64: {2}, {2}>, dilations = array<i64: 1, 1>, "
                  "pads = array<i64: {3}, {3}, {3}, {3}>, channels_last}",
                  kind, kernel, stride, pad)
              .str(),
          {1, out, out, channels})
      .take();
}

static Workload activation(StringRef kind, int64_t rows, int64_t columns) {
  return ModuleText(formatv("activation-{0}-{1}x{2}", kind, rows, columns).str())
      .input({rows, columns})
      .line("%y = nnopt.activation " + kind + " %x0 : " + tensorType({rows, columns}))
      .result({rows, columns})
      .take();
}

static Workload transpose(StringRef name, const Shape &shape, const Shape &permutation) {
  Shape result;
  for (int64_t source : permutation)
    result.push_back(shape[source]);
  return ModuleText("transpose-" + name.str())
      .input(shape)
      .line("%e = tensor.empty() : " + tensorType(result))
      .line("%y = linalg.transpose ins(%x0 : " + tensorType(shape) + ") outs(%e : " + tensorType(result) + ") permutation = [" + extents(permutation, ", ") + "]")
      .result(result)
      .take();
}

std::vector<Workload> nnopt::benchWorkloads() {
  std::vector<Workload> rows;
  for (auto [inputs, outputs] : {std::pair(768, 3072), std::pair(3072, 768)})
    for (int64_t m : {1, 16, 128, 512})
      rows.push_back(linear(inputs, outputs, m));
  for (int64_t blockRows : {1, 4})
    for (int64_t sparsity : {80, 90, 95})
      for (int64_t m : {16, 128, 512})
        rows.push_back(sparseLinear(768, 3072, m, sparsity, blockRows));
  for (int64_t blockRows : {1, 16})
    for (int64_t m : {1, 4, 15})
      for (int64_t sparsity : {80, 90, 95})
        rows.push_back(sparseLinear(768, 3072, m, sparsity, blockRows));
  for (const ConvSize &c : {ConvSize{56, 64, 256, 1}, ConvSize{14, 1024, 256, 1}, ConvSize{56, 256, 512, 1, 2}})
    rows.push_back(conv("conv1x1", c));
  for (const ConvSize &c : {ConvSize{56, 64, 64, 3}, ConvSize{28, 128, 128, 3}, ConvSize{14, 256, 256, 3}, ConvSize{7, 512, 512, 3}, ConvSize{56, 128, 128, 3, 2}})
    rows.push_back(conv("conv3x3", c));
  for (int64_t sparsity : {80, 90, 95}) {
    for (const ConvSize &c : {ConvSize{56, 64, 64, 3}, ConvSize{28, 128, 128, 3}, ConvSize{14, 256, 256, 3}, ConvSize{7, 512, 512, 3}, ConvSize{56, 128, 128, 3, 2}})
      rows.push_back(sparseConv("conv3x3", c, sparsity, 1));
    for (const ConvSize &c : {ConvSize{56, 64, 256, 1}, ConvSize{14, 1024, 256, 1}, ConvSize{56, 256, 512, 1, 2}})
      rows.push_back(sparseConv("conv1x1", c, sparsity, 1));
  }
  rows.push_back(sparseConv("conv3x3", {14, 256, 256, 3}, 90, 4));
  rows.push_back(conv("conv3x3-dilated", {28, 64, 64, 3, 1, 2}));
  rows.push_back(conv("conv3x3-grouped", {28, 128, 128, 3, 1, 1, 4}));
  rows.push_back(conv("conv7x7", {224, 3, 64, 7, 2}));
  for (const ConvSize &c : {ConvSize{112, 32, 32, 3, 1, 1, 32}, ConvSize{14, 480, 480, 5, 1, 1, 480}, ConvSize{56, 144, 144, 5, 2, 1, 144}})
    rows.push_back(conv("depthwise" + std::to_string(c.kernel) + "x" + std::to_string(c.kernel), c));
  rows.push_back(attention(12, 128, 64));
  rows.push_back(attention(12, 128, 32));
  rows.push_back(matmul(12, 128, 64, 128));
  rows.push_back(softmax(1536, 128));
  rows.push_back(normalize("layer", 128, 768));
  rows.push_back(normalize("rms", 128, 768));
  rows.push_back(pool("max", 112, 64, 3, 2, 1));
  rows.push_back(pool("average", 7, 2048, 7, 1, 0));
  for (StringRef kind : {"relu", "gelu", "silu", "tanh"})
    rows.push_back(activation(kind, 128, 3072));
  rows.push_back(transpose("768x3072", {768, 3072}, {1, 0}));
  rows.push_back(transpose("heads-128x12x64", {1, 128, 12, 64}, {0, 2, 1, 3}));
  rows.push_back(transpose("nchw-to-nhwc-64x56x56", {1, 64, 56, 56}, {0, 2, 3, 1}));
  rows.push_back(ModuleText("gather-128-of-30522x384")
                     .input({128}, "i64")
                     .weight({30522, 384})
                     .line("%y = nnopt.gather %w0, %x0 {axis = 0 : i64} : (tensor<30522x384xf32>, tensor<128xi64>) -> tensor<128x384xf32>")
                     .result({128, 384})
                     .bytes(2.0 * 4 * 128 * 384 + 8 * 128)
                     .take());
  return rows;
}

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

std::vector<float> nnopt::randomFloats(size_t count, float bound, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<float> distribution(-bound, bound);
  std::vector<float> values(count);
  for (float &value : values)
    value = distribution(random);
  return values;
}

/// Keeps the same number of elements, which chance picks, of every group of a row of `depth`.
static void pruneGroups(std::vector<float> &values, int64_t depth, const Workload &workload) {
  std::mt19937_64 random(1);
  for (int64_t row = 0; row < static_cast<int64_t>(values.size()); row += depth)
    for (int64_t begin = 0; begin < depth; begin += workload.group) {
      std::vector<int64_t> places(std::min(workload.group, depth - begin));
      std::iota(places.begin(), places.end(), row + begin);
      std::shuffle(places.begin(), places.end(), random);
      for (size_t i = std::llround(workload.density * workload.group); i < places.size(); ++i)
        values[places[i]] = 0;
    }
}

/// Zeroes blocks of `values`, rows of `depth`, that chance picks.
static void prune(std::vector<float> &values, int64_t depth, const Workload &workload) {
  if (workload.group != 0)
    return pruneGroups(values, depth, workload);
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> distribution;
  int64_t outputs = values.size() / depth;
  for (int64_t n = 0; n < outputs; n += workload.blockRows)
    for (int64_t k = 0; k < depth; ++k)
      if (distribution(random) >= workload.density)
        for (int64_t i = n; i < std::min(n + workload.blockRows, outputs); ++i)
          values[i * depth + k] = 0;
}

OwningOpRef<ModuleOp> nnopt::buildWorkload(const Workload &workload, MLIRContext &context) {
  context.loadDialect<NNOptDialect>();
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(workload.text, &context, workload.name);
  if (!module)
    return nullptr;
  uint64_t seed = 1;
  module->walk([&](WeightOp op) {
    auto type = cast<RankedTensorType>(op.getType());
    float bound = type.getRank() < 2 ? 1.0f : std::sqrt(3.0f * type.getDimSize(0) / type.getNumElements());
    std::vector<float> values = randomFloats(type.getNumElements(), bound, seed++);
    if (seed == 2 && workload.density < 1)
      prune(values, type.getNumElements() / type.getDimSize(0), workload);
    auto blob = HeapAsmResourceBlob::allocateAndCopyInferAlign<float>(values);
    op.setValueAttr(DenseResourceElementsAttr::get(type, "w" + std::to_string(seed), std::move(blob)));
  });
  return module;
}
