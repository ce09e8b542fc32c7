//===- FuseAttention.cpp - find scaled dot-product attention --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Starts at the product of probabilities and values and goes backwards: softmax, mask, scale, product of queries and keys. Transposes and
// scales on the way to the queries, keys and values are collected as a permutation and a factor; then the layout is chosen that needs the
// fewest transposes.
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "AttentionMatch.h"
#include "Layouts.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/RegionUtils.h"

namespace nnopt {
#define GEN_PASS_DEF_FUSEATTENTION
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

static constexpr remark::RemarkOpts kRemark = remark::RemarkOpts::name("attention").category("nnopt-fuse-attention");

// [batch, heads, sequence, size] <-> [batch, sequence, heads, size]
static constexpr int64_t kHeadMajor[] = {0, 1, 2, 3}, kSequenceMajor[] = {0, 2, 1, 3};

/// `value` with dimensions of extent 1 so that it has rank 4: heads are 1, and so is the batch below rank 3.
static Value asRank4(OpBuilder &b, Location loc, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getRank() == 4)
    return value;
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, value);
  OpFoldResult one = b.getIndexAttr(1);
  SmallVector<ReassociationIndices> groups;
  if (type.getRank() == 3) {
    sizes.insert(sizes.begin() + 1, one);
    groups = {{0}, {1, 2}, {3}};
  } else {
    sizes.insert(sizes.begin(), 2, one);
    groups = {{0, 1, 2}, {3}};
  }
  SmallVector<int64_t> shape;
  for (OpFoldResult size : sizes)
    shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
  auto rank4 = RankedTensorType::get(shape, type.getElementType());
  return tensor::ExpandShapeOp::create(b, loc, rank4, value, groups, sizes);
}

namespace {

/// The transposes of heads and sequence that read `value`, if nothing else does.
SmallVector<linalg::TransposeOp> readingTransposes(Value value) {
  SmallVector<linalg::TransposeOp> readers;
  for (Operation *user : value.getUsers()) {
    auto transpose = dyn_cast<linalg::TransposeOp>(user);
    if (!transpose || transpose.getPermutation() != ArrayRef<int64_t>(kSequenceMajor))
      return {};
    readers.push_back(transpose);
  }
  return readers;
}

class AttentionBuilder {
public:
  explicit AttentionBuilder(AttentionMatch &match) : match(match), b(match.output), loc(match.output.getLoc()) {}

  void run() {
    Value result = match.output.getResult();
    SmallVector<linalg::TransposeOp> readers = readingTransposes(result);
    int64_t rank = cast<RankedTensorType>(result.getType()).getRank();
    bool sequenceMajor = rank == 4 && count(kSequenceMajor) + readers.empty() < count(kHeadMajor) + !readers.empty();
    Value q = operand(match.query, sequenceMajor), k = operand(match.key, sequenceMajor), v = operand(match.value, sequenceMajor);
    auto type = cast<RankedTensorType>(q.getType());
    SmallVector<int64_t> shape(type.getShape());
    shape[3] = cast<RankedTensorType>(v.getType()).getDimSize(3);
    Value mask = match.mask ? maskOperand() : Value();
    auto attention = AttentionOp::create(b, loc, RankedTensorType::get(shape, type.getElementType()), q, k, v, mask, /*init=*/Value(),
                                         llvm::APFloat(static_cast<float>(match.scale)), /*causal=*/false, sequenceMajor);
    Value output = restoreRank(attention.getResult(), rank);
    if (sequenceMajor) {
      for (linalg::TransposeOp reader : readers)
        replace(reader, output);
      if (readers.empty())
        output = transposed(b, loc, output, kSequenceMajor);
    }
    if (!result.use_empty())
      result.replaceAllUsesWith(sameType(output, result.getType()));
    remark::passed(loc, kRemark) << remark::add("scale {0}, {1} mask, {2} major", match.scale, mask ? "one" : "no",
                                                sequenceMajor ? "sequence" : "head");
  }

private:
  AttentionMatch &match;
  OpBuilder b;
  Location loc;

  int64_t count(ArrayRef<int64_t> layout) {
    int64_t transposes = 0;
    for (const AttentionOperand *operand : {&match.query, &match.key, &match.value})
      transposes += ArrayRef<int64_t>(operand->permutation) != layout;
    return transposes;
  }

  Value operand(const AttentionOperand &operand, bool sequenceMajor) {
    SmallVector<int64_t> permutation(operand.permutation);
    if (sequenceMajor)
      std::swap(permutation[1], permutation[2]);
    Value value = operand.source;
    if (!llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size())))
      value = transposed(b, loc, value, permutation);
    return asRank4(b, loc, value);
  }

  /// The mask as [batch, heads, queries, keys], with extents of 1 where it repeats.
  Value maskOperand() {
    SmallVector<OpFoldResult> have = tensor::getMixedSizes(b, loc, match.mask), sizes;
    SmallVector<ReassociationIndices> groups(std::max<size_t>(have.size(), 1));
    size_t next = 0;
    for (int64_t dim = 0; dim < 4; ++dim) {
      bool isOwn = next < have.size() && match.maskDims[next] == dim;
      sizes.push_back(isOwn ? have[next] : b.getIndexAttr(1));
      // A dimension that the mask lacks joins the next one that it has, or the last one.
      groups[std::min(next, groups.size() - 1)].push_back(dim);
      next += isOwn;
    }
    if (have.size() == 4)
      return match.mask;
    SmallVector<int64_t> shape;
    for (OpFoldResult size : sizes)
      shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
    auto type = RankedTensorType::get(shape, cast<RankedTensorType>(match.mask.getType()).getElementType());
    if (have.empty())
      groups.clear();
    return tensor::ExpandShapeOp::create(b, loc, type, match.mask, groups, sizes);
  }

  Value restoreRank(Value value, int64_t rank) {
    if (rank == 4)
      return value;
    SmallVector<ReassociationIndices> groups =
        rank == 3 ? SmallVector<ReassociationIndices>{{0}, {1, 2}, {3}} : SmallVector<ReassociationIndices>{{0, 1, 2}, {3}};
    return tensor::CollapseShapeOp::create(b, loc, value, groups);
  }

  /// What is known about extents may differ.
  Value sameType(Value value, Type type) {
    return value.getType() == type ? value : Value(tensor::CastOp::create(b, loc, type, value));
  }

  void replace(linalg::TransposeOp reader, Value output) {
    reader->getResult(0).replaceAllUsesWith(sameType(output, reader->getResult(0).getType()));
    reader.erase();
  }
};

struct FuseAttention : nnopt::impl::FuseAttentionBase<FuseAttention> {
  void runOnOperation() override {
    SmallVector<MatmulOp> products;
    getOperation().walk([&](MatmulOp op) { products.push_back(op); });
    for (MatmulOp product : products) {
      AttentionMatch match;
      MatchResult result = matchAttention(product, match);
      if (result.isMatch) {
        AttentionBuilder(match).run();
        ++fusedOps;
      } else if (!result.reason.empty()) {
        remark::missed(product.getLoc(), kRemark) << remark::reason("{0}", result.reason);
      }
    }
    // What was matched is dead now.
    IRRewriter rewriter(&getContext());
    (void)runRegionDCE(rewriter, getOperation()->getRegions());
  }
};

} // namespace
