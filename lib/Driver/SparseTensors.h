//===- SparseTensors.h - sparse constants of MLIR models --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DRIVER_SPARSETENSORS_H
#define NNOPT_LIB_DRIVER_SPARSETENSORS_H

#include "mlir/IR/BuiltinOps.h"

namespace nnopt {

/// Constants whose type has a `#sparse_tensor.encoding` become dense `nnopt.weight` (which say that they were imported, and which the compiler stores
/// without their zeros as it sees fit), and products with them `nnopt.linear`. The others as below.
mlir::LogicalResult importSparseTensors(mlir::ModuleOp module, bool &unsupported);

/// linalg ops that read values assembled when the model runs become `nnopt.sparse_compute`. What a model computes with a sparse type has
/// all its elements. Fails with one diagnostic that names the op which nnopt cannot lower, and sets `unsupported`.
mlir::LogicalResult importComputedSparseTensors(mlir::ModuleOp module, bool &unsupported);

} // namespace nnopt

#endif // NNOPT_LIB_DRIVER_SPARSETENSORS_H
