//===- Workloads.h - the layers that nnopt-bench measures -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_BENCH_WORKLOADS_H
#define NNOPT_BENCH_WORKLOADS_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <string>
#include <vector>

namespace nnopt {

/// One layer at one size.
struct Workload {
  std::string name;    ///< for instance "conv3x3-56x56-64-64"
  std::string text;    ///< the module; weights are splats, which `buildWorkload` replaces
  double flops = 0;    ///< multiplications and additions of products; 0 for what only moves or maps data
  double bytes = 0;    ///< of inputs, weights and results, each once
  double density = 1;  ///< share of the first weight's blocks that are not zero
  int64_t blockRows = 1; ///< outputs in such a block
  int64_t group = 0;     ///< if not 0, the same share of every so many inputs of an output is kept (N:M)
};

/// A linear layer that arrives pruned: all but the share `density` of its weights are zero, in blocks of `blockRows` outputs or in groups of inputs.
Workload prunedLinear(const std::string &name, int64_t rows, int64_t outputs, int64_t depth, double density, int64_t blockRows, int64_t group = 0);

/// All workloads, in the order of the report.
std::vector<Workload> benchWorkloads();

/// Parses the module of `workload` and fills its weights with reproducible random numbers, scaled so that results stay near 1. Null
/// after a diagnostic.
mlir::OwningOpRef<mlir::ModuleOp> buildWorkload(const Workload &workload, mlir::MLIRContext &context);

/// `count` reproducible numbers in [-bound, bound).
std::vector<float> randomFloats(size_t count, float bound, uint64_t seed);

} // namespace nnopt

#endif // NNOPT_BENCH_WORKLOADS_H
