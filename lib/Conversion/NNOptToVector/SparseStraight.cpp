//===- SparseStraight.cpp - products with pruned weights as straight code -===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A work item is a strip of outputs for a block of tiles. Its sums lie in scratch, from where squares are turned back and finished.
//===----------------------------------------------------------------------===//

#include "Products.h"
#include "Sparse.h"
#include "StraightPlan.h"

#include "nnopt/Cost/Kernels.h"

using namespace mlir;
using namespace nnopt;

static constexpr int64_t kVectorBytes = kStraightRows * sizeof(float);
// Tiles of a work item: as many as half of a second-level cache holds, all of whose strips read them; and at least so many that code that was
// fetched is used.
static constexpr int64_t kSlabBytes = 512 * 1024, kLeastTiles = 4, kMostTiles = 8;
// Work items to have, so that threads get even shares.
static constexpr int64_t kItems = 4;

namespace {

class StraightEmitter {
public:
  StraightEmitter(KernelBuilder &k, SparseLinearOp op, GemmProblem &problem) : k(k), op(op), p(problem), pack(op.getPack()) {}

  LogicalResult emit() {
    joinRows(k, p);
    rowCount = k.product(p.rows);
    staticRows = k.constantOf(rowCount);
    int64_t depthBytes = pack.getDepth() * kVectorBytes, blocks = 1;
    blockTiles = std::clamp(kSlabBytes / depthBytes, kLeastTiles, kMostTiles);
    if (staticRows) {
      int64_t tiles = std::max<int64_t>(1, llvm::divideCeil(*staticRows, kStraightRows));
      blocks = llvm::divideCeil(tiles, blockTiles);
      blockTiles = llvm::divideCeil(tiles, blocks);
    }
    auto weight = SparseConstants::of(op);
    plan = StraightPlan::of(weight, /*columnBytes=*/kVectorBytes, llvm::divideCeil(kItems, blocks));
    if (!plan)
      return failure();
    FailureOr<StraightCalls> calls = StraightCalls::create(k, weight, *plan, depthBytes, blockTiles);
    if (failed(calls))
      return failure();
    emitItems(*calls);
    return success();
  }

private:
  KernelBuilder &k;
  SparseLinearOp op;
  GemmProblem &p;
  SparsePackAttr pack;
  std::optional<StraightPlan> plan;
  Value rowCount;
  std::optional<int64_t> staticRows;
  int64_t blockTiles = 0;

  void emitItems(StraightCalls &calls) {
    Type f32 = k.b.getF32Type();
    Value tileCount = k.ceilDiv(rowCount, kStraightRows), x = k.buffer(op.getInput()).pointer;
    Value sizes[] = {k.ceilDiv(tileCount, blockTiles), k.index(plan->strips())};
    calls.load();
    k.parallel(k.product(sizes), [&](Value item) {
      SmallVector<Value> at = k.delinearize(item, sizes);
      Value tile = k.mul(at[0], k.index(blockTiles)), tiles = k.min(k.index(blockTiles), k.sub(tileCount, tile));
      Value sums = k.stackArray(f32, plan->strip * kStraightRows * blockTiles);
      calls.emitStrip(at[1], k.at(x, f32, k.mul(tile, k.index(pack.getDepth() * kStraightRows))), sums, tiles);
      emitFinishes(tile, tiles, at[1], sums);
    });
  }

  void emitFinishes(Value tile, Value tiles, Value strip, Value sums) {
    int64_t whole = pack.getOutputs() / plan->strip, rest = pack.getOutputs() % plan->strip;
    auto finish = [&](Value i, Value rows, Value count) {
      Value at = k.at(sums, k.b.getF32Type(), k.mul(i, k.index(plan->strip * kStraightRows)));
      emitFinish(k, p, {1, kStraightRows, rows}, finishOf(k, p, at, count, k.mul(k.add(tile, i), k.index(kStraightRows)), k.mul(strip, k.index(plan->strip))));
    };
    auto finishTiles = [&](Value count) {
      // The tile that is not full is the last of all.
      Value full = k.min(tiles, k.sub(k.div(rowCount, k.index(kStraightRows)), tile));
      k.loop(k.index(0), full, 1, [&](Value i) { finish(i, k.index(kStraightRows), count); });
      if (!staticRows || *staticRows % kStraightRows != 0)
        k.when(k.less(full, tiles), [&] { finish(full, k.rem(rowCount, k.index(kStraightRows)), count); });
    };
    if (rest == 0)
      return finishTiles(k.index(plan->strip));
    if (whole == 0)
      return finishTiles(k.index(rest));
    k.when(k.less(strip, k.index(whole)), [&] { finishTiles(k.index(plan->strip)); }, [&] { finishTiles(k.index(rest)); });
  }
};

} // namespace

LogicalResult nnopt::emitSparseStraight(Operation *operation, KernelBuilder &k) {
  auto op = cast<SparseLinearOp>(operation);
  if (!isTiledF32(op))
    return failure();
  GemmProblem problem = sparseProblem(k, op);
  // Where the rows are not known, those of one tile.
  auto rows = k.constantOf(k.product(problem.rows));
  SparsePackAttr pack = op.getPack();
  LayerSize layer{{rows ? std::max<int64_t>(1, *rows) : kStraightRows, pack.getOutputs(), pack.getDepth()}};
  double blocks = cast<MemRefType>(op.getValues().getType()).getDimSize(0);
  if (!isFastestSparse("sparse-straight", k.isa, layer, {pack.getRows(), blocks}))
    return failure();
  return StraightEmitter(k, op, problem).emit();
}
