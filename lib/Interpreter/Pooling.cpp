//===- Pooling.cpp - maximum and average over a window --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Elements.h"
#include "Windows.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::interpreter;

/// The larger; NaN if either is.
static double larger(double x, double y) { return x > y || std::isnan(x) ? x : y; }
static int64_t larger(int64_t x, int64_t y) { return std::max(x, y); }

/// What a maximum over nothing gives: the least value of the type.
static double leastValue(ElementType, double) { return -INFINITY; }
static int64_t leastValue(ElementType type, int64_t) {
  bool isUnsigned = type == ElementType::U8 || type == ElementType::U16 || type == ElementType::U32 ||
                    type == ElementType::U64 || type == ElementType::Bool;
  return isUnsigned ? 0 : toSigned(-INFINITY, scalarTypeOf(type).bits);
}

static double average(double sum, int64_t count) { return sum / static_cast<double>(count); }
static int64_t average(int64_t sum, int64_t count) { return count == 0 ? 0 : sum / count; }

/// Pools the elements at `offsets` from `start`; those outside do not count.
template <typename Sum, typename T>
static Sum poolWindow(PoolOp op, const Elements<T> &x, int64_t start, ArrayRef<int64_t> offsets, Sum least,
                      std::optional<int64_t> divisor) {
  bool isMax = op.getKind() == PoolKind::max;
  Sum value = isMax ? least : Sum(0);
  int64_t count = 0;
  for (int64_t offset : offsets) {
    if (offset < 0)
      continue;
    auto element = static_cast<Sum>(x[start + offset]);
    value = isMax ? larger(value, element) : value + element;
    ++count;
  }
  return isMax ? value : average(value, divisor.value_or(count));
}

static LogicalResult runPool(Frame &, PoolOp op, OpCall &call) {
  const HostTensor &input = call.tensor(op.getInput());
  ImageLayout from(input.shape(), op.getChannelsLast());
  Window window{SmallVector<int64_t>(op.getKernel()), SmallVector<int64_t>(op.getStrides()),
                SmallVector<int64_t>(op.getDilations()), SmallVector<int64_t>(op.getPads())};
  SmallVector<int64_t> spatial = window.outputExtents(from.spatial, op.getCeilMode());
  SmallVector<int64_t> shape = imageShape(from.batch, from.channels, spatial, op.getChannelsLast());
  FailureOr<HostTensor> output = call.allocateResult(shape);
  if (failed(output))
    return failure();
  ImageLayout to(shape, op.getChannelsLast());
  char *bytes = output->mutableBytes();
  ElementType type = output->type();
  withElements(scalarTypeOf(type), [&](auto element) {
    using T = decltype(element);
    using Sum = std::conditional_t<std::is_integral_v<T>, int64_t, double>;
    Elements<T> x(input);
    std::vector<int64_t> offsets;
    Sum least = leastValue(type, Sum());
    (void)forEachIndex(spatial, [&](ArrayRef<int64_t> at) {
      window.offsets(at, from, offsets);
      std::optional<int64_t> divisor;
      if (op.getCountIncludePad())
        divisor = window.tapsInPaddedInput(at, from.spatial);
      int64_t position = 0;
      for (auto [i, stride] : llvm::zip_equal(at, to.spatialStrides))
        position += i * stride;
      for (int64_t n = 0; n < from.batch; ++n)
        for (int64_t c = 0; c < from.channels; ++c) {
          Sum value = poolWindow<Sum>(op, x, n * from.batchStride + c * from.channelStride, offsets, least, divisor);
          Scalar scalar;
          if constexpr (std::is_integral_v<T>)
            scalar = fromInteger(value);
          else
            scalar = fromFloat(value);
          storeScalar(type, bytes, position + n * to.batchStride + c * to.channelStride, scalar);
        }
      return success();
    });
  });
  return call.yield(std::move(*output));
}

void interpreter::addPooling(HandlerTable &table) { table.add<PoolOp, runPool>(); }
