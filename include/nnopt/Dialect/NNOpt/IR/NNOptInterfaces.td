//===- NNOptInterfaces.td - interfaces of nnopt ops ------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_INTERFACES_TD
#define NNOPT_INTERFACES_TD

include "mlir/IR/OpBase.td"

def NNOpt_StructuredOpInterface : OpInterface<"StructuredOpInterface"> {
  let cppNamespace = "::nnopt";
  let description = [{
    An op with at most one result, whose shape follows from its operands, and
    an optional destination operand. Supplies what the materialisation of
    destinations, bufferization and shape queries need.
  }];
  // With regions: after the op's own verifier, which inferStaticShape relies on.
  let verifyWithRegions = 1;
  let verify = "return ::nnopt::detail::verifyStructuredOp(mlir::cast<::nnopt::StructuredOpInterface>($_op));";
  let methods = [
    InterfaceMethod<"Shape of the result, kDynamic where unknown. Runs after the op's own checks; never fails.",
      "::llvm::SmallVector<int64_t>", "inferStaticShape", (ins)>,
    InterfaceMethod<"Shape of the result, from the operands; extents are attributes where static.",
      "::llvm::SmallVector<::mlir::OpFoldResult>", "inferResultShape",
      (ins "::mlir::OpBuilder &":$builder)>,
    InterfaceMethod<"The destination operand, or null.", "::mlir::Value", "getDestination", (ins), [{}],
      [{ return $_op.getInit(); }]>,
    InterfaceMethod<"The destination as a mutable range of zero or one operands.",
      "::mlir::MutableOperandRange", "getDestinationMutable", (ins), [{}],
      [{ return $_op.getInitMutable(); }]>,
  ];
}

#endif // NNOPT_INTERFACES_TD
