//===- SparsePanels.h - pruned weights with few rows of input ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// With few rows there is no vector of rows to fill: vectors run along the outputs, over weights stored in steps of 16 consecutive outputs. A
// step of `nnopt.sparse_linear` in blocks of 16 takes one element of the input for all outputs, one of `nnopt.permute_linear` takes an element
// for each from a window. Rows are read as they lie; SparsePanels.cpp cuts the product, SparsePanelsKernel.cpp emits the function.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_SPARSEPANELS_H
#define NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_SPARSEPANELS_H

#include "Gemm.h"

namespace nnopt {

/// A weight in steps of `kPanel` outputs, with one list of steps per panel of outputs.
struct SparsePanels {
  mlir::Value values, columns, starts;
  mlir::Value indices; ///< null: all outputs take the element of the step's column
  int64_t window = 1;  ///< elements that indices choose from
  int64_t outputs;
};

/// Rows whose sums are held in registers at a time.
int64_t sparsePanelRows(const Isa &isa, bool hasWindow);

/// Panels `begin` to `end` for `rows` rows. Addresses are those of the tile's first row and the first output.
struct SparsePanelsCall {
  int64_t rows;
  mlir::Value begin, end;
  mlir::Value a, c, bias; ///< bias may be null
  llvm::SmallVector<mlir::Value> operands;
};
void emitPanels(KernelBuilder &k, const GemmProblem &problem, const SparsePanels &weight, const SparsePanelsCall &call);

} // namespace nnopt

#endif // NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_SPARSEPANELS_H
