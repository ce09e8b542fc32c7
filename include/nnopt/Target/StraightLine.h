//===- StraightLine.h - sums of products as straight-line code --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the zeros of a weight are is known when its model is compiled, so a product with it can be code without loops and indices: for each
// input one load, and for each weight that is not zero one instruction, `sum += input * broadcast [weight]`. This library encodes
// such code to bytes. It takes 0.4 us per weight, where LLVM's code generator takes 180; the bytes need no relocation.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_TARGET_STRAIGHTLINE_H
#define NNOPT_TARGET_STRAIGHTLINE_H

#include "nnopt/Target/Isa.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <vector>

namespace nnopt {

/// sums[sum] += value * the vector of 16 f32 at the input.
struct StraightProduct {
  uint32_t sum;
  float value;
};

/// A vector that is loaded once, from `offset` bytes behind the function's `x`, and what is multiplied with it.
struct StraightInput {
  int64_t offset;
  llvm::SmallVector<StraightProduct, 4> products;
};

/// The code of one function: up to kStraightSums sums of vectors, in registers from their first product to their last.
struct StraightGroup {
  uint32_t sums;
  bool accumulates; ///< begins with the sums that are in memory, not with zero
  std::vector<StraightInput> inputs;
};

/// What the loop over tiles adds to the pointers, and where sums are stored, in bytes.
struct StraightLayout {
  int64_t xStep;   ///< from the inputs of a tile to those of the next
  int64_t sumStep; ///< from the sums of a tile to those of the next
  int64_t sumPitch; ///< from a sum to the next of the same tile
  int64_t tiles = 1; ///< tiles of most calls: a function asks for the next one's bytes in as many parts
};

/// Sums of a function: with two registers for inputs, they fill the 32 of AVX-512.
inline constexpr uint32_t kStraightSums = 30;
/// Products of a function at most: 40 KiB of code stay in the caches for instructions.
inline constexpr int64_t kStraightProducts = 4000;

/// Functions, one after the other, and their weights in the order in which they are read.
///
///     void function(const float *x, const float *values, float *sums, int64_t tiles /* at least 1 */)
///
/// Function i begins at byte `entries[i]` of `code`; its `values` are at element `firstValues[i]`.
struct StraightCode {
  llvm::SmallVector<char, 0> code;
  std::vector<float> values;
  std::vector<uint32_t> entries, firstValues;
};

/// Attribute on a global with `nnopt.value`: its bytes are functions, which the object holds in an executable section.
inline constexpr llvm::StringLiteral kCodeAttr = "nnopt.code";

/// True if encodeStraightLine has code for the instruction set.
bool hasStraightLine(const Isa &isa);

/// Encodes the groups. Fails if LLVM was built without the target, or offsets do not fit in 31 bits.
llvm::Expected<StraightCode> encodeStraightLine(const Isa &isa, const StraightLayout &layout, llvm::ArrayRef<StraightGroup> groups);

} // namespace nnopt

#endif // NNOPT_TARGET_STRAIGHTLINE_H
