//===- Products.cpp - linear and matmul -----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Elements.h"
#include "Weights.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::interpreter;

/// Every row of the input times `weight`, [outputs, depth].
template <typename Op>
static LogicalResult runRows(Frame &frame, Op op, OpCall &call, const HostTensor &input, FailureOr<HostTensor> weight) {
  if (failed(weight))
    return failure();
  int64_t outputs = weight->shape()[0], depth = weight->shape()[1];
  if (failed(expectExtent(op, "input features (the weight's)", depth, input.shape().back())) ||
      (op.getBias() && failed(expectExtent(op, "bias elements", outputs, call.tensor(op.getBias()).size()))))
    return failure();
  SmallVector<int64_t> shape(input.shape());
  shape.back() = outputs;
  return runSums(frame, op, call, shape, [&](auto type, auto *bias, Epilogue &epilogue) {
    using T = decltype(type);
    Elements<T> x(input), w(*weight);
    int64_t row = -1;
    return forEachIndex(shape, [&](ArrayRef<int64_t> at) {
      int64_t n = at.back();
      row += n == 0;
      SumOf<T> sum = dot(x + row * depth, w + n * depth, depth);
      if (bias)
        sum += static_cast<SumOf<T>>((*bias)[n]);
      return epilogue.finish(at, sumScalar(sum));
    });
  });
}

static LogicalResult runLinear(Frame &frame, LinearOp op, OpCall &call) {
  return runRows(frame, op, call, call.tensor(op.getInput()), linearWeight(op, call));
}

static LogicalResult runTileRows(Frame &, TileRowsOp op, OpCall &call) {
  const HostTensor &input = call.tensor(op.getInput());
  int64_t depth = input.shape().back(), rows = countOf(input.shape().drop_back()), width = byteWidth(input.type());
  constexpr int64_t kRows = TileRowsOp::kRows;
  FailureOr<HostTensor> output = call.allocateResult({llvm::divideCeilSigned(rows, kRows), depth, kRows});
  if (failed(output))
    return failure();
  char *bytes = output->mutableBytes();
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t k = 0; k < depth; ++k)
      std::memcpy(bytes + ((row / kRows * depth + k) * kRows + row % kRows) * width, input.bytes() + (row * depth + k) * width, width);
  return call.yield(std::move(*output));
}

/// The rows that `nnopt.tile_rows` made the tiles from.
static FailureOr<HostTensor> rowsOfTiles(SparseLinearOp op, OpCall &call) {
  constexpr int64_t kRows = TileRowsOp::kRows;
  const HostTensor &tiles = call.tensor(op.getInput());
  SmallVector<int64_t> shape(cast<ShapedType>(op.getResult().getType()).getShape()), dynamic = call.integers(op.getRowExtents());
  for (int64_t &extent : shape)
    if (ShapedType::isDynamic(extent))
      extent = dynamic.front(), dynamic.erase(dynamic.begin());
  shape.back() = tiles.shape()[1];
  int64_t depth = shape.back(), rows = countOf(ArrayRef(shape).drop_back()), width = byteWidth(tiles.type());
  if (failed(expectExtent(op, "tiles of rows", llvm::divideCeilSigned(rows, kRows), tiles.shape()[0])))
    return failure();
  FailureOr<HostTensor> input = call.allocate(tiles.type(), shape);
  if (failed(input))
    return failure();
  char *bytes = input->mutableBytes();
  for (int64_t i = 0; i < rows * depth; ++i)
    std::memcpy(bytes + i * width, tiles.bytes() + ((i / depth / kRows * depth + i % depth) * kRows + i / depth % kRows) * width, width);
  return input;
}

static LogicalResult runSparseLinear(Frame &frame, SparseLinearOp op, OpCall &call) {
  if (!op.getTiled())
    return runRows(frame, op, call, call.tensor(op.getInput()), sparseWeight(op, call));
  FailureOr<HostTensor> input = rowsOfTiles(op, call);
  return failed(input) ? failure() : runRows(frame, op, call, *input, sparseWeight(op, call));
}

static LogicalResult runPermuteLinear(Frame &frame, PermuteLinearOp op, OpCall &call) {
  return runRows(frame, op, call, call.tensor(op.getInput()), permuteWeight(op, call));
}

namespace {
/// One operand of a matmul: strides of its rows, columns and batches in the result's dimensions.
struct Matrix {
  SmallVector<int64_t> batch;
  int64_t rows, columns, rowStride, columnStride;

  Matrix(ArrayRef<int64_t> shape, bool transposed) {
    SmallVector<int64_t> strides = stridesOf(shape);
    batch.assign(shape.begin(), shape.end() - 2);
    size_t row = shape.size() - (transposed ? 1 : 2), column = shape.size() - (transposed ? 2 : 1);
    rows = shape[row], columns = shape[column];
    rowStride = strides[row], columnStride = strides[column];
  }
  /// Where the matrix of batch `at` starts: extents of 1 are repeated, missing ones too.
  int64_t start(ArrayRef<int64_t> at) const {
    int64_t position = 0;
    for (auto [i, extent] : llvm::zip_equal(at.take_back(batch.size()), batch))
      position = position * extent + (extent == 1 ? 0 : i);
    return position * rows * columns;
  }
};
} // namespace

/// Batch extents of the result; fails if two cannot be broadcast.
static FailureOr<SmallVector<int64_t>> batchShape(MatmulOp op, const Matrix &lhs, const Matrix &rhs) {
  size_t rank = std::max(lhs.batch.size(), rhs.batch.size());
  SmallVector<int64_t> shape(rank, 1);
  for (const Matrix *matrix : {&lhs, &rhs}) {
    MutableArrayRef<int64_t> tail = MutableArrayRef(shape).take_back(matrix->batch.size());
    for (auto [extent, own] : llvm::zip_equal(tail, matrix->batch)) {
      if (extent != 1 && own != 1 && extent != own) {
        op.emitOpError("cannot broadcast batch extents ") << extent << " and " << own;
        return failure();
      }
      extent = own == 1 ? extent : own;
    }
  }
  return shape;
}

static LogicalResult runMatmul(Frame &frame, MatmulOp op, OpCall &call) {
  const HostTensor &left = call.tensor(op.getLhs()), &right = call.tensor(op.getRhs());
  Matrix lhs(left.shape(), op.getTransposeLhs()), rhs(right.shape(), op.getTransposeRhs());
  FailureOr<SmallVector<int64_t>> batch = batchShape(op, lhs, rhs);
  if (failed(batch) || failed(expectExtent(op, "rows of the right operand", lhs.columns, rhs.rows)))
    return failure();
  SmallVector<int64_t> shape = *batch;
  shape.append({lhs.rows, rhs.columns});
  auto epilogue =
      Epilogue::create(frame, call, op.getEpilogue(), op.getEpilogueOperands(), op.getEpilogueMaps(), shape);
  if (failed(epilogue))
    return failure();

  int64_t depth = lhs.columns;
  LogicalResult status = withElements(epilogue->sumType(), [&](auto type) {
    using T = decltype(type);
    Elements<T> x(left), y(right);
    // Both in rows of the sum's direction, so that one loop serves every transposition.
    std::vector<T> rows(lhs.rows * depth), columns(rhs.columns * depth);
    return forEachIndex(*batch, [&](ArrayRef<int64_t> b) {
      const T *from = x + lhs.start(b), *to = y + rhs.start(b);
      for (int64_t k = 0; k < depth; ++k) {
        for (int64_t m = 0; m < lhs.rows; ++m)
          rows[m * depth + k] = from[m * lhs.rowStride + k * lhs.columnStride];
        for (int64_t n = 0; n < rhs.columns; ++n)
          columns[n * depth + k] = to[k * rhs.rowStride + n * rhs.columnStride];
      }
      SmallVector<int64_t> at(b);
      at.append({0, 0});
      for (int64_t m = 0; m < lhs.rows; ++m)
        for (int64_t n = 0; n < rhs.columns; ++n) {
          at[at.size() - 2] = m, at.back() = n;
          if (failed(epilogue->finish(at, sumScalar(dot(rows.data() + m * depth, columns.data() + n * depth, depth)))))
            return failure();
        }
      return success();
    });
  });
  return failed(status) ? failure() : call.yield(epilogue->take());
}

void interpreter::addProducts(HandlerTable &table) {
  table.add<LinearOp, runLinear>();
  table.add<TileRowsOp, runTileRows>();
  table.add<SparseLinearOp, runSparseLinear>();
  table.add<PermuteLinearOp, runPermuteLinear>();
  table.add<MatmulOp, runMatmul>();
}
