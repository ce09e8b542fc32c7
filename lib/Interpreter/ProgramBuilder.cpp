//===- ProgramBuilder.cpp - compile a region to a flat program ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Program.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::interpreter;

namespace nnopt::interpreter {

class ProgramBuilder {
public:
  explicit ProgramBuilder(Program::Lookup outside) : outside(outside) {}

  LogicalResult compileBlock(Block &block);
  LogicalResult compileOp(Operation *op);
  FailureOr<unsigned> slotOf(Operation *user, Value value);
  unsigned define(Value value) { return known[value] = newSlot(); }
  unsigned newSlot(Scalar value = fromInteger(0)) {
    program.slots.push_back(value);
    return program.slots.size() - 1;
  }

  Program program;

private:
  using Kind = Program::Kind;

  /// Slots of all `values`.
  LogicalResult slotsOf(Operation *user, ValueRange values, SmallVectorImpl<unsigned> &slots);
  FailureOr<int64_t> tensorOf(Operation *user, Value value);
  size_t here() const { return program.steps.size(); }
  Program::Step &add(Kind kind, unsigned to, ArrayRef<unsigned> arguments, Operation *op = nullptr);
  size_t addJump(Operation *op, std::optional<unsigned> unlessSlot = std::nullopt);
  void land(size_t jump) { program.steps[jump].to = here(); }
  /// `to[i] = from[i]` at once, whatever overlaps.
  void moveAll(ArrayRef<unsigned> from, ArrayRef<unsigned> to);

  LogicalResult compileScalar(Operation *op, const ScalarOp &row);
  LogicalResult compileConstant(arith::ConstantOp op);
  LogicalResult compileExtract(tensor::ExtractOp op);
  LogicalResult compileDim(tensor::DimOp op);
  LogicalResult compileAffine(Operation *op, AffineMap map, int choice);
  LogicalResult compileIf(scf::IfOp op);
  LogicalResult compileFor(scf::ForOp op);
  LogicalResult compileWhile(scf::WhileOp op);

  Program::Lookup outside;
  DenseMap<Value, unsigned> known;
  DenseMap<Value, int64_t> knownTensors;
};

} // namespace nnopt::interpreter

//===----------------------------------------------------------------------===//
// Slots and steps
//===----------------------------------------------------------------------===//

FailureOr<unsigned> ProgramBuilder::slotOf(Operation *user, Value value) {
  auto found = known.find(value);
  if (found != known.end())
    return found->second;
  const RuntimeValue *given = isa<ShapedType>(value.getType()) ? nullptr : outside(value);
  if (!given) {
    user->emitOpError("uses a value of type ") << value.getType() << ", which has no number here";
    return failure();
  }
  return known[value] = newSlot(given->scalar);
}

LogicalResult ProgramBuilder::slotsOf(Operation *user, ValueRange values, SmallVectorImpl<unsigned> &slots) {
  for (Value value : values) {
    FailureOr<unsigned> slot = slotOf(user, value);
    if (failed(slot))
      return failure();
    slots.push_back(*slot);
  }
  return success();
}

FailureOr<int64_t> ProgramBuilder::tensorOf(Operation *user, Value value) {
  auto [found, inserted] = knownTensors.try_emplace(value, program.tensors.size());
  if (!inserted)
    return found->second;
  const RuntimeValue *given = outside(value);
  if (!given) {
    user->emitOpError("reads a tensor that is computed inside a scalar region");
    return failure();
  }
  program.tensors.push_back(given->tensor);
  return found->second;
}

Program::Step &ProgramBuilder::add(Kind kind, unsigned to, ArrayRef<unsigned> arguments, Operation *op) {
  Program::Step step;
  step.kind = kind;
  step.to = to;
  step.arguments.assign(arguments.begin(), arguments.end());
  step.op = op;
  program.steps.push_back(std::move(step));
  return program.steps.back();
}

size_t ProgramBuilder::addJump(Operation *op, std::optional<unsigned> unlessSlot) {
  if (unlessSlot)
    add(Kind::JumpUnless, 0, {*unlessSlot}, op);
  else
    add(Kind::Jump, 0, {}, op);
  return here() - 1;
}

void ProgramBuilder::moveAll(ArrayRef<unsigned> from, ArrayRef<unsigned> to) {
  SmallVector<unsigned> between;
  for (unsigned slot : from)
    add(Kind::Move, between.emplace_back(newSlot()), {slot});
  for (auto [source, target] : llvm::zip_equal(between, to))
    add(Kind::Move, target, {source});
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

LogicalResult ProgramBuilder::compileScalar(Operation *op, const ScalarOp &row) {
  SmallVector<unsigned> arguments;
  if (failed(slotsOf(op, op->getOperands(), arguments)))
    return failure();
  ScalarFunction functions[] = {row.function, row.second};
  for (auto [i, result] : llvm::enumerate(op->getResults())) {
    std::optional<ScalarType> type = scalarTypeOf(getElementTypeOrSelf(result.getType()));
    std::optional<ScalarType> from = scalarTypeOf(getElementTypeOrSelf(op->getOperand(0).getType()));
    if (i > 1 || !functions[i] || !type || !from)
      return op->emitOpError("has no meaning on type ") << result.getType() << " in the interpreter";
    Program::Step &step = add(Kind::Call, define(result), arguments, op);
    step.function = functions[i];
    step.type = *type;
    step.from = *from;
    if (auto compare = dyn_cast<arith::CmpIOp>(op))
      step.immediate = static_cast<int64_t>(compare.getPredicate());
    if (auto compare = dyn_cast<arith::CmpFOp>(op))
      step.immediate = static_cast<int64_t>(compare.getPredicate());
  }
  return success();
}

LogicalResult ProgramBuilder::compileConstant(arith::ConstantOp op) {
  unsigned slot = define(op.getResult());
  if (auto value = dyn_cast<FloatAttr>(op.getValue()); value && scalarTypeOf(value.getType())) {
    program.slots[slot] = fromFloat(value.getValueAsDouble());
    return success();
  }
  auto integer = dyn_cast<IntegerAttr>(op.getValue());
  std::optional<ScalarType> type = scalarTypeOf(op.getType());
  if (!integer || !type)
    return op.emitOpError("of type ") << op.getType() << " is not a number the interpreter knows";
  program.slots[slot] = fromInteger(integer.getValue().sextOrTrunc(64).getSExtValue());
  return success();
}

LogicalResult ProgramBuilder::compileExtract(tensor::ExtractOp op) {
  FailureOr<int64_t> tensor = tensorOf(op, op.getTensor());
  SmallVector<unsigned> at;
  if (failed(tensor) || failed(slotsOf(op, op.getIndices(), at)))
    return failure();
  add(Kind::Extract, define(op.getResult()), at, op).immediate = *tensor;
  return success();
}

LogicalResult ProgramBuilder::compileDim(tensor::DimOp op) {
  FailureOr<int64_t> tensor = tensorOf(op, op.getSource());
  if (failed(tensor))
    return failure();
  std::optional<int64_t> dim = op.getConstantIndex();
  ArrayRef<int64_t> shape = program.tensors[*tensor].shape();
  if (!dim || *dim < 0 || *dim >= static_cast<int64_t>(shape.size()))
    return op.emitOpError("expects a constant dimension of ") << program.tensors[*tensor].typeText();
  program.slots[define(op.getResult())] = fromInteger(shape[*dim]);
  return success();
}

LogicalResult ProgramBuilder::compileAffine(Operation *op, AffineMap map, int choice) {
  SmallVector<unsigned> operands;
  if (failed(slotsOf(op, op->getOperands(), operands)))
    return failure();
  add(Kind::Affine, define(op->getResult(0)), operands, op).immediate = program.maps.size();
  Program::Apply apply{map, Program::Apply::First};
  apply.choice = choice == 0 ? Program::Apply::First : choice < 0 ? Program::Apply::Least : Program::Apply::Greatest;
  program.maps.push_back(apply);
  return success();
}

LogicalResult ProgramBuilder::compileOp(Operation *op) {
  if (const ScalarOp *row = findScalarOp(op->getName().getStringRef()); row && op->getNumOperands() > 0)
    return compileScalar(op, *row);
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](arith::ConstantOp op) { return compileConstant(op); })
      .Case([&](tensor::ExtractOp op) { return compileExtract(op); })
      .Case([&](tensor::DimOp op) { return compileDim(op); })
      .Case([&](linalg::IndexOp op) {
        program.positions.emplace_back(op.getDim(), define(op.getResult()));
        return success();
      })
      .Case([&](affine::AffineApplyOp op) { return compileAffine(op, op.getMap(), 0); })
      .Case([&](affine::AffineMinOp op) { return compileAffine(op, op.getMap(), -1); })
      .Case([&](affine::AffineMaxOp op) { return compileAffine(op, op.getMap(), 1); })
      .Case([&](scf::IfOp op) { return compileIf(op); })
      .Case([&](scf::ForOp op) { return compileFor(op); })
      .Case([&](scf::WhileOp op) { return compileWhile(op); })
      .Default(
          [](Operation *op) { return op->emitOpError("has no meaning inside a scalar region in the interpreter"); });
}

LogicalResult ProgramBuilder::compileBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(compileOp(&op)))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

LogicalResult ProgramBuilder::compileIf(scf::IfOp op) {
  FailureOr<unsigned> condition = slotOf(op, op.getCondition());
  if (failed(condition))
    return failure();
  SmallVector<unsigned> results;
  for (Value result : op.getResults())
    results.push_back(define(result));
  auto branch = [&](Block *block) {
    SmallVector<unsigned> yielded;
    if (!block)
      return success();
    if (failed(compileBlock(*block)) || failed(slotsOf(op, block->getTerminator()->getOperands(), yielded)))
      return failure();
    moveAll(yielded, results);
    return success();
  };
  size_t toElse = addJump(op, *condition);
  if (failed(branch(op.thenBlock())))
    return failure();
  size_t toEnd = addJump(op);
  land(toElse);
  if (failed(branch(op.elseBlock())))
    return failure();
  land(toEnd);
  return success();
}

LogicalResult ProgramBuilder::compileFor(scf::ForOp op) {
  SmallVector<unsigned> bounds, carried, initial, yielded;
  if (failed(slotsOf(op, {op.getLowerBound(), op.getUpperBound(), op.getStep()}, bounds)) ||
      failed(slotsOf(op, op.getInitArgs(), initial)))
    return failure();
  unsigned counter = define(op.getInductionVar()), more = newSlot();
  for (auto [argument, result] : llvm::zip_equal(op.getRegionIterArgs(), op.getResults()))
    known[result] = carried.emplace_back(define(argument));
  add(Kind::Move, counter, {bounds[0]});
  moveAll(initial, carried);

  size_t head = here();
  // A step that is not positive would never end: no iteration.
  add(Kind::Call, more, {counter, bounds[1], bounds[2]}, op).function = [](const ScalarCall &c) {
    return fromInteger(c.integer(0) < c.integer(1) && c.integer(2) > 0);
  };
  size_t toEnd = addJump(op, more);
  if (failed(compileBlock(*op.getBody())) || failed(slotsOf(op, op.getYieldedValues(), yielded)))
    return failure();
  moveAll(yielded, carried);
  add(Kind::Call, counter, {counter, bounds[2]}, op).function = [](const ScalarCall &c) {
    int64_t next;
    return fromInteger(llvm::AddOverflow(c.integer(0), c.integer(1), next) ? INT64_MAX : next);
  };
  program.steps[addJump(op)].to = head;
  land(toEnd);
  return success();
}

LogicalResult ProgramBuilder::compileWhile(scf::WhileOp op) {
  SmallVector<unsigned> initial, before, forwarded, yielded;
  if (failed(slotsOf(op, op.getInits(), initial)))
    return failure();
  for (Value argument : op.getBeforeArguments())
    before.push_back(define(argument));
  moveAll(initial, before);

  size_t head = here();
  scf::ConditionOp condition = op.getConditionOp();
  if (failed(compileBlock(*op.getBeforeBody())))
    return failure();
  FailureOr<unsigned> more = slotOf(op, condition.getCondition());
  if (failed(more) || failed(slotsOf(op, condition.getArgs(), forwarded)))
    return failure();
  SmallVector<unsigned> results;
  for (auto [argument, result] : llvm::zip_equal(op.getAfterArguments(), op.getResults()))
    known[result] = results.emplace_back(define(argument));
  moveAll(forwarded, results);
  size_t toEnd = addJump(op, *more);
  if (failed(compileBlock(*op.getAfterBody())) || failed(slotsOf(op, op.getYieldOp().getOperands(), yielded)))
    return failure();
  moveAll(yielded, before);
  program.steps[addJump(op)].to = head;
  land(toEnd);
  return success();
}

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

FailureOr<Program> Program::compile(Block &block, Lookup outside) {
  ProgramBuilder builder(outside);
  for (Value argument : block.getArguments())
    builder.define(argument);
  if (failed(builder.compileBlock(block)))
    return failure();
  Operation *end = block.getTerminator();
  for (Value value : end->getOperands()) {
    FailureOr<unsigned> slot = builder.slotOf(end, value);
    if (failed(slot))
      return failure();
    builder.program.results.push_back(*slot);
  }
  return std::move(builder.program);
}

FailureOr<Program> Program::compile(Operation *op) {
  ProgramBuilder builder([](Value) -> const RuntimeValue * { return nullptr; });
  for (Value operand : op->getOperands()) // one slot per operand, also of one value used twice
    builder.define(operand);
  if (failed(builder.compileOp(op)))
    return failure();
  for (Value result : op->getResults())
    builder.program.results.push_back(*builder.slotOf(op, result));
  return std::move(builder.program);
}
