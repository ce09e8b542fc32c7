//===- Interpreter.cpp - walk over the ops of a function ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Frame.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include "llvm/ADT/ScopeExit.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::interpreter;

//===----------------------------------------------------------------------===//
// OpCall
//===----------------------------------------------------------------------===//

size_t OpCall::indexOf(Value value) const { return llvm::find(op->getOperands(), value) - op->operand_begin(); }

SmallVector<int64_t> OpCall::integers(ValueRange values) const {
  return llvm::map_to_vector(values, [&](Value value) { return integer(value); });
}

SmallVector<int64_t> OpCall::mixed(ArrayRef<OpFoldResult> values) const {
  return llvm::map_to_vector(values, [&](OpFoldResult value) {
    if (auto attribute = dyn_cast<Attribute>(value))
      return cast<IntegerAttr>(attribute).getInt();
    return integer(cast<Value>(value));
  });
}

LogicalResult OpCall::yield(HostTensor tensor) {
  Value result = op->getResult(results.size());
  auto type = dyn_cast<RankedTensorType>(result.getType());
  if (!type || elementTypeOf(type.getElementType()) != tensor.type() ||
      failed(verifyCompatibleShape(type.getShape(), tensor.shape())))
    return op->emitOpError("computes ") << tensor.typeText() << ", but its result has type " << result.getType();
  results.push_back(std::move(tensor));
  return success();
}

LogicalResult OpCall::yield(Scalar scalar) {
  results.push_back(scalar);
  return success();
}

FailureOr<HostTensor> OpCall::allocate(ElementType type, ArrayRef<int64_t> shape) {
  if (std::optional<HostTensor> tensor = HostTensor::allocate(type, shape))
    return std::move(*tensor);
  op->emitOpError("cannot have a tensor of ") << typeText(type, shape) << ": negative, or too large for this machine";
  return failure();
}

FailureOr<HostTensor> OpCall::allocateResult(ArrayRef<int64_t> shape) {
  std::optional<ElementType> type = elementTypeOf(getElementTypeOrSelf(op->getResult(0).getType()));
  if (type)
    return allocate(*type, shape);
  op->emitOpError("has a result of type ")
      << op->getResult(0).getType() << ", which the interpreter has no numbers for";
  return failure();
}

//===----------------------------------------------------------------------===//
// Frame
//===----------------------------------------------------------------------===//

Handler HandlerTable::find(Operation *op) const {
  auto found = handlers.find(op->getName().getTypeID());
  return found == handlers.end() ? nullptr : found->second;
}

static const HandlerTable &handlerTable() {
  static const HandlerTable table = [] {
    HandlerTable table;
    addAttention(table);
    addConstants(table);
    addControlFlow(table);
    addConvolutions(table);
    addObserve(table);
    addPooling(table);
    addPrecision(table);
    addPlanes(table);
    addProducts(table);
    addRows(table);
    addShapes(table);
    addSlices(table);
    addSparseTensors(table);
    return table;
  }();
  return table;
}

static Handler handlerOf(Operation *op) {
  if (Handler handler = handlerTable().find(op))
    return handler;
  if (isa<linalg::LinalgOp>(op))
    return runLinalg;
  return isScalarOp(op) ? runScalarOp : nullptr;
}

const Frame::LastUses &Frame::lastUses(Block &block) {
  std::unique_ptr<LastUses> &cached = liveness[&block];
  if (cached)
    return *cached;
  cached = std::make_unique<LastUses>();
  auto note = [&](Value value, Operation *def) {
    Operation *last = def;
    bool movable = true;
    for (OpOperand &use : value.getUses()) {
      Operation *user = block.findAncestorOpInBlock(*use.getOwner());
      if (user == last && user != def)
        movable = false; // used twice by one op
      if (last && !last->isBeforeInBlock(user))
        continue;
      last = user;
      movable = user == use.getOwner();
    }
    if (last)
      (*cached)[last].push_back({value, movable && last != def});
  };
  for (Value argument : block.getArguments())
    note(argument, nullptr);
  for (Operation &op : block)
    for (Value result : op.getResults())
      note(result, &op);
  return *cached;
}

LogicalResult Frame::runOp(Operation *op, const LastUses &last) {
  Handler handler = handlerOf(op);
  if (!handler)
    return op->emitOpError("is not known to the interpreter");
  auto dying = last.find(op);
  OpCall call{op, {}, {}};
  for (Value operand : op->getOperands()) {
    auto found = values.find(operand);
    if (found == values.end())
      return op->emitOpError("uses a value that has not been computed");
    bool move = dying != last.end() &&
                llvm::any_of(dying->second, [&](const LastUse &use) { return use.value == operand && use.movable; });
    call.operands.push_back(move ? std::move(found->second) : found->second);
  }
  if (failed(handler(*this, call)))
    return failure();
  for (auto [result, value] : llvm::zip_equal(op->getResults(), call.results)) {
    bool isTensor = isa<RankedTensorType>(result.getType());
    if (options.alter && isTensor)
      options.alter(result, value.tensor);
    if (options.observe && isTensor)
      options.observe(result, value.tensor);
    values[result] = std::move(value);
  }
  if (dying != last.end())
    for (const LastUse &use : dying->second)
      values.erase(use.value);
  return success();
}

FailureOr<Frame::Values> Frame::run(Block &block, Values arguments) {
  if (depth > options.maxDepth) {
    block.getParentOp()->emitOpError("is nested deeper than ") << options.maxDepth << " levels";
    return failure();
  }
  ++depth;
  llvm::scope_exit leave([&] { --depth; });
  for (auto [argument, value] : llvm::zip_equal(block.getArguments(), arguments))
    values[argument] = std::move(value);
  const LastUses &last = lastUses(block);
  for (Operation &op : block.without_terminator())
    if (failed(runOp(&op, last)))
      return failure();
  Values yielded;
  for (Value operand : block.getTerminator()->getOperands())
    yielded.push_back(*lookup(operand));
  return yielded;
}

FailureOr<Frame::Values> Frame::call(func::FuncOp function, Values arguments) {
  if (function.isExternal() || !function.getBody().hasOneBlock()) {
    function.emitOpError("cannot be interpreted: it has ")
        << function.getBody().getBlocks().size() << " blocks, expected one";
    return failure();
  }
  Frame callee(options, depth + 1);
  return callee.run(function.getBody().front(), std::move(arguments));
}

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

FailureOr<SmallVector<HostTensor>> nnopt::interpret(func::FuncOp function, ArrayRef<HostTensor> inputs,
                                                    const InterpreterOptions &options) {
  FunctionType type = function.getFunctionType();
  if (inputs.size() != type.getNumInputs()) {
    function.emitOpError("expects ") << type.getNumInputs() << " inputs, got " << inputs.size();
    return failure();
  }
  Frame::Values arguments;
  for (auto [i, expected, input] : llvm::enumerate(type.getInputs(), inputs)) {
    auto tensor = dyn_cast<RankedTensorType>(expected);
    if (!tensor || elementTypeOf(tensor.getElementType()) != input.type() ||
        failed(verifyCompatibleShape(tensor.getShape(), input.shape()))) {
      function.emitOpError("expects input #") << i << " of type " << expected << ", got " << input.typeText();
      return failure();
    }
    arguments.push_back(input);
  }
  Frame caller(options, 0);
  FailureOr<Frame::Values> results = caller.call(function, std::move(arguments));
  if (failed(results))
    return failure();
  SmallVector<HostTensor> outputs;
  for (auto [i, value, resultType] : llvm::enumerate(*results, type.getResults())) {
    if (!isa<RankedTensorType>(resultType)) {
      function.emitOpError("returns #") << i << " of type " << resultType << ", expected a tensor";
      return failure();
    }
    outputs.push_back(value.tensor);
  }
  return outputs;
}
