//===- Slices.h - parts of tensors ------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_INTERPRETER_SLICES_H
#define NNOPT_LIB_INTERPRETER_SLICES_H

#include "Frame.h"

namespace nnopt::interpreter {

/// Elements `offset + i * stride` for i below `size`, in each dimension.
struct Slice {
  llvm::SmallVector<int64_t> offsets, sizes, strides;

  /// Fails, naming the numbers, if an element is outside a tensor of `shape`.
  mlir::LogicalResult verify(mlir::Operation *op, llvm::ArrayRef<int64_t> shape) const;

  /// Calls `body` with the position of every element in the whole tensor and in the slice.
  void forEach(llvm::ArrayRef<int64_t> shape, llvm::function_ref<void(int64_t whole, int64_t part)> body) const;
};

/// Writes `source` into the slice of `target`.
mlir::LogicalResult insertSlice(mlir::Operation *op, const Slice &slice, const HostTensor &source, HostTensor &target);

} // namespace nnopt::interpreter

#endif // NNOPT_LIB_INTERPRETER_SLICES_H
