//===- Nest.h - loops of elementwise ops and reductions ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A nest is what is left of a `linalg` op or a copy after loops that every operand walks as one were joined: a few loops
// ("axes"), and for each operand how it moves along each of them. It is found from types alone, so that an emitter can refuse.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_NEST_H
#define NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_NEST_H

#include "KernelBuilder.h"

namespace nnopt {

/// How an operand moves along an axis.
enum class Motion { absent, unit, strided };

/// An operand taken apart: `strides` has one entry per axis, in elements, constant 0 where absent.
struct NestAccess {
  mlir::Value pointer; ///< or the value itself, if a scalar
  mlir::Type element;
  bool isScalar = false;
  llvm::SmallVector<mlir::Value> strides;

  /// Address of the element `steps` along the first axes.
  mlir::Value at(KernelBuilder &k, llvm::ArrayRef<mlir::Value> steps) const;
};

class Nest {
public:
  /// The nest of a linalg op on buffers. Fails if an index is not a plain loop.
  static mlir::FailureOr<Nest> of(mlir::Operation *op);
  /// The nest of copying `source` to `target`.
  static Nest ofCopy(mlir::Value source, mlir::Value target);

  /// Axes: parallel ones first, then reductions; outer to inner, in the order of the first output and of the first input.
  unsigned parallel = 0;
  unsigned size() const { return axes.size(); }
  unsigned reductions() const { return size() - parallel; }

  unsigned operandCount() const { return operands.size(); }
  unsigned outputs = 1; ///< the last operands
  mlir::Type element(unsigned operand) const;
  Motion motion(unsigned operand, unsigned axis) const;
  bool isScalar(unsigned operand) const;

  /// Extents of the axes and the operands, as IR.
  llvm::SmallVector<mlir::Value> extents(KernelBuilder &k) const;
  llvm::SmallVector<NestAccess> accesses(KernelBuilder &k) const;

private:
  struct Operand {
    mlir::Value value;
    llvm::SmallVector<int64_t> dims; ///< dimension of `value` per loop; -1: none
    llvm::SmallVector<std::pair<int64_t, int64_t>> fixed; ///< dimension, index
  };
  mlir::LogicalResult addOperand(mlir::Value value, mlir::AffineMap map);
  int64_t staticExtent(unsigned loop) const;
  bool join(unsigned outer, unsigned inner) const;
  void addAxes(llvm::ArrayRef<unsigned> loops);
  int64_t dim(unsigned operand, unsigned axis) const { return operands[operand].dims[axes[axis].back()]; }

  llvm::SmallVector<Operand> operands;
  llvm::SmallVector<llvm::SmallVector<unsigned>> axes; ///< loops of each axis, outer to inner
};

} // namespace nnopt

#endif // NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_NEST_H
