//===- Attention.cpp - scaled dot-product attention -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Elements.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include <algorithm>

using namespace mlir;
using namespace nnopt;
using namespace nnopt::interpreter;

namespace {
/// An operand of [batch, heads, sequence, size], in either order of the middle two.
struct Heads {
  Elements<double> data;
  int64_t batch, heads, sequence, size;
  int64_t batchStride, headStride, sequenceStride;

  Heads(const HostTensor &tensor, bool sequenceMajor) : data(tensor) {
    ArrayRef<int64_t> shape = tensor.shape();
    SmallVector<int64_t> strides = stridesOf(shape);
    batch = shape[0], heads = shape[sequenceMajor ? 2 : 1], sequence = shape[sequenceMajor ? 1 : 2], size = shape[3];
    batchStride = strides[0], headStride = strides[sequenceMajor ? 2 : 1],
    sequenceStride = strides[sequenceMajor ? 1 : 2];
  }
  int64_t row(int64_t b, int64_t h, int64_t s) const { return b * batchStride + h * headStride + s * sequenceStride; }
};

/// The mask, broadcast to [batch, heads, queries, keys].
struct Mask {
  Elements<double> data;
  SmallVector<int64_t> strides;

  explicit Mask(const HostTensor &tensor) : data(tensor), strides(stridesOf(tensor.shape())) {
    for (auto [stride, extent] : llvm::zip_equal(strides, tensor.shape()))
      stride = extent == 1 ? 0 : stride;
  }
  double at(int64_t b, int64_t h, int64_t q, int64_t k) const {
    return data[b * strides[0] + h * strides[1] + q * strides[2] + k * strides[3]];
  }
};
} // namespace

static LogicalResult verifyExtents(AttentionOp op, const Heads &q, const Heads &k, const Heads &v,
                                   const HostTensor *mask) {
  if (failed(expectExtent(op, "elements in every key", q.size, k.size)) ||
      failed(expectExtent(op, "values", k.sequence, v.sequence)) ||
      failed(expectExtent(op, "value heads", k.heads, v.heads)) ||
      failed(expectExtent(op, "key batches", q.batch, k.batch)) ||
      failed(expectExtent(op, "value batches", q.batch, v.batch)))
    return failure();
  if (k.heads == 0 ? q.heads != 0 : q.heads % k.heads != 0)
    return op.emitOpError("cannot share ") << k.heads << " key heads among " << q.heads << " query heads";
  if (!mask)
    return success();
  int64_t scores[] = {q.batch, q.heads, q.sequence, k.sequence};
  for (auto [extent, got] : llvm::zip_equal(scores, mask->shape()))
    if (got != 1 && failed(expectExtent(op, "elements in a dimension of the mask", extent, got)))
      return failure();
  return success();
}

/// One query of one head: weights of the keys, then the weighted sum of the values.
static void attend(AttentionOp op, const Heads &q, const Heads &k, const Heads &v, const Mask *mask, int64_t b,
                   int64_t h, int64_t i, std::vector<double> &weights, std::vector<double> &result) {
  int64_t shared = h / (q.heads / k.heads), visible = op.getCausal() ? std::min(k.sequence, i + 1) : k.sequence;
  double scale = op.getScale().convertToFloat(), top = -INFINITY, sum = 0;
  for (int64_t j = 0; j < visible; ++j) {
    weights[j] = scale * dot(q.data + q.row(b, h, i), k.data + k.row(b, shared, j), q.size);
    if (mask)
      weights[j] += mask->at(b, h, i, j);
    top = weights[j] > top || std::isnan(weights[j]) ? weights[j] : top;
  }
  std::fill(result.begin(), result.end(), 0.0);
  for (int64_t j = 0; j < visible; ++j) {
    double weight = std::exp(weights[j] - top);
    sum += weight;
    for (int64_t d = 0; d < v.size; ++d)
      result[d] += weight * v.data[v.row(b, shared, j) + d];
  }
  for (double &element : result)
    element /= sum;
}

static LogicalResult runAttention(Frame &, AttentionOp op, OpCall &call) {
  bool sequenceMajor = op.getSequenceMajor();
  Heads q(call.tensor(op.getQuery()), sequenceMajor), k(call.tensor(op.getKey()), sequenceMajor),
      v(call.tensor(op.getValue()), sequenceMajor);
  const HostTensor *maskTensor = op.getMask() ? &call.tensor(op.getMask()) : nullptr;
  if (failed(verifyExtents(op, q, k, v, maskTensor)))
    return failure();
  std::optional<Mask> mask;
  if (maskTensor)
    mask.emplace(*maskTensor);
  SmallVector<int64_t> shape(call.tensor(op.getQuery()).shape());
  shape[3] = v.size;
  FailureOr<HostTensor> output = call.allocateResult(shape);
  if (failed(output))
    return failure();
  char *bytes = output->mutableBytes();
  std::vector<double> weights(k.sequence), result(v.size);
  SmallVector<int64_t> strides = stridesOf(shape);
  LogicalResult status = forEachIndex({q.batch, q.heads, q.sequence}, [&](ArrayRef<int64_t> at) {
    attend(op, q, k, v, mask ? &*mask : nullptr, at[0], at[1], at[2], weights, result);
    int64_t row = at[0] * strides[0] + at[1] * strides[sequenceMajor ? 2 : 1] + at[2] * strides[sequenceMajor ? 1 : 2];
    for (auto [d, element] : llvm::enumerate(result))
      storeScalar(output->type(), bytes, row + d, fromFloat(element));
    return success();
  });
  return failed(status) ? failure() : call.yield(std::move(*output));
}

void interpreter::addAttention(HandlerTable &table) { table.add<AttentionOp, runAttention>(); }
