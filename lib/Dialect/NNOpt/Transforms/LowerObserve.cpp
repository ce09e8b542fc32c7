//===- LowerObserve.cpp - statistics as products and reductions -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace nnopt {
#define GEN_PASS_DEF_LOWEROBSERVE
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;
using utils::IteratorType;

namespace {

/// Writes one op as others.
class Lowering {
public:
  explicit Lowering(ObserveOp op) : op(op), b(op), loc(op.getLoc()), f32(b.getF32Type()) {}

  void run() {
    op.replaceAllUsesWith(result());
    op.erase();
  }

private:
  ObserveOp op;
  OpBuilder b;
  Location loc;
  FloatType f32;

  Value result() {
    if (op.getKind() == ObserveKind::histogram)
      return histogram();
    Value rows = op.getKernel() ? windowRows() : plainRows();
    return op.getKind() == ObserveKind::gram ? gram(rows) : reduce(rows);
  }

  Value toF32(OpBuilder &b, Location loc, Value x) {
    unsigned bits = x.getType().getIntOrFloatBitWidth();
    if (x.getType() == f32)
      return x;
    return bits > 32 ? arith::TruncFOp::create(b, loc, f32, x).getResult() : arith::ExtFOp::create(b, loc, f32, x).getResult();
  }

  Value zero() { return arith::ConstantOp::create(b, loc, b.getFloatAttr(f32, 0)); }

  /// The input element by element in f32.
  Value inputInF32() {
    Value input = op.getInput();
    int64_t rank = op.getInput().getType().getRank();
    if (op.getInput().getType().getElementType() == f32)
      return input;
    Value empty = tensor::EmptyOp::create(b, loc, tensor::getMixedSizes(b, loc, input), f32);
    SmallVector<AffineMap> maps(2, b.getMultiDimIdentityMap(rank));
    return linalg::GenericOp::create(b, loc, empty.getType(), input, empty, maps, SmallVector<IteratorType>(rank, IteratorType::parallel),
                                     [&](OpBuilder &b, Location loc, ValueRange arguments) {
                                       linalg::YieldOp::create(b, loc, toF32(b, loc, arguments[0]));
                                     })
        .getResult(0);
  }

  /// `[..., K]` as `[1, rows, K]`.
  Value plainRows() {
    Value input = inputInF32();
    auto type = cast<RankedTensorType>(input.getType());
    int64_t rank = type.getRank();
    if (rank > 2) {
      SmallVector<ReassociationIndices> groups(2);
      for (int64_t d = 0; d < rank; ++d)
        groups[d == rank - 1].push_back(d);
      input = tensor::CollapseShapeOp::create(b, loc, input, groups);
    }
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, input);
    SmallVector<ReassociationIndices> groups = rank > 1 ? SmallVector<ReassociationIndices>{{0, 1}, {2}} : SmallVector<ReassociationIndices>{{0, 1, 2}};
    SmallVector<OpFoldResult> shape(3 - sizes.size(), b.getIndexAttr(1));
    llvm::append_range(shape, sizes);
    SmallVector<int64_t> extents(3 - sizes.size(), 1);
    llvm::append_range(extents, cast<RankedTensorType>(input.getType()).getShape());
    return tensor::ExpandShapeOp::create(b, loc, RankedTensorType::get(extents, f32), input, groups, shape);
  }

  /// The spatial dimensions of the input, and where they begin.
  int64_t spatialRank() { return op.getKernel()->size(); }
  int64_t firstSpatial() { return op.getChannelsLast() ? 1 : 2; }

  Value padded(Value input) {
    ArrayRef<int64_t> pads = *op.getPads();
    if (llvm::all_of(pads, [](int64_t pad) { return pad == 0; }))
      return input;
    int64_t rank = op.getInput().getType().getRank();
    SmallVector<OpFoldResult> low(rank, b.getIndexAttr(0)), high(rank, b.getIndexAttr(0));
    for (int64_t d = 0; d < spatialRank(); ++d) {
      low[firstSpatial() + d] = b.getIndexAttr(pads[d]);
      high[firstSpatial() + d] = b.getIndexAttr(pads[spatialRank() + d]);
    }
    return tensor::PadOp::create(b, loc, Type(), input, low, high, zero());
  }

  /// The windows as `[groups, rows, taps * channels]`: one loop over [group, batch, out..., tap..., channel] that reads the padded input.
  Value windowRows() {
    Value input = padded(inputInF32());
    SmallVector<OpFoldResult> from = tensor::getMixedSizes(b, loc, input), sizes{b.getIndexAttr(op.getGroups()), from[0]};
    int64_t space = spatialRank(), channels = op.depth() / ShapedType::getNumElements(*op.getKernel());
    auto dim = [&](int64_t d) { return b.getAffineDimExpr(d); };
    SmallVector<AffineExpr> at(2 + space);
    at[0] = dim(1);
    at[op.channelDim()] = dim(0) * channels + dim(2 + 2 * space);
    for (int64_t d = 0; d < space; ++d) {
      int64_t kernel = (*op.getKernel())[d], stride = (*op.getStrides())[d], dilation = (*op.getDilations())[d];
      at[firstSpatial() + d] = dim(2 + d) * stride + dim(2 + space + d) * dilation;
      AffineExpr extent = (b.getAffineSymbolExpr(0) - ((kernel - 1) * dilation + 1)).floorDiv(stride) + 1;
      sizes.push_back(affine::makeComposedFoldedAffineApply(b, loc, extent, from[firstSpatial() + d]));
    }
    for (int64_t d = 0; d < space; ++d)
      sizes.push_back(b.getIndexAttr((*op.getKernel())[d]));
    sizes.push_back(b.getIndexAttr(channels));
    int64_t rank = sizes.size();
    Value empty = tensor::EmptyOp::create(b, loc, sizes, f32);
    SmallVector<AffineMap> maps{AffineMap::get(rank, 0, at, b.getContext()), b.getMultiDimIdentityMap(rank)};
    Value windows = linalg::GenericOp::create(b, loc, empty.getType(), input, empty, maps, SmallVector<IteratorType>(rank, IteratorType::parallel),
                                              [](OpBuilder &b, Location loc, ValueRange arguments) {
                                                linalg::YieldOp::create(b, loc, arguments[0]);
                                              })
                        .getResult(0);
    SmallVector<ReassociationIndices> groups(3);
    for (int64_t d = 0; d < rank; ++d)
      groups[d == 0 ? 0 : d < 2 + space ? 1 : 2].push_back(d);
    return tensor::CollapseShapeOp::create(b, loc, windows, groups);
  }

  Value gram(Value rows) {
    return MatmulOp::create(b, loc, op.getResult().getType(), rows, rows, ValueRange{}, Value(), /*transpose_lhs=*/true,
                            /*transpose_rhs=*/false, ArrayAttr())
        .getResult();
  }

  /// A loop over elements: where one counts is known when it is read.
  Value histogram() {
    Value input = op.getInput();
    int64_t rank = op.getInput().getType().getRank(), bins = op.getResult().getType().getNumElements();
    float low = op.getRange()->front(), factor = static_cast<float>(bins) / (op.getRange()->back() - low);
    auto number = [&](float value) { return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value)).getResult(); };
    Value lowest = number(low), scale = number(factor), first = number(0), last = number(bins - 1);
    Value one = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(1)), none = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(0));
    Value empty = tensor::EmptyOp::create(b, loc, ArrayRef<int64_t>{bins}, b.getI64Type());
    Value counts = linalg::FillOp::create(b, loc, none, empty).getResult(0);
    Value zeroIndex = arith::ConstantIndexOp::create(b, loc, 0), oneIndex = arith::ConstantIndexOp::create(b, loc, 1);
    SmallVector<Value> begins(rank, zeroIndex), steps(rank, oneIndex);
    SmallVector<Value> ends = getValueOrCreateConstantIndexOp(b, loc, tensor::getMixedSizes(b, loc, input));
    auto body = [&](OpBuilder &b, Location loc, ValueRange at, ValueRange carried) -> scf::ValueVector {
      Value x = toF32(b, loc, tensor::ExtractOp::create(b, loc, input, at));
      Value place = arith::MulFOp::create(b, loc, arith::SubFOp::create(b, loc, x, lowest), scale);
      // Of NaN and a number, the number. Cutting off is rounding down of what is not negative.
      place = arith::MinNumFOp::create(b, loc, arith::MaxNumFOp::create(b, loc, place, first), last);
      Value index = arith::IndexCastOp::create(b, loc, b.getIndexType(), arith::FPToSIOp::create(b, loc, b.getI64Type(), place));
      Value count = arith::AddIOp::create(b, loc, tensor::ExtractOp::create(b, loc, carried[0], index), one);
      return {tensor::InsertOp::create(b, loc, count, carried[0], index)};
    };
    if (rank == 0)
      return body(b, loc, {}, counts)[0];
    return scf::buildLoopNest(b, loc, begins, ends, steps, counts, body).results[0];
  }

  /// One number per element of a row.
  Value reduce(Value rows) {
    ObserveKind kind = op.getKind();
    double start = kind == ObserveKind::minimum ? INFINITY : kind == ObserveKind::maximum ? -INFINITY : 0;
    Value empty = tensor::EmptyOp::create(b, loc, op.getResult().getType().getShape(), f32);
    Value first = arith::ConstantOp::create(b, loc, b.getFloatAttr(f32, start));
    Value filled = linalg::FillOp::create(b, loc, first, empty).getResult(0);
    AffineMap result = AffineMap::get(3, 0, {b.getAffineDimExpr(0), b.getAffineDimExpr(2)}, b.getContext());
    return linalg::GenericOp::create(b, loc, filled.getType(), rows, filled, {b.getMultiDimIdentityMap(3), result},
                                     {IteratorType::parallel, IteratorType::reduction, IteratorType::parallel},
                                     [&](OpBuilder &b, Location loc, ValueRange arguments) {
                                       linalg::YieldOp::create(b, loc, combine(b, loc, arguments[0], arguments[1]));
                                     })
        .getResult(0);
  }

  Value combine(OpBuilder &b, Location loc, Value x, Value sum) {
    if (op.getKind() == ObserveKind::minimum)
      return arith::MinimumFOp::create(b, loc, x, sum);
    if (op.getKind() == ObserveKind::maximum)
      return arith::MaximumFOp::create(b, loc, x, sum);
    return arith::AddFOp::create(b, loc, arith::MulFOp::create(b, loc, x, x), sum);
  }
};

struct LowerObserve : nnopt::impl::LowerObserveBase<LowerObserve> {
  void runOnOperation() override {
    getOperation().walk([](ObserveOp op) { Lowering(op).run(); });
  }
};

} // namespace
