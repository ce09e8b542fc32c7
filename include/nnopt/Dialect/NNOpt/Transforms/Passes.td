//===- Passes.td - passes over nnopt ops -----------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_PASSES_TD
#define NNOPT_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerActivations : Pass<"nnopt-lower-activations", "::mlir::func::FuncOp"> {
  let summary = "Write activations as linalg.generic over arith and math";
  let description = [{
    Turns every `nnopt.activation` into one elementwise `linalg.generic` with the exact function (`math.erf`,
    `math.exp`, ...). Approximations are chosen before (`nnopt-substitute-activations`) or by the kernels.

    Example: test/Dialect/NNOpt/Transforms/lower-activations.mlir
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def PrepareEntry : Pass<"nnopt-prepare-entry", "::mlir::ModuleOp"> {
  let summary = "Give the entry function buffers as arguments";
  let description = [{
    The first step of bufferization. Inputs of `@main` become buffers that are read, results become buffers (`nnopt.output`) that are
    written, and one index argument per symbolic dimension (`nnopt.dims`) follows; the module lists the symbols
    as `nnopt.symbols`. The function returns the extents of its outputs, from which `nnopt-plan-memory` makes `@shapes`.
    Weights and constant tensors become read-only globals without initial value that carry `nnopt.value`; equal ones
    share. `tensor.concat` becomes insertions, so that its operands can be computed in place.

    Example: test/Dialect/NNOpt/Transforms/bufferize.mlir
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::tensor::TensorDialect"];
}

def PlanMemory : Pass<"nnopt-plan-memory", "::mlir::ModuleOp"> {
  let summary = "Place all buffers in one workspace";
  let description = [{
    Every `memref.alloc` of `@main` becomes a view of one argument `memref<?xi8>`. Buffers whose sizes are multiples of the same
    product of symbolic extents (or static) are packed together, largest first, each at the lowest offset that no
    buffer alive at the same time takes. Adds `@workspace`, the bytes needed, and `@shapes`, the extents of the outputs, as functions of the
    symbols. A size that depends on the data is an error. A remark tells the bytes, and the most that is alive at once.

    Example: test/Dialect/NNOpt/Transforms/plan-memory.mlir
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
  let statistics = [Statistic<"plannedBytes", "planned-bytes", "Bytes of workspace whose size is static">,
                    Statistic<"liveBytes", "live-bytes", "Static bytes alive at once, at most: the least a plan can reach">];
}

#endif // NNOPT_PASSES_TD
