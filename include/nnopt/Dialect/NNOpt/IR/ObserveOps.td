//===- ObserveOps.td - what calibration measures ---------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_OBSERVE_OPS_TD
#define NNOPT_OBSERVE_OPS_TD

include "nnopt/Dialect/NNOpt/IR/NNOptBase.td"

def NNOpt_ObserveOp : NNOpt_Op<"observe", [Pure]> {
  let summary = "statistics of what a weight is applied to";
  let description = [{
    A row is what one application of a weight reads. The rows of `[..., K]` are its vectors of the last dimension, in one group. With `kernel` they are
    the windows that a convolution of the same attributes slides over `[N, C, spatial...]` (or `[N, spatial..., C]` with `channels_last`): for each
    of `groups` its own rows of `K = taps * C / groups` elements, the channel counting fastest; padding is 0. Over all rows r of group g:

    | kind | result[g, ...] |
    |---|---|
    | minimum, maximum | `[k]`: of `r[k]`; infinite if there is no row, NaN if one of them is |
    | squares | `[k]`: sum of `r[k] * r[k]` |
    | gram | `[i, j]`: sum of `r[i] * r[j]` |

    `histogram` counts elements wherever they are: `result[b]` is the number of elements x of the input with
    `b = floor((x - low) * (B / (high - low)))`, computed in f32, where `range` is low and high and the result has B elements; those before the first part
    (and NaN) count in the first one, those behind the last part in the last one.

    The order of the sums is free. Becomes other ops in the graph stage (`nnopt-lower-observe`), so kernels know nothing of it.

    - c1: the input has at least one dimension, whose extent K is static; with `kernel` what convolutions need: one stride and dilation per
      spatial dimension, two pads, and a static C that `groups` divides.
    - c2: the result is of f32 and has the groups, and K once, or twice for `gram`.
    - c3: `histogram` has a range of two finite numbers, the first below the second, no kernel, and a result of i64 of one dimension that is not empty; an input
      of any shape will do. Other kinds have no range.

    ```mlir
    %s = nnopt.observe gram %x : tensor<?x128x384xf32> -> tensor<1x384x384xf32>
    %p = nnopt.observe squares %i {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
         pads = array<i64: 1, 1, 1, 1>} : tensor<1x16x28x28xf32> -> tensor<1x144xf32>
    %h = nnopt.observe histogram %i {range = array<f32: -1.0, 3.0>} : tensor<1x16x28x28xf32> -> tensor<2048xi64>
    ```
  }];
  let arguments = (ins NNOpt_ObserveKindAttr:$kind, RankedTensorOf<[AnyFloat]>:$input,
                       OptionalAttr<DenseI64ArrayAttr>:$kernel, OptionalAttr<DenseI64ArrayAttr>:$strides,
                       OptionalAttr<DenseI64ArrayAttr>:$dilations, OptionalAttr<DenseI64ArrayAttr>:$pads,
                       DefaultValuedAttr<I64Attr, "1">:$groups, UnitAttr:$channels_last,
                       OptionalAttr<DenseF32ArrayAttr>:$range);
  let results = (outs RankedTensorOf<[F32, I64]>:$result);
  let assemblyFormat = "$kind $input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The dimension of the input that counts channels.
    int64_t channelDim();
    /// Elements of a row.
    int64_t depth();
  }];
}

#endif // NNOPT_OBSERVE_OPS_TD
