//===- KernelBuilder.h - a small language for writing kernels ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels are written against pointers, so that what may alias is said by function arguments (`llvm.noalias`) and not lost in
// descriptors. A Buffer is what a memref becomes: a pointer, extents and strides, constants where the type says so.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_KERNELBUILDER_H
#define NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_KERNELBUILDER_H

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Target/Isa.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace nnopt {

/// A memref taken apart. `extents` and `strides` are index values (arith.constant where static).
struct Buffer {
  mlir::Value pointer; ///< address of element [0, ..., 0]
  mlir::Type element;
  llvm::SmallVector<mlir::Value> extents, strides;

  int64_t rank() const { return extents.size(); }
};

/// The constants of a pruned weight, as `pack` says.
struct SparseConstants {
  SparsePackAttr pack;
  mlir::Value values, columns, starts;

  template <typename Op>
  static SparseConstants of(Op op) {
    return {op.getPack(), op.getValues(), op.getColumns(), op.getStarts()};
  }
};

/// The bytes of a buffer that is a constant of the model, or nothing if they are not known or all alike.
std::optional<llvm::ArrayRef<char>> constantBytes(mlir::Value memref);

/// The type that the LLVM dialect has for an integer; others as they are.
mlir::Type withoutSign(mlir::Type type);

class KernelBuilder {
public:
  KernelBuilder(mlir::OpBuilder &b, mlir::Location loc, const Isa &isa) : b(b), loc(loc), isa(isa) {}

  mlir::OpBuilder &b;
  mlir::Location loc;
  const Isa &isa;

  // Index arithmetic; folds constants.
  mlir::Value index(int64_t value);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value div(mlir::Value x, mlir::Value y); ///< of non-negative numbers
  mlir::Value rem(mlir::Value x, mlir::Value y); ///< of non-negative numbers
  mlir::Value min(mlir::Value x, mlir::Value y);
  mlir::Value max(mlir::Value x, mlir::Value y);
  mlir::Value ceilDiv(mlir::Value x, int64_t y);
  mlir::Value less(mlir::Value x, mlir::Value y);

  /// `i` split by the extents `sizes` (row major): the coordinates of item `i`.
  llvm::SmallVector<mlir::Value> delinearize(mlir::Value i, llvm::ArrayRef<mlir::Value> sizes);
  mlir::Value product(llvm::ArrayRef<mlir::Value> values);

  // Memory.
  Buffer buffer(mlir::Value memref);
  /// Address of `pointer[offset]`, counted in elements.
  mlir::Value at(mlir::Value pointer, mlir::Type element, mlir::Value offset);
  /// Address of `buffer[coordinates]`; missing trailing coordinates are 0.
  mlir::Value at(const Buffer &buffer, llvm::ArrayRef<mlir::Value> coordinates);
  mlir::Value load(mlir::Type type, mlir::Value pointer);
  void store(mlir::Value value, mlir::Value pointer);
  /// The first `count` lanes of a vector; the others are zero and not read.
  mlir::Value loadMasked(mlir::VectorType type, mlir::Value pointer, mlir::Value mask);
  void storeMasked(mlir::Value value, mlir::Value pointer, mlir::Value mask);
  /// Mask with lanes [0, count) set; count may be negative or larger than the vector.
  mlir::Value laneMask(int64_t lanes, mlir::Value count);
  /// An array on the stack of the current function.
  mlir::Value stackArray(mlir::Type element, int64_t count);

  // Vectors.
  mlir::VectorType vectorType(mlir::Type element) { return vectorType(element, isa.lanes); }
  mlir::VectorType vectorType(mlir::Type element, int64_t lanes) { return mlir::VectorType::get({lanes}, element); }
  mlir::Value splat(mlir::Value scalar, mlir::VectorType type);
  mlir::Value zero(mlir::Type type);
  mlir::Value constant(mlir::Type type, double value);
  /// exp of a f32 vector without positive elements (or NaN), within 1 unit in the last place; 0 below the least normal number.
  mlir::Value expNonPositive(mlir::Value x);
  /// x * y + z, fused where the ISA can.
  mlir::Value fma(mlir::Value x, mlir::Value y, mlir::Value z);

  /// Transposes a square of as many vectors as they have lanes.
  void transposeSquare(llvm::MutableArrayRef<mlir::Value> rows);
  /// Of four vectors, transposes each square of four lanes.
  void transposeQuads(llvm::MutableArrayRef<mlir::Value> rows);

  // Control flow.
  using LoopBody = llvm::function_ref<void(mlir::Value)>;
  void loop(mlir::Value from, mlir::Value to, int64_t step, LoopBody body);
  using CarryBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)>;
  llvm::SmallVector<mlir::Value> loop(mlir::Value from, mlir::Value to, int64_t step, mlir::ValueRange carried,
                                      CarryBody body);
  void when(mlir::Value condition, llvm::function_ref<void()> then, llvm::function_ref<void()> otherwise = nullptr);
  /// `body(i)` for all i in [0, count), split over threads.
  void parallel(mlir::Value count, LoopBody body);
  /// `body(begin, end)` for ranges that cover [0, count), split over threads.
  void parallelRange(mlir::Value count, llvm::function_ref<void(mlir::Value, mlir::Value)> body);

  /// The static value of an index, if it has one.
  static std::optional<int64_t> constantOf(mlir::Value value);
};

/// Clones the ops of `block` (but its terminator) with its arguments replaced by `arguments`, widened to vectors of `lanes`
/// elements (0: kept scalar). Values from outside and scalars are splatted. Returns the terminator's operands.
llvm::SmallVector<mlir::Value> cloneElementwise(KernelBuilder &k, mlir::Block &block, mlir::ValueRange arguments,
                                                int64_t lanes);

/// True if every op of `block` can be widened by cloneElementwise.
bool isElementwise(mlir::Block &block);

/// True if a clone of `block` costs more than a few instructions (it holds a transcendental function).
bool isExpensive(mlir::Block &block);

/// A call of a kernel function: a private function, never inlined, whose pointers do not alias. What is constant at the call
/// is constant in the function; calls with the same key and the same constants share one.
///
/// ```cpp
/// KernelCall call(k, op, "scale");
/// auto x = call.pointer(buffer.pointer), n = call.number(extent);
/// call.emit([&](KernelBuilder &k) { ... call[x] ... call[n] ... });
/// ```
class KernelCall {
public:
  KernelCall(KernelBuilder &k, mlir::Operation *anchor, llvm::StringRef name) : k(k), anchor(anchor), name(name) {}

  /// Declares a parameter; the result stands for it inside `emit`. No two pointers may reach the same written bytes.
  unsigned pointer(mlir::Value value) { return parameter(value); }
  /// Drops the promise that no two pointers reach the same written bytes (an elementwise op may work in place).
  void allowAliases() { noAlias = false, key("alias"); }
  /// Declares a parameter that is not an address.
  unsigned scalar(mlir::Value value) { return parameter(value); }
  unsigned number(mlir::Value value);
  /// Adds to what tells kernels of this name apart.
  void key(const llvm::Twine &text) { (keyText += text.str()) += ';'; }
  void key(mlir::Region &region);

  /// Emits the function, unless the module has it, and the call.
  void emit(llvm::function_ref<void(KernelBuilder &)> body);
  /// A parameter as seen by the body.
  mlir::Value operator[](unsigned handle) const { return inner[handle]; }

private:
  unsigned parameter(mlir::Value value);

  KernelBuilder &k;
  mlir::Operation *anchor;
  std::string name, keyText;
  bool noAlias = true;
  llvm::SmallVector<mlir::Value> outer, inner; // inner: set while the body is emitted
  llvm::SmallVector<std::optional<int64_t>> constants;
};

} // namespace nnopt

#endif // NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_KERNELBUILDER_H
