//===- WeightOps.td - constants, precision and region ends -----*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_WEIGHT_OPS_TD
#define NNOPT_WEIGHT_OPS_TD

include "nnopt/Dialect/NNOpt/IR/NNOptBase.td"

def NNOpt_WeightOp : NNOpt_Op<"weight", [Pure, ConstantLike, AllTypesMatch<["value", "result"]>]> {
  let summary = "a constant of the trained network";
  let description = [{
    Holds a trained constant. `value` is normally a `dense_resource`, which may
    point into a memory-mapped model file; its bytes never pass through LLVM IR.
    `sym_name` is the model's own name for it and only informs.

    ```mlir
    %w = nnopt.weight "fc1.weight" dense<0.5> : tensor<10x4xf32>
    ```
  }];
  let arguments = (ins OptionalAttr<StrAttr>:$sym_name, ElementsAttr:$value);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "($sym_name^)? $value attr-dict";
  let hasFolder = 1;
}

def NNOpt_QuantizeOp : NNOpt_Op<"quantize", [Pure, AllShapesMatch<["input", "result"]>]> {
  let summary = "real numbers to integers";
  let description = [{
    `result = saturate(round_half_even(input / scale) + zero_point)`, saturating to
    the result's element type; a quotient that is NaN counts as 0. `scale` (and `zero_point`) hold one element, or one per
    index of dimension `axis`, or with `block_size` one per block along it.
    Signed and unsigned (`ui8`) storage are told apart by the element type.

    ```mlir
    %q = nnopt.quantize %x scale %s zero_point %z
       : (tensor<2x4xf32>, tensor<f32>, tensor<i8>) -> tensor<2x4xi8>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$scale,
                       Optional<AnyRankedTensor>:$zero_point,
                       OptionalAttr<I64Attr>:$axis, OptionalAttr<I64Attr>:$block_size);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input `scale` $scale (`zero_point` $zero_point^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def NNOpt_DequantizeOp : NNOpt_Op<"dequantize", [Pure, AllShapesMatch<["input", "result"]>]> {
  let summary = "integers back to real numbers";
  let description = [{
    `result = (input - zero_point) * scale`, with `scale` and `zero_point` as in
    `nnopt.quantize`.

    ```mlir
    %x = nnopt.dequantize %q scale %s {axis = 0 : i64}
       : (tensor<2x4xi8>, tensor<2xf32>) -> tensor<2x4xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$scale,
                       Optional<AnyRankedTensor>:$zero_point,
                       OptionalAttr<I64Attr>:$axis, OptionalAttr<I64Attr>:$block_size);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input `scale` $scale (`zero_point` $zero_point^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def NNOpt_YieldOp : NNOpt_Op<"yield", [Pure, Terminator, ReturnLike,
    ParentOneOf<["LinearOp", "SparseLinearOp", "PermuteLinearOp", "SparseConvOp", "ConvOp", "MatmulOp", "SparseComputeOp"]>]> {
  let summary = "ends an epilogue, or the body of nnopt.sparse_compute";
  let description = "Hands the finished element, or tensor, back to the op around it.";
  let arguments = (ins AnyType:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

#endif // NNOPT_WEIGHT_OPS_TD
