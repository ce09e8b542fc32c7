//===- AttentionMatch.cpp - the parts of an attention ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "AttentionMatch.h"

#include "ConstantData.h"
#include "Elementwise.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;
using namespace nnopt;

/// Adding this to a score leaves nothing of it: scores are far smaller in magnitude than its unit in the last place.
static constexpr double kMasked = -1e30;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// The operand of an elementwise op that `inner`, its only op, reads as its own element; null if `element` is something else.
static OpOperand *ownElement(linalg::GenericOp op, Value element) {
  OpOperand *operand = operandOf(op, element);
  auto type = typeOf(op.getResult(0));
  bool isOwn = operand && typeOf(operand->get()).getRank() == type.getRank() &&
               readsOwnElement(op.getMatchingIndexingMap(operand), typeOf(operand->get()).getShape()) &&
               typeOf(operand->get()).getShape() == type.getShape();
  return isOwn ? operand : nullptr;
}

/// If `value` is `source` times a constant, multiplies it into `scale` and returns `source`.
static Value peelScale(Value value, double &scale) {
  auto op = value.getDefiningOp<linalg::GenericOp>();
  Operation *inner = op ? singleBodyOp(op) : nullptr;
  if (!isa_and_nonnull<arith::MulFOp, arith::DivFOp>(inner))
    return {};
  for (unsigned i : {0u, 1u}) {
    OpOperand *source = ownElement(op, inner->getOperand(i));
    std::optional<double> factor = numberOf(op, inner->getOperand(1 - i));
    if (!source || !factor)
      continue;
    if (isa<arith::DivFOp>(inner)) {
      if (i != 0 || *factor == 0)
        return {};
      factor = 1 / *factor;
    }
    if (!std::isfinite(*factor) || !std::isfinite(static_cast<float>(scale * *factor)))
      return {};
    scale *= *factor;
    return source->get();
  }
  return {};
}

/// Heads collapsed into the batch, the last two dimensions swapped, heads restored: how some exporters write a swap. Returns the source.
static Value peelBatchedSwap(Value value) {
  auto expand = value.getDefiningOp<tensor::ExpandShapeOp>();
  auto swap = expand ? expand.getSrc().getDefiningOp<linalg::TransposeOp>() : linalg::TransposeOp();
  if (!swap || swap.getPermutation() != ArrayRef<int64_t>{0, 2, 1})
    return {};
  auto collapse = swap.getInput().getDefiningOp<tensor::CollapseShapeOp>();
  SmallVector<ReassociationIndices> heads{{0, 1}, {2}, {3}};
  if (!collapse || collapse.getReassociationIndices() != heads || expand.getReassociationIndices() != heads)
    return {};
  // The batch and the heads must be split as they were: one of the extents decides the other.
  ArrayRef<int64_t> before = typeOf(collapse.getSrc()).getShape(), after = typeOf(value).getShape();
  bool isSame = (before[0] == after[0] && !ShapedType::isDynamic(before[0])) ||
                (before[1] == after[1] && !ShapedType::isDynamic(before[1]));
  return isSame ? collapse.getSrc() : Value();
}

/// Goes through transposes, and through scales if `scale` is given.
static AttentionOperand peelOperand(Value value, bool swapLast, double *scale) {
  int64_t rank = typeOf(value).getRank();
  SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (swapLast)
    std::swap(permutation[rank - 2], permutation[rank - 1]);
  while (true) {
    if (auto transpose = value.getDefiningOp<linalg::TransposeOp>()) {
      for (int64_t &dim : permutation)
        dim = transpose.getPermutation()[dim];
      value = transpose.getInput();
    } else if (Value source = peelBatchedSwap(value)) {
      for (int64_t &dim : permutation)
        dim = dim == 2 ? 3 : dim == 3 ? 2 : dim;
      value = source;
    } else if (Value source = scale ? peelScale(value, *scale) : Value()) {
      value = source;
    } else {
      return {value, permutation};
    }
  }
}

namespace {

class AttentionMatcher {
public:
  AttentionMatcher(MatmulOp output, AttentionMatch &match) : output(output), match(match) {}

  MatchResult run() {
    if (!isPlain(output) || output.getTransposeLhs())
      return {false, ""};
    bool hasGuard = false;
    SoftmaxOp softmax = findSoftmax(hasGuard);
    if (!softmax)
      return {false, ""};
    Value scores = softmax.getInput();
    if (StringRef reason = peelScores(scores); !reason.empty())
      return {false, reason};
    auto product = scores.getDefiningOp<MatmulOp>();
    if (!product || !isPlain(product) || product.getTransposeLhs())
      return {false, "the scores are no plain product of queries and keys"};
    if (!scores.hasOneUse() || !softmax.getResult().hasNUses(hasGuard ? 2 : 1))
      return {false, "the scores or the probabilities have another reader"};
    if (hasGuard && match.mask && !isFinite(match.mask))
      return {false, "NaN is replaced by zero and the mask may be infinite"};
    match.output = output;
    match.query = peelOperand(product.getLhs(), /*swapLast=*/false, &match.scale);
    match.key = peelOperand(product.getRhs(), /*swapLast=*/!product.getTransposeRhs(), &match.scale);
    match.value = peelOperand(output.getRhs(), /*swapLast=*/output.getTransposeRhs(), /*scale=*/nullptr);
    if (StringRef reason = checkShapes(product); !reason.empty())
      return {false, reason};
    if (selection)
      makeSelectionMask();
    return {true, ""};
  }

private:
  MatmulOp output;
  AttentionMatch &match;
  /// Selects scores or a number: the mask is a copy of it that selects zero or the number.
  linalg::GenericOp selection;
  bool selectsScoresIfTrue = false;

  static bool isPlain(MatmulOp op) {
    return !op.getInit() && op.getEpilogue().empty() && isa<FloatType>(typeOf(op.getResult()).getElementType());
  }

  /// The softmax over the keys that makes the probabilities; through a selection of 0 where they are NaN.
  SoftmaxOp findSoftmax(bool &hasGuard) {
    Value probabilities = output.getLhs();
    if (auto guard = probabilities.getDefiningOp<linalg::GenericOp>()) {
      probabilities = peelNaNGuard(guard);
      hasGuard = true;
    }
    auto softmax = probabilities ? probabilities.getDefiningOp<SoftmaxOp>() : SoftmaxOp();
    bool isOverKeys = softmax && !softmax.getInit() && !softmax.getLog() &&
                      static_cast<int64_t>(softmax.getAxis()) == typeOf(probabilities).getRank() - 1;
    return isOverKeys ? softmax : SoftmaxOp();
  }

  /// select(isnan(p), 0, p), with the comparison in an op of its own.
  static Value peelNaNGuard(linalg::GenericOp guard) {
    auto select = dyn_cast_or_null<arith::SelectOp>(singleBodyOp(guard));
    OpOperand *kept = select ? ownElement(guard, select.getFalseValue()) : nullptr;
    OpOperand *condition = select ? ownElement(guard, select.getCondition()) : nullptr;
    if (!kept || !condition || numberOf(guard, select.getTrueValue()) != 0.0)
      return {};
    auto test = condition->get().getDefiningOp<linalg::GenericOp>();
    auto compare = test ? dyn_cast_or_null<arith::CmpFOp>(singleBodyOp(test)) : arith::CmpFOp();
    bool isNaNTest = compare && compare.getLhs() == compare.getRhs() &&
                     (compare.getPredicate() == arith::CmpFPredicate::UNO || compare.getPredicate() == arith::CmpFPredicate::UNE);
    OpOperand *tested = isNaNTest ? ownElement(test, compare.getLhs()) : nullptr;
    return tested && tested->get() == kept->get() ? kept->get() : Value();
  }

  /// Goes from the softmax's input to the product, collecting mask and scale; returns why that fails.
  StringRef peelScores(Value &scores) {
    while (auto op = scores.getDefiningOp<linalg::GenericOp>()) {
      if (!scores.hasOneUse())
        return "the scores or the probabilities have another reader";
      if (Value source = peelScale(scores, match.scale)) {
        scores = source;
        continue;
      }
      if (match.scale != 1)
        return "the mask is scaled";
      if (match.mask || selection)
        return "more than one term is added to the scores";
      Operation *inner = singleBodyOp(op);
      Value source = isa_and_nonnull<arith::AddFOp>(inner)      ? peelAddition(op, inner)
                     : isa_and_nonnull<arith::SelectOp>(inner) ? peelSelection(op, cast<arith::SelectOp>(inner))
                                                               : Value();
      if (!source)
        return "the scores are no product with a scale and a mask";
      scores = source;
    }
    return "";
  }

  Value peelAddition(linalg::GenericOp op, Operation *add) {
    for (unsigned i : {0u, 1u}) {
      OpOperand *source = ownElement(op, add->getOperand(i)), *mask = operandOf(op, add->getOperand(1 - i));
      if (!source || !mask || !comesFromProduct(source->get()) || !setMask(mask->get(), op.getMatchingIndexingMap(mask)))
        continue;
      return source->get();
    }
    return {};
  }

  /// Of two full-size terms, the scores are the one that a product makes.
  static bool comesFromProduct(Value value) {
    double ignored = 1;
    while (Value source = peelScale(value, ignored))
      value = source;
    return value.getDefiningOp<MatmulOp>() || value.getDefiningOp<linalg::GenericOp>();
  }

  Value peelSelection(linalg::GenericOp op, arith::SelectOp select) {
    OpOperand *condition = operandOf(op, select.getCondition());
    for (bool ifTrue : {true, false}) {
      OpOperand *source = ownElement(op, ifTrue ? select.getTrueValue() : select.getFalseValue());
      std::optional<double> other = numberOf(op, ifTrue ? select.getFalseValue() : select.getTrueValue());
      if (!condition || !source || !other || !(*other <= kMasked) || !setMask(condition->get(), op.getMatchingIndexingMap(condition)))
        continue;
      selection = op;
      selectsScoresIfTrue = ifTrue;
      return source->get();
    }
    return {};
  }

  /// Takes `mask`, read through `map`, if its dimensions are some of the scores' in their order.
  bool setMask(Value mask, AffineMap map) {
    int64_t rank = map.getNumDims();
    SmallVector<int64_t> dims;
    for (auto [i, result] : llvm::enumerate(map.getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(result);
      // An extent of 1 that is read at 0 may stand for any dimension that is still free; NumPy aligns the last ones.
      int64_t position = dim ? dim.getPosition() : rank - static_cast<int64_t>(map.getNumResults()) + static_cast<int64_t>(i);
      if (!dim && typeOf(mask).getDimSize(i) != 1)
        return false;
      // Scores of rank 3 lack the heads, those of rank 2 the batch too.
      dims.push_back(rank == 4 ? position : position + 4 - rank == 1 ? 0 : position + 4 - rank);
    }
    if (!llvm::is_sorted(dims) || std::adjacent_find(dims.begin(), dims.end()) != dims.end() || (!dims.empty() && dims.front() < 0))
      return false;
    match.mask = mask;
    match.maskDims = dims;
    return true;
  }

  /// A mask of 0 where the scores are selected, and the number elsewhere.
  void makeSelectionMask() {
    OpBuilder b(output);
    auto select = cast<arith::SelectOp>(singleBodyOp(selection));
    double number = *numberOf(selection, selectsScoresIfTrue ? select.getFalseValue() : select.getTrueValue());
    Type element = select.getType();
    Value condition = match.mask;
    int64_t rank = typeOf(condition).getRank();
    Location loc = selection.getLoc();
    Value init = tensor::EmptyOp::create(b, loc, tensor::getMixedSizes(b, loc, condition), element);
    AffineMap identity = b.getMultiDimIdentityMap(rank);
    SmallVector<utils::IteratorType> loops(rank, utils::IteratorType::parallel);
    auto emit = [&](OpBuilder &inner, Location loc, ValueRange args) {
      auto constant = [&](double value) -> Value {
        return arith::ConstantOp::create(inner, loc, inner.getFloatAttr(element, value));
      };
      Value ifTrue = constant(selectsScoresIfTrue ? 0.0 : number), ifFalse = constant(selectsScoresIfTrue ? number : 0.0);
      linalg::YieldOp::create(inner, loc, arith::SelectOp::create(inner, loc, args[0], ifTrue, ifFalse).getResult());
    };
    match.mask = linalg::GenericOp::create(b, loc, TypeRange{init.getType()}, ValueRange{condition}, ValueRange{init},
                                           ArrayRef<AffineMap>{identity, identity}, loops, emit)
                     .getResult(0);
  }

  /// True if every element of the mask is known to be finite: a selection between finite numbers, or constant.
  bool isFinite(Value mask) const {
    if (selection) {
      auto select = cast<arith::SelectOp>(singleBodyOp(selection));
      return std::isfinite(*numberOf(selection, selectsScoresIfTrue ? select.getFalseValue() : select.getTrueValue()));
    }
    if (auto op = mask.getDefiningOp<linalg::GenericOp>()) {
      auto select = dyn_cast_or_null<arith::SelectOp>(singleBodyOp(op));
      return select && std::isfinite(numberOf(op, select.getTrueValue()).value_or(NAN)) &&
             std::isfinite(numberOf(op, select.getFalseValue()).value_or(NAN));
    }
    std::optional<ConstantData> data = ConstantData::of(mask);
    for (int64_t i = 0, e = data ? data->size() : 0; i < e; ++i)
      if (!std::isfinite(data->at(i)))
        return false;
    return data.has_value();
  }

  /// Extents as the op wants them: no broadcast of the batch; heads may share keys.
  StringRef checkShapes(MatmulOp product) {
    ArrayRef<int64_t> q = typeOf(product.getLhs()).getShape(), k = typeOf(product.getRhs()).getShape(),
                      v = typeOf(output.getRhs()).getShape();
    if (q.size() < 2 || q.size() > 4 || k.size() != q.size() || v.size() != q.size())
      return "queries, keys and values are not all of rank 2, 3 or 4";
    if (k.drop_back(2) != v.drop_back(2))
      return "keys and values differ in batch or heads";
    if (q.size() > 2 && q[0] != k[0])
      return "queries and keys differ in the batch";
    if (q.size() == 4 && q[1] != k[1] && (k[1] != 1 || ShapedType::isDynamic(q[1])))
      return "queries and keys differ in the heads";
    Type element = typeOf(product.getLhs()).getElementType();
    if (typeOf(match.query.source).getElementType() != element || typeOf(match.key.source).getElementType() != element ||
        typeOf(match.value.source).getElementType() != element)
      return "queries, keys and values differ in their element type";
    return "";
  }
};

} // namespace

MatchResult nnopt::matchAttention(MatmulOp output, AttentionMatch &match) { return AttentionMatcher(output, match).run(); }
