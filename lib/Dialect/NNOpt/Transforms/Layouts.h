//===- Layouts.h - transposes between channels first and last ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_LAYOUTS_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_LAYOUTS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"

namespace nnopt {

/// The permutation of a transpose from `[N, spatial..., C]` to `[N, C, spatial...]`.
llvm::SmallVector<int64_t> toChannelsFirst(int64_t rank);

/// The permutation of a transpose from `[N, C, spatial...]` to `[N, spatial..., C]`.
llvm::SmallVector<int64_t> toChannelsLast(int64_t rank);

/// Element `permutation[i]` of `list` at `i`.
template <typename T>
llvm::SmallVector<T> permuted(llvm::ArrayRef<T> list, llvm::ArrayRef<int64_t> permutation) {
  return llvm::map_to_vector(permutation, [&](int64_t i) { return list[i]; });
}

/// `type` with its dimensions permuted.
mlir::RankedTensorType permutedType(mlir::Type type, llvm::ArrayRef<int64_t> permutation);

/// A `linalg.transpose` of `value`.
mlir::Value transposed(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value, llvm::ArrayRef<int64_t> permutation);

/// What `value` is the channels-first transpose of, or null.
mlir::Value channelsLastSource(mlir::Value value);

/// True if `op` transposes `[N, C, spatial...]` to `[N, spatial..., C]`.
bool isToChannelsLast(mlir::Operation *op);

/// Patterns that move transposes to channels first behind their readers, where that adds none.
void populateSinkTransposes(mlir::RewritePatternSet &patterns);

/// The pattern among these that handles `linalg.generic`.
void populateSinkThroughGenerics(mlir::RewritePatternSet &patterns);

/// Patterns that remove transposes which only move extents of 1, and those between a flatten and a constant weight.
void populateRemoveTransposes(mlir::RewritePatternSet &patterns);

/// Whether moving `joining` transposes and `added` new ones behind `op` leaves no more of them than there are.
bool paysToSink(mlir::Operation *op, int64_t joining, int64_t added);

/// `value`, which is channels first, as channels last: the source of its transpose, a permuted constant, or a new transpose.
mlir::Value asChannelsLast(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value);

/// True if `asChannelsLast` would make a new transpose.
bool needsTranspose(mlir::Value value);

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_LAYOUTS_H
