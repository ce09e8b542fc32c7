//===- GemmTileEmitter.h - the function of one register tile ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_GEMMTILEEMITTER_H
#define NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_GEMMTILEEMITTER_H

#include "Gemm.h"

namespace nnopt {

/// The body of one kernel function: what products of all kinds of numbers share.
class GemmTileEmitter {
public:
  GemmTileEmitter(KernelBuilder &k, const GemmProblem &problem, GemmTile tile)
      : k(k), problem(problem), rows(tile.rows), vectors(tile.vectors), lastWidth(tile.lastWidth) {}
  virtual ~GemmTileEmitter() = default;

  KernelBuilder &k;
  const GemmProblem &problem;
  int64_t rows, vectors, lastWidth;

  // Parameters as the function sees them; null where absent.
  mlir::Value a, b, c, bias, aRow, cRow, bRow, panelStride, lastLanes;
  llvm::SmallVector<mlir::Value> depths, depthStrides, operands, operandRows;
  bool accumulate = false;

  void emit();

protected:
  /// Elements of a sum that a step multiplies.
  virtual int64_t elementsPerStep() const = 0;
  /// Vectors of sums that a row has for a vector of columns.
  virtual int64_t sumsPerVector() const = 0;
  /// One step of the reduction: sums += A[:, offset] x B[depth + offset, :]. By rows, then vectors of columns, then their sums.
  virtual void step(mlir::Value aPointer, mlir::Value depth, int64_t offset, llvm::MutableArrayRef<mlir::Value> sums) = 0;
  /// The sums of one vector of columns from its `sumsPerVector`.
  virtual mlir::Value total(llvm::ArrayRef<mlir::Value> parts) = 0;

  mlir::Type f32() const { return k.b.getF32Type(); }
  mlir::Type sumType() const;
  /// Type of a vector of columns `v`: the last may be narrower.
  mlir::VectorType type(int64_t v, mlir::Type element) const { return k.vectorType(element, v == vectors - 1 ? lastWidth : k.isa.lanes); }
  mlir::Value loadColumns(mlir::Value pointer, int64_t v, mlir::Type element);

private:
  mlir::Value mask;

  bool masked(int64_t v) const { return mask && v == vectors - 1; }
  void storeColumns(mlir::Value value, mlir::Value pointer, int64_t v);
  llvm::SmallVector<mlir::Value> zeros();
  llvm::SmallVector<mlir::Value> totals(llvm::ArrayRef<mlir::Value> sums);
  llvm::SmallVector<mlir::Value> reduce(unsigned level, mlir::Value aPointer, mlir::Value depth, llvm::ArrayRef<mlir::Value> sums);
  llvm::SmallVector<mlir::Value> reduceInner(mlir::Value extent, mlir::Value aPointer, mlir::Value depth, llvm::ArrayRef<mlir::Value> sums);
  mlir::Value finish(mlir::Value sum, mlir::Value m, int64_t v, mlir::Value biasVector);
  void finishInRegisters(llvm::ArrayRef<mlir::Value> sums);
  void finishThroughMemory(llvm::ArrayRef<mlir::Value> sums);
};

/// The tile of products of 8-bit integers.
std::unique_ptr<GemmTileEmitter> createIntegerTile(KernelBuilder &k, const GemmProblem &problem, GemmTile tile);

} // namespace nnopt

#endif // NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_GEMMTILEEMITTER_H
