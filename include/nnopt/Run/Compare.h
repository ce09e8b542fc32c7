//===- Compare.h - whether two answers agree --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Floats computed in another order differ. A sum of K products, rounded at each step to u = 2^-24 (f32), is off by about u sqrt(K) of
// its size, since rounding errors have random signs; through a chain of such sums the squares add up. So the tolerance of a model is
//     8 u sqrt(S),  S = max(64, lengths of all sums from inputs to outputs added up)
// of the largest value of the output; the factor 8 makes wrong alarms rare. An output of f16 or bf16 is at least allowed one rounding of its
// type. A model that quantizes on the way may round to the other neighbour: it is allowed one step of eight bits, 2^-7.
// Integers must be equal, and NaN must be where NaN is expected.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_RUN_COMPARE_H
#define NNOPT_RUN_COMPARE_H

#include "nnopt/Support/HostTensor.h"

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace nnopt {

/// How far `got` is from `expected`.
struct Difference {
  std::string name;
  double maxAbsolute = 0;  ///< largest difference of two elements
  double maxRelative = 0;  ///< the same, as a part of the largest expected value
  double tolerance = 0;    ///< what maxRelative may be
  bool agrees = true;
  std::string problem;     ///< if it does not agree: where, and both values
};

/// Compares two tensors. Integers get no tolerance.
Difference compare(llvm::StringRef name, const HostTensor &got, const HostTensor &expected, double tolerance);

/// The tolerance derived above, from a module at stage `import`.
double derivedTolerance(mlir::ModuleOp module);

} // namespace nnopt

#endif // NNOPT_RUN_COMPARE_H
