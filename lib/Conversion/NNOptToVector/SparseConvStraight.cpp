//===- SparseConvStraight.cpp - pruned convolutions as straight code ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile is a vector of positions, in which the input of every tap is a constant distance away. A work item is a strip of outputs for some tiles.
//===----------------------------------------------------------------------===//

#include "Products.h"
#include "SparseConv.h"
#include "StraightPlan.h"

#include "nnopt/Cost/Kernels.h"

using namespace mlir;
using namespace nnopt;

// Bytes of sums of a work item: they lie on the stack. Tiles of an item: at least so many that code that was fetched is used, if there are.
static constexpr int64_t kSumBytes = 64 * 1024, kLeastTiles = 4, kMostTiles = 16;
// Work items to have, so that threads get even shares.
static constexpr int64_t kItems = 4;

static int64_t tilesOf(SparseConvOp op) { return op.positions() / kStraightRows; }

/// Tiles of a work item.
static int64_t blockTilesOf(SparseConvOp op, int64_t strip) {
  int64_t most = std::clamp(kSumBytes / (strip * kStraightRows * int64_t(sizeof(float))), kLeastTiles, kMostTiles);
  return llvm::divideCeil(tilesOf(op), llvm::divideCeil(tilesOf(op), most));
}

static void emitTiles(KernelBuilder &k, SparseConvOp op, const GemmProblem &problem, const StraightPlan &plan, StraightCalls &calls) {
  int64_t tileCount = tilesOf(op), blockTiles = blockTilesOf(op, plan.strip), blocks = llvm::divideCeil(tileCount, blockTiles);
  Buffer planes = k.buffer(op.getPlanes());
  calls.load();
  SmallVector<Value> sizes{planes.extents[0], k.index(blocks), k.index(plan.strips())};
  k.parallel(k.product(sizes), [&](Value item) {
    SmallVector<Value> at = k.delinearize(item, sizes);
    Type f32 = k.b.getF32Type();
    Value sums = k.stackArray(f32, plan.strip * kStraightRows * blockTiles);
    SparseConvFinisher finisher(k, op, problem, plan.strip, blockTiles);
    Value tile = k.mul(at[1], k.index(blockTiles)), tiles = k.min(k.index(blockTiles), k.sub(k.index(tileCount), tile));
    Value x = k.at(planes.pointer, f32, k.add(k.mul(at[0], planes.strides[0]), k.mul(tile, k.index(kStraightRows))));
    calls.emitStrip(at[2], x, sums, tiles);
    finisher.emit({sums, plan.strip * kStraightRows, kStraightRows, tiles, at[0], k.mul(tile, k.index(kStraightRows)), at[2]});
  });
}

/// Is this the fastest kernel for an image? The pack's columns are distances in planes, so the elements of a sum are those that the code reads.
static bool isChosen(SparseConvOp op, const Isa &isa, const StraightPlan &plan) {
  SparsePackAttr pack = op.getPack();
  llvm::DenseSet<int64_t> inputs;
  for (const StraightGroup &function : plan.functions)
    for (const StraightInput &input : function.inputs)
      inputs.insert(input.offset);
  int64_t positions = op.positions(), depth = std::max<int64_t>(1, inputs.size());
  LayerSize layer{{positions, pack.getOutputs(), depth}};
  layer.positions = positions, layer.chunks = pack.chunks();
  double blocks = cast<MemRefType>(op.getValues().getType()).getDimSize(0);
  return isFastestSparse("sparse-planes-straight", isa, layer, {pack.getRows(), blocks});
}

LogicalResult nnopt::emitSparseConvStraight(Operation *operation, KernelBuilder &k) {
  auto op = cast<SparseConvOp>(operation);
  if (!hasStraightLine(k.isa) || op.getPack().getRows() != 1)
    return failure();
  std::optional<GemmProblem> problem = sparseConvProblem(k, op);
  if (!problem)
    return failure();
  auto weight = SparseConstants::of(op);
  int64_t leastStrips = llvm::divideCeil(kItems, llvm::divideCeil(tilesOf(op), kMostTiles));
  auto plan = StraightPlan::of(weight, /*columnBytes=*/sizeof(float), leastStrips);
  if (!plan || !isChosen(op, k.isa, *plan))
    return failure();
  FailureOr<StraightCalls> calls = StraightCalls::create(k, weight, *plan, /*tileBytes=*/kStraightRows * sizeof(float),
                                                           blockTilesOf(op, plan->strip));
  if (failed(calls))
    return failure();
  emitTiles(k, op, *problem, *plan, *calls);
  return success();
}
