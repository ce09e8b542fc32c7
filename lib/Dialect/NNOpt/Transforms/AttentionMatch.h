//===- AttentionMatch.h - the parts of an attention -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_ATTENTIONMATCH_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_ATTENTIONMATCH_H

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

namespace nnopt {

/// Queries, keys or values: `source` transposed by `permutation` has the dimensions (batch, heads,) sequence, size.
struct AttentionOperand {
  mlir::Value source;
  llvm::SmallVector<int64_t> permutation;
};

struct AttentionMatch {
  MatmulOp output;
  AttentionOperand query, key, value;
  double scale = 1;
  /// Added to the scores, or null. Its dimensions are, in order, `maskDims` of (batch, heads, queries, keys).
  mlir::Value mask;
  llvm::SmallVector<int64_t> maskDims;
};

/// `reason` is empty if `output` does not look like an attention at all.
struct MatchResult {
  bool isMatch;
  llvm::StringRef reason;
};

/// Matches an attention whose last op is `output`. Creates no ops but the mask that stands for a selection.
MatchResult matchAttention(MatmulOp output, AttentionMatch &match);

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_ATTENTIONMATCH_H
