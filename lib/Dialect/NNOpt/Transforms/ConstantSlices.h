//===- ConstantSlices.h - channels that hold one number ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_CONSTANTSLICES_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_CONSTANTSLICES_H

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace nnopt {

/// Which slices (an index of a dimension) of the tensors of a function hold one finite number in every element, whatever the inputs: outputs of
/// a product whose weights are zero hold the bias, what elementwise ops make of it is a number too, and so on. Products with zero count as zero.
class ConstantSlices {
public:
  explicit ConstantSlices(mlir::func::FuncOp function);

  /// The number in slice `index` of dimension `dim`, in the precision of the tensor.
  std::optional<double> of(mlir::Value value, int64_t dim, int64_t index);

private:
  /// By dimension; NaN where nothing is known; empty where no slice is.
  using Numbers = std::vector<std::vector<double>>;
  llvm::DenseMap<mlir::Value, Numbers> known;

  Numbers &numbersOf(mlir::Value value);
  void note(mlir::Value value, int64_t dim, int64_t index, std::optional<double> number);

  void visit(mlir::Operation *op);
  void visitFilter(mlir::Value input, mlir::Value weight, mlir::Value bias, mlir::Value result, int64_t groups, int64_t channels, bool isPadded);
  void visitLinear(LinearOp op);
  void visitMatmul(MatmulOp op);
  void visitActivation(ActivationOp op);
  void visitLoops(mlir::Operation *op);
  void visitPool(PoolOp op);
  void visitReshape(mlir::Value wide, mlir::Value flat, mlir::Operation *op);
  void visitPieces(mlir::Operation *op);
};

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_CONSTANTSLICES_H
