//===- PlaneOps.td - pruned convolutions -----------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_PLANE_OPS_TD
#define NNOPT_PLANE_OPS_TD

include "nnopt/Dialect/NNOpt/IR/NNOptBase.td"

def NNOpt_ImagePlanesOp : NNOpt_StructuredOp<"image_planes"> {
  let summary = "an image of channels as planes with a frame of zeros";
  let description = [{
    Turns `[N, H, W, C]` into `[N, C, phases, size]`, one plane per channel and phase. Phase (p, q) of `phases` holds the positions
    whose coordinates, counted from the corner of the padding, leave p and q when divided by `strides`, line after line, `pitch` apart:

    `result[n, c, p * phases[1] + q, r * pitch + j] = input[n, r * strides[0] + p - pads[0], j * strides[1] + q - pads[1], c]`

    for r < `lines` and j < `pitch`; 0 outside the input and behind the last line. A line may be shorter than the padded image: the zeros that begin the next one then pad its end.

    - c1: the input has rank 4; strides, phases and pads have two entries; strides, phases and `lines` and `pitch` are positive, pads are not negative.
    - c2: no more phases than the stride.
    - c3: `size` holds the lines.

    ```mlir
    // Nine lines, one of padding above, of one zero and eight elements each, for windows of 3x3.
    %p = nnopt.image_planes %x {strides = array<i64: 1, 1>, phases = array<i64: 1, 1>, pads = array<i64: 1, 1>, lines = 9 : i64,
         pitch = 9 : i64, size = 128 : i64}
       : (tensor<1x8x8x32xf32>) -> tensor<1x32x1x128xf32>
    ```
  }];
  let arguments = (ins NNOpt_Shaped:$input, Optional<NNOpt_Shaped>:$init, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$phases,
                       DenseI64ArrayAttr:$pads, I64Attr:$lines, I64Attr:$pitch, I64Attr:$size);
  let assemblyFormat = "$input (`into` $init^)? attr-dict `:` functional-type(operands, results)";
}

def NNOpt_SparseConvOp : NNOpt_EpilogueOp<"sparse_conv", "$planes `,` $values `,` $columns `,` $starts (`bias` $bias^)?"> {
  let summary = "convolution with a pruned filter over planes";
  let description = [{
    `result[n, y, x, o] = sum over the blocks of o of value * planes[n][column + y * pitch + x] + bias[o]`, where `planes[n]` is all that
    `nnopt.image_planes` makes of image n, as one dimension, and `values`, `columns` and `starts` hold the filter as `pack` says. A
    column is thus a channel and a tap: where the tap lies for the first position of the result. Strides, dilation and padding
    are in the columns and the planes alone. The order of the sum is free; an input that is infinite or NaN does not reach results through zeros.

    With `frame`, `[lead, size]`, the result is planes too, in which the next convolution finds its inputs: `[N, outputs, 1, size]` with result
    (y, x) at `lead + y * pitch + x` and zeros elsewhere. Operands of the epilogue are then read as planes.

    Kernels compute whole vectors of positions, also those between two lines, and drop what is no position: from every
    column on the planes of an image have `(extents[0] - 1) * pitch + extents[1]` elements, rounded up to 16.

    - c1: `planes` is `[N, channels, phases, size]`, with the elements of an image that `pack` has as its depth.
    - c2: `extents` are the two positive ones of the result; a line of the result is no longer than `pitch`.
    - c3: `values` is `[blocks][rows]`, `columns` is `[blocks]`, `starts` has one entry per list and one more.
    - c4: `bias` has one element per output.
    - c5: the epilogue is as for `nnopt.linear`.
    - c6: `frame` has two entries; `lead` is not negative, and `size` holds it and all positions that are computed.

    ```mlir
    // One tap of each of two channels, for four outputs.
    %y = nnopt.sparse_conv %p, %v, %c, %s {extents = array<i64: 2, 3>, pitch = 4 : i64,
         pack = #nnopt.sparse_pack<outputs = 4, depth = 64, rows = 4, strip = 4, chunk = 64>}
       : (tensor<1x2x1x32xf32>, tensor<2x4xf32>, tensor<2xi32>, tensor<2xi32>) -> tensor<1x2x3x4xf32>
    ```
  }];
  let arguments = (ins NNOpt_Shaped:$planes, NNOpt_Shaped:$values, NNOpt_Shaped:$columns, NNOpt_Shaped:$starts,
                       Optional<NNOpt_Shaped>:$bias, Variadic<NNOpt_Shaped>:$epilogue_operands, Optional<NNOpt_Shaped>:$init,
                       DenseI64ArrayAttr:$extents, I64Attr:$pitch, NNOpt_SparsePackAttr:$pack, OptionalAttr<DenseI64ArrayAttr>:$frame,
                       OptionalAttr<AffineMapArrayAttr>:$epilogue_maps);
  let extraClassDeclaration = [{
    /// Kernels compute vectors of so many positions.
    static constexpr int64_t kPositionUnit = 16;
    /// Positions of an image that are computed.
    int64_t positions() {
      int64_t span = (getExtents()[0] - 1) * static_cast<int64_t>(getPitch()) + getExtents()[1];
      return llvm::alignTo(span, kPositionUnit);
    }
  }];
}

#endif // NNOPT_PLANE_OPS_TD
