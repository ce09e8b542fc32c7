//===- Measure.h - how long a call takes ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_RUN_MEASURE_H
#define NNOPT_RUN_MEASURE_H

#include "nnopt/Run/Artefact.h"

namespace nnopt {

struct Timing {
  double medianMs = 0, p10Ms = 0, p90Ms = 0, minMs = 0;
  int64_t runs = 0;
};

/// Runs the call for 0.2 seconds to warm up, then for a second, but at least 10 and at most 10000 times.
llvm::Expected<Timing> measure(Artefact::Call &call);

} // namespace nnopt

#endif // NNOPT_RUN_MEASURE_H
