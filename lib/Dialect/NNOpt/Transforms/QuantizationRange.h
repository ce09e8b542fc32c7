//===- QuantizationRange.h - from what was seen to scales -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_QUANTIZATIONRANGE_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_QUANTIZATIONRANGE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <vector>

namespace nnopt {

struct RealRange {
  float low, high;
};

/// An integer q from 0 to 255 stands for (q - zeroPoint) * scale.
struct Quantization {
  float scale;
  int zeroPoint;

  /// What `value` becomes by quantizing and dequantizing.
  double applied(double value) const;
};

/// `most / steps` in f32, or 1 if that is no normal number: what is quantized with it is zero then.
float scaleFor(double most, int steps);

/// For `range`, widened to hold zero. With `symmetric` the zero point is 128.
Quantization quantizationOf(RealRange range, bool symmetric);

/// How a range of values is chosen.
struct RangeMethod {
  enum Kind { MinMax, Percentile, MSE } kind = MinMax;
  double percent = 99.99;

  /// Reads minmax, percentile:P or mse. Fails with a message.
  static llvm::Expected<RangeMethod> parse(llvm::StringRef text);
  bool needsHistogram() const { return kind != MinMax; }

  /// The range to quantize, which holds zero, when `seen` are the least and largest value, finite, and `counts` how many lie in each of equal parts of it (empty if the
  /// method needs none).
  RealRange choose(RealRange seen, llvm::ArrayRef<int64_t> counts, bool symmetric) const;
};

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_QUANTIZATIONRANGE_H
