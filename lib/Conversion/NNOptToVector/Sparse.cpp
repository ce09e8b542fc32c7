//===- Sparse.cpp - products with pruned weights cut into work items ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Sparse.h"
#include "Products.h"

#include "nnopt/Cost/Linear.h"

using namespace mlir;
using namespace nnopt;

// Items to have if the strips allow it: a split of the outputs turns the same rows again.
static constexpr int64_t kItems = 4;

static int64_t tileVectors(const Isa &isa, SparsePackAttr pack) {
  return sparseTileVectors(isa, pack.getRows(), pack.getStrip());
}

namespace {

class SparseEmitter {
public:
  SparseEmitter(KernelBuilder &k, SparseLinearOp op, GemmProblem &problem)
      : k(k), op(op), p(problem), pack(op.getPack()), values(k.buffer(op.getValues()).pointer),
        columns(k.buffer(op.getColumns()).pointer), starts(k.buffer(op.getStarts()).pointer) {}

  void emit() {
    joinRows(k, p);
    rowCount = k.product(p.rows);
    auto staticRows = k.constantOf(rowCount);
    maxTile = tileVectors(k.isa, pack);
    while (staticRows && maxTile > 1 && maxTile / 2 * k.isa.lanes >= *staticRows)
      maxTile /= 2;
    pitch = maxTile * k.isa.lanes;
    Value tiles = k.ceilDiv(rowCount, pitch);

    int64_t items = staticRows ? llvm::divideCeil(*staticRows, pitch) : 1;
    int64_t parts = std::clamp<int64_t>(kItems / std::max<int64_t>(1, items), 1, pack.strips());
    int64_t stripsPerPart = llvm::divideCeil(pack.strips(), parts);

    Value sizes[] = {k.index(llvm::divideCeil(pack.strips(), stripsPerPart)), tiles};
    k.parallel(k.product(sizes), [&](Value item) {
      SmallVector<Value> at = k.delinearize(item, sizes);
      Value row = k.mul(at[1], k.index(pitch)), strip = k.mul(at[0], k.index(stripsPerPart));
      Value stripEnd = k.min(k.add(strip, k.index(stripsPerPart)), k.index(pack.strips()));
      sums = k.stackArray(k.b.getF32Type(), llvm::alignTo(pack.getStrip(), k.isa.lanes) * pitch);
      if (staticRows && *staticRows % pitch == 0)
        return emitItem({maxTile, pitch, k.index(pitch)}, row, strip, stripEnd);
      emitFitting(maxTile, k.min(k.index(pitch), k.sub(rowCount, row)), row, strip, stripEnd);
    });
  }

private:
  KernelBuilder &k;
  SparseLinearOp op;
  GemmProblem &p;
  SparsePackAttr pack;
  Value values, columns, starts;
  Value rowCount, sums;
  int64_t maxTile = 0, pitch = 0;

  /// An item of the fewest vectors that hold `rows`, `vectors` at most.
  void emitFitting(int64_t vectors, Value rows, Value row, Value strip, Value stripEnd) {
    SparseTile tile{vectors, pitch, rows};
    if (vectors == 1)
      return emitItem(tile, row, strip, stripEnd);
    k.when(
        k.less(k.index(vectors / 2 * k.isa.lanes), rows), [&] { emitItem(tile, row, strip, stripEnd); },
        [&] { emitFitting(vectors / 2, rows, row, strip, stripEnd); });
  }

  void emitItem(const SparseTile &tile, Value row, Value strip, Value stripEnd) {
    constexpr int64_t kRows = TileRowsOp::kRows;
    Value inTile = k.rem(row, k.index(kRows));
    Value from = k.at(p.a.pointer, k.b.getF32Type(), k.add(k.mul(k.sub(row, inTile), k.index(pack.getDepth())), inTile));
    int64_t whole = pack.getOutputs() / pack.getStrip(), rest = pack.getOutputs() % pack.getStrip();
    k.loop(strip, k.min(stripEnd, k.index(whole)), 1,
           [&](Value s) { emitOneStrip(tile, from, row, s, k.index(pack.getStrip())); });
    if (rest != 0)
      k.when(k.less(k.index(whole), stripEnd), [&] { emitOneStrip(tile, from, row, k.index(whole), k.index(rest)); });
  }

  void emitOneStrip(const SparseTile &tile, Value from, Value row, Value strip, Value count) {
    Value list = k.mul(strip, k.index(pack.chunks() * pack.listsPerChunk()));
    emitStrip(k, op, tile, {pack, values, columns, k.at(starts, k.b.getI32Type(), list), from, sums});
    emitFinish(k, p, tile, finishOf(k, p, sums, count, row, k.mul(strip, k.index(pack.getStrip()))));
  }
};

} // namespace

SparseFinish nnopt::finishOf(KernelBuilder &k, const GemmProblem &p, Value sums, Value count, Value row, Value column) {
  SmallVector<Value> outer(p.rows.size() - 1, k.index(0));
  Value first = outer.empty() ? row : k.index(0);
  SparseFinish finish{sums, count, row, addressOf(k, p.c, outer, first, column), Value(), {}};
  if (p.bias)
    finish.bias = addressOf(k, *p.bias, outer, first, column);
  for (const RowAccess &access : p.operands)
    finish.operands.push_back(addressOf(k, access, outer, first, column));
  return finish;
}

bool nnopt::isTiledF32(SparseLinearOp op) {
  return op.getTiled() && isF32({op.getInput(), op.getValues(), op.getInit()}) && (!op.getBias() || isF32(op.getBias())) &&
         cast<MemRefType>(op.getInput().getType()).getLayout().isIdentity() && isUnitInnermost(op.getInit()) &&
         isFastEpilogue(op.getEpilogue(), op.getEpilogueOperands(), op.getEpilogueMaps());
}

GemmProblem nnopt::sparseProblem(KernelBuilder &k, SparseLinearOp op) {
  GemmProblem problem = productProblem(k, op, op.getPack().getOutputs());
  problem.a.pointer = k.buffer(op.getInput()).pointer; // of the tiles
  return problem;
}

LogicalResult nnopt::emitSparseLinear(Operation *operation, KernelBuilder &k) {
  auto op = cast<SparseLinearOp>(operation);
  if (!isTiledF32(op) || tileVectors(k.isa, op.getPack()) == 0)
    return failure();
  GemmProblem problem = sparseProblem(k, op);
  SparseEmitter(k, op, problem).emit();
  return success();
}
