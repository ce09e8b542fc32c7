//===- NonzeroBits.cpp - where a matrix is not zero -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "NonzeroBits.h"

#include "llvm/ADT/bit.h"

#include <cstring>

using namespace mlir;
using namespace nnopt;

/// Reads one matrix of elements of `Word`'s size; those without a bit of `mask` are zero.
template <typename Word>
static void readBits(const ConstantData &data, const WeightLayout &layout, int64_t matrix, uint64_t mask, NonzeroBits &bits) {
  // An element that is stored once stands for all.
  const char *base = data.bytesAt(0).data();
  int64_t width = data.size() > 1 ? data.bytesAt(1).data() - base : 0, first = layout.at(matrix, 0, 0);
  auto visit = [&](int64_t o, int64_t i) {
    Word word;
    std::memcpy(&word, base + (first + o * layout.outputStride + i * layout.inputStride) * width, sizeof(word));
    if (word & static_cast<Word>(mask))
      bits.set(o, i);
  };
  // In the order of memory.
  if (layout.outputStride < layout.inputStride)
    for (int64_t i = 0; i < layout.inputs; ++i)
      for (int64_t o = 0; o < layout.outputs; ++o)
        visit(o, i);
  else
    for (int64_t o = 0; o < layout.outputs; ++o)
      for (int64_t i = 0; i < layout.inputs; ++i)
        visit(o, i);
}

NonzeroBits::NonzeroBits(const ConstantData &data, const WeightLayout &layout, int64_t matrix) : NonzeroBits(layout.outputs, layout.inputs) {
  if (data.size() == 0)
    return;
  Type element = data.type.getElementType();
  unsigned width = element.getIntOrFloatBitWidth();
  uint64_t mask = ~uint64_t(0) >> (64 - llvm::alignTo(width, 8));
  if (isa<FloatType>(element)) // the sign of a zero does not count
    mask >>= 1;
  auto *read = &readBits<uint64_t>;
  switch (data.bytesAt(0).size()) {
  case 1:
    read = &readBits<uint8_t>;
    break;
  case 2:
    read = &readBits<uint16_t>;
    break;
  case 4:
    read = &readBits<uint32_t>;
    break;
  }
  read(data, layout, matrix, mask, *this);
}

NonzeroBits NonzeroBits::pairs() const {
  NonzeroBits result(llvm::divideCeil(numRows, 2), numColumns);
  for (int64_t r = 0; r < numRows; ++r)
    for (int64_t w = 0; w < stride; ++w)
      result.words[r / 2 * stride + w] |= words[r * stride + w];
  return result;
}

NonzeroBits &NonzeroBits::operator|=(const NonzeroBits &other) {
  for (size_t w = 0; w < words.size(); ++w)
    words[w] |= other.words[w];
  return *this;
}

void NonzeroBits::place(int64_t r, ArrayRef<uint64_t> bits, int64_t first) {
  int64_t shift = first % kWord;
  for (auto [w, word] : llvm::enumerate(bits)) {
    uint64_t *to = &words[r * stride + first / kWord + w];
    *to |= word << shift;
    if (shift != 0 && word >> (kWord - shift))
      to[1] |= word >> (kWord - shift);
  }
}

void NonzeroBits::place(const NonzeroBits &other, int64_t first) {
  for (int64_t r = 0; r < other.numRows; ++r)
    place(r, other.row(r), first);
}

static int64_t countBits(ArrayRef<uint64_t> words) {
  int64_t count = 0;
  for (uint64_t word : words)
    count += llvm::popcount(word);
  return count;
}

int64_t NonzeroBits::count() const { return countBits(words); }

int64_t NonzeroBits::count(int64_t r) const { return countBits(row(r)); }
