//===- Gemm.h - matrix products in registers --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Everything that is a sum of products runs through one form: rows (any number of dimensions, the last one tiled), columns, and a
// reduction (any number of dimensions, the last one contiguous in A). A convolution is this form with strides that overlap:
//
//   C[r..., n] = epilogue(sum over t, k of A[r..., t, k] * B[r..., t, k, n] + bias[r..., n], operands[r..., n]...)
//
// Gemm.cpp cuts it into work items and tiles, GemmTile.cpp chooses the tile, GemmKernel.cpp emits the tile's function.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_GEMM_H
#define NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_GEMM_H

#include "KernelBuilder.h"

namespace nnopt {

/// How an operand is reached from the row dimensions. Strides count elements.
struct RowAccess {
  mlir::Value pointer;
  llvm::SmallVector<mlir::Value> strides; ///< one per row dimension
  bool alongColumns = true;               ///< consecutive columns are consecutive elements; else all columns read the same one
  bool contiguous = false;                ///< stride[i] == stride[i + 1] * extent[i + 1] although it may not be constant
  mlir::Type element = {};                ///< null: f32
};

struct GemmProblem {
  mlir::Operation *op; ///< for names, locations and the module

  llvm::SmallVector<mlir::Value> rows;         ///< extents of the row dimensions
  mlir::Value columns;                         ///< N
  llvm::SmallVector<mlir::Value> depths;       ///< extents of the reduction, outer to inner
  llvm::SmallVector<mlir::Value> depthStrides; ///< of A; the last is 1

  RowAccess a, b, c;
  std::optional<RowAccess> bias;

  /// A and B are i8, sums and bias i32; B is in panels `[N / 16][depth / 4][16][4]`. Else all are f32.
  bool isInteger = false;
  /// No element of an integer B is -128.
  bool isNarrow = false;
  /// B is in panels of 16 columns, `[N / 16][depth][16]`; else its rows are `bRow` elements apart.
  bool packed = true;
  mlir::Value bRow;

  mlir::Region *epilogue = nullptr; ///< null or empty: none
  llvm::SmallVector<RowAccess> operands;
};

/// The type of an operand's elements.
mlir::Type elementOf(KernelBuilder &k, const RowAccess &access);

/// Gives the problem a row dimension if it has none, and joins neighbouring ones that all operands walk evenly.
void joinRows(KernelBuilder &k, GemmProblem &problem);

/// Address of (`outer`..., row, column) in an operand.
mlir::Value addressOf(KernelBuilder &k, const RowAccess &access, llvm::ArrayRef<mlir::Value> outer, mlir::Value row,
                      mlir::Value column);

/// Bias (may be null) and epilogue of a vector of sums. `operands`: addresses of the epilogue operands in the row and at the first column;
/// `loadColumns` loads as many columns of elements of a type as the vector has.
mlir::Value finishSum(KernelBuilder &k, const GemmProblem &problem, mlir::Value sum, mlir::Value bias,
                      llvm::ArrayRef<mlir::Value> operands,
                      llvm::function_ref<mlir::Value(mlir::Value, mlir::Type)> loadColumns);

/// Columns of a panel of packed weights.
inline constexpr int64_t kPanel = 16;

/// Rows and vectors of columns whose sums are held in registers.
struct GemmTile {
  int64_t rows, vectors;
  int64_t lastWidth; ///< lanes of the last vector
};

/// The tile of `rows` rows and `columns` columns. A last vector that is at most half used may be a narrow one.
GemmTile tileOf(const Isa &isa, int64_t rows, int64_t columns);
/// The same for products of integers, whose vectors are all whole.
GemmTile integerTileOf(const Isa &isa, int64_t rows, int64_t columns);
/// The tile of integers with the fewest instructions per product.
GemmTile chooseIntegerTile(const Isa &isa, std::optional<int64_t> rows, bool isNarrow);
/// Lanes of the vector to take for `columns` columns, which one vector holds.
int64_t narrowestVector(const Isa &isa, int64_t columns);

/// The tile with the least estimated time. `rows`, `columns`: static extents, or nullopt. `rowStride`: A's, in elements, if static.
GemmTile chooseGemmTile(const Isa &isa, std::optional<int64_t> rows, std::optional<int64_t> columns,
                        std::optional<int64_t> rowStride, bool packed);

/// A call of the kernel for one tile.
struct GemmTileCall {
  GemmTile tile;
  mlir::Value lastLanes;               ///< valid columns of the last vector; null if all are
  mlir::Value a, b, c, bias;           ///< addresses of the tile; bias may be null
  mlir::Value aRow, cRow;              ///< strides
  mlir::Value panelStride;             ///< elements of a panel, if packed
  llvm::SmallVector<mlir::Value> operands, operandRows; ///< of the epilogue
  bool accumulate = false;             ///< adds to what C holds
};
void emitGemmTile(KernelBuilder &k, const GemmProblem &problem, const GemmTileCall &call);

/// Emits the whole product, split over threads.
void emitGemm(KernelBuilder &k, GemmProblem problem);
/// Emits the whole product in place, for use inside a work item. C is added to if `accumulate`.
void emitGemmSerial(KernelBuilder &k, GemmProblem problem, bool accumulate = false);

/// True if the epilogue is none, or can be computed on vectors: of f32, or of i32 sums and operands of f32 and bytes.
bool isVectorEpilogue(mlir::Region &epilogue);

} // namespace nnopt

#endif // NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_GEMM_H
