//===- Layouts.cpp - transposes between channels first and last -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Layouts.h"

#include "ConstantData.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cstring>

using namespace mlir;
using namespace nnopt;

SmallVector<int64_t> nnopt::toChannelsFirst(int64_t rank) {
  SmallVector<int64_t> permutation{0, rank - 1};
  llvm::append_range(permutation, llvm::seq<int64_t>(1, rank - 1));
  return permutation;
}

SmallVector<int64_t> nnopt::toChannelsLast(int64_t rank) {
  SmallVector<int64_t> permutation{0};
  llvm::append_range(permutation, llvm::seq<int64_t>(2, rank));
  permutation.push_back(1);
  return permutation;
}

RankedTensorType nnopt::permutedType(Type type, ArrayRef<int64_t> permutation) {
  auto tensor = cast<RankedTensorType>(type);
  return RankedTensorType::get(permuted(tensor.getShape(), permutation), tensor.getElementType());
}

Value nnopt::transposed(OpBuilder &b, Location loc, Value value, ArrayRef<int64_t> permutation) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, value);
  Type element = cast<RankedTensorType>(value.getType()).getElementType();
  Value init = tensor::EmptyOp::create(b, loc, permuted(ArrayRef(sizes), permutation), element);
  return linalg::TransposeOp::create(b, loc, value, init, permutation)->getResult(0);
}

Value nnopt::channelsLastSource(Value value) {
  auto op = value.getDefiningOp<linalg::TransposeOp>();
  int64_t rank = op ? op.getPermutation().size() : 0;
  return rank >= 3 && op.getPermutation() == ArrayRef<int64_t>(toChannelsFirst(rank)) ? op.getInput() : Value();
}

bool nnopt::isToChannelsLast(Operation *op) {
  auto transpose = dyn_cast<linalg::TransposeOp>(op);
  int64_t rank = transpose ? transpose.getPermutation().size() : 0;
  return rank >= 3 && transpose.getPermutation() == ArrayRef<int64_t>(toChannelsLast(rank));
}

bool nnopt::paysToSink(Operation *op, int64_t joining, int64_t added) {
  bool cancels = llvm::any_of(op->getUsers(), isToChannelsLast);
  bool remains = !llvm::all_of(op->getUsers(), isToChannelsLast) || op->use_empty();
  return joining > 0 && added + remains <= joining + cancels;
}

bool nnopt::needsTranspose(Value value) { return !channelsLastSource(value) && !ConstantData::of(value); }

/// A constant with its dimensions permuted.
static Value permutedConstant(OpBuilder &b, Value value, const ConstantData &data, ArrayRef<int64_t> permutation) {
  RankedTensorType type = permutedType(data.type, permutation);
  SmallVector<int64_t> strides(data.type.getRank(), 1);
  for (int64_t d = data.type.getRank() - 1; d > 0; --d)
    strides[d - 1] = strides[d] * data.type.getDimSize(d);
  SmallVector<int64_t> from = permuted(ArrayRef<int64_t>(strides), permutation), at(type.getRank(), 0);
  WeightOp weight = createWeight(b, value.getLoc(), weightNameOf(value), type, [&](MutableArrayRef<char> bytes) {
    int64_t source = 0, width = bytes.size() / std::max<int64_t>(data.size(), 1);
    for (int64_t i = 0; i < data.size(); ++i) {
      std::memcpy(&bytes[i * width], data.bytesAt(source).data(), width);
      for (int64_t d = type.getRank() - 1; d >= 0; --d) {
        source += from[d];
        if (++at[d] < type.getDimSize(d))
          break;
        source -= from[d] * type.getDimSize(d);
        at[d] = 0;
      }
    }
  });
  // Blocks and N:M are of outputs and inputs, wherever they lie.
  return carrySparsity(value, weight);
}

Value nnopt::asChannelsLast(OpBuilder &b, Location loc, Value value) {
  if (Value source = channelsLastSource(value))
    return source;
  SmallVector<int64_t> permutation = toChannelsLast(cast<RankedTensorType>(value.getType()).getRank());
  if (std::optional<ConstantData> data = ConstantData::of(value))
    return permutedConstant(b, value, *data, permutation);
  return transposed(b, loc, value, permutation);
}
