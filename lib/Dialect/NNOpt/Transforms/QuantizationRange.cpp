//===- QuantizationRange.cpp - from what was seen to scales ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "QuantizationRange.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace nnopt;

double Quantization::applied(double value) const {
  return (std::clamp(std::nearbyint(value / scale) + zeroPoint, 0.0, 255.0) - zeroPoint) * scale;
}

float nnopt::scaleFor(double most, int steps) {
  float scale = static_cast<float>(most / steps);
  return scale >= std::numeric_limits<float>::min() ? scale : 1;
}

Quantization nnopt::quantizationOf(RealRange range, bool symmetric) {
  double low = std::min(range.low, 0.0f), high = std::max(range.high, 0.0f);
  if (symmetric)
    return {scaleFor(std::max(-low, high), 127), 128};
  float scale = scaleFor(high - low, 255);
  return {scale, static_cast<int>(std::clamp(std::nearbyint(static_cast<float>(-low) / scale), 0.0f, 255.0f))};
}

llvm::Expected<RangeMethod> RangeMethod::parse(llvm::StringRef text) {
  auto [name, number] = text.split(':');
  RangeMethod method;
  if (text == "minmax")
    return method;
  if (text == "mse") {
    method.kind = MSE;
    return method;
  }
  if (name != "percentile")
    return llvm::createStringError("unknown method '" + text + "', expected minmax, percentile:P or mse");
  method.kind = Percentile;
  if (text.contains(':') && (number.getAsDouble(method.percent) || !(method.percent > 0 && method.percent <= 100)))
    return llvm::createStringError("expects a percentile above 0, at most 100, got '" + number + "'");
  return method;
}

namespace {
/// Counts of values in equal parts of a range.
struct Histogram {
  RealRange seen;
  llvm::ArrayRef<int64_t> counts;

  double edge(size_t part) const {
    double share = static_cast<double>(part) / counts.size();
    return seen.low * (1 - share) + seen.high * share;
  }
  /// What the values of a part are taken for. Zero, which ReLU and padding make, is most of those near it.
  double centre(size_t part) const {
    double low = edge(part), high = edge(part + 1);
    bool holdsZero = low <= 0 && (high > 0 || (high == 0 && part + 1 == counts.size()));
    return holdsZero ? 0 : (low + high) / 2;
  }
};
} // namespace

static RealRange percentileOf(const Histogram &histogram, double percent) {
  int64_t total = 0;
  for (int64_t count : histogram.counts)
    total += count;
  double least = total * (100 - percent) / 200;
  size_t low = 0, high = histogram.counts.size();
  for (double below = histogram.counts.front(); below <= least && low + 1 < high; below += histogram.counts[low])
    ++low;
  for (double above = histogram.counts.back(); above <= least && low + 1 < high; above += histogram.counts[high - 1])
    --high;
  return {static_cast<float>(histogram.edge(low)), static_cast<float>(histogram.edge(high))};
}

static double squaredError(const Histogram &histogram, RealRange range, bool symmetric) {
  Quantization quantization = quantizationOf(range, symmetric);
  double sum = 0;
  for (auto [part, count] : llvm::enumerate(histogram.counts))
    if (count != 0) {
      double value = histogram.centre(part), error = value - quantization.applied(value);
      sum += count * error * error;
    }
  return sum;
}

/// One end after the other, until neither gains.
static RealRange leastErrorOf(const Histogram &histogram, bool symmetric) {
  RealRange seen = histogram.seen, best = seen;
  double least = squaredError(histogram, best, symmetric);
  for (bool gains = true; gains;) {
    gains = false;
    for (float RealRange::*end : {&RealRange::high, &RealRange::low})
      for (int percent = 100; percent > 0; --percent) {
        RealRange tried = best;
        tried.*end = seen.*end * (percent / 100.0f);
        if (double error = squaredError(histogram, tried, symmetric); error < least)
          least = error, best = tried, gains = true;
      }
  }
  return best;
}

RealRange RangeMethod::choose(RealRange seen, llvm::ArrayRef<int64_t> counts, bool symmetric) const {
  RealRange range = seen;
  if (kind != MinMax && seen.low < seen.high) {
    Histogram histogram{seen, counts};
    range = kind == Percentile ? percentileOf(histogram, percent) : leastErrorOf(histogram, symmetric);
  }
  return {std::min(range.low, 0.0f), std::max(range.high, 0.0f)};
}
