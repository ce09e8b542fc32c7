//===- SparseLevels.h - how sparse values are stored ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_DIALECT_NNOPT_IR_SPARSELEVELS_H
#define NNOPT_DIALECT_NNOPT_IR_SPARSELEVELS_H

#include "mlir/Dialect/SparseTensor/IR/SparseTensor.h"

namespace nnopt {

/// One level of what `sparse_tensor.assemble` makes. Coordinate number i is element `i * stride + offset` of its buffer.
struct SparseLevel {
  enum class Kind { Dense, Compressed, Singleton };
  Kind kind;
  int64_t size;
  bool isOrdered, isUnique;
  unsigned positions = 0, coordinates = 0; ///< which of the op's `levels`, if the kind has them
  int64_t stride = 1, offset = 0;
};

/// The levels, outermost first; nothing if one has a format that nnopt does not know (loose_compressed, structured, batch), or an extent that
/// is not static, or if levels are no dimensions and no blocks of them.
std::optional<llvm::SmallVector<SparseLevel>> sparseLevels(mlir::sparse_tensor::AssembleOp op);

/// The dimensions as functions of the levels; null if levels are no dimensions and no blocks of them. Upstream's own map is right only where all
/// dimensions have blocks (MLIR 22).
mlir::AffineMap levelsToDims(mlir::sparse_tensor::SparseTensorEncodingAttr encoding);

/// The number of levels from `first` on whose coordinates belong to the same entries: a compressed level and the singleton ones after it.
size_t countChain(llvm::ArrayRef<SparseLevel> levels, size_t first);

/// True for a tensor with a sparse encoding.
bool isSparse(mlir::Type type);

/// The dense tensor of the same shape.
mlir::RankedTensorType withoutEncoding(mlir::Type type);

} // namespace nnopt

#endif // NNOPT_DIALECT_NNOPT_IR_SPARSELEVELS_H
