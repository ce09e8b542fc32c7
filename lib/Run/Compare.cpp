//===- Compare.cpp - whether two answers agree ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Run/Compare.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Format.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace nnopt;

//===----------------------------------------------------------------------===//
// Tolerance
//===----------------------------------------------------------------------===//

/// An extent that is only known at run time counts as this many.
static constexpr int64_t kAssumedExtent = 512;

static double extentOf(Value value, int64_t dim) {
  int64_t extent = cast<ShapedType>(value.getType()).getDimSize(dim);
  return static_cast<double>(ShapedType::isDynamic(extent) ? kAssumedExtent : extent);
}

static int64_t rankOf(Value value) { return cast<ShapedType>(value.getType()).getRank(); }

static double product(Value value, int64_t firstDim) {
  double count = 1;
  for (int64_t d = firstDim; d < rankOf(value); ++d)
    count *= extentOf(value, d);
  return count;
}

/// Elements that one result of a linalg op is summed from.
static double reductionLength(linalg::LinalgOp op) {
  double length = 0;
  for (auto [d, kind] : llvm::enumerate(op.getIteratorTypesArray())) {
    int64_t extent = op.getStaticLoopRanges()[d];
    if (kind == utils::IteratorType::reduction)
      length = std::max(1.0, length) * static_cast<double>(ShapedType::isDynamic(extent) ? kAssumedExtent : extent);
  }
  return length;
}

/// Length of the sums that `op` forms; 0 if it forms none.
static double sumLength(Operation *op) {
  return llvm::TypeSwitch<Operation *, double>(op)
      .Case([](LinearOp op) { return extentOf(op.getInput(), rankOf(op.getInput()) - 1); })
      .Case([](SparseLinearOp op) { return static_cast<double>(op.getPack().getDepth()); })
      .Case([](PermuteLinearOp op) { return static_cast<double>(op.getPack().getDepth()); })
      .Case([](SparseConvOp op) { return static_cast<double>(op.getPack().getDepth()); })
      .Case([](MatmulOp op) { return extentOf(op.getLhs(), rankOf(op.getLhs()) - (op.getTransposeLhs() ? 2 : 1)); })
      .Case([](ConvOp op) {
        return op.getPack() ? static_cast<double>(op.getPack()->getDepth()) : product(op.getWeight(), 1);
      })
      .Case([](ConvTransposeOp op) { return product(op.getWeight(), 2) * extentOf(op.getWeight(), 0); })
      .Case([](AttentionOp op) {
        return extentOf(op.getQuery(), 3) + extentOf(op.getKey(), op.getSequenceMajor() ? 1 : 2);
      })
      .Case([](SoftmaxOp op) { return extentOf(op.getInput(), op.getAxis()); })
      .Case([](NormalizeOp op) { return product(op.getInput(), op.getAxis()); })
      .Case([](PoolOp op) {
        double taps = 1;
        for (int64_t extent : op.getKernel())
          taps *= static_cast<double>(extent);
        return taps;
      })
      .Case([](linalg::LinalgOp op) { return reductionLength(op); })
      .Default([](Operation *) { return 0.0; });
}

double nnopt::derivedTolerance(ModuleOp module) {
  double length = 0;
  bool quantizes = false;
  module.walk([&](Operation *op) {
    length += sumLength(op);
    quantizes |= isa<QuantizeOp>(op);
  });
  double tolerance = 8 * 0x1p-24 * std::sqrt(std::max(64.0, length));
  return quantizes ? std::max(tolerance, 0x1p-7) : tolerance;
}

/// Half the distance of 1 to the next number.
static double roundoff(ElementType type) {
  switch (type) {
  case ElementType::F64:
    return 0x1p-53;
  case ElementType::F16:
    return 0x1p-11;
  case ElementType::BF16:
    return 0x1p-8;
  default:
    return 0x1p-24;
  }
}

void nnopt::perturb(HostTensor &tensor, std::mt19937_64 &random) {
  if (!isFloat(tensor.type()))
    return;
  char *bytes = tensor.mutableBytes();
  double step = 4 * roundoff(tensor.type());
  uint64_t signs = 0;
  for (int64_t i = 0; i < tensor.size(); ++i, signs >>= 1) {
    if (i % 64 == 0)
      signs = random();
    double value = loadElement(tensor.type(), bytes, i);
    storeElement(tensor.type(), bytes, i, value * (signs & 1 ? 1 + step : 1 - step));
  }
}

double nnopt::toleranceFor(const HostTensor &plain, const HostTensor &perturbed, double derived) {
  double changed = compare("", perturbed, plain, /*tolerance=*/0).maxRelative;
  return std::isfinite(changed) ? std::max(derived, 8 * changed) : derived;
}

//===----------------------------------------------------------------------===//
// Comparison
//===----------------------------------------------------------------------===//

static std::string position(int64_t i, ArrayRef<int64_t> shape) {
  std::string text;
  for (size_t d = shape.size(); d-- > 0; i /= shape[d])
    text = std::to_string(i % shape[d]) + (text.empty() ? "" : ", ") + text;
  return "[" + text + "]";
}

static std::string describe(int64_t i, ArrayRef<int64_t> shape, double got, double expected) {
  std::string text;
  llvm::raw_string_ostream(text) << "element " << position(i, shape) << " is " << llvm::format("%.9g", got)
                                 << ", expected " << llvm::format("%.9g", expected);
  return text;
}

Difference nnopt::compare(StringRef name, const HostTensor &got, const HostTensor &expected, double tolerance) {
  Difference difference;
  difference.name = name.str();
  if (got.shape() != expected.shape()) {
    difference.agrees = false;
    difference.problem = "has type " + got.typeText() + ", expected " + expected.typeText();
    return difference;
  }
  bool floating = isFloat(expected.type());
  if (floating)
    difference.tolerance = std::max(tolerance, expected.type() == ElementType::F16    ? 0x1p-10
                                               : expected.type() == ElementType::BF16 ? 0x1p-7
                                                                                      : 0);
  double scale = 0;
  int64_t worst = -1, odd = -1; // the largest difference; the first element that is NaN or infinite in one only
  for (int64_t i = 0; i < got.size(); ++i) {
    double x = loadElement(got.type(), got.bytes(), i), y = loadElement(expected.type(), expected.bytes(), i);
    if (x == y || (std::isnan(x) && std::isnan(y))) {
      scale = std::isfinite(y) ? std::max(scale, std::fabs(y)) : scale;
      continue;
    }
    if (!std::isfinite(x) || !std::isfinite(y)) {
      odd = odd < 0 ? i : odd;
      continue;
    }
    scale = std::max(scale, std::fabs(y));
    if (worst < 0 || std::fabs(x - y) > difference.maxAbsolute) {
      worst = i;
      difference.maxAbsolute = std::fabs(x - y);
    }
  }
  difference.maxRelative = worst < 0 ? 0 : scale > 0 ? difference.maxAbsolute / scale : INFINITY;
  difference.agrees = odd < 0 && (floating ? difference.maxRelative <= difference.tolerance : worst < 0);
  if (!difference.agrees) {
    int64_t at = odd >= 0 ? odd : worst;
    difference.problem = describe(at, got.shape(), loadElement(got.type(), got.bytes(), at),
                                  loadElement(expected.type(), expected.bytes(), at));
  }
  return difference;
}
