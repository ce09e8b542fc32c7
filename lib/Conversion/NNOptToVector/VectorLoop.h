//===- VectorLoop.h - loops over the vectors of a row -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_VECTORLOOP_H
#define NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_VECTORLOOP_H

#include "KernelBuilder.h"

namespace nnopt {

/// Code for the vectors that start at `starts`. `mask` is null where they are whole; a partial vector comes alone.
using VectorBody = llvm::function_ref<void(llvm::ArrayRef<mlir::Value> starts, mlir::Value mask)>;

/// Runs `body` over [0, count) in vectors of `lanes`, `unroll` at a time as long as there are so many.
void forVectors(KernelBuilder &k, mlir::Value count, int64_t lanes, int64_t unroll, VectorBody body);

/// The same with running values: as many vectors at a time as there are values. Returns the values at the end.
using VectorFold = llvm::function_ref<mlir::Value(mlir::Value running, mlir::Value start, mlir::Value mask)>;
llvm::SmallVector<mlir::Value> foldVectors(KernelBuilder &k, mlir::Value count, int64_t lanes,
                                           llvm::ArrayRef<mlir::Value> running, VectorFold fold);

/// Loads and stores of elements as they are in memory (a boolean is a byte). Lanes outside `mask` (may be null) are 0.
mlir::Value loadElements(KernelBuilder &k, mlir::Type element, int64_t lanes, mlir::Value pointer, mlir::Value mask);
mlir::Value loadElement(KernelBuilder &k, mlir::Type element, mlir::Value pointer);
void storeElements(KernelBuilder &k, mlir::Value value, mlir::Value pointer, mlir::Value mask);

/// True if vectors of `element` can be loaded, stored and computed with.
bool isVectorElement(const Isa &isa, mlir::Type element);

/// Sum, product, maximum, ... of two values; and the value that changes nothing.
mlir::Value combine(KernelBuilder &k, mlir::vector::CombiningKind kind, mlir::Value x, mlir::Value y);
mlir::Value neutral(KernelBuilder &k, mlir::vector::CombiningKind kind, mlir::Type type);
/// The larger of two floats, where NaN need not be passed on: one instruction.
mlir::Value larger(KernelBuilder &k, mlir::Value x, mlir::Value y);
/// All values and lanes combined to a scalar.
mlir::Value combineLanes(KernelBuilder &k, mlir::vector::CombiningKind kind, mlir::ValueRange vectors);

/// Splits [0, count) of the last of `outer` dimensions into work items of `chunk`.
/// `body` gets the coordinates of the first row of an item and the number of rows.
void parallelChunks(KernelBuilder &k, llvm::ArrayRef<mlir::Value> outer, int64_t chunk,
                    llvm::function_ref<void(llvm::ArrayRef<mlir::Value> first, mlir::Value count)> body);

/// Rows per work item such that an item is about `grain` elements; `row` is the length of a row, if known.
int64_t rowsPerItem(mlir::Value row, int64_t grain);

} // namespace nnopt

#endif // NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_VECTORLOOP_H
