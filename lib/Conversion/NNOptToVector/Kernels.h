//===- Kernels.h - the table of vector kernels ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_KERNELS_H
#define NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_KERNELS_H

#include "KernelBuilder.h"

namespace nnopt {

/// One way to compute an op on buffers. Rows of one op are asked in table order; the first that succeeds is taken.
struct Kernel {
  llvm::StringLiteral op;      ///< operation name
  llvm::StringLiteral name;    ///< for remarks and benchmarks
  llvm::StringLiteral summary; ///< what it needs and how it works
  /// Emits the code before the op, or fails without a trace.
  mlir::LogicalResult (*emit)(mlir::Operation *op, KernelBuilder &k);
};

llvm::ArrayRef<Kernel> kernelTable();

} // namespace nnopt

#endif // NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_KERNELS_H
