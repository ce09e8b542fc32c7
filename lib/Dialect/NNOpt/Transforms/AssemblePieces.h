//===- AssemblePieces.h - tensors that are written in pieces ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A padded or a concatenated tensor is a chain of `tensor.insert_slice` of disjoint pieces into an empty tensor or a frame of padding. The
// pieces of a chain are marked, because only they may change places.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_ASSEMBLEPIECES_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_ASSEMBLEPIECES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace nnopt {

/// Marks insertions of disjoint pieces until placePieces is done.
inline constexpr llvm::StringLiteral kPieceAttr = "nnopt.piece";

/// Gives convolutions with packed weights padded inputs instead of pads. Convolutions of one input share the padded one.
void padConvolutions(mlir::func::FuncOp function);

/// Writes `tensor.pad` by a constant and `tensor.concat` as marked chains.
void splitIntoPieces(mlir::func::FuncOp function);

/// Lets the producers of marked pieces write into the tensor that they are inserted in, where they come early enough. Removes
/// the marks. Returns how many producers do.
unsigned placePieces(mlir::func::FuncOp function);

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_ASSEMBLEPIECES_H
