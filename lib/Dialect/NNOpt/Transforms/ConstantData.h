//===- ConstantData.h - elements of constant tensors ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_CONSTANTDATA_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_CONSTANTDATA_H

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include "mlir/IR/Builders.h"

namespace nnopt {

/// The elements of a constant, where they are: a resource may lie unaligned in a mapped file.
class ConstantData {
public:
  /// The contents of an `nnopt.weight` or `arith.constant` of numbers (not of bools); nullopt for anything else.
  static std::optional<ConstantData> of(mlir::Value value);

  mlir::RankedTensorType type;

  int64_t size() const { return type.getNumElements(); }
  /// Element `i` in row-major order, a float or a signed integer (unsigned if the type says so).
  double at(int64_t i) const;
  /// The bytes of element `i`; types of less than 8 bits take one.
  llvm::ArrayRef<char> bytesAt(int64_t i) const;

private:
  llvm::ArrayRef<char> bytes;
  int64_t width = 0;
  bool splat = false;
};

/// The number that all elements of a constant tensor are, if they are equal by being stored once or being one.
std::optional<double> splatOf(mlir::Value value);

/// The elements of a constant of `type`, whose bytes `fill` writes (one byte per element of less than 8 bits). Beyond 1 KiB they are a resource
/// called `name`.
mlir::ElementsAttr makeElements(mlir::StringAttr name, mlir::RankedTensorType type, llvm::function_ref<void(llvm::MutableArrayRef<char>)> fill);

/// A constant of such elements.
WeightOp createWeight(mlir::OpBuilder &b, mlir::Location loc, mlir::StringAttr name, mlir::RankedTensorType type,
                      llvm::function_ref<void(llvm::MutableArrayRef<char>)> fill);

/// Elements that are zero.
int64_t countZeros(const ConstantData &data);

/// True if every element in slice `index` of dimension `dim` is `number`.
bool isSliceOf(const ConstantData &data, int64_t dim, int64_t index, double number);

/// The elements of the constant `old`, of which `data` are the bytes, with zero where `isRemoved` says; for floats.
WeightOp createZeroed(mlir::OpBuilder &b, mlir::Value old, const ConstantData &data, llvm::function_ref<bool(int64_t)> isRemoved);

/// Puts `weight` in the place of `old`, with `nnopt.sparsity`, which is returned.
SparsityAttr replaceBySparse(mlir::Value old, WeightOp weight, SparsityOrigin origin, llvm::StringRef pattern);

/// The same with what createZeroed makes.
SparsityAttr replaceByZeroed(mlir::Value old, const ConstantData &data, llvm::function_ref<bool(int64_t)> isRemoved, SparsityOrigin origin,
                             llvm::StringRef pattern);

/// Gives `weight`, made of the elements of `old`, what `nnopt.sparsity` says of `old`, its zeros counted anew; returns it. `pattern` takes the
/// place of one that the new order of the elements broke.
WeightOp carrySparsity(mlir::Value old, WeightOp weight, llvm::StringRef pattern = "");

/// The name of the weight that defines `value`, or null.
mlir::StringAttr weightNameOf(mlir::Value value);

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_CONSTANTDATA_H
