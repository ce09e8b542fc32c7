//===- ShapeMath.h - arithmetic on extents ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Extents are attributes where static and index values where they depend on the inputs' shapes. Equal expressions give the same
// value, so comparing values compares extents; everything computed here dominates the ops that use it.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_IMPORT_ONNX_SHAPEMATH_H
#define NNOPT_LIB_IMPORT_ONNX_SHAPEMATH_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"

#include "llvm/ADT/DenseSet.h"

namespace nnopt::onnx {

using Extents = llvm::SmallVector<mlir::OpFoldResult>;
using ExtentsRef = llvm::ArrayRef<mlir::OpFoldResult>;

class ShapeMath {
public:
  /// Emits after `anchor`, which must stay in the entry block before every op of the model.
  explicit ShapeMath(mlir::Operation *anchor) : anchor(anchor), ctx(anchor->getContext()) {}

  mlir::OpFoldResult constant(int64_t value) const { return mlir::Builder(ctx).getIndexAttr(value); }
  Extents constants(llvm::ArrayRef<int64_t> values) const;

  /// The value, if it is known now.
  static std::optional<int64_t> get(mlir::OpFoldResult x);
  /// Whether `x` is known to be `value`.
  static bool is(mlir::OpFoldResult x, int64_t value) { return get(x) == value; }
  /// kDynamic where unknown.
  static llvm::SmallVector<int64_t> staticShape(ExtentsRef extents);

  mlir::OpFoldResult add(mlir::OpFoldResult x, mlir::OpFoldResult y);
  mlir::OpFoldResult sub(mlir::OpFoldResult x, mlir::OpFoldResult y);
  mlir::OpFoldResult mul(mlir::OpFoldResult x, mlir::OpFoldResult y);
  /// Rounds down. Division by zero gives zero.
  mlir::OpFoldResult floorDiv(mlir::OpFoldResult x, mlir::OpFoldResult y);
  mlir::OpFoldResult ceilDiv(mlir::OpFoldResult x, mlir::OpFoldResult y);
  mlir::OpFoldResult min(mlir::OpFoldResult x, mlir::OpFoldResult y);
  mlir::OpFoldResult max(mlir::OpFoldResult x, mlir::OpFoldResult y);
  /// `x`, or `x + extent` if it is negative.
  mlir::OpFoldResult fromEnd(mlir::OpFoldResult x, mlir::OpFoldResult extent);

  mlir::OpFoldResult apply(mlir::AffineExpr expr, ExtentsRef operands) {
    return apply(mlir::AffineMap::get(operands.size(), 0, expr), operands);
  }
  mlir::OpFoldResult apply(mlir::AffineMap map, ExtentsRef operands);
  mlir::OpFoldResult affineMin(mlir::AffineMap map, ExtentsRef operands);

  /// The product of all of `extents`.
  mlir::OpFoldResult product(ExtentsRef extents);
  /// `total / part` if `part` divides it whatever the symbols are, else rounded down.
  mlir::OpFoldResult quotient(ExtentsRef total, ExtentsRef part);

  /// Marks an extent of an input: not negative, and a factor of products.
  void addSymbol(mlir::Value value) { symbols.insert(value); }
  bool isSymbol(mlir::OpFoldResult x) const;
  /// Takes two extents for equal, as a broadcast does. What that asks of the symbols is kept, for a call to check.
  void requireEqual(mlir::OpFoldResult x, mlir::OpFoldResult y);
  struct Requirement {
    mlir::Value symbol, equals; ///< `equals` may be null
    int64_t least = 0, most = std::numeric_limits<int64_t>::max();
  };
  llvm::ArrayRef<Requirement> requirements() const { return required; }
  /// Marks extents of a tensor, which are not negative.
  void addExtents(ExtentsRef extents);
  /// True if `x` cannot be negative. Extents are not; other values only where their formula shows it.
  bool isNonNegative(mlir::OpFoldResult x) const;

  /// Moves scalar ops (on operands that ShapeMath made) to where they dominate everything, folding and sharing them.
  mlir::OpFoldResult lift(mlir::Operation *op, llvm::ArrayRef<mlir::OpFoldResult> operands);

  /// As an SSA value of index type (of the attribute's type for other scalars).
  mlir::Value asValue(mlir::OpFoldResult x);

  /// A builder at the first place where all of `operands` are known.
  mlir::OpBuilder builderAfter(ExtentsRef operands);

  /// A constant factor times values; equal extents have equal monomials.
  struct Monomial {
    int64_t factor = 1;
    llvm::SmallVector<mlir::Value> values; ///< sorted
    bool operator==(const Monomial &other) const { return factor == other.factor && values == other.values; }
  };
  Monomial monomial(ExtentsRef extents) const;

private:
  llvm::SmallVector<Requirement> required;
  mlir::Operation *anchor;
  mlir::MLIRContext *ctx;
  llvm::DenseSet<mlir::Value> symbols, nonNegative;
  llvm::SmallVector<mlir::Operation *> emitted;
  llvm::DenseMap<mlir::Value, Monomial> products;

  mlir::Location loc() const { return anchor->getLoc(); }
  /// `op`, or an equal op emitted before; then `op` is erased.
  mlir::Value share(mlir::Value value);
};

} // namespace nnopt::onnx

#endif // NNOPT_LIB_IMPORT_ONNX_SHAPEMATH_H
