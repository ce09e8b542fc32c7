//===- Tensor.h - what the importer knows of a value ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_IMPORT_ONNX_TENSOR_H
#define NNOPT_LIB_IMPORT_ONNX_TENSOR_H

#include "Constants.h"

#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/Value.h"

namespace nnopt::onnx {

/// Tensors of up to this many elements are followed element by element.
inline constexpr int64_t kMostEntries = 128;

/// One ONNX value. At least one of `value`, `constant` and `entries` is set; `value` is created when an op needs it.
struct Tensor {
  llvm::StringRef name;
  mlir::RankedTensorType type;
  /// One per dimension: an attribute where static, else the index value that all tensors of this extent share.
  llvm::SmallVector<mlir::OpFoldResult> extents;
  mlir::Value value;
  std::optional<Constant> constant;
  /// The elements of a small tensor that are known as scalars: attributes, or index values computed from extents.
  /// Integers are of index type whatever the element type is; floats and bools are of theirs.
  std::optional<llvm::SmallVector<mlir::OpFoldResult>> entries;

  /// The integer constant that this was cast from, if it was: weights stored in 8 bits may be scaled by plain nodes.
  Tensor *castFrom = nullptr;

  int64_t rank() const { return type.getRank(); }
  int64_t dim(int64_t i) const { return type.getDimSize(i); }
  llvm::ArrayRef<int64_t> shape() const { return type.getShape(); }
  mlir::Type elementType() const { return type.getElementType(); }
  bool isFloat() const { return mlir::isa<mlir::FloatType>(elementType()); }
  bool isBool() const { return elementType().isInteger(1); }
  bool hasOneElement() const { return type.hasStaticShape() && type.getNumElements() == 1; }
};

} // namespace nnopt::onnx

#endif // NNOPT_LIB_IMPORT_ONNX_TENSOR_H
