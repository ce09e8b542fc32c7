//===- Frame.h - one activation of a function -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_INTERPRETER_FRAME_H
#define NNOPT_LIB_INTERPRETER_FRAME_H

#include "Program.h"

#include "nnopt/Interpreter/Interpreter.h"

namespace nnopt::interpreter {

/// One op being run: its operands' values, and room for those of its results.
struct OpCall {
  mlir::Operation *op;
  llvm::SmallVector<RuntimeValue, 4> operands;
  llvm::SmallVector<RuntimeValue, 1> results;

  /// The tensor or number that operand `value` is.
  const HostTensor &tensor(mlir::Value value) const { return operands[indexOf(value)].tensor; }
  int64_t integer(mlir::Value value) const { return operands[indexOf(value)].scalar.i; }
  llvm::SmallVector<int64_t> integers(mlir::ValueRange values) const;
  /// Static and dynamic parts of an op's offsets, sizes or strides.
  llvm::SmallVector<int64_t> mixed(llvm::ArrayRef<mlir::OpFoldResult> values) const;
  /// The tensor, no longer held by the call: bytes that nobody else uses can be written in place.
  HostTensor take(mlir::Value value) { return std::move(operands[indexOf(value)].tensor); }

  mlir::LogicalResult yield(HostTensor tensor);
  mlir::LogicalResult yield(Scalar scalar);
  /// A new tensor of zeros for the result; fails with a diagnostic if it cannot be had.
  mlir::FailureOr<HostTensor> allocate(ElementType type, llvm::ArrayRef<int64_t> shape);
  /// As above, of the element type of the first result.
  mlir::FailureOr<HostTensor> allocateResult(llvm::ArrayRef<int64_t> shape);

private:
  size_t indexOf(mlir::Value value) const;
};

/// Values of one activation, and the walk over its blocks.
class Frame {
public:
  using Values = llvm::SmallVector<RuntimeValue>;

  Frame(const InterpreterOptions &options, unsigned depth) : options(options), depth(depth) {}

  /// Runs a block on its arguments. Returns the values of its terminator's operands.
  mlir::FailureOr<Values> run(mlir::Block &block, Values arguments);

  /// Runs another function in a frame of its own.
  mlir::FailureOr<Values> call(mlir::func::FuncOp function, Values arguments);

  /// The value of something defined before; null if there is none.
  const RuntimeValue *lookup(mlir::Value value) const {
    auto found = values.find(value);
    return found == values.end() ? nullptr : &found->second;
  }

  /// Compiles a scalar region that may use this frame's values.
  mlir::FailureOr<Program> compile(mlir::Block &block) {
    return Program::compile(block, [this](mlir::Value value) { return lookup(value); });
  }

private:
  /// A value that is not needed after an op; `movable` if the op has it once, as a direct operand.
  struct LastUse {
    mlir::Value value;
    bool movable;
  };
  using LastUses = llvm::DenseMap<mlir::Operation *, llvm::SmallVector<LastUse, 2>>;

  const LastUses &lastUses(mlir::Block &block);
  mlir::LogicalResult runOp(mlir::Operation *op, const LastUses &last);

  const InterpreterOptions &options;
  unsigned depth;
  llvm::DenseMap<mlir::Value, RuntimeValue> values;
  llvm::DenseMap<mlir::Block *, std::unique_ptr<LastUses>> liveness;
};

/// What runs one kind of op. Fails with a diagnostic.
using Handler = mlir::LogicalResult (*)(Frame &, OpCall &);

/// Handlers by kind of op.
class HandlerTable {
public:
  template <typename Op, mlir::LogicalResult (*Run)(Frame &, Op, OpCall &)> void add() {
    handlers[mlir::TypeID::get<Op>()] = [](Frame &frame, OpCall &call) {
      return Run(frame, mlir::cast<Op>(call.op), call);
    };
  }
  Handler find(mlir::Operation *op) const;

private:
  llvm::DenseMap<mlir::TypeID, Handler> handlers;
};

/// The families of ops, one file each.
void addAttention(HandlerTable &table);
void addConstants(HandlerTable &table);
void addControlFlow(HandlerTable &table);
void addConvolutions(HandlerTable &table);
void addObserve(HandlerTable &table);
void addPlanes(HandlerTable &table);
void addPooling(HandlerTable &table);
void addPrecision(HandlerTable &table);
void addProducts(HandlerTable &table);
void addRows(HandlerTable &table);
void addShapes(HandlerTable &table);
void addSlices(HandlerTable &table);
void addSparseTensors(HandlerTable &table);

/// linalg ops, by their interface.
mlir::LogicalResult runLinalg(Frame &frame, OpCall &call);
/// Ops of the scalar table (and affine): on numbers, or element by element on tensors of one shape.
mlir::LogicalResult runScalarOp(Frame &frame, OpCall &call);
bool isScalarOp(mlir::Operation *op);

/// Calls `body` with every index of a box in row-major order; stops at its first failure.
mlir::LogicalResult forEachIndex(llvm::ArrayRef<int64_t> shape,
                                 llvm::function_ref<mlir::LogicalResult(llvm::ArrayRef<int64_t>)> body);

/// Row-major strides, in elements.
llvm::SmallVector<int64_t> stridesOf(llvm::ArrayRef<int64_t> shape);

/// Product of extents.
int64_t countOf(llvm::ArrayRef<int64_t> shape);

/// Fails unless two extents that the op relates agree; names both.
mlir::LogicalResult expectExtent(mlir::Operation *op, llvm::StringRef what, int64_t expected, int64_t got);

} // namespace nnopt::interpreter

#endif // NNOPT_LIB_INTERPRETER_FRAME_H
