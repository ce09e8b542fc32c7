//===- QuantizationTask.h - which products become integers ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_QUANTIZATIONTASK_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_QUANTIZATIONTASK_H

#include "PruningTask.h"
#include "QuantizationRange.h"

#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

namespace nnopt {

/// Which layers a user wants quantized.
class QuantizeFilter {
public:
  explicit QuantizeFilter(const QuantizeOptions &options);

  /// Why `layer`, whose weight holds `data` if its bytes are known, stays float whatever its input is; or nothing.
  std::string whyNot(const WeightLayer &layer, const std::optional<ConstantData> &data) const;

private:
  LayerFilter rest; ///< without names
  llvm::SmallVector<std::string> exclude, only;
};

/// What calibration saw of the input of a product.
struct InputRange {
  RealRange seen;
  std::vector<int64_t> counts; ///< empty if there is no histogram

  /// From the attributes of `product`. Nothing if it has no range; fails with a diagnostic if they are not what calibration makes.
  static mlir::FailureOr<std::optional<InputRange>> of(mlir::Operation *product);

  /// Why `method` can choose nothing, or nothing.
  std::string whyNot(const RangeMethod &method) const;
};

/// A constant weight in integers.
struct QuantizedWeight {
  mlir::Value value; ///< dequantized
  float leastScale, largestScale;
  double maxError;          ///< of a weight
  std::optional<double> decibels; ///< 10 log10(sum of squares / sum of squared errors); nothing if there is no error
};

/// Creates i8 elements, their scales and `nnopt.dequantize` before the constant that `layer` reads, of which `data` are the bytes.
QuantizedWeight quantizeWeight(const WeightLayer &layer, const ConstantData &data, bool perChannel);

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_QUANTIZATIONTASK_H
