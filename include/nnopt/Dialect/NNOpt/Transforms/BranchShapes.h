//===- BranchShapes.h - extents of what branches compute --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_DIALECT_NNOPT_TRANSFORMS_BRANCHSHAPES_H
#define NNOPT_DIALECT_NNOPT_TRANSFORMS_BRANCHSHAPES_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace nnopt {

/// Lets an `scf.if` say the shape of its results where both branches write them to the same destination.
void registerBranchShapes(mlir::DialectRegistry &registry);

} // namespace nnopt

#endif // NNOPT_DIALECT_NNOPT_TRANSFORMS_BRANCHSHAPES_H
