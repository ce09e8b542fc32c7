//===- Weights.h - weights in their plain layouts ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_INTERPRETER_WEIGHTS_H
#define NNOPT_LIB_INTERPRETER_WEIGHTS_H

#include "Frame.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

namespace nnopt::interpreter {

/// The weight of a linear layer as [outputs, depth], however it is stored.
mlir::FailureOr<HostTensor> linearWeight(LinearOp op, OpCall &call);

/// One product of a sum with a pruned weight: elements of the input and of the weight's values.
struct SparseTerm {
  int64_t element, value;
};

/// The products of every output of `pack`. Fails unless each has `span` elements of the input from its own on.
mlir::LogicalResult sparseTerms(mlir::Operation *op, SparsePackAttr pack, const HostTensor &values, const HostTensor &columns,
                                const HostTensor &starts, int64_t span, std::vector<std::vector<SparseTerm>> &terms);

/// The weight of a pruned linear layer as [outputs, depth], zeros included.
mlir::FailureOr<HostTensor> sparseWeight(SparseLinearOp op, OpCall &call);

/// The weight of a pruned linear layer that is stored in slots as [outputs, depth], zeros included.
mlir::FailureOr<HostTensor> permuteWeight(PermuteLinearOp op, OpCall &call);

/// The filter of a convolution as [outputs, channels per group, taps], however it is stored.
mlir::FailureOr<HostTensor> convWeight(ConvOp op, OpCall &call);

} // namespace nnopt::interpreter

#endif // NNOPT_LIB_INTERPRETER_WEIGHTS_H
