//===- Reconstruct.h - prune and correct what stays -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// SparseGPT (E. Frantar, D. Alistarh, 2023): the weights of a layer are fixed column by column; what setting some of a column to zero costs is made good
// in the columns after it, by the optimal brain surgeon's formula for the least squares of the layer's output.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_RECONSTRUCT_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_RECONSTRUCT_H

#include "InputMoments.h"

#include "mlir/Support/LogicalResult.h"

namespace nnopt {

/// The upper triangular U with U^T U = (G + d I)^-1, where G is the Gram matrix of one group of inputs and d is `damping` times the mean of its diagonal.
class InverseFactor {
public:
  /// Fails if the damped matrix is not positive definite.
  static mlir::FailureOr<InverseFactor> create(const InputMoments &moments, int64_t group, double damping);
  InverseFactor(InverseFactor &&);
  ~InverseFactor();

  struct Impl;
  const Impl &get() const { return *impl; }

private:
  explicit InverseFactor(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

/// Chooses zeros in one group of channels of `task`, `target` of them if the pattern is not N:M (with blocks at most so many), those of `window` columns
/// at a time, and changes what stays. Sets `removed` and `values`, which has the size of the weight, of the task.
void reconstruct(CalibratedTask &task, int64_t group, const InverseFactor &factor, const SparsityPattern &pattern, int64_t window, int64_t target);

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_RECONSTRUCT_H
