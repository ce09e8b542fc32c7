//===- FoldReshapes.h - reshapes of rows out of the way ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_FOLDRESHAPES_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_FOLDRESHAPES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace nnopt {

/// Exporters flatten the rows of a linear layer and restore them after it. Here the layer works on the unflattened rows, and
/// elementwise ops between a flattened layer and the restoring reshape do as well. Also makes every `tensor.dim` a question about
/// arguments of the function where it can, so that values have no readers that only ask for their shape.
mlir::LogicalResult foldReshapesIntoRows(mlir::func::FuncOp function);

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_FOLDRESHAPES_H
