//===- Scalar.h - arithmetic on one element ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bodies of elementwise ops and reductions, written once for all element types. Values are signless; the type of the ONNX element
// says whether integers have a sign.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_IMPORT_ONNX_SCALAR_H
#define NNOPT_LIB_IMPORT_ONNX_SCALAR_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

namespace nnopt::onnx {

/// `type` without its sign: what arith computes on.
mlir::Type signlessOf(mlir::Type type);

/// `value` seen as `type`, which may differ in sign only.
mlir::Value withSign(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value, mlir::Type type);

/// A scalar of any numeric type, converted from a double.
mlir::TypedAttr scalarAttr(mlir::Type type, double value);

struct Scalar {
  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Type type; ///< of the elements, with sign

  bool isFloat() const { return mlir::isa<mlir::FloatType>(type); }
  bool isBool() const { return type.isInteger(1); }
  bool isUnsigned() const { return type.isUnsignedInteger(); }

  mlir::Value constant(double value) const { return constant(type, value); }
  mlir::Value constant(mlir::Type type, double value) const;

  mlir::Value add(mlir::Value x, mlir::Value y) const;
  mlir::Value sub(mlir::Value x, mlir::Value y) const;
  mlir::Value mul(mlir::Value x, mlir::Value y) const;
  /// Integers round towards zero; x / 0 is 0.
  mlir::Value div(mlir::Value x, mlir::Value y) const;
  /// The sign of the dividend (C's fmod) or, for integers without `fmod`, of the divisor.
  mlir::Value rem(mlir::Value x, mlir::Value y, bool fmod) const;
  mlir::Value min(mlir::Value x, mlir::Value y) const;
  mlir::Value max(mlir::Value x, mlir::Value y) const;
  mlir::Value neg(mlir::Value x) const;
  mlir::Value abs(mlir::Value x) const;

  enum Predicate { EQ, NE, LT, LE, GT, GE };
  mlir::Value compare(Predicate predicate, mlir::Value x, mlir::Value y) const;
  mlir::Value select(mlir::Value condition, mlir::Value yes, mlir::Value no) const {
    return mlir::arith::SelectOp::create(b, loc, condition, yes, no);
  }
  mlir::Value logicalNot(mlir::Value x) const;

  /// `x`, of type `type`, converted to `to` as ONNX's Cast does: floats to integers towards zero, anything to bool by "is not zero".
  mlir::Value cast(mlir::Value x, mlir::Type to) const;
  /// The same arithmetic on another type.
  Scalar as(mlir::Type other) const { return Scalar{b, loc, other}; }
  /// An index as an element.
  mlir::Value fromIndex(mlir::Value index) const;
};

} // namespace nnopt::onnx

#endif // NNOPT_LIB_IMPORT_ONNX_SCALAR_H
