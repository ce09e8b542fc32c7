//===- PrunableLayers.h - weights that may get zeros ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_PRUNABLELAYERS_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_PRUNABLELAYERS_H

#include "ConstantData.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/Support/Error.h"

#include <tuple>

namespace nnopt {

/// How the elements of a weight are matrices of outputs and inputs: element (o, i) of matrix (g, t) is at
/// `g * groupStride + t * tapStride + o * outputStride + i * inputStride`. Groups are a convolution's, taps its taps or the matrices of a batch.
struct WeightLayout {
  int64_t groups = 1, taps = 1, outputs = 0, inputs = 0;
  int64_t groupStride = 0, tapStride = 0, outputStride = 0, inputStride = 0;
  int64_t kernelExtents = 0; ///< sum of a filter's extents in space

  int64_t matrices() const { return groups * taps; }
  int64_t size() const { return matrices() * outputs * inputs; }
  int64_t at(int64_t matrix, int64_t o, int64_t i) const {
    return matrix / taps * groupStride + matrix % taps * tapStride + o * outputStride + i * inputStride;
  }
  bool operator==(const WeightLayout &other) const {
    return std::tie(groups, taps, outputs, inputs, groupStride, tapStride, outputStride, inputStride) ==
           std::tie(other.groups, other.taps, other.outputs, other.inputs, other.groupStride, other.tapStride, other.outputStride,
                    other.inputStride);
  }
};

/// A constant and the products that it is the weight of.
struct WeightLayer {
  mlir::Value weight;
  llvm::SmallVector<mlir::Operation *> users;
  WeightLayout layout;
  bool sameLayout = true; ///< in all users
};

/// The operand of `op` that is a trained matrix, and how it is stored; null if there is none.
std::pair<mlir::Value, WeightLayout> weightOf(mlir::Operation *op);

/// The constant float weights of the products in `function`, in the order of their first users. Other weights are left out.
llvm::SmallVector<WeightLayer> findLayers(mlir::func::FuncOp function);

/// True if only elementwise ops, reshapes and pads are between `value` and an argument of the function.
bool comesFromInput(mlir::Value value);

/// True if only elementwise ops, reshapes and softmax are between `op` and a result of the function, on some way.
bool reachesOutput(mlir::Operation *op);

/// The names that a user may call a layer: its weight's and those of its products.
llvm::SmallVector<llvm::StringRef> namesOf(mlir::Value weight, llvm::ArrayRef<mlir::Operation *> users);

/// The first name of a location: the node of the model.
llvm::StringRef layerName(mlir::Location loc);

/// True if one of `names` fits one of `patterns`, in which * stands for any text.
bool matchesAny(llvm::ArrayRef<llvm::StringRef> names, llvm::ArrayRef<std::string> patterns);

/// Fails at the first pattern that cannot be read.
llvm::Error checkNamePatterns(llvm::ArrayRef<std::string> exclude, llvm::ArrayRef<std::string> only);

/// Warns of each pattern that fits none of `layers`.
void warnOfUnknownNames(mlir::func::FuncOp function, llvm::ArrayRef<WeightLayer> layers, llvm::ArrayRef<std::string> exclude,
                        llvm::ArrayRef<std::string> only);

/// Fails if the weight of `user` has a NaN, whose magnitude has no order.
mlir::LogicalResult checkNumbers(mlir::Operation *user, mlir::Value weight, const ConstantData &data);

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_PRUNABLELAYERS_H
