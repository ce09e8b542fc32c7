//===- DependencyRules.cpp - what each op ties together -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "ConstantData.h"
#include "DependencyGroups.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace nnopt;

static ArrayRef<int64_t> shapeOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }
static int64_t rankOf(Value value) { return shapeOf(value).size(); }

/// True if the order in which `op` takes up its elements along a reduction does not matter.
static bool isAnyOrder(linalg::LinalgOp op) {
  for (Value yielded : op.getBlock()->getTerminator()->getOperands()) {
    Operation *combiner = yielded.getDefiningOp();
    if (!isa_and_present<arith::AddFOp, arith::AddIOp, arith::MulFOp, arith::MulIOp, arith::MaximumFOp, arith::MinimumFOp, arith::MaxNumFOp,
                         arith::MinNumFOp, arith::MaxSIOp, arith::MinSIOp, arith::MaxUIOp, arith::MinUIOp>(combiner))
      return false;
    if (llvm::none_of(combiner->getOperands(), [&](Value operand) {
          auto argument = dyn_cast<BlockArgument>(operand);
          return argument && static_cast<int64_t>(argument.getArgNumber()) >= op.getNumDpsInputs();
        }))
      return false;
  }
  return true;
}

namespace {

/// Applies one op's rule to the groups.
class Rule {
public:
  Rule(Operation *op, DependencyGroups &groups) : op(op), groups(groups) {}

  void apply() {
    if (isa<tensor::EmptyOp>(op))
      return;
    if (matchPattern(op, m_Constant())) {
      if (!ConstantData::of(op->getResult(0)))
        pinAll(); // nothing to write anew
      return;
    }
    bool isKnown = llvm::TypeSwitch<Operation *, bool>(op)
                       .Case<LinearOp, ConvOp, ConvTransposeOp, MatmulOp, AttentionOp, NormalizeOp, SoftmaxOp, PoolOp, GatherOp>(
                           [&](auto typed) { return !typed.getInit() && visit(typed); })
                       .Case<ActivationOp, QuantizeOp, DequantizeOp, tensor::CastOp, tensor::ConcatOp, tensor::ExtractSliceOp, tensor::PadOp,
                             tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::DimOp, linalg::LinalgOp>(
                           [&](auto typed) { return visit(typed); })
                       .Default([](Operation *) { return false; });
    if (!isKnown)
      pinAll();
  }

private:
  Operation *op;
  DependencyGroups &groups;

  bool isReorder() const { return groups.change() == SliceChange::Reorder; }

  /// Not understood: nothing that it touches may go.
  void pinAll() {
    for (Value result : op->getResults())
      groups.pin(op, result);
    op->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        groups.pin(op, operand);
    });
  }

  void tie(Value a, int64_t dimA, Value b, int64_t dimB) { groups.tie(op, a, dimA, b, dimB); }
  void pin(Value value, int64_t dim) { groups.pin(op, value, dim); }

  /// Dimensions [begin, end) of two values are the same.
  void tieRange(Value a, Value b, int64_t begin, int64_t end) {
    for (int64_t dim = begin; dim < end; ++dim)
      tie(a, dim, b, dim);
  }
  void pinRange(Value value, int64_t begin, int64_t end) {
    for (int64_t dim = begin; dim < end; ++dim)
      pin(value, dim);
  }

  /// `vector`, if there is one, has an element per slice of dimension `dim` of `value`.
  void tieVector(Value vector, Value value, int64_t dim) {
    if (!vector)
      return;
    tie(vector, 0, value, dim);
    groups.addWeightDim(vector, 0, SliceRole::Along, op);
  }

  bool visit(LinearOp linear) {
    if (linear.getPack() || !linear.getEpilogue().empty())
      return false;
    Value input = linear.getInput(), weight = linear.getWeight(), result = linear.getResult();
    int64_t last = rankOf(input) - 1, inputs = linear.getWeightKn() ? 0 : 1;
    tieRange(input, result, 0, last);
    tie(input, last, weight, inputs);
    tie(result, last, weight, 1 - inputs);
    tieVector(linear.getBias(), result, last);
    if (!matchPattern(weight, m_Constant()))
      groups.markSummed(input, last);
    groups.addWeightDim(weight, inputs, SliceRole::Input, op);
    groups.addWeightDim(weight, 1 - inputs, SliceRole::Output, op);
    return true;
  }

  bool visit(ConvOp conv) {
    if (conv.getPack() || !conv.getEpilogue().empty())
      return false;
    int64_t rank = rankOf(conv.getInput()), channels = conv.getChannelsLast() ? rank - 1 : 1;
    visitFilter(conv.getInput(), conv.getWeight(), conv.getBias(), conv.getResult(), conv.getGroups(), channels, /*isTransposed=*/false);
    return true;
  }

  bool visit(ConvTransposeOp conv) {
    visitFilter(conv.getInput(), conv.getWeight(), conv.getBias(), conv.getResult(), conv.getGroups(), /*channels=*/1, /*isTransposed=*/true);
    return true;
  }

  void visitFilter(Value input, Value weight, Value bias, Value result, int64_t numGroups, int64_t channels, bool isTransposed) {
    tie(input, 0, result, 0);
    for (int64_t dim = 1, rank = rankOf(input); dim < rank; ++dim)
      if (dim != channels)
        pin(input, dim), pin(result, dim);
    pinRange(weight, 2, rankOf(weight));
    tieVector(bias, result, channels);
    int64_t inputs = shapeOf(input)[channels], outputs = shapeOf(result)[channels];
    if (numGroups == 1) {
      int64_t outputDim = isTransposed ? 1 : 0;
      tie(result, channels, weight, outputDim);
      tie(input, channels, weight, 1 - outputDim);
      groups.addWeightDim(weight, outputDim, SliceRole::Output, op);
      groups.addWeightDim(weight, 1 - outputDim, SliceRole::Input, op);
      return;
    }
    if (ShapedType::isDynamic(inputs) || ShapedType::isDynamic(outputs) || inputs % numGroups || outputs % numGroups)
      return pinAll();
    // Grouped convolutions lose whole groups: what is left has groups of the same size.
    pin(weight, 1);
    auto tieGroup = [&](Value value, int64_t dim, int64_t extent) {
      for (int64_t i = 0, size = extent / numGroups; i < extent; ++i)
        groups.tieSlices(input, channels, i / size * (inputs / numGroups), value, dim, i);
    };
    tieGroup(input, channels, inputs);
    tieGroup(result, channels, outputs);
    tieGroup(weight, 0, shapeOf(weight)[0]);
    groups.addWeightDim(weight, 0, SliceRole::Along, op);
  }

  bool visit(MatmulOp matmul) {
    if (!matmul.getEpilogue().empty())
      return false;
    Value lhs = matmul.getLhs(), rhs = matmul.getRhs(), result = matmul.getResult();
    int64_t rank = rankOf(result), left = rankOf(lhs), right = rankOf(rhs);
    if (left < 2 || right < 2)
      return false;
    int64_t m = left - 2 + matmul.getTransposeLhs(), k = left - 1 - matmul.getTransposeLhs();
    int64_t n = right - 1 - matmul.getTransposeRhs(), kRight = right - 2 + matmul.getTransposeRhs();
    tie(lhs, k, rhs, kRight);
    tie(lhs, m, result, rank - 2);
    tie(rhs, n, result, rank - 1);
    for (auto [value, output, input] : {std::tuple(lhs, m, k), {rhs, n, kRight}}) {
      groups.addWeightDim(value, output, SliceRole::Output, op);
      groups.addWeightDim(value, input, SliceRole::Input, op);
    }
    bool isComputed = !matchPattern(lhs, m_Constant()) && !matchPattern(rhs, m_Constant());
    if (isComputed)
      groups.markSummed(lhs, k);
    for (int64_t dim = 0; dim < rank - 2; ++dim) {
      for (Value value : {lhs, rhs})
        tieBatch(value, dim - (rank - rankOf(value)), result, dim);
      if (isComputed)
        groups.markHeads(result, dim);
    }
    return true;
  }

  /// A batch dimension that may be absent or broadcast.
  void tieBatch(Value value, int64_t dim, Value result, int64_t resultDim) {
    if (dim < 0 || (shapeOf(value)[dim] == 1 && shapeOf(result)[resultDim] != 1))
      return;
    tie(value, dim, result, resultDim);
    groups.addWeightDim(value, dim, SliceRole::Along, op);
  }

  bool visit(AttentionOp attention) {
    Value query = attention.getQuery(), result = attention.getResult(), mask = attention.getMask();
    int64_t heads = attention.getSequenceMajor() ? 2 : 1, queryHeads = shapeOf(query)[heads], keyHeads = shapeOf(attention.getKey())[heads];
    if (ShapedType::isDynamic(queryHeads) || ShapedType::isDynamic(keyHeads) || queryHeads % keyHeads != 0)
      return false;
    for (Value value : {query, attention.getKey(), attention.getValue(), result})
      for (int64_t dim = 0; dim < 4; ++dim)
        if (dim != heads)
          pin(value, dim);
    tie(query, heads, result, heads);
    // Queries that share a key go with it, all of them: the others' share must not change.
    for (Value value : {attention.getKey(), attention.getValue()})
      for (int64_t i = 0; i < queryHeads; ++i)
        groups.tieSlices(query, heads, i, value, heads, i * keyHeads / queryHeads);
    if (mask)
      for (int64_t dim = 0, rank = rankOf(mask); dim < rank; ++dim)
        if (shapeOf(mask)[dim] != 1)
          dim == rank - 3 ? tie(mask, dim, query, heads) : pin(mask, dim);
    groups.markHeads(result, heads);
    return true;
  }

  bool visit(NormalizeOp norm) {
    int64_t axis = norm.getAxis(), rank = rankOf(norm.getInput());
    tieRange(norm.getInput(), norm.getResult(), 0, isReorder() ? rank : axis);
    if (isReorder()) {
      for (Value vector : {norm.getScale(), norm.getBias()})
        for (int64_t dim = axis; vector && dim < rank; ++dim)
          tie(vector, dim - axis, norm.getInput(), dim);
      return true;
    }
    // Every slice of what is normalised over changes all of them.
    pinRange(norm.getInput(), axis, rank), pinRange(norm.getResult(), axis, rank);
    for (Value vector : {norm.getScale(), norm.getBias()})
      if (vector)
        groups.pin(op, vector);
    return true;
  }

  bool visit(SoftmaxOp softmax) {
    tieRange(softmax.getInput(), softmax.getResult(), 0, rankOf(softmax.getInput()));
    if (!isReorder())
      pin(softmax.getInput(), softmax.getAxis());
    return true;
  }

  bool visit(PoolOp pool) {
    int64_t rank = rankOf(pool.getInput()), channels = pool.getChannelsLast() ? rank - 1 : 1;
    for (int64_t dim = 0; dim < rank; ++dim)
      if (dim == 0 || dim == channels)
        tie(pool.getInput(), dim, pool.getResult(), dim);
      else
        pin(pool.getInput(), dim), pin(pool.getResult(), dim);
    return true;
  }

  bool visit(GatherOp gather) {
    Value data = gather.getData(), indices = gather.getIndices(), result = gather.getResult();
    int64_t axis = gather.getAxis(), indexRank = rankOf(indices);
    pin(data, axis);
    for (int64_t dim = 0, rank = rankOf(data); dim < rank; ++dim)
      if (dim != axis) {
        tie(data, dim, result, dim < axis ? dim : dim - 1 + indexRank);
        groups.addWeightDim(data, dim, SliceRole::Output, op);
      }
    for (int64_t dim = 0; dim < indexRank; ++dim)
      tie(indices, dim, result, axis + dim);
    return true;
  }

  bool visit(ActivationOp activation) {
    tieRange(activation.getInput(), activation.getResult(), 0, rankOf(activation.getInput()));
    return true;
  }

  template <typename Op>
  bool visitPrecision(Op quantize) {
    if (quantize.getBlockSize())
      return false;
    tieRange(quantize.getInput(), quantize.getResult(), 0, rankOf(quantize.getInput()));
    for (Value vector : {quantize.getScale(), quantize.getZeroPoint()})
      if (vector && rankOf(vector) == 1 && shapeOf(vector)[0] != 1)
        tieVector(vector, quantize.getInput(), quantize.getAxis().value_or(0));
    return true;
  }
  bool visit(QuantizeOp quantize) { return visitPrecision(quantize); }
  bool visit(DequantizeOp dequantize) { return visitPrecision(dequantize); }

  bool visit(tensor::CastOp cast) {
    if (!isa<RankedTensorType>(cast.getSource().getType()) || !isa<RankedTensorType>(cast.getType()))
      return false;
    tieRange(cast.getSource(), cast.getResult(), 0, rankOf(cast.getResult()));
    return true;
  }

  bool visit(tensor::ConcatOp concat) {
    Value result = concat.getResult();
    int64_t along = concat.getDim(), offset = 0;
    bool isStatic = !ShapedType::isDynamic(shapeOf(result)[along]);
    for (Value input : concat.getInputs()) {
      for (int64_t dim = 0, rank = rankOf(result); dim < rank; ++dim)
        if (dim != along)
          tie(input, dim, result, dim);
      if (!isStatic) {
        pin(input, along);
        continue;
      }
      for (int64_t i = 0; i < shapeOf(input)[along]; ++i)
        groups.tieSlices(input, along, i, result, along, offset++);
    }
    return true;
  }

  bool visit(tensor::ExtractSliceOp slice) {
    Value source = slice.getSource(), result = slice.getResult();
    if (rankOf(source) != rankOf(result))
      return false;
    for (int64_t dim = 0, rank = rankOf(source); dim < rank; ++dim) {
      int64_t offset = slice.getStaticOffsets()[dim], size = slice.getStaticSizes()[dim];
      if (ShapedType::isDynamic(offset) || ShapedType::isDynamic(size) || slice.getStaticStrides()[dim] != 1) {
        pin(source, dim), pin(result, dim);
        continue;
      }
      for (int64_t i = 0; i < size; ++i)
        groups.tieSlices(source, dim, offset + i, result, dim, i);
    }
    return true;
  }

  bool visit(tensor::PadOp pad) {
    for (int64_t dim = 0, rank = rankOf(pad.getSource()); dim < rank; ++dim)
      if (pad.getStaticLow()[dim] == 0 && pad.getStaticHigh()[dim] == 0)
        tie(pad.getSource(), dim, pad.getResult(), dim);
      else
        pin(pad.getSource(), dim), pin(pad.getResult(), dim);
    return true;
  }

  bool visit(tensor::ExpandShapeOp expand) {
    visitReshape(expand.getResult(), expand.getSrc(), expand.getReassociationIndices());
    return true;
  }
  bool visit(tensor::CollapseShapeOp collapse) {
    visitReshape(collapse.getSrc(), collapse.getResult(), collapse.getReassociationIndices());
    return true;
  }

  /// The outermost dimension that is more than 1 goes with runs of the flat one: a channel with its pixels, a head with its neurons. Those inside stay.
  void visitReshape(Value wide, Value flat, ArrayRef<ReassociationIndices> reassociation) {
    for (auto [flatDim, dims] : llvm::enumerate(reassociation)) {
      ArrayRef<int64_t> shape = shapeOf(wide);
      auto outer = llvm::find_if(dims, [&](int64_t dim) { return shape[dim] != 1; });
      bool isStatic = llvm::none_of(dims, [&](int64_t dim) { return ShapedType::isDynamic(shape[dim]); });
      if (!isStatic || outer == dims.end()) {
        for (int64_t dim : dims)
          pin(wide, dim);
        pin(flat, flatDim);
        continue;
      }
      for (int64_t dim : dims)
        if (dim != *outer)
          pin(wide, dim);
      int64_t extent = shapeOf(flat)[flatDim], run = extent / std::max<int64_t>(shape[*outer], 1);
      for (int64_t i = 0; i < extent; ++i)
        groups.tieSlices(wide, *outer, i / run, flat, flatDim, i);
    }
  }

  bool visit(tensor::DimOp dim) {
    std::optional<int64_t> index = dim.getConstantIndex();
    return index && ShapedType::isDynamic(shapeOf(dim.getSource())[*index]);
  }

  /// What a loop reads and writes goes together; what it sums over stays whole, and what it computes from the index stays as it is.
  bool visit(linalg::LinalgOp linalg) {
    if (!linalg.hasPureTensorSemantics())
      return false;
    SmallVector<std::pair<Value, int64_t>> owners(linalg.getNumLoops());
    auto bind = [&](Value value, AffineMap map) {
      for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
        auto loop = dyn_cast<AffineDimExpr>(expr);
        if (!loop) {
          pin(value, dim);
          continue;
        }
        auto &owner = owners[loop.getPosition()];
        owner.first ? tie(owner.first, owner.second, value, dim) : void(owner = {value, static_cast<int64_t>(dim)});
        if (matchPattern(value, m_Constant()))
          groups.addWeightDim(value, dim, SliceRole::Along, op);
      }
    };
    for (OpOperand &operand : op->getOpOperands())
      if (isa<RankedTensorType>(operand.get().getType()))
        bind(operand.get(), linalg.getMatchingIndexingMap(&operand));
    for (OpOperand &init : linalg.getDpsInitsMutable())
      bind(linalg.getTiedOpResult(&init), linalg.getMatchingIndexingMap(&init));
    for (auto [loop, type] : llvm::enumerate(linalg.getIteratorTypesArray()))
      if (type != utils::IteratorType::parallel && owners[loop].first && !(isReorder() && isAnyOrder(linalg)))
        pin(owners[loop].first, owners[loop].second);
    op->walk([&](Operation *inner) {
      if (auto index = dyn_cast<linalg::IndexOp>(inner); index && owners[index.getDim()].first)
        pin(owners[index.getDim()].first, owners[index.getDim()].second);
      else if (inner != op)
        for (Value operand : inner->getOperands())
          groups.pin(op, operand); // a tensor that the body reads as a whole
    });
    return true;
  }
};

} // namespace

void nnopt::applyDependencyRule(Operation *op, DependencyGroups &groups) { Rule(op, groups).apply(); }
