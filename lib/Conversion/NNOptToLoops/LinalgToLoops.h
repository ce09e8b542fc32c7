//===- LinalgToLoops.h - linalg ops and copies as loops ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_CONVERSION_NNOPTTOLOOPS_LINALGTOLOOPS_H
#define NNOPT_LIB_CONVERSION_NNOPTTOLOOPS_LINALGTOLOOPS_H

#include "LoopEmitter.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace nnopt {

/// As the lowerings of LoopEmitter.h. Unlike upstream's, parallel dimensions are split over threads wherever they stand.
mlir::LogicalResult lowerToLoops(mlir::linalg::LinalgOp op, LoopEmitter &e);
mlir::LogicalResult lowerToLoops(mlir::memref::CopyOp op, LoopEmitter &e);

} // namespace nnopt

#endif // NNOPT_LIB_CONVERSION_NNOPTTOLOOPS_LINALGTOLOOPS_H
