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
  return sparseTileVectors(isa, pack.getRows(), pack.getDepth(), pack.getStrip());
}

namespace {

class SparseEmitter {
public:
  SparseEmitter(KernelBuilder &k, SparseLinearOp op, GemmProblem &problem)
      : k(k), op(op), p(problem), pack(op.getPack()), values(k.buffer(op.getValues()).pointer),
        columns(k.buffer(op.getColumns()).pointer), starts(k.buffer(op.getStarts()).pointer) {}

  void emit() {
    joinRows(k, p);
    rowCount = p.rows.back();
    auto staticRows = k.constantOf(rowCount);
    maxTile = tileVectors(k.isa, pack);
    while (staticRows && maxTile > 1 && maxTile / 2 * k.isa.lanes >= *staticRows)
      maxTile /= 2;
    pitch = maxTile * k.isa.lanes;
    Value tiles = k.ceilDiv(rowCount, pitch);

    auto known = k.constantOf(k.product(ArrayRef<Value>(p.rows).drop_back()));
    int64_t items = known.value_or(kItems) * (staticRows ? llvm::divideCeil(*staticRows, pitch) : 1);
    int64_t parts = std::clamp<int64_t>(kItems / std::max<int64_t>(1, items), 1, pack.strips());
    int64_t stripsPerPart = llvm::divideCeil(pack.strips(), parts);

    SmallVector<Value> sizes(ArrayRef<Value>(p.rows).drop_back());
    sizes.push_back(k.index(llvm::divideCeil(pack.strips(), stripsPerPart)));
    sizes.push_back(tiles);
    k.parallel(k.product(sizes), [&](Value item) {
      outer = k.delinearize(item, sizes);
      Value row = k.mul(outer.pop_back_val(), k.index(pitch));
      Value strip = k.mul(outer.pop_back_val(), k.index(stripsPerPart));
      Value stripEnd = k.min(k.add(strip, k.index(stripsPerPart)), k.index(pack.strips()));
      turned = k.stackArray(k.b.getF32Type(), paddedTo(pack.getDepth(), k.isa.lanes) * pitch);
      sums = k.stackArray(k.b.getF32Type(), paddedTo(pack.getStrip(), k.isa.lanes) * pitch);
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
  Value rowCount, turned, sums;
  int64_t maxTile = 0, pitch = 0;
  SmallVector<Value> outer;

  static int64_t paddedTo(int64_t count, int64_t unit) { return llvm::divideCeil(count, unit) * unit; }

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
    Value from = addressOf(k, p.a, outer, row, k.index(0));
    emitTurn(k, op, tile, from, p.a.strides.back(), pack.getDepth(), turned);
    int64_t whole = pack.getOutputs() / pack.getStrip(), rest = pack.getOutputs() % pack.getStrip();
    k.loop(strip, k.min(stripEnd, k.index(whole)), 1,
           [&](Value s) { emitOneStrip(tile, row, s, k.index(pack.getStrip())); });
    if (rest != 0)
      k.when(k.less(k.index(whole), stripEnd), [&] { emitOneStrip(tile, row, k.index(whole), k.index(rest)); });
  }

  void emitOneStrip(const SparseTile &tile, Value row, Value strip, Value count) {
    Value list = k.mul(strip, k.index(pack.chunks() * pack.listsPerChunk()));
    emitStrip(k, op, tile, {pack, values, columns, k.at(starts, k.b.getI32Type(), list), turned, sums});
    Value column = k.mul(strip, k.index(pack.getStrip()));
    SparseFinish finish{sums, count, addressOf(k, p.c, outer, row, column), Value(), {}};
    if (p.bias)
      finish.bias = addressOf(k, *p.bias, outer, row, column);
    for (const RowAccess &access : p.operands)
      finish.operands.push_back(addressOf(k, access, outer, row, column));
    emitFinish(k, p, tile, finish);
  }
};

} // namespace

LogicalResult nnopt::emitSparseLinear(Operation *operation, KernelBuilder &k) {
  auto op = cast<SparseLinearOp>(operation);
  if (!isF32({op.getInput(), op.getValues(), op.getInit()}) || (op.getBias() && !isF32(op.getBias())) ||
      !isUnitInnermost(op.getInput()) || !isUnitInnermost(op.getInit()) ||
      !isFastEpilogue(op.getEpilogue(), op.getEpilogueOperands(), op.getEpilogueMaps()) ||
      tileVectors(k.isa, op.getPack()) == 0)
    return failure();

  unsigned rows = cast<MemRefType>(op.getInit().getType()).getRank() - 1;
  Buffer output = k.buffer(op.getInit());
  SmallVector<Value> still(rows, k.index(0));
  GemmProblem problem;
  problem.op = op;
  problem.rows.assign(output.extents.begin(), output.extents.end() - 1);
  problem.columns = k.index(op.getPack().getOutputs());
  problem.a = rowAccess(k, op.getInput(), rows);
  problem.c = rowAccess(k, op.getInit(), rows);
  problem.b = RowAccess{Value(), still};
  if (op.getBias())
    problem.bias = RowAccess{k.buffer(op.getBias()).pointer, still};
  setEpilogue(k, op, problem);
  SparseEmitter(k, op, problem).emit();
  return success();
}
