//===- WeightSparsity.h - where the zeros of a weight are -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_WEIGHTSPARSITY_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_WEIGHTSPARSITY_H

#include "NonzeroBits.h"

#include "nnopt/Dialect/NNOpt/IR/SparsityPattern.h"

namespace nnopt {

/// A weight as rows of outputs: element `k` of output `n` is `values[n * depth + k]`.
struct WeightMatrix {
  int64_t outputs = 0, depth = 0;
  std::vector<float> values;

  /// The constant `data`, of f32 or of integers that they hold, stored `[outputs][depth]` or, if `isKn`, `[depth][outputs]`.
  static WeightMatrix of(const ConstantData &data, int64_t outputs, int64_t depth, bool isKn);
  /// True if one of the `rows` outputs from `n` on (as far as they exist) is not zero at `k`.
  bool hasBlock(int64_t n, int64_t rows, int64_t k) const;
};

/// Exact counts of what a weight holds: the one place where zeros are counted.
struct WeightSparsity {
  explicit WeightSparsity(const WeightMatrix &weight);
  /// Of a weight that is several matrices, blocks and groups lie within one.
  WeightSparsity(const ConstantData &data, const WeightLayout &layout);

  int64_t elements = 0, nonzeros = 0;
  /// Blocks of consecutive outputs and inputs, aligned to their size, that are not all zero; how many elements these have, as far as they exist.
  struct Blocks {
    int64_t rows, columns, count, covered;
    double filled(int64_t nonzeros) const { return covered ? static_cast<double>(nonzeros) / covered : 1.0; }
  };
  llvm::SmallVector<Blocks> tiles;
  /// Those of one input, for kernels that store them.
  llvm::SmallVector<Blocks> blocks;
  /// Most elements that are not zero in a group of so many consecutive elements of one output's sum.
  struct Groups {
    int64_t size, most;
  };
  llvm::SmallVector<Groups> groups;
  /// Zeros in outputs, and in inputs, of which nothing is left.
  int64_t zerosInEmptyRows = 0, zerosInEmptyColumns = 0;

  int64_t zeros() const { return elements - nonzeros; }
  double zeroShare() const { return elements ? 1 - static_cast<double>(nonzeros) / elements : 0.0; }
  /// The strictest pattern that the zeros have.
  SparsityPattern best() const;
  /// The same in words: `4x1 blocks`, `2:4`, `unstructured`, `all zero`, ...
  std::string pattern() const;

private:
  int64_t shortestRow = 0;

  void start(int64_t inputs);
  void add(const NonzeroBits &matrix);
  void addEmpty(const NonzeroBits &matrix, int64_t matrices);
};

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_WEIGHTSPARSITY_H
