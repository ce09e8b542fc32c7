//===- Operators.h - the table of operators ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each operator family has a file with its functions and its rows; onnxOperatorTable, the documentation and the
// importer read the rows.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_IMPORT_ONNX_OPERATORS_H
#define NNOPT_LIB_IMPORT_ONNX_OPERATORS_H

#include "nnopt/Import/ONNX.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace nnopt::onnx {

class OpContext;

inline constexpr int kAnyNumber = 1 << 20;

/// How one operator is imported, for the versions `since` to `until` of its domain. The first `minInputs` inputs are always there.
struct Operator {
  llvm::StringLiteral name;
  int64_t since;
  int minInputs, maxInputs;
  void (*import)(OpContext &);
  llvm::StringLiteral notes = ""; ///< what is not supported
  int64_t until = kNewestOpset;
  llvm::StringLiteral domain = "";
};

llvm::ArrayRef<Operator> elementwiseOperators();
llvm::ArrayRef<Operator> activationOperators();
llvm::ArrayRef<Operator> constantOperators();
llvm::ArrayRef<Operator> shapeOperators();
llvm::ArrayRef<Operator> productOperators();
llvm::ArrayRef<Operator> windowOperators();
llvm::ArrayRef<Operator> normOperators();
llvm::ArrayRef<Operator> reduceOperators();
llvm::ArrayRef<Operator> layoutOperators();
llvm::ArrayRef<Operator> indexingOperators();
llvm::ArrayRef<Operator> resizeOperators();
llvm::ArrayRef<Operator> quantizedOperators();
llvm::ArrayRef<Operator> scatterOperators();
llvm::ArrayRef<Operator> lossOperators();

/// The row for `name` at this version. Null if there is none; then `why` says what is missing.
const Operator *findOperator(llvm::StringRef domain, llvm::StringRef name, int64_t opset, std::string &why);

} // namespace nnopt::onnx

#endif // NNOPT_LIB_IMPORT_ONNX_OPERATORS_H
