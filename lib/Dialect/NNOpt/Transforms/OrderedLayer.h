//===- OrderedLayer.h - what a product costs in another order ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_ORDEREDLAYER_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_ORDEREDLAYER_H

#include "DependencyGroups.h"
#include "NonzeroBits.h"

#include "nnopt/Cost/Kernels.h"

namespace nnopt {

/// The estimated time of layers in one order of their outputs and inputs.
struct OrderEstimate {
  double microseconds = 0;
  double uneven = 0; ///< the same if each part of a layer took as long as the fullest one, as threads do that wait for it

  OrderEstimate &operator+=(const OrderEstimate &other) {
    microseconds += other.microseconds, uneven += other.uneven;
    return *this;
  }
};

/// A `nnopt.linear` or `nnopt.conv` and where its weight is not zero.
class OrderedLayer {
public:
  /// Nothing for other ops, grouped convolutions and weights that are not of f32.
  static std::optional<OrderedLayer> of(const WeightLayer &layer, mlir::Operation *op);

  mlir::Value weight() const { return constant; }
  /// A row per output, with the bits of all taps.
  const NonzeroBits &bits() const { return nonzeros; }
  int64_t outputDim() const { return outputsAt; }
  int64_t inputDim() const { return inputsAt; }
  /// The number of an input of `nonzeros` in a dimension of the weight.
  int64_t inputOf(int64_t column) const { return column % inputs; }
  /// True if kernels for few rows read windows of inputs, whose order counts then.
  bool hasFewRows() const { return fewRows; }
  bool isSparse() const;

  OrderEstimate estimate(llvm::ArrayRef<const Isa *> isas, const SliceMoves &moves) const;
  /// Blocks of `rows` outputs, and how many of them are not all zero.
  std::pair<int64_t, int64_t> blocks(int64_t rows, const SliceMoves &moves) const;

private:
  OrderedLayer(NonzeroBits nonzeros) : nonzeros(std::move(nonzeros)) {}

  mlir::Value constant;
  int64_t outputsAt = 0, inputsAt = 1, inputs = 0;
  bool fewRows = false;
  LayerSize size;
  NonzeroBits nonzeros;

  llvm::SmallVector<int64_t> orderOf(int64_t dim, int64_t extent, const SliceMoves &moves) const;
  int64_t countSlots(llvm::ArrayRef<int64_t> outputs, llvm::ArrayRef<int64_t> inputs) const;
  double unevenness(llvm::ArrayRef<int64_t> outputs, int64_t strip) const;
};

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_ORDEREDLAYER_H
