//===- SparseStorage.h - code that reads sparse values ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_SPARSESTORAGE_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_SPARSESTORAGE_H

#include "nnopt/Dialect/NNOpt/IR/SparseLevels.h"

#include "mlir/IR/IRMapping.h"

namespace nnopt {

/// The buffers of one `sparse_tensor.assemble`, and code on them.
class SparseStorage {
public:
  /// `buffers` maps the op's operands to memrefs; `levels` are the op's.
  SparseStorage(mlir::sparse_tensor::AssembleOp op, llvm::ArrayRef<SparseLevel> levels, const mlir::IRMapping &buffers);

  /// An i1: whether all positions, coordinates and values that the levels ask for are there, and in the order of their type.
  mlir::Value emitCheck(mlir::OpBuilder &b);
  /// Writes every value to its place in the buffer `target`. What is stored must have passed the check.
  void emitScatter(mlir::OpBuilder &b, mlir::Value target);

private:
  mlir::sparse_tensor::AssembleOp op;
  mlir::Location loc;
  llvm::ArrayRef<SparseLevel> levels;
  llvm::SmallVector<mlir::Value> buffers;
  mlir::Value values;

  mlir::Value load(mlir::OpBuilder &b, mlir::Value buffer, mlir::ValueRange at);
  mlir::Value position(mlir::OpBuilder &b, size_t level, mlir::Value entry);
  mlir::Value coordinate(mlir::OpBuilder &b, size_t level, mlir::Value entry);
  mlir::Value hasCoordinates(mlir::OpBuilder &b, size_t first, size_t chain, mlir::Value entries);
  mlir::Value areInside(mlir::OpBuilder &b, size_t first, size_t chain, mlir::Value begin, mlir::Value end);
  mlir::Value areOrdered(mlir::OpBuilder &b, size_t first, size_t chain, mlir::Value entries);
  mlir::Value isBefore(mlir::OpBuilder &b, size_t first, size_t chain, mlir::Value one, mlir::Value other);
  mlir::Value arePositionsOrdered(mlir::OpBuilder &b, size_t level, mlir::Value entries);
  void scatter(mlir::OpBuilder &b, mlir::Value entry, llvm::SmallVectorImpl<mlir::Value> &at, mlir::Value target);
  void store(mlir::OpBuilder &b, mlir::Value entry, llvm::ArrayRef<mlir::Value> at, mlir::Value target);
};

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_SPARSESTORAGE_H
