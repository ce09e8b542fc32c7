//===- ControlFlow.cpp - scf and calls on whole values --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Slices.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::interpreter;

static LogicalResult yieldAll(OpCall &call, FailureOr<Frame::Values> values) {
  if (failed(values))
    return failure();
  for (auto [type, value] : llvm::zip_equal(call.op->getResultTypes(), *values))
    if (failed(isa<ShapedType>(type) ? call.yield(std::move(value.tensor)) : call.yield(value.scalar)))
      return failure();
  return success();
}

/// The operands from number `first` on, no longer held by the call.
static Frame::Values takeFrom(OpCall &call, size_t first) {
  return Frame::Values(std::make_move_iterator(call.operands.begin() + first),
                       std::make_move_iterator(call.operands.end()));
}

static LogicalResult runIf(Frame &frame, scf::IfOp op, OpCall &call) {
  Region &region = call.integer(op.getCondition()) ? op.getThenRegion() : op.getElseRegion();
  return region.empty() ? success() : yieldAll(call, frame.run(region.front(), {}));
}

static LogicalResult runFor(Frame &frame, scf::ForOp op, OpCall &call) {
  int64_t begin = call.integer(op.getLowerBound()), end = call.integer(op.getUpperBound()),
          step = call.integer(op.getStep());
  if (step <= 0)
    return op.emitOpError("has a step of ") << step;
  Frame::Values carried = takeFrom(call, 3);
  for (int64_t i = begin; i < end;) {
    Frame::Values arguments{RuntimeValue(fromInteger(i))};
    llvm::append_range(arguments, std::exchange(carried, {}));
    FailureOr<Frame::Values> next = frame.run(*op.getBody(), std::move(arguments));
    if (failed(next))
      return failure();
    carried = std::move(*next);
    if (llvm::AddOverflow(i, step, i))
      break;
  }
  return yieldAll(call, std::move(carried));
}

static LogicalResult runWhile(Frame &frame, scf::WhileOp op, OpCall &call) {
  Frame::Values carried = takeFrom(call, 0);
  while (true) {
    FailureOr<Frame::Values> tested = frame.run(*op.getBeforeBody(), std::move(carried));
    if (failed(tested))
      return failure();
    bool more = tested->front().scalar.i;
    tested->erase(tested->begin());
    if (!more)
      return yieldAll(call, std::move(tested));
    FailureOr<Frame::Values> next = frame.run(*op.getAfterBody(), std::move(*tested));
    if (failed(next))
      return failure();
    carried = std::move(*next);
  }
}

/// Inserts what one iteration of an scf.forall hands back into the shared results.
static LogicalResult insertResults(Frame &frame, scf::ForallOp op, MutableArrayRef<HostTensor> shared) {
  auto number = [&](OpFoldResult value) {
    if (auto attribute = dyn_cast<Attribute>(value))
      return cast<IntegerAttr>(attribute).getInt();
    return frame.lookup(cast<Value>(value))->scalar.i;
  };
  for (Operation &inner : op.getTerminator().getYieldingOps()) {
    auto insert = dyn_cast<tensor::ParallelInsertSliceOp>(inner);
    if (!insert)
      return inner.emitOpError("is not known to the interpreter");
    Slice slice{llvm::map_to_vector(insert.getMixedOffsets(), number),
                llvm::map_to_vector(insert.getMixedSizes(), number),
                llvm::map_to_vector(insert.getMixedStrides(), number)};
    size_t target = llvm::find(op.getRegionIterArgs(), insert.getDest()) - op.getRegionIterArgs().begin();
    if (failed(insertSlice(insert, slice, frame.lookup(insert.getSource())->tensor, shared[target])))
      return failure();
  }
  return success();
}

static LogicalResult runForall(Frame &frame, scf::ForallOp op, OpCall &call) {
  SmallVector<int64_t> low = call.mixed(op.getMixedLowerBound()), high = call.mixed(op.getMixedUpperBound()),
                       step = call.mixed(op.getMixedStep()), counts;
  for (size_t d = 0; d < low.size(); ++d) {
    if (step[d] <= 0)
      return op.emitOpError("has a step of ") << step[d];
    counts.push_back(low[d] < high[d] ? (high[d] - low[d] - 1) / step[d] + 1 : 0);
  }
  SmallVector<HostTensor> shared;
  for (Value output : op.getOutputs())
    shared.push_back(call.tensor(output));
  SmallVector<HostTensor> initial = shared; // what every iteration sees
  LogicalResult status = forEachIndex(counts, [&](ArrayRef<int64_t> at) {
    Frame::Values arguments;
    for (size_t d = 0; d < at.size(); ++d)
      arguments.push_back(fromInteger(low[d] + at[d] * step[d]));
    llvm::append_range(arguments, initial);
    return failed(frame.run(*op.getBody(), std::move(arguments))) ? failure() : insertResults(frame, op, shared);
  });
  if (failed(status))
    return failure();
  return yieldAll(call, Frame::Values(shared.begin(), shared.end()));
}

static LogicalResult runCall(Frame &frame, func::CallOp op, OpCall &call) {
  auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(op, op.getCalleeAttr());
  if (!callee)
    return op.emitOpError("calls '") << op.getCallee() << "', which is not a function here";
  return yieldAll(call, frame.call(callee, takeFrom(call, 0)));
}

void interpreter::addControlFlow(HandlerTable &table) {
  table.add<scf::IfOp, runIf>();
  table.add<scf::ForOp, runFor>();
  table.add<scf::WhileOp, runWhile>();
  table.add<scf::ForallOp, runForall>();
  table.add<func::CallOp, runCall>();
}
