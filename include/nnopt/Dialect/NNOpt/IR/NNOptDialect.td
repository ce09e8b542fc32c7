//===- NNOptDialect.td - the nnopt dialect --------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_DIALECT_TD
#define NNOPT_DIALECT_TD

include "mlir/IR/OpBase.td"

def NNOpt_Dialect : Dialect {
  let name = "nnopt";
  let cppNamespace = "::nnopt";
  let summary = "neural-network ops that stay whole until kernels are chosen";
  let description = [{
    Ops of trained networks on tensors: what `linalg` would break into many
    pieces (convolution, linear, attention, normalisation, softmax) is one op
    here, so that pruning, precision and activation passes can see it. Anything
    elementwise is `linalg.generic`.

    A structured op has three forms with one meaning: on tensors; on tensors
    with a destination (`into %init`); on buffers (`into %m`, no result).
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::tensor::TensorDialect"
  ];
  let hasConstantMaterializer = 1;
}

#endif // NNOPT_DIALECT_TD
