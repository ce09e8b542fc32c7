//===- LoopEmitter.h - a small language for plain loops ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads and writes buffers one element at a time and converts between element types on the way. What the portable lowerings are
// written in.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_CONVERSION_NNOPTTOLOOPS_LOOPEMITTER_H
#define NNOPT_LIB_CONVERSION_NNOPTTOLOOPS_LOOPEMITTER_H

#include "../NNOptToVector/KernelBuilder.h"

namespace nnopt {

class LoopEmitter : public KernelBuilder {
public:
  using KernelBuilder::KernelBuilder;
  using Coordinates = llvm::ArrayRef<mlir::Value>;

  mlir::Value extent(mlir::Value memref, int64_t dim);
  llvm::SmallVector<mlir::Value> extents(mlir::Value memref);

  /// The type that sums of `element` are formed in: f32 for half precision, at least i32 for integers.
  mlir::Type accumulatorType(mlir::Type element);
  /// The type of the sums of an op with this epilogue, which may convert them to the elements of `destination`.
  mlir::Type accumulatorType(mlir::Region &epilogue, mlir::Value destination);

  /// `PackAttr::position` in the first group, of values.
  mlir::Value positionInPanels(PackAttr pack, mlir::Value n, mlir::Value k);

  /// Element of a buffer as a value of type `as`. Signed and unsigned storage extends as its type says, signless as signed.
  mlir::Value read(mlir::Value memref, Coordinates at, mlir::Type as);
  /// Stores `value`, converted to the buffer's element type.
  void write(mlir::Value value, mlir::Value memref, Coordinates at);
  mlir::Value convert(mlir::Value value, mlir::Type to, bool isUnsigned = false);

  mlir::Value zeroOf(mlir::Type type) { return zero(type); }
  /// sum + x * y, of floats or integers.
  mlir::Value multiplyAdd(mlir::Value x, mlir::Value y, mlir::Value sum);
  mlir::Value plus(mlir::Value x, mlir::Value y);
  mlir::Value maximum(mlir::Value x, mlir::Value y, bool isUnsigned = false);
  mlir::Value exp(mlir::Value x);

  /// `body` for all coordinates of the space `extents`, outer dimensions split over threads.
  void forEach(llvm::ArrayRef<mlir::Value> extents, llvm::function_ref<void(Coordinates)> body);
  /// `body` for all coordinates, in order.
  void nest(llvm::ArrayRef<mlir::Value> extents, llvm::function_ref<void(Coordinates)> body);
  /// Carries values through a loop nest.
  using FoldBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(Coordinates, mlir::ValueRange)>;
  llvm::SmallVector<mlir::Value> fold(llvm::ArrayRef<mlir::Value> extents, mlir::ValueRange initial, FoldBody body);
  /// Carries one value.
  mlir::Value fold(llvm::ArrayRef<mlir::Value> extents, mlir::Value initial,
                   llvm::function_ref<mlir::Value(Coordinates, mlir::Value)> body);

  /// `initial` plus the products of output `n` with what `read` gives for the elements of its sum.
  mlir::Value foldBlocks(const SparseConstants &lists, mlir::Value n, mlir::Value initial, llvm::function_ref<mlir::Value(mlir::Value)> read);

  /// `then` if `condition`, else `otherwise`.
  llvm::SmallVector<mlir::Value> guarded(mlir::Value condition, mlir::ValueRange otherwise,
                                         llvm::function_ref<llvm::SmallVector<mlir::Value>()> then);
  mlir::Value both(mlir::Value x, mlir::Value y);
  /// 0 <= position < extent.
  mlir::Value inside(mlir::Value position, mlir::Value extent);

  /// A buffer with static contiguous elements as one dimension; null if it is not one.
  mlir::Value flat(mlir::Value memref);

  /// Applies an epilogue to `sum` and stores it at `at`.
  void finish(mlir::Value sum, mlir::Region &epilogue, mlir::ValueRange operands,
              std::optional<mlir::ArrayAttr> maps, mlir::Value destination, Coordinates at);

private:
  void nest(llvm::ArrayRef<mlir::Value> extents, llvm::SmallVector<mlir::Value> &at,
            llvm::function_ref<void(Coordinates)> body);
  llvm::SmallVector<mlir::Value> fold(llvm::ArrayRef<mlir::Value> extents, mlir::ValueRange initial,
                                      llvm::SmallVector<mlir::Value> &at, FoldBody body);
};

/// Lowerings of one op each; they emit at the builder's position and leave the op in place. Fail with a diagnostic.
mlir::LogicalResult lowerToLoops(LinearOp op, LoopEmitter &e);
mlir::LogicalResult lowerToLoops(TileRowsOp op, LoopEmitter &e);
mlir::LogicalResult lowerToLoops(SparseLinearOp op, LoopEmitter &e);
mlir::LogicalResult lowerToLoops(PermuteLinearOp op, LoopEmitter &e);
mlir::LogicalResult lowerToLoops(ImagePlanesOp op, LoopEmitter &e);
mlir::LogicalResult lowerToLoops(SparseConvOp op, LoopEmitter &e);
mlir::LogicalResult lowerToLoops(MatmulOp op, LoopEmitter &e);
mlir::LogicalResult lowerToLoops(ConvOp op, LoopEmitter &e);
mlir::LogicalResult lowerToLoops(ConvTransposeOp op, LoopEmitter &e);
mlir::LogicalResult lowerToLoops(PoolOp op, LoopEmitter &e);
mlir::LogicalResult lowerToLoops(AttentionOp op, LoopEmitter &e);
mlir::LogicalResult lowerToLoops(SoftmaxOp op, LoopEmitter &e);
mlir::LogicalResult lowerToLoops(NormalizeOp op, LoopEmitter &e);
mlir::LogicalResult lowerToLoops(GatherOp op, LoopEmitter &e);

} // namespace nnopt

#endif // NNOPT_LIB_CONVERSION_NNOPTTOLOOPS_LOOPEMITTER_H
