//===- PermutedWeight.cpp - a pruned weight in slots ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A window begins at the first element that any output of the block row still has to give, and every output gives its next element that
// lies inside. No way has fewer slots: some window must hold that first element, and of what is left none that does reaches further. It
// needs 1.8 times the slots that full ones would at 90 % zeros in no order, where windows at multiples of 16 need 2.5.
//===----------------------------------------------------------------------===//

#include "PermutedWeight.h"

#include "nnopt/Cost/Linear.h"

using namespace mlir;
using namespace nnopt;

PermutePackAttr nnopt::panelPack(MLIRContext *context, int64_t outputs, int64_t depth) {
  return PermutePackAttr::get(context, outputs, depth, kPanelRows, kPanelWindow);
}

PermutedWeight::PermutedWeight(const WeightMatrix &weight, PermutePackAttr pack) {
  int64_t rows = pack.getRows(), window = pack.getWindow(), depth = weight.depth;
  for (int64_t first = 0; first < weight.outputs; first += rows) {
    starts.push_back(columns.size());
    int64_t count = std::min(rows, weight.outputs - first);
    auto next = [&](int64_t row, int64_t from) {
      const float *sum = &weight.values[(first + row) * depth];
      return std::find_if(sum + from, sum + depth, [](float value) { return value != 0; }) - sum;
    };
    std::vector<int64_t> at;
    for (int64_t row = 0; row < count; ++row)
      at.push_back(next(row, 0));
    for (int64_t begin; (begin = *std::min_element(at.begin(), at.end())) < depth;) {
      begin = std::min(begin, depth - window); // a window does not reach beyond the sum
      columns.push_back(begin);
      for (int64_t row = 0; row < rows; ++row) {
        bool gives = row < count && at[row] < begin + window && at[row] < depth;
        values.push_back(gives ? weight.values[(first + row) * depth + at[row]] : 0.0f);
        indices.push_back(gives ? at[row] - begin : 0);
        if (gives)
          at[row] = next(row, at[row] + 1);
      }
    }
  }
  starts.push_back(columns.size());
  if (columns.empty())
    columns.push_back(0), values.resize(rows), indices.resize(rows);
}

SmallVector<Value> PermutedWeight::create(OpBuilder &b, Value original, PermutePackAttr pack) const {
  int64_t lists = starts.size();
  return createParts(b, original, {{".values", {slots(), pack.getRows()}, b.getF32Type(), values},
                                   {".indices", {slots(), pack.getRows()}, b.getI8Type(), indices},
                                   {".columns", {slots()}, b.getI32Type(), columns},
                                   {".starts", {lists}, b.getI32Type(), starts}});
}
