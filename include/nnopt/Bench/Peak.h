//===- Peak.h - what this machine can do at most ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_BENCH_PEAK_H
#define NNOPT_BENCH_PEAK_H

#include "nnopt/Target/Isa.h"

namespace nnopt {

/// Floating-point operations per second of `threads` threads that do nothing but fp32 multiply-adds in registers of `isa`. Takes
/// about `seconds`.
double measurePeakFlops(const Isa &isa, int threads, double seconds);

/// Bytes per second, read and written together, of `threads` threads that copy half of `bytes` to the other half again and again.
double measureCopyBandwidth(double bytes, int threads, double seconds);

} // namespace nnopt

#endif // NNOPT_BENCH_PEAK_H
