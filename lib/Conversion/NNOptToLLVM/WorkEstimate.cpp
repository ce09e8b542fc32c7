//===- WorkEstimate.cpp - how much a region computes ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "WorkEstimate.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace nnopt;

std::optional<double> WorkEstimate::trips(Value lower, Value upper, Value step) {
  auto valueOf = [&](Value value) -> std::optional<int64_t> {
    auto found = known.find(value);
    return found != known.end() ? found->second : getConstantIntValue(value);
  };
  auto from = valueOf(lower), to = valueOf(upper), by = valueOf(step);
  if (!from || !to || !by || *by <= 0)
    return std::nullopt;
  return std::max<double>(0, (static_cast<double>(*to) - *from + *by - 1) / *by);
}

std::optional<double> WorkEstimate::of(Operation &op) {
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    auto count = trips(loop.getLowerBound(), loop.getUpperBound(), loop.getStep());
    auto body = of(loop.getRegion());
    if (!count || !body)
      return std::nullopt;
    return *count * (*body + 1);
  }
  if (auto inner = dyn_cast<ParallelForOp>(op))
    return of(inner);
  if (auto call = dyn_cast<func::CallOp>(op)) {
    auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee());
    if (!callee || callee.isExternal())
      return std::nullopt;
    auto [found, isNew] = functions.try_emplace(callee, std::nullopt);
    if (!isNew)
      return found->second;
    auto work = of(callee.getBody());
    return functions[callee] = work;
  }
  double total = isa_and_nonnull<math::MathDialect>(op.getDialect()) && !isa<math::FmaOp>(op) ? 10 : 1;
  for (Region &region : op.getRegions()) { // both sides of a branch: an upper bound
    auto work = of(region);
    if (!work)
      return std::nullopt;
    total += *work;
  }
  if (isa<scf::WhileOp>(op))
    return std::nullopt;
  return total;
}

std::optional<double> WorkEstimate::of(Region &region) {
  double total = 0;
  for (Block &block : region)
    for (Operation &op : block) {
      auto work = of(op);
      if (!work)
        return std::nullopt;
      total += *work;
    }
  return total;
}

std::optional<double> WorkEstimate::of(ParallelForOp op) {
  auto count = getConstantIntValue(op.getCount());
  if (!count)
    return std::nullopt;
  Block &block = op.getBody().front();
  known[block.getArgument(0)] = 0;
  known[block.getArgument(1)] = *count;
  auto work = of(op.getBody());
  known.erase(block.getArgument(0)); // the op may be erased and its arguments' addresses be used again
  known.erase(block.getArgument(1));
  return work;
}
