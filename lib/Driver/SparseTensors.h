//===- SparseTensors.h - sparse constants of MLIR models --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DRIVER_SPARSETENSORS_H
#define NNOPT_LIB_DRIVER_SPARSETENSORS_H

#include "mlir/IR/BuiltinOps.h"

namespace nnopt {

/// Constants whose type has a `#sparse_tensor.encoding` become dense `nnopt.weight` (which say that they were imported, and which the compiler stores
/// without their zeros as it sees fit), and products with them `nnopt.linear`. Sparse values that are no constants are not supported: fails with one
/// diagnostic that names the op, and sets `unsupported`.
mlir::LogicalResult importSparseTensors(mlir::ModuleOp module, bool &unsupported);

} // namespace nnopt

#endif // NNOPT_LIB_DRIVER_SPARSETENSORS_H
