//===- NonzeroBits.h - where a matrix is not zero ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_NONZEROBITS_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_NONZEROBITS_H

#include "PrunableLayers.h"

namespace nnopt {

/// One bit per element of a matrix, set where it is not zero. -0 is zero; NaN and infinity are not. Every row begins a word.
class NonzeroBits {
public:
  static constexpr int64_t kWord = 64;

  NonzeroBits(int64_t rows, int64_t columns)
      : numRows(rows), numColumns(columns), stride(llvm::divideCeil(columns, kWord)), words(rows * stride) {}
  /// One matrix of outputs and inputs of a weight.
  NonzeroBits(const ConstantData &data, const WeightLayout &layout, int64_t matrix);

  int64_t rows() const { return numRows; }
  int64_t columns() const { return numColumns; }
  int64_t wordsPerRow() const { return stride; }
  llvm::ArrayRef<uint64_t> row(int64_t r) const { return llvm::ArrayRef(words).slice(r * stride, stride); }
  void set(int64_t r, int64_t c) { words[r * stride + c / kWord] |= uint64_t(1) << c % kWord; }
  bool at(int64_t r, int64_t c) const { return words[r * stride + c / kWord] >> c % kWord & 1; }
  /// Whether a row has a bit at all.
  bool any(int64_t r) const {
    return llvm::any_of(row(r), [](uint64_t word) { return word != 0; });
  }
  /// The rows two by two, each pair as one.
  NonzeroBits pairs() const;
  /// Adds the bits of `other`, of the same size.
  NonzeroBits &operator|=(const NonzeroBits &other);
  /// Sets the bits of `bits` in row `r` from column `first` on.
  void place(int64_t r, llvm::ArrayRef<uint64_t> bits, int64_t first);
  /// Sets those of `other`, of as many rows.
  void place(const NonzeroBits &other, int64_t first);
  int64_t count() const;
  int64_t count(int64_t r) const;

private:
  int64_t numRows, numColumns, stride;
  std::vector<uint64_t> words;
};

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_NONZEROBITS_H
