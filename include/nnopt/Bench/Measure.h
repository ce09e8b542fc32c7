//===- Measure.h - interleaved timing against the roofline ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_BENCH_MEASURE_H
#define NNOPT_BENCH_MEASURE_H

#include "nnopt/Bench/CompiledWorkload.h"

namespace nnopt {

struct MeasureOptions {
  int threads = 1;
  int rounds = 8;        ///< the rows take turns; each round starts with another one
  double seconds = 0.05; ///< for one row in one round
};

/// Medians over the rounds. Spread is half the distance between the quartiles, relative to the median.
struct Measurement {
  std::string name;
  double milliseconds = 0, spread = 0;
  double gflops = 0, gigabytes = 0;         ///< per second; gflops is 0 for what computes no products
  double peakGflops = 0, peakGigabytes = 0; ///< multiply-adds in registers; a copy of as many bytes
  bool memoryBound = false;                 ///< moving the bytes at its peak takes longer than computing at its peak
  double percent = 0;                       ///< of that bound
};

/// Measures all `rows`. `progress` is called before each round with its number.
llvm::Expected<std::vector<Measurement>> measure(llvm::MutableArrayRef<CompiledWorkload> rows, const Isa &isa, const MeasureOptions &options,
                                                 llvm::function_ref<void(int)> progress);

/// Median seconds of one call: one to warm up, then for `seconds` and at least three.
llvm::Expected<double> timeCalls(CompiledWorkload &row, double seconds);

/// Asks the system to let this process, and threads that it starts later, run before ordinary ones: with more jobs than cores, threads
/// that wait for each other would otherwise measure the scheduler. Says whether it may.
bool requestRealTimeScheduling();

/// The middle of `values`, and the spread as above.
double median(std::vector<double> values);
double relativeSpread(std::vector<double> values);

} // namespace nnopt

#endif // NNOPT_BENCH_MEASURE_H
