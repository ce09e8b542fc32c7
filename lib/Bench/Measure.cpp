//===- Measure.cpp - interleaved timing against the roofline --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Bench/Measure.h"

#include "nnopt/Bench/Peak.h"

#include <algorithm>
#include <chrono>
#include <sched.h>

using namespace nnopt;

using Clock = std::chrono::steady_clock;

/// Between the two neighbours of position `fraction` of the sorted values.
static double quantile(std::vector<double> values, double fraction) {
  std::sort(values.begin(), values.end());
  double position = fraction * (values.size() - 1);
  size_t below = position;
  size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (position - below) * (values[above] - values[below]);
}

bool nnopt::requestRealTimeScheduling() {
  sched_param parameters = {};
  parameters.sched_priority = 1;
  return sched_setscheduler(0, SCHED_RR, &parameters) == 0;
}

double nnopt::median(std::vector<double> values) { return quantile(std::move(values), 0.5); }

double nnopt::relativeSpread(std::vector<double> values) {
  double middle = median(values);
  return middle > 0 ? (quantile(values, 0.75) - quantile(values, 0.25)) / 2 / middle : 0;
}

llvm::Expected<double> nnopt::timeCalls(CompiledWorkload &row, double seconds) {
  std::vector<double> times;
  auto end = Clock::now() + std::chrono::duration<double>(seconds);
  for (int call = -1; call < 3 || Clock::now() < end; ++call) {
    auto start = Clock::now();
    llvm::Error error = row.run();
    std::chrono::duration<double> elapsed = Clock::now() - start;
    if (error)
      return std::move(error);
    if (call >= 0)
      times.push_back(elapsed.count());
  }
  return median(times);
}

static Measurement summarize(const Workload &workload, const std::vector<double> &times, double peakFlops, double peakBytes) {
  Measurement m;
  double seconds = median(times);
  m.name = workload.name;
  m.milliseconds = seconds * 1e3;
  m.spread = relativeSpread(times);
  m.gflops = workload.flops / seconds * 1e-9;
  m.gigabytes = workload.bytes / seconds * 1e-9;
  m.peakGflops = peakFlops * 1e-9;
  m.peakGigabytes = peakBytes * 1e-9;
  double computing = peakFlops > 0 ? workload.flops / peakFlops : 0, moving = workload.bytes / peakBytes;
  m.memoryBound = moving > computing;
  m.percent = std::max(computing, moving) / seconds * 100;
  return m;
}

llvm::Expected<std::vector<Measurement>> nnopt::measure(llvm::MutableArrayRef<CompiledWorkload> rows, const Isa &isa,
                                                        const MeasureOptions &options, llvm::function_ref<void(int)> progress) {
  constexpr double kPeakSeconds = 0.01;
  std::vector<double> peakFlops;
  std::vector<std::vector<double>> times(rows.size()), peakBytes(rows.size());
  for (int round = 0; round < options.rounds; ++round) {
    progress(round);
    peakFlops.push_back(measurePeakFlops(isa, options.threads, kPeakSeconds));
    for (size_t turn = 0; turn < rows.size(); ++turn) {
      size_t i = (turn + round) % rows.size();
      llvm::Expected<double> seconds = timeCalls(rows[i], options.seconds);
      if (!seconds)
        return seconds.takeError();
      times[i].push_back(*seconds);
      peakBytes[i].push_back(measureCopyBandwidth(rows[i].workload().bytes, options.threads, kPeakSeconds));
    }
  }
  std::vector<Measurement> result;
  for (size_t i = 0; i < rows.size(); ++i)
    result.push_back(summarize(rows[i].workload(), times[i], median(peakFlops), median(peakBytes[i])));
  return result;
}
