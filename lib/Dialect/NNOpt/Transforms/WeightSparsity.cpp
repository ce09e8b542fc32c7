//===- WeightSparsity.cpp - where the zeros of a weight are ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "WeightSparsity.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace nnopt;

static constexpr int64_t kBlockRows[] = {1, 4, 8, 16};
static constexpr int64_t kGroupSizes[] = {4, 8, 16};
// Zeros inside blocks that still count as the pattern: the last block of a column may be cut off, and a trained weight may be zero by chance.
static constexpr double kFilled = 0.95;

WeightMatrix WeightMatrix::of(const ConstantData &data, int64_t outputs, int64_t depth, bool isKn) {
  WeightMatrix result{outputs, depth, std::vector<float>(outputs * depth)};
  for (int64_t n = 0; n < outputs; ++n)
    for (int64_t k = 0; k < depth; ++k)
      std::memcpy(&result.values[n * depth + k], data.bytesAt(isKn ? k * outputs + n : n * depth + k).data(), sizeof(float));
  return result;
}

bool WeightMatrix::hasBlock(int64_t n, int64_t rows, int64_t k) const {
  for (int64_t i = n; i < std::min(n + rows, outputs); ++i)
    if (values[i * depth + k] != 0)
      return true;
  return false;
}

WeightSparsity::WeightSparsity(const WeightMatrix &weight) : elements(weight.outputs * weight.depth), nonzeros(0) {
  nonzeros = llvm::count_if(weight.values, [](float value) { return value != 0; });
  for (int64_t rows : kBlockRows) {
    int64_t count = 0;
    for (int64_t n = 0; n < weight.outputs; n += rows)
      for (int64_t k = 0; k < weight.depth; ++k)
        count += weight.hasBlock(n, rows, k);
    blocks.push_back({rows, count, count ? static_cast<double>(nonzeros) / (count * rows) : 1.0});
  }
  for (int64_t size : kGroupSizes) {
    int64_t most = 0;
    for (int64_t n = 0; n < weight.outputs; ++n)
      for (int64_t k = 0; k < weight.depth; k += size) {
        int64_t begin = n * weight.depth + k, end = begin + std::min(size, weight.depth - k), count = 0;
        for (int64_t i = begin; i < end; ++i)
          count += weight.values[i] != 0;
        most = std::max(most, count);
      }
    groups.push_back({size, most});
  }
}

std::string WeightSparsity::pattern() const {
  if (nonzeros == 0)
    return "all zero";
  if (nonzeros == elements)
    return "dense";
  for (const Blocks &found : llvm::reverse(blocks))
    if (found.rows > 1 && found.filled >= kFilled)
      return llvm::formatv("{0}x1 blocks", found.rows).str();
  for (const Groups &found : groups)
    if (found.most <= found.size / 2)
      return llvm::formatv("{0}:{1}", found.most, found.size).str();
  return "unstructured";
}
