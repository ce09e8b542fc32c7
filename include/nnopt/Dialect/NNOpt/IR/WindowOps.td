//===- WindowOps.td - pooling and resampling -------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_WINDOW_OPS_TD
#define NNOPT_WINDOW_OPS_TD

include "nnopt/Dialect/NNOpt/IR/NNOptBase.td"

def NNOpt_PoolOp : NNOpt_StructuredOp<"pool"> {
  let summary = "maximum or average over a sliding window";
  let description = [{
    `input` and result are `[N, C, spatial...]`, or `[N, spatial..., C]` with `channels_last`. Padding never
    wins a maximum; an average divides by the number of elements inside the input, or with
    `count_include_pad` inside the padded input. `ceil_mode` rounds the number of windows up and drops windows that
    start in the end padding.

    - c1: kernel, strides and dilations have one entry per spatial dimension, pads two.

    ```mlir
    %y = nnopt.pool max %x {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>,
         dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>}
       : (tensor<1x64x112x112xf32>) -> tensor<1x64x56x56xf32>
    ```
  }];
  let arguments = (ins NNOpt_PoolKindAttr:$kind, NNOpt_Shaped:$input, Optional<NNOpt_Shaped>:$init,
                       DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads,
                       UnitAttr:$count_include_pad, UnitAttr:$ceil_mode, UnitAttr:$channels_last);
  let assemblyFormat = "$kind $input (`into` $init^)? attr-dict `:` functional-type(operands, results)";
  let hasCanonicalizer = 1;
}

#endif // NNOPT_WINDOW_OPS_TD
