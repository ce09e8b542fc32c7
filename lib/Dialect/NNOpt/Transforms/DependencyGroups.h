//===- DependencyGroups.h - slices that can only go together ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A slice is one index of one dimension of a tensor: an output channel, a neuron, an attention head, and the row or column of every weight that
// makes or reads it. Slices that must be removed together, or none of them, form a group: the channel of a convolution, that of the residual it is
// added to, the filter of the depthwise convolution after it, the columns of the linear layer that reads it flattened. Groups may also change
// places, all their slices alike; more of them can, as a norm does not care in which order its channels come.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_DEPENDENCYGROUPS_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_DEPENDENCYGROUPS_H

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/MapVector.h"

namespace nnopt {

/// What a dimension of a constant does in the op that reads it.
enum class SliceRole {
  Output, ///< counts what the op makes: rows of a linear weight, filters of a convolution, columns of an embedding
  Input,  ///< counts what the op sums over
  Along   ///< goes along with the slices of the op's input: biases, scales, depthwise filters
};

/// What is to be done with slices, which tells which of them can take part.
enum class SliceChange { Remove, Reorder };

/// The groups of a function. Ops that are not known, arguments and results of the function pin the groups that they touch.
class DependencyGroups {
public:
  /// A dimension of a constant, as one op reads it.
  struct WeightDim {
    mlir::Value weight;
    int64_t dim;
    SliceRole role;
    mlir::Operation *user;
  };

  explicit DependencyGroups(mlir::func::FuncOp function, SliceChange change = SliceChange::Remove);

  SliceChange change() const { return kind; }
  /// A number of slice `index`; dimensions of unknown extent have none: -1.
  int64_t sliceOf(mlir::Value value, int64_t dim, int64_t index);
  /// The group of slice `index`; dimensions of unknown extent have none: -1.
  int64_t groupOf(mlir::Value value, int64_t dim, int64_t index);

  int64_t count() const { return groups.size(); }
  /// The op that keeps `group` from being removed, or null.
  mlir::Operation *pinnedBy(int64_t group) const { return groups[group].pin; }
  /// True if `group` is a batch of a product of computed tensors, as the heads of attention are.
  bool isHead(int64_t group) const { return groups[group].isHead; }
  /// True if a product of two computed tensors sums over `group`.
  bool isSummed(int64_t group) const { return groups[group].isSummed; }
  llvm::ArrayRef<WeightDim> weightDims() const { return dims; }
  /// Two slices that a rule tied. Kept of a function that is to be reordered.
  struct Tie {
    int64_t rule, a, b;
  };
  llvm::ArrayRef<Tie> ties() const { return allTies; }

  // What the rules of the ops say.
  void tie(mlir::Operation *op, mlir::Value a, int64_t dimA, mlir::Value b, int64_t dimB);
  void tieSlices(mlir::Value a, int64_t dimA, int64_t indexA, mlir::Value b, int64_t dimB, int64_t indexB);
  void pin(mlir::Operation *op, mlir::Value value, int64_t dim);
  void pin(mlir::Operation *op, mlir::Value value);
  void markHeads(mlir::Value value, int64_t dim);
  void markSummed(mlir::Value value, int64_t dim);
  /// Notes the role, if `weight` is a constant.
  void addWeightDim(mlir::Value weight, int64_t dim, SliceRole role, mlir::Operation *user);

private:
  struct Group {
    int64_t parent;
    mlir::Operation *pin = nullptr;
    bool isHead = false, isSummed = false;
  };
  SliceChange kind;
  int64_t rule = 0; ///< number of the op whose rule is applied
  std::vector<Tie> allTies;
  std::vector<Group> groups;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<int64_t>> firstSlices; ///< by dimension; -1: extent unknown
  llvm::SmallVector<WeightDim> dims;

  int64_t find(int64_t slice);
  void unite(int64_t a, int64_t b);
};

/// Why the outputs of a layer stay as they are if `pin` pins them.
std::string describePin(mlir::Operation *pin, SliceChange change);

/// Ties and pins what `op` asks for (DependencyRules.cpp).
void applyDependencyRule(mlir::Operation *op, DependencyGroups &groups);

/// Gives every reader its own copy of small constants and empty tensors, which would tie layers that have nothing else in common.
void separateSmallConstants(mlir::func::FuncOp function);

/// Takes groups out of `removed` until every dimension keeps a slice.
void keepOneSlice(mlir::func::FuncOp function, DependencyGroups &groups, llvm::DenseSet<int64_t> &removed);

/// Removes groups: constants and results shrink, attributes follow. `groups` is not valid afterwards.
void removeGroups(mlir::func::FuncOp function, DependencyGroups &groups, const llvm::DenseSet<int64_t> &removed);

/// By value and dimension, the place from which the slice at each place comes.
using SliceMoves = llvm::MapVector<std::pair<mlir::Value, int64_t>, llvm::SmallVector<int64_t>>;

/// What it means that `set[order[i]]` takes the place of `set[i]` for every i.
class SliceOrder {
public:
  SliceOrder(DependencyGroups &groups, llvm::ArrayRef<int64_t> set, llvm::ArrayRef<int64_t> order);

  /// Where the slices of one dimension come from; empty if the groups have none there, nothing if they have not equally many.
  std::optional<llvm::SmallVector<int64_t>> sourcesOf(mlir::Value value, int64_t dim) const;
  /// All that moves. Nothing if an op would not find together again what it needs so.
  std::optional<SliceMoves> moves(mlir::func::FuncOp function) const;

private:
  DependencyGroups &groups;
  llvm::ArrayRef<int64_t> order;
  llvm::DenseMap<int64_t, int64_t> indexOf;
};

/// Moves the slices of constants. `groups` stays valid: places are tied as they were.
void moveSlices(const SliceMoves &moves);

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_DEPENDENCYGROUPS_H
