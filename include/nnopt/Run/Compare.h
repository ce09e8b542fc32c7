//===- Compare.h - whether two answers agree --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Floats computed in another order differ. A sum of K products, rounded at each step to u = 2^-24 (f32), is off by
// about u sqrt(K) of its size, since rounding errors have random signs; through a chain of such sums the squares add
// up. So the tolerance of a model is
//     8 u sqrt(S),  S = max(64, lengths of all sums from inputs to outputs added up)
// of the largest value of the output; the factor 8 makes wrong alarms rare. An output of f16 or bf16 is at least
// allowed one rounding of its type. A model that quantizes on the way may round to the other neighbour: it is allowed
// one step of eight bits, 2^-7. Some models are worse than that: rows that are almost constant lose most of their
// digits when their mean is subtracted. So before an answer is called different, the interpreter runs once more with
// every intermediate value moved by 4 u, up or down at random; the tolerance is then at least 8 times what that
// changes. Integers must be equal, and NaN must be where NaN is expected.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_RUN_COMPARE_H
#define NNOPT_RUN_COMPARE_H

#include "nnopt/Support/HostTensor.h"

#include "mlir/IR/BuiltinOps.h"

#include <random>
#include <string>

namespace nnopt {

/// How far `got` is from `expected`.
struct Difference {
  std::string name;
  double maxAbsolute = 0; ///< largest difference of two elements
  double maxRelative = 0; ///< the same, as a part of the largest expected value
  double tolerance = 0;   ///< what maxRelative may be
  bool agrees = true;
  std::string problem; ///< if it does not agree: where, and both values
};

/// Compares two tensors. Integers get no tolerance.
Difference compare(llvm::StringRef name, const HostTensor &got, const HostTensor &expected, double tolerance);

/// Moves every float by a random relative 4 u of its type, up or down.
void perturb(HostTensor &tensor, std::mt19937_64 &random);

/// The tolerance for a value that perturbations changed from `plain` to `perturbed`.
double toleranceFor(const HostTensor &plain, const HostTensor &perturbed, double derived);

/// The tolerance derived above, from a module at stage `import`.
double derivedTolerance(mlir::ModuleOp module);

} // namespace nnopt

#endif // NNOPT_RUN_COMPARE_H
