//===- Program.h - scalar regions as flat programs --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The body of a linalg op, an epilogue, or the region of tensor.pad runs once per element. It is compiled once to a
// list of steps over numbered slots; scf inside it becomes jumps. Values from outside are constants of the program.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_INTERPRETER_PROGRAM_H
#define NNOPT_LIB_INTERPRETER_PROGRAM_H

#include "ScalarOps.h"

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Block.h"
#include "mlir/IR/Operation.h"

#include "llvm/ADT/DenseMap.h"

namespace nnopt::interpreter {

/// What a value of the IR is while it runs: a number or a tensor, as its type says.
struct RuntimeValue {
  Scalar scalar = fromInteger(0);
  HostTensor tensor;

  RuntimeValue() = default;
  RuntimeValue(Scalar scalar) : scalar(scalar) {}
  RuntimeValue(HostTensor tensor) : tensor(std::move(tensor)) {}
};

class Program {
public:
  /// Finds the value of something defined outside the block; null if it has none.
  using Lookup = llvm::function_ref<const RuntimeValue *(mlir::Value)>;

  /// Fails with a diagnostic at the op that has no meaning on scalars.
  static mlir::FailureOr<Program> compile(mlir::Block &block, Lookup outside);

  /// One op on its operands, for ops that work element by element on tensors.
  static mlir::FailureOr<Program> compile(mlir::Operation *op);

  /// The block's arguments.
  void setArgument(unsigned i, Scalar value) { slots[i] = value; }
  /// What linalg.index gives.
  void setPosition(llvm::ArrayRef<int64_t> at) {
    for (auto [dim, slot] : positions)
      slots[slot] = fromInteger(at[dim]);
  }
  /// Fails with a diagnostic, for instance if an element outside a tensor is read.
  mlir::LogicalResult run();
  /// Operands of the block's terminator, or the op's results.
  Scalar result(unsigned i) const { return slots[results[i]]; }

private:
  friend class ProgramBuilder;
  enum class Kind : uint8_t { Call, Move, Jump, JumpUnless, Extract, Affine };
  struct Step {
    Kind kind = Kind::Move;
    ScalarFunction function = nullptr;
    ScalarType type{}, from{};
    int64_t immediate = 0; ///< a predicate, or the number of a tensor or map
    unsigned to = 0;       ///< the slot that is written, or the step that is jumped to
    llvm::SmallVector<unsigned, 3> arguments = {};
    mlir::Operation *op = nullptr; ///< for diagnostics
  };
  struct Apply {
    mlir::AffineMap map;
    enum { First, Least, Greatest } choice;
  };

  mlir::LogicalResult extract(const Step &step);
  mlir::LogicalResult apply(const Step &step);

  std::vector<Step> steps;
  std::vector<Scalar> slots;
  std::vector<HostTensor> tensors;
  std::vector<Apply> maps;
  llvm::SmallVector<unsigned> results;
  llvm::SmallVector<std::pair<unsigned, unsigned>> positions; ///< dimension and slot
};

/// Value of `expression`; nothing if it divides by 0 or less.
std::optional<int64_t> evaluate(mlir::AffineExpr expression, llvm::ArrayRef<int64_t> dims,
                                llvm::ArrayRef<int64_t> symbols);

/// Position in row-major order; nothing if it is outside.
std::optional<int64_t> linearPosition(llvm::ArrayRef<int64_t> at, llvm::ArrayRef<int64_t> shape);

} // namespace nnopt::interpreter

#endif // NNOPT_LIB_INTERPRETER_PROGRAM_H
