//===- Passes.td - from buffers to the LLVM dialect ------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_CONVERSION_PASSES_TD
#define NNOPT_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerToVector : Pass<"nnopt-lower-to-vector", "::mlir::ModuleOp"> {
  let summary = "Replace ops on buffers by vector kernels";
  let description = [{
    In functions that carry `nnopt.isa`, asks the table of kernels for each op and replaces those that a kernel takes.
    Ops that no kernel takes stay for `nnopt-lower-to-loops`. Hot inner code goes to private functions, which ops
    share; their pointers are `llvm.noalias`.

    Example: test/Conversion/NNOptToVector/gemm.mlir
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect"];
}

#endif // NNOPT_CONVERSION_PASSES_TD
