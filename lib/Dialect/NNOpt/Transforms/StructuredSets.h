//===- StructuredSets.h - groups that may be removed ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_STRUCTUREDSETS_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_STRUCTUREDSETS_H

#include "DependencyGroups.h"

namespace nnopt {

/// A dimension of a constant with all ops that read it so.
struct SharedDim {
  mlir::Value weight;
  int64_t dim;
  SliceRole role;
  llvm::SmallVector<mlir::Operation *> users;
};

/// Groups of the same make, with slices of the same dimensions: the channels of a layer and of all that goes with them.
struct StructuredSet {
  enum Kind { Channels, Neurons, Heads };
  Kind kind;
  std::vector<const SharedDim *> dims;
  std::vector<int64_t> groups; ///< in the order of their first slices
  int64_t width = 1;           ///< outputs of one weight that a group takes, at most

  /// What a remark calls the layers: the names of those that make the slices.
  std::string names() const;
  /// Of the first of them.
  mlir::Location location() const;
};

/// The dimensions of constants, each once.
std::vector<SharedDim> sharedDims(const DependencyGroups &groups);

/// The sets of groups that have outputs of a float weight and that nothing pins.
std::vector<StructuredSet> findStructuredSets(DependencyGroups &groups, llvm::ArrayRef<SharedDim> dims);

/// Mean magnitude (mean square if `squares`) of the weights of each group of `set`, vectors left out.
std::vector<double> scoreGroups(const StructuredSet &set, DependencyGroups &groups, bool squares);

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_STRUCTUREDSETS_H
