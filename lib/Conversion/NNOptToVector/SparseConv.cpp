//===- SparseConv.cpp - convolutions with pruned filters over planes ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile is up to four vectors of positions. Each strip of outputs is summed for it as a strip of a product is (SparseKernel.cpp), where the
// column of a block is the distance of its tap.
//===----------------------------------------------------------------------===//

#include "Products.h"
#include "SparseConv.h"

#include "nnopt/Cost/Linear.h"

using namespace mlir;
using namespace nnopt;

namespace {

class SparseConvEmitter {
public:
  SparseConvEmitter(KernelBuilder &k, SparseConvOp op, const GemmProblem &problem, int64_t maxTile)
      : k(k), op(op), p(problem), pack(op.getPack()), planes(k.buffer(op.getPlanes())), values(k.buffer(op.getValues()).pointer),
        columns(k.buffer(op.getColumns()).pointer), starts(k.buffer(op.getStarts()).pointer), maxTile(maxTile),
        pitch(maxTile * k.isa.lanes) {}

  void emit() {
    int64_t vectors = op.positions() / k.isa.lanes, whole = vectors / maxTile, rest = vectors % maxTile;
    SmallVector<Value> sizes{planes.extents[0], k.index(whole + (rest != 0)), k.index(pack.strips())};
    k.parallel(k.product(sizes), [&](Value item) {
      SmallVector<Value> at = k.delinearize(item, sizes);
      sums = k.stackArray(k.b.getF32Type(), llvm::alignTo(pack.getStrip(), k.isa.lanes) * pitch);
      finisher.emplace(k, op, p, pack.getStrip(), maxTile);
      image = at[0];
      auto emitTile = [&](int64_t tileVectors) {
        SparseTile tile{tileVectors, pitch, k.index(tileVectors * k.isa.lanes)};
        emitItem(tile, k.mul(at[1], k.index(pitch)), at[2]);
      };
      if (rest == 0)
        return emitTile(maxTile);
      k.when(k.less(at[1], k.index(whole)), [&] { emitTile(maxTile); }, [&] { emitTile(rest); });
    });
  }

private:
  KernelBuilder &k;
  SparseConvOp op;
  const GemmProblem &p;
  SparsePackAttr pack;
  Buffer planes;
  Value values, columns, starts;
  int64_t maxTile, pitch;
  Value sums, image;
  std::optional<SparseConvFinisher> finisher;

  void emitItem(const SparseTile &tile, Value position, Value strip) {
    Value list = k.mul(strip, k.index(pack.chunks() * pack.listsPerChunk()));
    Value from = k.at(planes.pointer, k.b.getF32Type(), k.add(k.mul(image, planes.strides[0]), position));
    emitStrip(k, op, tile, {pack, values, columns, k.at(starts, k.b.getI32Type(), list), from, sums, /*isPlanes=*/true});
    finisher->emit({sums, k.isa.lanes, tile.pitch, k.index(tile.vectors), image, position, strip});
  }
};

} // namespace

LogicalResult nnopt::emitSparseConv(Operation *operation, KernelBuilder &k) {
  auto op = cast<SparseConvOp>(operation);
  int64_t tile = sparseTileVectors(k.isa, op.getPack().getRows(), op.getPack().getStrip());
  std::optional<GemmProblem> problem = tile == 0 ? std::nullopt : sparseConvProblem(k, op);
  if (!problem)
    return failure();
  SparseConvEmitter(k, op, *problem, tile).emit();
  return success();
}
