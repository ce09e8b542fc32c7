//===- Observe.cpp - statistics of what weights are applied to ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Elements.h"
#include "Windows.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include <cmath>

using namespace mlir;
using namespace nnopt;
using namespace nnopt::interpreter;

namespace {
/// The statistics of one group, in f64.
class Statistics {
public:
  Statistics(ObserveKind kind, int64_t depth) : kind(kind), depth(depth) {
    double start = kind == ObserveKind::minimum ? INFINITY : kind == ObserveKind::maximum ? -INFINITY : 0;
    values.assign(kind == ObserveKind::gram ? depth * depth : depth, start);
  }

  void add(ArrayRef<double> row) {
    for (int64_t i = 0; i < depth; ++i) {
      double x = row[i];
      if (kind == ObserveKind::minimum)
        values[i] = x < values[i] || std::isnan(x) ? x : values[i];
      else if (kind == ObserveKind::maximum)
        values[i] = x > values[i] || std::isnan(x) ? x : values[i];
      else if (kind == ObserveKind::squares)
        values[i] += x * x;
      else
        for (int64_t j = 0; j < depth; ++j)
          values[i * depth + j] += x * row[j];
    }
  }

  ObserveKind kind;
  int64_t depth;
  std::vector<double> values;
};
} // namespace

static void observeRows(const Elements<double> &x, int64_t count, Statistics &statistics) {
  for (int64_t row = 0; row < count; ++row)
    statistics.add(ArrayRef(x + row * statistics.depth, statistics.depth));
}

static void observeWindows(ObserveOp op, const HostTensor &input, const Elements<double> &x, MutableArrayRef<Statistics> groups) {
  auto list = [](ArrayRef<int64_t> values) { return SmallVector<int64_t>(values); };
  Window window{list(*op.getKernel()), list(*op.getStrides()), list(*op.getDilations()), list(*op.getPads())};
  ImageLayout layout(input.shape(), op.getChannelsLast());
  int64_t channels = layout.channels / static_cast<int64_t>(groups.size());
  SmallVector<int64_t> space{layout.batch};
  llvm::append_range(space, window.outputExtents(layout.spatial, /*ceil=*/false));
  std::vector<int64_t> offsets;
  std::vector<double> row;
  (void)forEachIndex(space, [&](ArrayRef<int64_t> at) {
    window.offsets(at.drop_front(), layout, offsets);
    for (auto [g, statistics] : llvm::enumerate(groups)) {
      row.clear();
      for (int64_t offset : offsets)
        for (int64_t c = 0; c < channels; ++c)
          row.push_back(offset < 0 ? 0 : x[at[0] * layout.batchStride + (g * channels + c) * layout.channelStride + offset]);
      statistics.add(row);
    }
    return success();
  });
}

static LogicalResult runHistogram(ObserveOp op, OpCall &call) {
  const HostTensor &input = call.tensor(op.getInput());
  FailureOr<HostTensor> output = call.allocateResult(op.getResult().getType().getShape());
  if (failed(output))
    return failure();
  auto *counts = reinterpret_cast<int64_t *>(output->mutableBytes());
  int64_t bins = output->size();
  std::fill_n(counts, bins, 0);
  float low = op.getRange()->front(), factor = static_cast<float>(bins) / (op.getRange()->back() - low);
  Elements<double> x(input);
  for (int64_t i = 0; i < input.size(); ++i) {
    float place = std::floor((static_cast<float>(x[i]) - low) * factor);
    ++counts[place > 0 ? static_cast<int64_t>(std::min<float>(place, bins - 1)) : 0]; // NaN is not above 0
  }
  return call.yield(std::move(*output));
}

static LogicalResult runObserve(Frame &, ObserveOp op, OpCall &call) {
  if (op.getKind() == ObserveKind::histogram)
    return runHistogram(op, call);
  const HostTensor &input = call.tensor(op.getInput());
  FailureOr<HostTensor> output = call.allocateResult(op.getResult().getType().getShape());
  if (failed(output))
    return failure();
  int64_t depth = op.depth();
  std::vector<Statistics> groups(op.getGroups(), Statistics(op.getKind(), depth));
  Elements<double> x(input);
  if (op.getKernel())
    observeWindows(op, input, x, groups);
  else
    observeRows(x, depth == 0 ? 0 : input.size() / depth, groups.front());
  char *bytes = output->mutableBytes();
  int64_t i = 0;
  for (const Statistics &statistics : groups)
    for (double value : statistics.values)
      storeElement(output->type(), bytes, i++, value);
  return call.yield(std::move(*output));
}

void interpreter::addObserve(HandlerTable &table) { table.add<ObserveOp, runObserve>(); }
