//===- TileRows.cpp - rows turned in tiles --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Products.h"

using namespace mlir;
using namespace nnopt;

static constexpr int64_t kRows = TileRowsOp::kRows;

/// True if all rows are equally far from the one before.
static bool isEvenlySpaced(MemRefType type) {
  if (type.getRank() == 0 || !type.isLastDimUnitStride())
    return false;
  if (type.getLayout().isIdentity())
    return true;
  auto [strides, offset] = type.getStridesAndOffset();
  for (int64_t d = 1; d + 1 < type.getRank(); ++d)
    if (ShapedType::isDynamic(strides[d - 1]) || ShapedType::isDynamic(strides[d]) || type.isDynamicDim(d) ||
        strides[d - 1] != strides[d] * type.getDimSize(d))
      return false;
  return true;
}

/// One tile: `rows` rows at `from`, `stride` elements apart, to `to`.
static void emitTile(KernelBuilder &k, Operation *op, Value from, Value to, Value stride, Value rows, Value depth) {
  KernelCall function(k, op, "tile_rows");
  unsigned source = function.pointer(from), target = function.pointer(to);
  unsigned pitch = function.number(stride), valid = function.number(rows), length = function.number(depth);
  function.emit([&](KernelBuilder &b) {
    Type f32 = b.b.getF32Type();
    VectorType type = b.vectorType(f32);
    int64_t lanes = b.isa.lanes;
    bool isWhole = b.constantOf(function[valid]) == kRows;
    auto square = [&](Value column, int64_t first, Value count) {
      bool isFull = b.constantOf(count) == lanes;
      SmallVector<Value> vectors;
      for (int64_t i = 0; i < lanes; ++i) {
        Value row = b.index(first + i), last = b.sub(function[valid], b.index(1));
        Value p = b.at(function[source], f32, b.add(b.mul(isWhole ? row : b.min(row, last), function[pitch]), column));
        if (isFull && isWhole) {
          vectors.push_back(b.load(type, p));
          continue;
        }
        // Rows beyond the last are zero: none of their elements is read.
        Value exists = b.max(b.index(0), b.min(b.index(1), b.sub(function[valid], row)));
        vectors.push_back(b.loadMasked(type, p, b.laneMask(lanes, isWhole ? count : b.mul(exists, count))));
      }
      b.transposeSquare(vectors);
      auto store = [&](Value vector, int64_t i) {
        b.store(vector, b.at(function[target], f32, b.add(b.mul(b.add(column, b.index(i)), b.index(kRows)), b.index(first))));
      };
      for (auto [i, vector] : llvm::enumerate(vectors)) {
        if (isFull)
          store(vector, i);
        else
          b.when(b.less(b.index(i), count), [&, vector = vector, i = i] { store(vector, i); });
      }
    };
    Value whole = b.mul(b.div(function[length], b.index(lanes)), b.index(lanes)), rest = b.sub(function[length], whole);
    b.loop(b.index(0), whole, lanes, [&](Value column) {
      for (int64_t first = 0; first < kRows; first += lanes)
        square(column, first, b.index(lanes));
    });
    b.when(b.less(b.index(0), rest), [&] {
      for (int64_t first = 0; first < kRows; first += lanes)
        square(whole, first, rest);
    });
  });
}

LogicalResult nnopt::emitTileRows(Operation *operation, KernelBuilder &k) {
  auto op = cast<TileRowsOp>(operation);
  auto type = cast<MemRefType>(op.getInput().getType());
  if (!isF32(op->getOperands()) || !isEvenlySpaced(type) || !cast<MemRefType>(op.getInit().getType()).getLayout().isIdentity())
    return failure();
  Buffer input = k.buffer(op.getInput()), output = k.buffer(op.getInit());
  Value rows = k.product(ArrayRef(input.extents).drop_back()), depth = input.extents.back();
  Value stride = input.rank() > 1 ? input.strides[input.rank() - 2] : k.index(0);
  auto staticRows = k.constantOf(rows);
  k.parallel(k.ceilDiv(rows, kRows), [&](Value tile) {
    Value row = k.mul(tile, k.index(kRows)), left = k.sub(rows, row);
    Value from = k.at(input.pointer, input.element, k.mul(row, stride));
    Value to = k.at(output.pointer, output.element, k.mul(row, depth));
    auto emit = [&](Value count) { emitTile(k, op, from, to, stride, count, depth); };
    if (staticRows && *staticRows % kRows == 0)
      return emit(k.index(kRows));
    k.when(k.less(left, k.index(kRows)), [&] { emit(left); }, [&] { emit(k.index(kRows)); });
  });
  return success();
}
