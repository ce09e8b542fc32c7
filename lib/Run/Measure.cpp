//===- Measure.cpp - how long a call takes --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Run/Measure.h"

#include <algorithm>
#include <chrono>

using namespace nnopt;
using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

llvm::Expected<Timing> nnopt::measure(Artefact::Call &call) {
  constexpr Seconds kWarmUp(0.2), kMeasured(1);
  constexpr size_t kLeast = 10, kMost = 10000;
  for (auto start = Clock::now(); Clock::now() - start < kWarmUp;)
    if (llvm::Error error = call.run())
      return std::move(error);
  std::vector<double> times;
  auto start = Clock::now();
  while (times.size() < kLeast || (times.size() < kMost && Clock::now() - start < kMeasured)) {
    auto begin = Clock::now();
    if (llvm::Error error = call.run())
      return std::move(error);
    times.push_back(Seconds(Clock::now() - begin).count() * 1e3);
  }
  llvm::sort(times);
  auto quantile = [&](double part) {
    return times[static_cast<size_t>(part * static_cast<double>(times.size() - 1) + 0.5)];
  };
  return Timing{quantile(0.5), quantile(0.1), quantile(0.9), times.front(), static_cast<int64_t>(times.size())};
}
