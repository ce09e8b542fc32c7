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

/// The weight of a pruned linear layer as [outputs, depth], zeros included.
mlir::FailureOr<HostTensor> sparseWeight(SparseLinearOp op, OpCall &call);

/// The weight of a pruned linear layer that is stored in slots as [outputs, depth], zeros included.
mlir::FailureOr<HostTensor> permuteWeight(PermuteLinearOp op, OpCall &call);

/// The filter of a convolution as [outputs, channels per group, taps], however it is stored.
mlir::FailureOr<HostTensor> convWeight(ConvOp op, OpCall &call);

} // namespace nnopt::interpreter

#endif // NNOPT_LIB_INTERPRETER_WEIGHTS_H
