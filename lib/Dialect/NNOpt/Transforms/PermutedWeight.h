//===- PermutedWeight.h - a pruned weight in slots --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_PERMUTEDWEIGHT_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_PERMUTEDWEIGHT_H

#include "SparseWeight.h"

namespace nnopt {

/// How weights are stored for products with few rows: slots of a panel of outputs.
PermutePackAttr panelPack(mlir::MLIRContext *context, int64_t outputs, int64_t depth);

/// The constants that hold a weight as `#nnopt.permute_pack` says. There is a slot at least, as a constant is not empty.
struct PermutedWeight {
  std::vector<float> values;
  std::vector<int8_t> indices;
  std::vector<int32_t> columns, starts;

  PermutedWeight(const WeightMatrix &weight, PermutePackAttr pack);
  int64_t slots() const { return columns.size(); }
  /// values, indices, columns, starts
  llvm::SmallVector<mlir::Value> create(mlir::OpBuilder &b, mlir::Value original, PermutePackAttr pack) const;
};

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_PERMUTEDWEIGHT_H
