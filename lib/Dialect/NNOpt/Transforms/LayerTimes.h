//===- LayerTimes.h - what layers with constant weights take ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_LAYERTIMES_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_LAYERTIMES_H

#include "PrunableLayers.h"

#include "nnopt/Cost/Kernels.h"
#include "nnopt/Dialect/NNOpt/IR/SparsityPattern.h"

namespace nnopt {

/// The product of `extents`, of which one that is not known is at least 1; no more than 32 bits hold if it is too large.
int64_t leastElements(llvm::ArrayRef<int64_t> extents);

/// The instruction sets that a pass was told of, the first of the table if of none; fails after an error that names the pass.
mlir::LogicalResult findTargets(mlir::MLIRContext *context, llvm::StringRef pass, llvm::ArrayRef<std::string> isas,
                                llvm::SmallVectorImpl<const Isa *> &targets);

/// The time of all products with one weight, from the cost table, for each of some instruction sets.
class LayerTimes {
public:
  /// Microseconds on each instruction set; `gains` if a product runs without the zeros.
  struct Times {
    llvm::SmallVector<double, 4> microseconds;
    bool gains = false;
  };

  /// Rows that are not known count as `expectedRows`, or if that is 0 as the fewest there can be.
  LayerTimes(const WeightLayer &layer, llvm::ArrayRef<const Isa *> isas, int64_t expectedRows);

  /// Does the model leave the rows of a product open?
  bool hasUnknownRows() const;
  /// All weights are kept.
  Times dense() const;
  /// `density` is kept in `pattern`.
  Times pruned(const SparsityPattern &pattern, double density) const;
  /// The zeros are left out that `data`, the weight, has.
  Times asStored(const ConstantData &data) const;

private:
  /// One product as kernels see it.
  struct Product {
    WeightLayout layout;
    LayerSize size;
    double count = 1; ///< so many of this size: groups of channels, matrices of a batch
    bool canBeSparse = false, hasUnknownRows = false;

    Product(mlir::Operation *op, int64_t expectedRows);
  };
  llvm::SmallVector<const Isa *> isas;
  llvm::SmallVector<Product> products;

  template <typename FormsOf>
  Times best(FormsOf formsOf) const;
};

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_LAYERTIMES_H
