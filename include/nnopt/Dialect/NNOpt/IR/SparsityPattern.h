//===- SparsityPattern.h - where zeros may be -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_DIALECT_NNOPT_IR_SPARSITYPATTERN_H
#define NNOPT_DIALECT_NNOPT_IR_SPARSITYPATTERN_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace nnopt {

/// Which elements of a weight become zero together.
struct SparsityPattern {
  enum Kind {
    Unstructured, ///< any element
    Block,        ///< blocks of `rows` outputs and `columns` inputs
    NM,           ///< all but `kept` of every `group` inputs in a row, for each output
    Rows,         ///< whole outputs, with all taps
    Columns       ///< whole inputs, with all taps
  };
  Kind kind = Unstructured;
  int64_t rows = 1, columns = 1;
  int64_t kept = 0, group = 0;

  /// Reads "unstructured", "4x1", "2:4", "rows" (also "channels" or "neurons") or "columns"; fails with a message that names what is wrong.
  static llvm::Expected<SparsityPattern> parse(llvm::StringRef text);

  std::string str() const;
};

} // namespace nnopt

#endif // NNOPT_DIALECT_NNOPT_IR_SPARSITYPATTERN_H
