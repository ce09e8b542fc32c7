//===- SparsePanels.cpp - products with few rows cut into work items ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Threads share the panels of outputs: each weight is read by one thread only, once per tile of rows.
//===----------------------------------------------------------------------===//

#include "SparsePanels.h"
#include "Products.h"

using namespace mlir;
using namespace nnopt;

namespace {

class PanelsEmitter {
public:
  PanelsEmitter(KernelBuilder &k, GemmProblem &problem, const SparsePanels &weight) : k(k), p(problem), weight(weight) {}

  void emit() {
    joinRows(k, p);
    Value rows = p.rows.back();
    ArrayRef<Value> outerSizes = ArrayRef<Value>(p.rows).drop_back();
    k.parallelRange(k.index(llvm::divideCeil(weight.outputs, kPanel)), [&](Value begin, Value end) {
      k.loop(k.index(0), k.product(outerSizes), 1, [&](Value i) {
        outer = k.delinearize(i, outerSizes);
        forTiles(rows, [&](Value row, int64_t count) { emitTile(row, count, begin, end); });
      });
    });
  }

private:
  KernelBuilder &k;
  GemmProblem &p;
  const SparsePanels &weight;
  SmallVector<Value> outer;

  /// Even tiles of a known number of rows; else whole tiles, then single rows.
  void forTiles(Value rows, llvm::function_ref<void(Value, int64_t)> body) {
    int64_t most = sparsePanelRows(k.isa, weight.indices != nullptr), tile = most, rest = 1;
    Value whole = k.mul(k.div(rows, k.index(most)), k.index(most));
    if (auto known = k.constantOf(rows); known && *known > 0) {
      tile = llvm::divideCeil(*known, llvm::divideCeil(*known, most));
      rest = std::max<int64_t>(1, *known % tile);
      whole = k.index(*known / tile * tile);
    }
    k.loop(k.index(0), whole, tile, [&](Value row) { body(row, tile); });
    if (k.constantOf(whole) && k.constantOf(whole) == k.constantOf(rows))
      return;
    k.loop(whole, rows, rest, [&](Value row) { body(row, rest); });
  }

  void emitTile(Value row, int64_t count, Value begin, Value end) {
    Value first = k.index(0);
    SparsePanelsCall call{count, begin, end, addressOf(k, p.a, outer, row, first), addressOf(k, p.c, outer, row, first), Value(), {}};
    if (p.bias)
      call.bias = addressOf(k, *p.bias, outer, row, first);
    for (const RowAccess &access : p.operands)
      call.operands.push_back(addressOf(k, access, outer, row, first));
    emitPanels(k, p, weight, call);
  }
};

} // namespace

/// Emits the product of `op`, an op with an input and an epilogue like `nnopt.linear`, with `weight`.
template <typename Op>
static LogicalResult emitProduct(Op op, KernelBuilder &k, const SparsePanels &weight) {
  GemmProblem problem = productProblem(k, op, weight.outputs);
  problem.a = rowAccess(k, op.getInput(), problem.rows.size());
  PanelsEmitter(k, problem, weight).emit();
  return success();
}

template <typename Op>
static bool isPlainProduct(Op op) {
  return isF32({op.getInput(), op.getValues(), op.getInit()}) && (!op.getBias() || isF32(op.getBias())) && isUnitInnermost(op.getInput()) &&
         isUnitInnermost(op.getInit()) && isFastEpilogue(op.getEpilogue(), op.getEpilogueOperands(), op.getEpilogueMaps());
}

LogicalResult nnopt::emitSparsePanels(Operation *operation, KernelBuilder &k) {
  auto op = cast<SparseLinearOp>(operation);
  SparsePackAttr pack = op.getPack();
  if (op.getTiled() || !isPlainProduct(op) || pack.getRows() != kPanel || pack.getStrip() != kPanel || pack.chunks() != 1)
    return failure();
  auto pointer = [&](Value memref) { return k.buffer(memref).pointer; };
  return emitProduct(op, k, {pointer(op.getValues()), pointer(op.getColumns()), pointer(op.getStarts()), Value(), 1, pack.getOutputs()});
}

LogicalResult nnopt::emitPermuteLinear(Operation *operation, KernelBuilder &k) {
  auto op = cast<PermuteLinearOp>(operation);
  PermutePackAttr pack = op.getPack();
  if (!isPlainProduct(op) || pack.getRows() != kPanel)
    return failure();
  auto pointer = [&](Value memref) { return k.buffer(memref).pointer; };
  return emitProduct(op, k, {pointer(op.getValues()), pointer(op.getColumns()), pointer(op.getStarts()), pointer(op.getIndices()),
                             pack.getWindow(), pack.getOutputs()});
}
