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

#endif // NNOPT_PASSES_TD
