//===- PlaneChains.h - convolutions that hand planes on ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_PLANECHAINS_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_PLANECHAINS_H

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace nnopt {

/// Where a plane has its image: the first position at `lead`, lines `pitch` apart.
struct PlaneFrame {
  int64_t pitch = 0, lead = 0, size = 0;
};

/// What a convolution that takes part in a chain reads and writes.
struct ChainLink {
  PlaneFrame frame; ///< of the whole chain
  bool readsPlanes = false, writesPlanes = false;
};

/// Finds the values that go as planes from one sparse convolution to the next: inputs of convolutions without stride, and operands of an epilogue
/// whose result is planes too. What is connected so has one frame, so that operands meet in vectors. Other uses of such a value need it in rows
/// besides, which pays if a convolution reads it as planes.
class PlaneChains {
public:
  /// `convs` will be `nnopt.sparse_conv`; each has planes (ConvPlanes).
  explicit PlaneChains(llvm::ArrayRef<ConvOp> convs);

  /// The part of `conv` in a chain, or nothing.
  std::optional<ChainLink> linkOf(ConvOp conv) const;
  /// True if this use of a value that is planes reads them.
  bool readsPlanes(mlir::OpOperand &use) const;

private:
  llvm::MapVector<mlir::Operation *, ConvOp> members;
  llvm::SetVector<mlir::Value> chained;
  llvm::EquivalenceClasses<void *> connected;
  llvm::DenseMap<void *, PlaneFrame> frames; ///< by the leader of what is connected

  bool canBePlanes(mlir::Value value) const;
  llvm::SmallVector<mlir::Value, 2> planesOf(ConvOp conv) const;
  void connect();
  void computeFrames();
  void *leaderOf(ConvOp conv) const;
};

/// The rows `[N, H, W, C]` of an image that lies as `frame` says in `planes`; `extents`: H and W.
mlir::Value createRows(mlir::OpBuilder &b, mlir::Value planes, const PlaneFrame &frame, llvm::ArrayRef<int64_t> extents);

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_PLANECHAINS_H
