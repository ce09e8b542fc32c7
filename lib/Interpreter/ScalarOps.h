//===- ScalarOps.h - the table of scalar operations -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_INTERPRETER_SCALAROPS_H
#define NNOPT_LIB_INTERPRETER_SCALAROPS_H

#include "nnopt/Support/Scalar.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace nnopt::interpreter {

/// The operands of one scalar operation, and the types that decide how it rounds.
struct ScalarCall {
  const Scalar *slots;
  const unsigned *arguments; ///< indices of slots
  ScalarType type;           ///< of the result
  ScalarType from;           ///< of the first operand
  int64_t immediate;         ///< the predicate of a comparison

  Scalar operand(unsigned i) const { return slots[arguments[i]]; }
  double real(unsigned i) const { return operand(i).f; }
  int64_t integer(unsigned i) const { return operand(i).i; }
  uint64_t natural(unsigned i) const { return unsignedOf(from, operand(i).i); }

  Scalar rounded(double value) const { return fromFloat(roundTo(type, value)); }
  Scalar wrapped(int64_t value) const { return fromInteger(wrapTo(type, value)); }
};

using ScalarFunction = Scalar (*)(const ScalarCall &);

/// One operation of arith or math: a function per result.
struct ScalarOp {
  llvm::StringLiteral name;
  ScalarFunction function;
  ScalarFunction second = nullptr;
};

/// The rows of the two dialects.
llvm::ArrayRef<ScalarOp> arithOps();
llvm::ArrayRef<ScalarOp> mathOps();

/// The row of the op of this name, or null.
const ScalarOp *findScalarOp(llvm::StringRef name);

} // namespace nnopt::interpreter

#endif // NNOPT_LIB_INTERPRETER_SCALAROPS_H
