//===- Sweep.h - from which sparsity on zeros pay ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A grid of linear layers, patterns and sparsities. At each point the dense kernel and every form that a weight can be stored in are measured
// in turns, beside what lib/Cost estimates and chooses.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_BENCH_SWEEP_H
#define NNOPT_BENCH_SWEEP_H

#include "nnopt/Bench/Measure.h"
#include "nnopt/Cost/Kernels.h"

namespace nnopt {

/// One layer whose weight has zeros in one pattern.
struct SweepPoint {
  std::string name;    ///< for instance "768-3072-m128-4x1-90%": depth, outputs, rows, pattern, zeros
  LinearSize size;
  std::string pattern; ///< unstructured, 4x1, 2:8
  double sparsity;
  int64_t blockRows = 1, group = 0;
};

/// The whole grid.
std::vector<SweepPoint> sweepPoints();

/// The weight in one stored form. A form that is estimated to be far slower than dense is not measured.
struct SweepForm {
  std::string name; ///< dense, or as nnopt-sparsify calls it: blocks of 4x1, slots of 16x1
  BlockCount blocks;
  std::string kernel;
  double estimated = 0, measured = 0; ///< microseconds; measured is 0 where it is not measured
};

struct SweepResult {
  SweepPoint point;
  SweepForm dense;
  std::vector<SweepForm> forms;
  std::string chosen; ///< name of the form that lib/Cost chooses

  const SweepForm &choice() const;
  double bestMeasured() const;
};

/// What lib/Cost says of `point`.
SweepResult estimatePoint(const SweepPoint &point, const Isa &isa);

/// Measures all `points` on one thread. `progress` is called before each with its number.
llvm::Expected<std::vector<SweepResult>> sweep(llvm::ArrayRef<SweepPoint> points, const Isa &isa, const MeasureOptions &options,
                                               mlir::MLIRContext &context, llvm::function_ref<void(size_t)> progress);

/// How good the choices are.
struct SweepSummary {
  double withinTenPercent = 0; ///< share of the points where the choice takes at most 1.1 times the least time measured
  double worst = 0;            ///< least ratio of dense to chosen
  std::string worstPoint;
};
SweepSummary summarize(llvm::ArrayRef<SweepResult> results);

} // namespace nnopt

#endif // NNOPT_BENCH_SWEEP_H
