//===- Peak.cpp - what this machine can do at most ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Bench/Peak.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <numeric>
#include <thread>
#include <vector>

using namespace nnopt;

using Clock = std::chrono::steady_clock;

// Independent sums: enough to hide the latency of two multiply-add units, few enough for 16 registers.
static constexpr int kChains = 12, kSteps = 4096;

// A vector type as a parameter would carry the target of the caller; a macro makes one function per register width.
#define NNOPT_PEAK_LOOP(NAME, TARGET, BYTES)                                                                                               \
  TARGET static float NAME() {                                                                                                             \
    typedef float Vector __attribute__((vector_size(BYTES)));                                                                              \
    Vector sum[kChains] = {}, factor = Vector{} + 0.999f, term = Vector{} + 0.001f;                                                        \
    for (int step = 0; step < kSteps; ++step)                                                                                              \
      for (int i = 0; i < kChains; ++i)                                                                                                    \
        sum[i] = sum[i] * factor + term;                                                                                                   \
    for (int i = 1; i < kChains; ++i)                                                                                                      \
      sum[0] += sum[i];                                                                                                                    \
    return sum[0][0];                                                                                                                      \
  }

#ifdef __x86_64__
NNOPT_PEAK_LOOP(peak16, , 16)
NNOPT_PEAK_LOOP(peak32, __attribute__((target("avx2,fma"))), 32)
NNOPT_PEAK_LOOP(peak64, __attribute__((target("avx512f"))), 64)
static constexpr std::pair<int, float (*)()> kLoops[] = {{4, peak16}, {8, peak32}, {16, peak64}};
#else
NNOPT_PEAK_LOOP(peak16, , 16)
static constexpr std::pair<int, float (*)()> kLoops[] = {{4, peak16}};
#endif

/// Runs `work(thread)` on each thread again and again for `seconds`; returns how often per second in the best millisecond of each
/// thread, all threads together: what another process took away is no limit of the machine.
template <typename Function>
static double repeatOnThreads(int threads, double seconds, Function work) {
  constexpr std::chrono::milliseconds kSlice(1);
  auto end = Clock::now() + std::chrono::duration<double>(seconds);
  std::vector<double> best(threads, 0);
  auto body = [&](int thread) {
    while (best[thread] == 0 || Clock::now() < end) {
      auto start = Clock::now(), now = start;
      int64_t count = 0;
      for (; now < start + kSlice; now = Clock::now(), ++count)
        work(thread);
      best[thread] = std::max(best[thread], count / std::chrono::duration<double>(now - start).count());
    }
  };
  std::vector<std::thread> others;
  for (int thread = 1; thread < threads; ++thread)
    others.emplace_back(body, thread);
  body(0);
  for (std::thread &other : others)
    other.join();
  return std::accumulate(best.begin(), best.end(), 0.0);
}

double nnopt::measurePeakFlops(const Isa &isa, int threads, double seconds) {
  auto loop = std::find_if(std::begin(kLoops), std::end(kLoops), [&](auto &row) { return row.first == isa.lanes; });
  if (loop == std::end(kLoops))
    return 0;
  std::atomic<float> sink{0};
  double perSecond = repeatOnThreads(threads, seconds, [&](int) { sink.store(loop->second(), std::memory_order_relaxed); });
  return perSecond * kSteps * kChains * isa.lanes * 2;
}

double nnopt::measureCopyBandwidth(double bytes, int threads, double seconds) {
  size_t half = std::max<size_t>(64, size_t(bytes / 2 / threads));
  std::vector<std::vector<char>> memory(threads, std::vector<char>(2 * half, 1));
  double perSecond = repeatOnThreads(threads, seconds, [&](int thread) {
    char *data = memory[thread].data();
    std::memcpy(data + half, data, half);
    asm volatile("" ::"r"(data) : "memory"); // the copy is used
  });
  return perSecond * 2 * half;
}
