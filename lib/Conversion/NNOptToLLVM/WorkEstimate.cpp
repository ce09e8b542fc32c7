//===- WorkEstimate.cpp - how much a region computes ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "WorkEstimate.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace nnopt;

std::optional<int64_t> WorkEstimate::valueOf(Value value) {
  if (auto constant = getConstantIntValue(value))
    return constant;
  if (auto found = known.find(value); found != known.end())
    return found->second;
  Operation *def = value.getDefiningOp();
  if (!def || def->getNumResults() != 1 || def->getNumRegions() != 0 || !value.getType().isIntOrIndex())
    return std::nullopt;
  SmallVector<Attribute> operands;
  for (Value operand : def->getOperands()) {
    auto number = valueOf(operand);
    if (!number)
      return std::nullopt;
    operands.push_back(IntegerAttr::get(operand.getType(), *number));
  }
  SmallVector<OpFoldResult> results;
  if (failed(def->fold(operands, results)) || results.empty())
    return std::nullopt;
  auto folded = dyn_cast<Attribute>(results.front());
  return folded ? getConstantIntValue(folded) : valueOf(cast<Value>(results.front()));
}

std::optional<double> WorkEstimate::trips(Value lower, Value upper, Value step) {
  auto from = valueOf(lower), to = valueOf(upper), by = valueOf(step);
  if (!from || !to || !by || *by <= 0)
    return std::nullopt;
  return std::max<double>(0, (static_cast<double>(*to) - *from + *by - 1) / *by);
}

std::optional<double> WorkEstimate::of(Operation &op) {
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    auto count = trips(loop.getLowerBound(), loop.getUpperBound(), loop.getStep());
    // The first iteration stands for all.
    if (auto from = valueOf(loop.getLowerBound()))
      known[loop.getInductionVar()] = *from;
    auto body = of(loop.getRegion());
    known.erase(loop.getInductionVar());
    if (!count || !body)
      return std::nullopt;
    return *count * (*body + 1);
  }
  if (auto inner = dyn_cast<ParallelForOp>(op))
    return of(inner);
  if (auto call = dyn_cast<func::CallOp>(op)) {
    auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee());
    return callee && !callee.isExternal() ? of(call, callee) : std::nullopt;
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

std::optional<double> WorkEstimate::of(func::CallOp call, func::FuncOp callee) {
  if (!active.insert(callee).second)
    return std::nullopt; // recursive
  for (auto [argument, operand] : llvm::zip(callee.getArguments(), call.getOperands()))
    if (auto value = valueOf(operand))
      known[argument] = *value;
  auto work = of(callee.getBody());
  for (Value argument : callee.getArguments())
    known.erase(argument);
  active.erase(callee);
  return work;
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
