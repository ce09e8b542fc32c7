//===- ComputeOps.td - sums of products ------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_COMPUTE_OPS_TD
#define NNOPT_COMPUTE_OPS_TD

include "nnopt/Dialect/NNOpt/IR/NNOptBase.td"

def NNOpt_LinearOp : NNOpt_EpilogueOp<"linear", "$input `,` $weight (`bias` $bias^)?"> {
  let summary = "activations times a weight matrix";
  let description = [{
    `result[..., n] = sum over k of input[..., k] * weight[n, k] + bias[n]`. The order of
    the sum is free. With `weight_kn` the weight is stored `[k, n]`; with `pack` it is
    stored as panels.

    - c1: the last dimension of `input` is the weight's `k`.
    - c2: `bias` has one element per output `n`.
    - c3: the epilogue has a map per operand and a block argument per operand, plus the accumulator; what a map reads exists; the
      yielded element has the result's type.

    ```mlir
    %y = nnopt.linear %x, %w bias %b
       : (tensor<?x128x768xf32>, tensor<3072x768xf32>, tensor<3072xf32>) -> tensor<?x128x3072xf32>
    ```
  }];
  let arguments = (ins NNOpt_Shaped:$input, NNOpt_Shaped:$weight, Optional<NNOpt_Shaped>:$bias,
                       Variadic<NNOpt_Shaped>:$epilogue_operands, Optional<NNOpt_Shaped>:$init,
                       UnitAttr:$weight_kn, OptionalAttr<NNOpt_PackAttr>:$pack,
                       OptionalAttr<AffineMapArrayAttr>:$epilogue_maps);
  let hasCanonicalizer = 1;
}

def NNOpt_TileRowsOp : NNOpt_StructuredOp<"tile_rows"> {
  let summary = "rows turned in tiles of 16";
  let description = [{
    The M rows of `input`, which all its dimensions but the last one count, as `[ceil(M / 16)][depth][16]`:
    `result[t, k, r] = input[row 16 t + r, k]`, zero in rows beyond the last. What products with pruned weights read: a vector runs along the rows.

    - c1: the input has a dimension.

    ```mlir
    %t = nnopt.tile_rows %x : (tensor<2x9x768xf32>) -> tensor<2x768x16xf32>
    ```
  }];
  let arguments = (ins NNOpt_Shaped:$input, Optional<NNOpt_Shaped>:$init);
  let assemblyFormat = "$input (`into` $init^)? attr-dict `:` functional-type(operands, results)";
  let extraClassDeclaration = [{
    static constexpr int64_t kRows = 16;
    /// What it makes of an input of this shape.
    static llvm::SmallVector<int64_t> tiledShape(llvm::ArrayRef<int64_t> input);
  }];
}

def NNOpt_SparseLinearOp
    : NNOpt_EpilogueOp<"sparse_linear", "$input `,` $values `,` $columns `,` $starts (`rows` `(` $row_extents^ `)`)? (`bias` $bias^)?"> {
  let summary = "activations times a pruned weight matrix";
  let description = [{
    `result[..., n] = sum over k of input[..., k] * W[n, k] + bias[n]`, where `W` is zero but for the blocks that `values`, `columns` and `starts` hold
    as `pack` says. The order of the sum is free; an input that is infinite or NaN does not reach results through zeros.
    With `tiled` the input is what `nnopt.tile_rows` makes of the rows; their dimensions are then those of the result's type, and `rows` the extents
    of the dynamic ones.

    - c1: the last dimension of `input` is the depth of `pack`; with `tiled`, `input` is `[tiles][depth][16]`.
    - c2: `values` is `[blocks][rows]`, `columns` is `[blocks]`, `starts` has one entry per list and one more.
    - c3: `bias` has one element per output.
    - c4: the epilogue is as for `nnopt.linear`.
    - c5: with `tiled` there are as many tiles as the rows need and, on tensors, `rows` has one extent per dynamic dimension; without, `rows` is empty.

    ```mlir
    // Two of the four 2x1 blocks of a 4x2 weight are stored: outputs 0 and 1 of element 1, outputs 2 and 3 of element 0.
    %y = nnopt.sparse_linear %x, %v, %c, %s {pack = #nnopt.sparse_pack<outputs = 4, depth = 2, rows = 2, strip = 4, chunk = 2>}
       : (tensor<8x2xf32>, tensor<2x2xf32>, tensor<2xi32>, tensor<3xi32>) -> tensor<8x4xf32>
    ```
  }];
  let arguments = (ins NNOpt_Shaped:$input, NNOpt_Shaped:$values, NNOpt_Shaped:$columns, NNOpt_Shaped:$starts,
                       Variadic<Index>:$row_extents, Optional<NNOpt_Shaped>:$bias, Variadic<NNOpt_Shaped>:$epilogue_operands, Optional<NNOpt_Shaped>:$init,
                       NNOpt_SparsePackAttr:$pack, UnitAttr:$tiled, OptionalAttr<AffineMapArrayAttr>:$epilogue_maps);
}

def NNOpt_PermuteLinearOp : NNOpt_EpilogueOp<"permute_linear", "$input `,` $values `,` $indices `,` $columns `,` $starts (`bias` $bias^)?"> {
  let summary = "activations times a pruned weight matrix, through windows of the input";
  let description = [{
    `result[..., n] = sum over slots s of n's list of input[..., columns[s] + indices[s][n]] * values[s][n] + bias[n]`, `n` counted inside its block
    row for `indices` and `values` (`pack`). The order of the sum is free; an input that is infinite or NaN may reach results through the
    zeros that fill slots up.

    - c1: the last dimension of `input` is the depth of `pack`.
    - c2: `values` and `indices` (i8) are `[slots][rows]`, `columns` is `[slots]`, `starts` has one entry per list and one more.
    - c3: `bias` has one element per output.
    - c4: the epilogue is as for `nnopt.linear`.

    ```mlir
    // Two outputs with one weight each, both inside the window of elements 1 to 4: one slot.
    %y = nnopt.permute_linear %x, %v, %i, %c, %s {pack = #nnopt.permute_pack<outputs = 2, depth = 8, rows = 2, window = 4>}
       : (tensor<1x8xf32>, tensor<1x2xf32>, tensor<1x2xi8>, tensor<1xi32>, tensor<2xi32>) -> tensor<1x2xf32>
    ```
  }];
  let arguments = (ins NNOpt_Shaped:$input, NNOpt_Shaped:$values, NNOpt_Shaped:$indices, NNOpt_Shaped:$columns, NNOpt_Shaped:$starts,
                       Optional<NNOpt_Shaped>:$bias, Variadic<NNOpt_Shaped>:$epilogue_operands, Optional<NNOpt_Shaped>:$init,
                       NNOpt_PermutePackAttr:$pack, OptionalAttr<AffineMapArrayAttr>:$epilogue_maps);
}

def NNOpt_MatmulOp : NNOpt_EpilogueOp<"matmul", "$lhs `,` $rhs"> {
  let summary = "product of two computed matrices, in batches";
  let description = [{
    `result[..., m, n] = sum over k of lhs[..., m, k] * rhs[..., k, n]`; leading dimensions
    broadcast as in NumPy. `transpose_lhs` and `transpose_rhs` swap the last two dimensions of an operand.

    - c1: the two reduction sizes agree.
    - c2: leading dimensions agree or one of them is 1.

    ```mlir
    %y = nnopt.matmul %a, %b {transpose_rhs}
       : (tensor<12x?x32xf32>, tensor<12x?x32xf32>) -> tensor<12x?x?xf32>
    ```
  }];
  let arguments = (ins NNOpt_Shaped:$lhs, NNOpt_Shaped:$rhs,
                       Variadic<NNOpt_Shaped>:$epilogue_operands, Optional<NNOpt_Shaped>:$init,
                       UnitAttr:$transpose_lhs, UnitAttr:$transpose_rhs,
                       OptionalAttr<AffineMapArrayAttr>:$epilogue_maps);
  let hasCanonicalizer = 1;
}

def NNOpt_ConvOp : NNOpt_EpilogueOp<"conv", "$input `,` $weight (`bias` $bias^)?"> {
  let summary = "convolution over one, two or three spatial dimensions";
  let description = [{
    Cross-correlation as in ONNX. `input` is `[N, C, spatial...]`, or `[N, spatial..., C]` with
    `channels_last`, and so is the result. `weight` is `[O, C / groups, kernel...]` in both
    cases, unless `pack` says how it is stored. `pads` lists all begins, then all ends.

    - c1: the input has `C = groups * weight.dim(1)` channels.
    - c2: `groups` divides the number of outputs.
    - c3: strides and dilations have one entry per spatial dimension, pads two.
    - c4: `bias` has one element per output channel.

    ```mlir
    %y = nnopt.conv %x, %w bias %b {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>,
         pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64}
       : (tensor<1x3x224x224xf32>, tensor<32x3x3x3xf32>, tensor<32xf32>) -> tensor<1x32x112x112xf32>
    ```
  }];
  let arguments = (ins NNOpt_Shaped:$input, NNOpt_Shaped:$weight, Optional<NNOpt_Shaped>:$bias,
                       Variadic<NNOpt_Shaped>:$epilogue_operands, Optional<NNOpt_Shaped>:$init,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
                       DenseI64ArrayAttr:$pads, DefaultValuedAttr<I64Attr, "1">:$groups,
                       UnitAttr:$channels_last, OptionalAttr<NNOpt_PackAttr>:$pack,
                       OptionalAttr<AffineMapArrayAttr>:$epilogue_maps);
  let extraClassDeclaration = [{
    int64_t getSpatialRank() { return getStrides().size(); }
    /// The filter's spatial extents, from the weight or from `pack`.
    ::llvm::SmallVector<int64_t> getKernelShape();
    /// True if every group has one input and one output channel.
    bool isDepthwise();
    int64_t getNumOutputs();
  }];
  let hasCanonicalizer = 1;
}

def NNOpt_ConvTransposeOp : NNOpt_StructuredOp<"conv_transpose", [AttrSizedOperandSegments]> {
  let summary = "transposed convolution";
  let description = [{
    The gradient of `nnopt.conv` with respect to its input, as in ONNX. `weight` is
    `[C, O / groups, kernel...]`. Each spatial extent of the result is
    `stride * (in - 1) + output_padding + (kernel - 1) * dilation + 1 - pad_begin - pad_end`.

    ```mlir
    %y = nnopt.conv_transpose %x, %w {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>,
         pads = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 0, 0>, groups = 1 : i64}
       : (tensor<1x1x3x3xf32>, tensor<1x2x3x3xf32>) -> tensor<1x2x7x7xf32>
    ```
  }];
  let arguments = (ins NNOpt_Shaped:$input, NNOpt_Shaped:$weight, Optional<NNOpt_Shaped>:$bias,
                       Optional<NNOpt_Shaped>:$init,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
                       DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$output_padding,
                       DefaultValuedAttr<I64Attr, "1">:$groups);
  let assemblyFormat = "$input `,` $weight (`bias` $bias^)? (`into` $init^)? attr-dict `:` functional-type(operands, results)";
}

def NNOpt_AttentionOp : NNOpt_StructuredOp<"attention", [AttrSizedOperandSegments]> {
  let summary = "scaled dot-product attention";
  let description = [{
    `result = softmax(scale * query x key^T + mask) x value`, per batch and head, softmax over keys.
    Operands are `[batch, heads, sequence, size]`, or `[batch, sequence, heads, size]` with
    `sequence_major`; so is the result. `mask` broadcasts to `[batch, heads, queries, keys]` and is added.
    `query` may have a multiple of the heads of `key` and `value` (grouped-query attention).

    - c1: query and key have the same size; key and value the same sequence.
    - c2: the query heads are a multiple of the key heads.
    - c3: the three batches agree.

    ```mlir
    %y = nnopt.attention %q, %k, %v mask %m {scale = 0.125 : f32}
       : (tensor<1x12x?x64xf32>, tensor<1x12x?x64xf32>, tensor<1x12x?x64xf32>, tensor<1x1x1x?xf32>)
       -> tensor<1x12x?x64xf32>
    ```
  }];
  let arguments = (ins NNOpt_FloatShaped:$query, NNOpt_FloatShaped:$key, NNOpt_FloatShaped:$value,
                       Optional<NNOpt_FloatShaped>:$mask, Optional<NNOpt_FloatShaped>:$init,
                       F32Attr:$scale, UnitAttr:$causal, UnitAttr:$sequence_major);
  let assemblyFormat = "$query `,` $key `,` $value (`mask` $mask^)? (`into` $init^)? attr-dict `:` functional-type(operands, results)";
}

#endif // NNOPT_COMPUTE_OPS_TD
