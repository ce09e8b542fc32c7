//===- Rows.h - kernels of ops that walk memory in rows ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_ROWS_H
#define NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_ROWS_H

#include "Nest.h"
#include "VectorLoop.h"

namespace nnopt {

/// Emitters of the kernel table: they emit code for an op on buffers, or fail without a trace.
mlir::LogicalResult emitElementwise(mlir::Operation *op, KernelBuilder &k);
mlir::LogicalResult emitTransposing(mlir::Operation *op, KernelBuilder &k);
mlir::LogicalResult emitReduceRows(mlir::Operation *op, KernelBuilder &k);
mlir::LogicalResult emitReduceColumns(mlir::Operation *op, KernelBuilder &k);
mlir::LogicalResult emitSoftmaxRows(mlir::Operation *op, KernelBuilder &k);
mlir::LogicalResult emitSoftmaxColumns(mlir::Operation *op, KernelBuilder &k);
mlir::LogicalResult emitNormalize(mlir::Operation *op, KernelBuilder &k);
mlir::LogicalResult emitPool(mlir::Operation *op, KernelBuilder &k);
mlir::LogicalResult emitGather(mlir::Operation *op, KernelBuilder &k);

/// A nest with the code of its innermost loop: a block, or none to copy the only input.
struct NestProgram {
  Nest nest;
  mlir::Region *region = nullptr;

  /// The nest of a linalg op or a memref.copy whose elements vectors can hold. Fails if there is none.
  static mlir::FailureOr<NestProgram> of(mlir::Operation *op, const Isa &isa);

  unsigned inputs() const { return nest.operandCount() - nest.outputs; }
  bool isExpensive() const { return region && nnopt::isExpensive(region->front()); }
  /// What makes kernels of this program differ, besides numbers.
  void addKeys(KernelCall &call) const;
  /// Values of the outputs, from a value per operand.
  llvm::SmallVector<mlir::Value> compute(KernelBuilder &k, mlir::ValueRange operands, int64_t lanes) const;
  /// True if the block reads what output `i` holds.
  bool readsOutput(unsigned i) const;
};

/// Elements of a work item.
inline constexpr int64_t kCheapGrain = 8192, kExpensiveGrain = 2048;

} // namespace nnopt

#endif // NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_ROWS_H
