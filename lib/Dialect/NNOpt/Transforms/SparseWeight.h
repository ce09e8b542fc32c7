//===- SparseWeight.h - a pruned weight as constants ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_SPARSEWEIGHT_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_SPARSEWEIGHT_H

#include "WeightSparsity.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

namespace nnopt {

/// A constant that holds part of a weight. It is named after the weight, with `suffix`.
struct WeightPart {
  llvm::StringRef suffix;
  llvm::SmallVector<int64_t> shape;
  mlir::Type element;
  llvm::ArrayRef<char> bytes;

  template <typename T>
  WeightPart(llvm::StringRef suffix, llvm::ArrayRef<int64_t> shape, mlir::Type element, const std::vector<T> &data)
      : suffix(suffix), shape(shape), element(element), bytes(reinterpret_cast<const char *>(data.data()), data.size() * sizeof(T)) {}
};

/// Creates `parts` of `original` as weights at the builder's position.
llvm::SmallVector<mlir::Value> createParts(mlir::OpBuilder &b, mlir::Value original, llvm::ArrayRef<WeightPart> parts);

/// What `#nnopt.sparse_pack` says that a weight is stored as. There is a block at least, as a constant is not empty.
struct SparseWeight {
  std::vector<float> values;
  std::vector<int32_t> columns, starts;

  /// `columnOf`: for each element of a sum of `weight` the element that `pack` counts; empty if they are the same.
  SparseWeight(const WeightMatrix &weight, SparsePackAttr pack, llvm::ArrayRef<int64_t> columnOf = {});
  /// values, columns, starts
  llvm::SmallVector<mlir::Value> create(mlir::OpBuilder &b, mlir::Value original, SparsePackAttr pack) const;

private:
  void addBlock(const WeightMatrix &weight, int64_t first, int64_t rows, int64_t k, int64_t column);
};

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_SPARSEWEIGHT_H
