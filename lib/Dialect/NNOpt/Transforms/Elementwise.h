//===- Elementwise.h - what graph passes ask of linalg.generic --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_ELEMENTWISE_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_ELEMENTWISE_H

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace nnopt {

/// True if `op` computes each element of its only result on its own: parallel loops, identity result map, a destination that is not read.
bool isElementwise(mlir::linalg::GenericOp op);

/// True if `map` reads, from a tensor of `shape`, the element that has the loop's own indices (extents of 1 may be read at 0).
bool readsOwnElement(mlir::AffineMap map, llvm::ArrayRef<int64_t> shape);

/// The operand of `op` whose element is block argument `value`, or null.
mlir::OpOperand *operandOf(mlir::linalg::GenericOp op, mlir::Value value);

/// The only op, beside constants, in the body of an elementwise op that yields its result; null if there is more.
mlir::Operation *singleBodyOp(mlir::linalg::GenericOp op);

/// The number that `value`, in the body of `op`, is for every element: a scalar constant, or an element of a constant splat.
std::optional<double> numberOf(mlir::linalg::GenericOp op, mlir::Value value);

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_ELEMENTWISE_H
