//===- RowOps.td - activations, normalisation, softmax, gather -*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_ROW_OPS_TD
#define NNOPT_ROW_OPS_TD

include "nnopt/Dialect/NNOpt/IR/NNOptBase.td"

def NNOpt_ActivationOp : NNOpt_Op<"activation", [Pure, SameOperandsAndResultType]> {
  let summary = "elementwise nonlinear function";
  let description = [{
    `result[i] = f(input[i])`, with the definitions of ONNX:

    | kind | f(x) |
    |---|---|
    | relu, leaky_relu | max(x, 0); x if x >= 0 else alpha x |
    | sigmoid, tanh, erf, softsign | as in mathematics; x / (1 + abs x) |
    | gelu, gelu_tanh | x Phi(x) with erf; with the tanh formula |
    | silu | x sigmoid(alpha x) (alpha 1 if absent) |
    | hard_sigmoid, hard_swish | max(0, min(1, alpha x + beta)) (1/6, 1/2 if absent); x times that |
    | elu, celu, selu | alpha (e^x - 1); alpha (e^(x / alpha) - 1); gamma = beta: beta (alpha e^x - alpha) for x < 0 |
    | softplus, mish | log(1 + e^x); x tanh(softplus x) |
    | clip | min(max(x, alpha), beta) |
    | thresholded_relu | x if x > alpha else 0 |

    Becomes `linalg.generic` in the graph stage.

    ```mlir
    %y = nnopt.activation gelu %x : tensor<2x3xf32>
    %z = nnopt.activation clip %x {alpha = 0.0 : f32, beta = 6.0 : f32} : tensor<2x3xf32>
    ```
  }];
  let arguments = (ins NNOpt_ActivationKindAttr:$kind, TensorOf<[AnyFloat]>:$input,
                       OptionalAttr<F32Attr>:$alpha, OptionalAttr<F32Attr>:$beta);
  let results = (outs TensorOf<[AnyFloat]>:$result);
  let assemblyFormat = "$kind $input attr-dict `:` type($result)";
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def NNOpt_SoftmaxOp : NNOpt_StructuredOp<"softmax"> {
  let summary = "normalised exponential along one dimension";
  let description = [{
    `result = exp(x - max x) / sum exp(x - max x)` along `axis`; with `log` its logarithm.

    - c1: `axis` is a dimension of the input.

    ```mlir
    %y = nnopt.softmax %x {axis = 1 : i64} : (tensor<4x?xf32>) -> tensor<4x?xf32>
    ```
  }];
  let arguments = (ins NNOpt_FloatShaped:$input, Optional<NNOpt_FloatShaped>:$init, I64Attr:$axis, UnitAttr:$log);
  let assemblyFormat = "$input (`into` $init^)? attr-dict `:` functional-type(operands, results)";
}

def NNOpt_NormalizeOp : NNOpt_StructuredOp<"normalize", [AttrSizedOperandSegments]> {
  let summary = "layer or root-mean-square normalisation";
  let description = [{
    Over all dimensions from `axis` on: `layer` gives `(x - mean) / sqrt(variance + epsilon)`, `rms` gives
    `x / sqrt(mean of squares + epsilon)`; then times `scale` plus `bias`, which have the shape of the normalised
    dimensions.

    - c1: `axis` is a dimension of the input.
    - c2: `scale` and `bias` have the shape of the dimensions from `axis` on.

    ```mlir
    %y = nnopt.normalize layer %x scale %g bias %b {axis = 2 : i64, epsilon = 1.0e-5 : f32}
       : (tensor<1x?x384xf32>, tensor<384xf32>, tensor<384xf32>) -> tensor<1x?x384xf32>
    ```
  }];
  let arguments = (ins NNOpt_NormKindAttr:$kind, NNOpt_FloatShaped:$input, Optional<NNOpt_FloatShaped>:$scale,
                       Optional<NNOpt_FloatShaped>:$bias, Optional<NNOpt_FloatShaped>:$init,
                       I64Attr:$axis, F32Attr:$epsilon);
  let assemblyFormat = "$kind $input (`scale` $scale^)? (`bias` $bias^)? (`into` $init^)? attr-dict `:` functional-type(operands, results)";
}

def NNOpt_GatherOp : NNOpt_StructuredOp<"gather"> {
  let summary = "rows of a table, chosen by index";
  let description = [{
    `result[a..., i..., b...] = data[a..., indices[i...], b...]`, where `a` are the dimensions of `data` before `axis` and
    `b` those after it (an embedding has `axis = 0`). A negative index counts from the end; an index outside
    the table reads its nearest end.

    - c1: `axis` is a dimension of `data`.

    ```mlir
    %y = nnopt.gather %table, %ids {axis = 0 : i64}
       : (tensor<30522x384xf32>, tensor<1x?xi64>) -> tensor<1x?x384xf32>
    ```
  }];
  let arguments = (ins NNOpt_Shaped:$data, NNOpt_Shaped:$indices, Optional<NNOpt_Shaped>:$init, I64Attr:$axis);
  let assemblyFormat = "$data `,` $indices (`into` $init^)? attr-dict `:` functional-type(operands, results)";
  let hasCanonicalizer = 1;
}

#endif // NNOPT_ROW_OPS_TD
