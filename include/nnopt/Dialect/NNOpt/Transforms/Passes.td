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

def FoldConstants : Pass<"nnopt-fold-constants", "::mlir::func::FuncOp"> {
  let summary = "Compute what is constant; fold per-channel arithmetic into weights";
  let description = [{
    Ops of `nnopt`, `linalg` and `tensor` that depend on constants only are computed by the interpreter and become `nnopt.weight`: dequantized and
    transposed weights, slices, concatenations. A result may need `max-bytes` more than the constants it comes from. Convolutions and what
    would take more than some seconds stay.

    Elementwise arithmetic after `nnopt.linear` or `nnopt.conv` that is affine in the product, with constants that
    depend on the output channel only, becomes part of the weight and the bias: batch normalisation, an added bias, a scale.
    Computed in double precision and rounded once. A weight that another op reads too is not scaled, a scale that is not finite not
    applied; a remark says so. Arithmetic that is not affine is left to `nnopt-fuse-epilogues`.

    Example: test/Dialect/NNOpt/Transforms/fold-constants.mlir
  }];
  let options = [Option<"maxBytes", "max-bytes", "int64_t", /*default=*/"67108864",
    "Most bytes that a computed constant needs beyond the constants it comes from">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect"];
  let statistics = [Statistic<"evaluatedResults", "evaluated-results", "Results that were computed">,
                    Statistic<"foldedOps", "folded-ops", "Elementwise ops that became part of a weight or bias">];
}

def FormIntegerProducts : Pass<"nnopt-form-integer-products", "::mlir::func::FuncOp"> {
  let summary = "Multiply quantized activations by quantized weights in integers";
  let description = [{
    `nnopt.linear` of `nnopt.dequantize`d activations (8 bits, one scale) and of a `nnopt.dequantize`d constant weight (i8, one scale or one per output, zero
    points of zero) multiplies the integers: its sums are i32, which an elementwise `linalg.generic` scales by the product of both scales (rounded to
    f32 once), adding the bias in f32. What the zero point of the activations adds to a sum is constant, and becomes the i32 bias.

    Unsigned activations become signed ones, whose zero point is 128 less: the numbers they stand for stay the same.

    A layer whose sums could overflow (255 times the sum of the weights' magnitudes is beyond i32) stays as it is, and so does one whose weight has so many zeros
    that products of floats that leave them out are estimated to be faster. A remark gives the numbers.

    Example: test/Dialect/NNOpt/Transforms/form-integer-products.mlir
  }];
  let options = [ListOption<"isas", "isas", "std::string", "Instruction sets, for instance x86-64,avx2,avx512">,
                 Option<"expectedRows", "expected-rows", "int64_t", /*default=*/"128", "Rows where the model leaves them open">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"formedProducts", "formed-products", "Products of integers">];
}

def LowerQuantize : Pass<"nnopt-lower-quantize", "::mlir::func::FuncOp"> {
  let summary = "Write quantization as linalg.generic with exact rounding";
  let description = [{
    `nnopt.quantize` and `nnopt.dequantize` become elementwise `linalg.generic`: divide, round half to even, add the zero point, saturate, convert; and
    the reverse. Nothing wraps: the bounds are applied to the float, where they are exact (32-bit results are rounded in f64). Constants of 4 bits
    become constants of 8. A scale per block reads the block of its element. Integers of more than 32 bits and computed ones of 4 bits are
    errors. Runs before `nnopt-fuse-elementwise`, which merges the pieces with their neighbours.

    Example: test/Dialect/NNOpt/Transforms/lower-quantize.mlir
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def FuseAttention : Pass<"nnopt-fuse-attention", "::mlir::func::FuncOp"> {
  let summary = "Find scaled dot-product attention";
  let description = [{
    Two `nnopt.matmul` with a `nnopt.softmax` over the keys between them become one `nnopt.attention`. Takes a constant scale on the
    queries, the keys or the scores, and one mask: added, or selected against a value of -1e30 or less. A transpose of
    heads and sequence (`[batch, sequence, heads, size]`) before and after becomes `sequence_major`, if that leaves fewer of
    them. Products of rank 2 and 3 become attention of one head. A guard that replaces NaN by zero after the softmax goes, if the mask cannot
    be infinite. Scores or probabilities that something else reads stay as they are, with a remark.

    Example: test/Dialect/NNOpt/Transforms/fuse-attention.mlir
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"fusedOps", "fused-ops", "Attention ops made">];
}

def ChannelsLast : Pass<"nnopt-channels-last", "::mlir::func::FuncOp"> {
  let summary = "Compute convolutions with the channels last";
  let description = [{
    Every `nnopt.conv` becomes `channels_last` between two transposes, in one, two or three spatial dimensions. Transposes then sink through what
    can follow the layout (elementwise ops, `nnopt.pool`, `nnopt.softmax`, reductions, pads, slices, concatenations, flattened
    space) and cancel; an op joins only if that adds no transpose. A transpose that only moves extents of 1 becomes a reshape;
    one before a flatten and a constant `nnopt.linear` permutes the columns of the weight. What remains is at the borders; a remark counts it.
    `nnopt.conv_transpose` has no such form and stays.

    Example: test/Dialect/NNOpt/Transforms/channels-last.mlir
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"convertedOps", "converted-ops", "Convolutions made channels-last">,
                    Statistic<"leftTransposes", "left-transposes", "Transposes that did not cancel">];
}

def FuseElementwise : Pass<"nnopt-fuse-elementwise", "::mlir::func::FuncOp"> {
  let summary = "Merge chains of elementwise ops";
  let description = [{
    Upstream's fusion of `linalg.generic` under these rules. A producer with one reader fuses if each of its elements is computed once, or if it is
    cheap (no division or function, few ops); a cheap producer with several readers is computed again in each, if all of them
    can take it. An op that finishes a `nnopt.linear`, `nnopt.matmul` or `nnopt.conv` fuses only with a consumer that can follow it into the
    product's epilogue (`nnopt-fuse-epilogues`). No fused op reads more than `max-operands` tensors.

    Example: test/Dialect/NNOpt/Transforms/fuse-elementwise.mlir
  }];
  let options = [Option<"maxOperands", "max-operands", "int64_t", /*default=*/"8",
    "Most tensors that a fused op reads">];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def ApplyMasks : Pass<"nnopt-apply-masks", "::mlir::ModuleOp"> {
  let summary = "Set the weights to zero that masks in a file leave out";
  let description = [{
    `file` is a .npz file of masks by the names of weights, as training leaves them: bool arrays, true where a weight stays, or the packed form that
    `nnopt.prune.Masks` writes (lib/Dialect/NNOpt/Transforms/WeightMasks.h). Every `nnopt.weight` of a mask's name gets zeros where the mask says so, keeps
    its name, and carries `nnopt.sparsity` with the origin `imported` and the mask's pattern. Weights of integers, which all readers must dequantize alike,
    get their zero points.

    A mask that no weight is called after, of another shape than its weight, or for integers that are no quantized weight is an error. Weights without a mask
    stay as they are.

    Runs before anything else looks at the weights, while names and shapes are those of the model.

    Example: test/Dialect/NNOpt/Transforms/apply-masks.mlir
  }];
  let options = [Option<"file", "file", "std::string", /*default=*/"\"\"", "The .npz file">];
  let statistics = [Statistic<"maskedWeights", "masked-weights", "Weights that got a mask">];
}

def PruneMagnitude : Pass<"nnopt-prune-magnitude", "::mlir::func::FuncOp"> {
  let summary = "Set the smallest weights to zero";
  let description = [{
    Constant float weights of `nnopt.linear`, `nnopt.conv`, `nnopt.conv_transpose` and `nnopt.matmul` get zeros in `pattern`: single elements
    (`unstructured`), blocks of R outputs and C inputs (`RxC`), all but the N largest of every M inputs in a row (`N:M`), or whole outputs (`rows`, also
    called `channels` or `neurons`) or inputs (`columns`). Blocks lie within one tap of a convolution and one group of its channels, one matrix of a batch,
    but whole outputs and inputs have all taps and matrices; the last ones of a row or column may be smaller. They are ranked by the mean
    magnitude of their elements (`norm=l2`: mean square), equal ones by their place. Of a layer of n elements, `sparsity` * n (rounded) are zero
    afterwards; with blocks at most so many, by less than one block. What is zero already counts.

    `scope` shares the zeros out: `uniform` gives every layer the same part, `global` ranks the elements or blocks of all layers together, `erk`
    (Erdos-Renyi kernel) keeps a part proportional to (outputs + inputs + kernel extents) / elements.

    Left dense, with a remark: layers that `exclude` names or `only` does not (globs on the name of the weight or the location); convolutions that
    read an input of the model (`first`) and products that only elementwise ops, reshapes and softmax part from an output (`last`), which are small and sensitive;
    depthwise convolutions (`depthwise`); weights with another reader, that are integers, or smaller than one block or group. A weight with a NaN is an error. What
    several products share is pruned once. The new weight carries `nnopt.sparsity`. Outputs that are zero then, and inputs that nothing reads, are removed by
    `nnopt-remove-dead` in the graph stage where nothing keeps the shape.

    Runs after `nnopt-fold-constants`, which turns transposed weights into plain ones and scales weights by what normalises their outputs.

    Example: test/Dialect/NNOpt/Transforms/prune-magnitude.mlir
  }];
  let options = [
    Option<"sparsity", "sparsity", "double", /*default=*/"-1", "Part of the elements to be zero, 0 to 1; N:M says it itself">,
    Option<"pattern", "pattern", "std::string", /*default=*/"\"unstructured\"", "unstructured, RxC (outputs x inputs), N:M (along inputs), rows (whole outputs) or columns (whole inputs)">,
    Option<"scope", "scope", "std::string", /*default=*/"\"uniform\"", "uniform, global or erk">,
    Option<"norm", "norm", "std::string", /*default=*/"\"l1\"", "How blocks are ranked: l1 or l2">,
    ListOption<"exclude", "exclude", "std::string", "Names of layers to leave dense; * stands for any text">,
    ListOption<"only", "only", "std::string", "If given: names of the layers to prune">,
    Option<"first", "first", "bool", /*default=*/"false", "Prune convolutions that read an input of the model too">,
    Option<"last", "last", "bool", /*default=*/"false", "Prune products that make an output of the model too">,
    Option<"depthwise", "depthwise", "bool", /*default=*/"false", "Prune depthwise convolutions too">];
  let statistics = [Statistic<"prunedWeights", "pruned-weights", "Weights that were pruned">];
}

def PruneAuto : Pass<"nnopt-prune-auto", "::mlir::func::FuncOp"> {
  let summary = "Prune each layer as far as its kernel gains by it";
  let description = [{
    Picks for every layer of `nnopt-prune-magnitude` one of `pattern` and a part of zeros, from 5 % to `most-sparsity`, or leaves it as it is, by the estimated
    times of the kernels (`lib/Cost`) on each of `isas`: together the products are `speedup` times as fast as dense, or keep within `budget`, or both, with the
    least loss: of the parts of the layers' sums of squares that stay, the product is the largest. Zeros with which no kernel is faster are no choice, so
    what does not pay stays dense. The weights are pruned as `nnopt-prune-magnitude` does with `norm=l2`.

    `budget` is a time for one run on one core (`200us`, `1.5ms`) or the part of all weights of products that is not zero afterwards (`30%`). Times and weights of
    layers that are left out count too; elementwise ops, norms, pooling and products of two computed values have no estimate and do not, so that the
    whole model gains less than its products. Rows that are not known count as `expected-rows`, as for `nnopt-sparsify`.

    What cannot be reached is an error that says what can. Every layer leaves a remark with its pattern, part of zeros and times.

    Example: test/Dialect/NNOpt/Transforms/prune-auto.mlir
  }];
  let options = [
    Option<"speedup", "speedup", "double", /*default=*/"0", "How many times as fast all products are to be, at least 1; 0: as the budget says">,
    Option<"budget", "budget", "std::string", /*default=*/"\"\"", "Time of all products (200us, 1.5ms) or part of the weights that stays (30%)">,
    ListOption<"isas", "isas", "std::string", "Instruction sets that must all reach it; the portable one if none">,
    Option<"expectedRows", "expected-rows", "int64_t", /*default=*/"0", "What rows that are not known count as; 0: the fewest there can be">,
    ListOption<"pattern", "pattern", "std::string", "Patterns to choose from; if none: unstructured, 4x1, 8x1, 16x1">,
    Option<"mostSparsity", "most-sparsity", "double", /*default=*/"0.97", "Largest part of zeros in a layer, above 0 and below 1">,
    ListOption<"exclude", "exclude", "std::string", "Names of layers to leave as they are; * stands for any text">,
    ListOption<"only", "only", "std::string", "If given: names of the layers to prune">,
    Option<"first", "first", "bool", /*default=*/"false", "Prune convolutions that read an input of the model too">,
    Option<"last", "last", "bool", /*default=*/"false", "Prune products that make an output of the model too">,
    Option<"depthwise", "depthwise", "bool", /*default=*/"false", "Prune depthwise convolutions too">];
  let statistics = [Statistic<"prunedWeights", "pruned-weights", "Weights that were pruned">];
}

def PruneStructured : Pass<"nnopt-prune-structured", "::mlir::func::FuncOp"> {
  let summary = "Remove whole channels, neurons and attention heads";
  let description = [{
    Removes the least important `channels` (of convolutions), `neurons` (of linear layers) and `heads` (of attention), and with each all that depends on
    it: rows and columns of every weight that makes or reads it, biases, scales, depthwise filters, through elementwise ops and residual additions,
    pooling, concatenations and slices, transposes, flattens (a channel goes with its pixels, a head with its neurons) and lookups in tables. Grouped
    convolutions lose whole groups. Shapes shrink, so every kernel gains.

    A group of slices that reaches an input or output of the model, a dimension that is normalised over, or an op that the pass does not know, stays; a
    remark names the op. So do, with a remark, layers that `exclude` names or `only` does not, and channels that a convolution on an input of the model makes
    (`first`). Importance is the mean magnitude (`norm=l2`: mean square) of all weights of the group, biases left out. `scope=uniform` takes the same part of every
    layer, `global` ranks the groups of all layers of a kind together. What stays of channels and neurons is rounded to the nearest multiple of `multiple`,
    so that vectors stay full, and never none. A weight with a NaN is an error.

    `zero-only` writes zeros instead: the result computes the same with the shapes that there were.

    Example: test/Dialect/NNOpt/Transforms/prune-structured.mlir
  }];
  let options = [
    Option<"channels", "channels", "double", /*default=*/"0", "Part of the channels of convolutions to remove, 0 to below 1">,
    Option<"neurons", "neurons", "double", /*default=*/"0", "Part of the outputs of linear layers to remove">,
    Option<"heads", "heads", "double", /*default=*/"0", "Part of the heads of attention to remove">,
    Option<"scope", "scope", "std::string", /*default=*/"\"uniform\"", "uniform or global">,
    Option<"norm", "norm", "std::string", /*default=*/"\"l1\"", "How groups are ranked: l1 or l2">,
    Option<"multiple", "multiple", "int64_t", /*default=*/"16", "What stays of channels and neurons is a multiple of this">,
    ListOption<"exclude", "exclude", "std::string", "Names of layers to leave whole; * stands for any text">,
    ListOption<"only", "only", "std::string", "If given: names of the layers to prune">,
    Option<"first", "first", "bool", /*default=*/"false", "Remove channels of convolutions that read an input of the model too">,
    Option<"zeroOnly", "zero-only", "bool", /*default=*/"false", "Write zeros and keep the shapes">];
  let statistics = [Statistic<"removedGroups", "removed-groups", "Channels, neurons and heads that were removed">];
}

def RemoveDead : Pass<"nnopt-remove-dead", "::mlir::func::FuncOp"> {
  let summary = "Remove channels, neurons and heads that change nothing";
  let description = [{
    A slice that no product reads with a weight other than zero, or that holds zero whatever the inputs, goes, with all that depends on it (the groups of
    `nnopt-prune-structured`): models that arrive pruned by rows, columns or channels shrink. A slice that holds another number, as a bias through an
    activation does where the weights are zero, goes too if every product that reads it can take the number into its bias: `nnopt.linear`, and
    `nnopt.conv` without padding, at whose border the number would be missing. Otherwise it stays. A layer keeps at least one slice. What was read only by
    slices that went is looked at again.

    Runs after `nnopt-fold-constants`. Weights without a row or column of zeros cost one look at them.

    Example: test/Dialect/NNOpt/Transforms/remove-dead.mlir
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let statistics = [Statistic<"removedGroups", "removed-groups", "Channels, neurons and heads that were removed">];
}

def PermuteWeights : Pass<"nnopt-permute-weights", "::mlir::func::FuncOp"> {
  let summary = "Reorder channels between layers so that zeros lie where kernels want them";
  let description = [{
    The outputs of a `nnopt.linear` or `nnopt.conv` are reordered, and with them the inputs of the layers behind, if the cost model (`lib/Cost`) finds
    one of several orders faster: outputs with zeros in much the same places as neighbours, for kernels of blocks; full and empty ones in turn,
    so that no thread waits for the fullest part; and for few rows outputs with as many products side by side, or inputs that are used much and
    little in turn, as windows of inputs are read for many outputs at once. Blocks and strips of other kernels do not depend on the order of inputs.
    The order goes on through all that `DependencyGroups` follows channels through, also norms and reductions; layers that are added to each other
    share it. Left as it is, with a remark that has both times: what gains less than `min-gain` (or evens out less than 10 %); what reaches an input or
    a result of the model or an op that cannot have it. Sums are the same but for the order of their terms.

    Example: test/Dialect/NNOpt/Transforms/permute-weights.mlir
  }];
  let options = [ListOption<"isas", "isas", "std::string", "Instruction sets that must all gain; the portable one if none">,
                 Option<"minGain", "min-gain", "double", /*default=*/"0.03",
                        "Part of the estimated time that another order has to save; below 0 it may cost some, as tests want">];
  let statistics = [Statistic<"reorderedGroups", "reordered-groups", "Groups of layers with another order of channels">];
}

def FindSparsity : Pass<"nnopt-find-sparsity", "::mlir::func::FuncOp"> {
  let summary = "Count the zeros of weights and name their pattern";
  let description = [{
    Every `nnopt.weight` of a product that holds zeros gets `nnopt.sparsity`: their exact number, and the strictest pattern that they have: whole
    outputs or inputs, blocks of up to 32 outputs and 16 inputs, `N:M` with groups of up to 64 inputs, or `unstructured`. A pattern fits if what it
    keeps is not zero but for 5 %, and if it accounts for nine of ten zeros. What a weight says of itself stays if the number is right: who
    made the zeros knows their pattern. -0 is a zero, NaN and infinity are not. The numbers are a remark too. Changes no weight.

    Example: test/Dialect/NNOpt/Transforms/find-sparsity.mlir
  }];
  let statistics = [Statistic<"sparseWeights", "sparse-weights", "Weights that hold zeros">];
}

/// What the passes that prune by calibration take.
class NNOpt_CalibratedPruning<string flag> : Pass<flag, "::mlir::func::FuncOp"> {
  list<Option> calibratedOptions = [
    Option<"sparsity", "sparsity", "double", /*default=*/"-1", "Part of the elements to be zero, 0 to 1; N:M says it itself">,
    Option<"pattern", "pattern", "std::string", /*default=*/"\"unstructured\"", "unstructured, RxC (outputs x inputs) or N:M (along inputs)">,
    Option<"scope", "scope", "std::string", /*default=*/"\"uniform\"", "uniform or erk">,
    ListOption<"exclude", "exclude", "std::string", "Names of layers to leave dense; * stands for any text">,
    ListOption<"only", "only", "std::string", "If given: names of the layers to prune">,
    Option<"first", "first", "bool", /*default=*/"false", "Prune convolutions that read an input of the model too">,
    Option<"last", "last", "bool", /*default=*/"false", "Prune products that make an output of the model too">,
    Option<"depthwise", "depthwise", "bool", /*default=*/"false", "Prune depthwise convolutions too">];
  let options = calibratedOptions;
  let statistics = [Statistic<"prunedWeights", "pruned-weights", "Weights that were pruned">];
}

def PruneWanda : NNOpt_CalibratedPruning<"nnopt-prune-wanda"> {
  let summary = "Set to zero the weights that move outputs least";
  let description = [{
    Ranks weights by magnitude times the norm of the input they meet (`|w[n, k]| * sqrt(sum of x[k]^2)` over the calibration data), each output on its own:
    every output loses the same part. Blocks `RxC` are ranked by the mean of their elements within their R outputs; N:M keeps the N best of M. What stays
    is not changed. After M. Sun et al., "A Simple and Effective Pruning Approach for Large Language Models", 2023.

    The moments come with the products as `nnopt.observed` (what `nnopt.observe squares` or `gram` yields, summed over all samples), which
    `nnopt-compile --calibrate` attaches, and go with this pass. Transposed convolutions and batches of constant matrices have none and stay dense, as does
    what `nnopt-prune-magnitude` leaves dense; `scope` is `uniform` or `erk`, since scores of different layers cannot be compared.

    Example: test/Dialect/NNOpt/Transforms/prune-calibrated.mlir
  }];
}

def PruneSparseGPT : NNOpt_CalibratedPruning<"nnopt-prune-sparsegpt"> {
  let summary = "Set weights to zero and let the others make good for it";
  let description = [{
    Least squares of each layer's output over the calibration data, by the optimal brain surgeon: with H the Gram matrix of the inputs (plus `damping` times
    the mean of its diagonal), weight k is worth `w^2 / (H^-1)[k, k]` given that those before it are fixed, and what removing it costs is made good in the
    weights after it. The zeros of `window` inputs (within a tap of a convolution) are chosen together over all outputs when the first of them is
    reached, those of an N:M group for each output. The paper has 128 inputs of thousands; layers here are smaller and their inputs depend on each
    other more, so that what has gone must be seen earlier. Computed in double precision; layers run in parallel. An input that is always zero is
    removed first. After E. Frantar and D. Alistarh, "SparseGPT: Massive Language Models Can Be Accurately Pruned in One-Shot", 2023.

    Needs `nnopt.observed` with Gram matrices; all else is as for `nnopt-prune-wanda`. All statistics are those of the dense model. Takes
    K^3 multiplications per layer with K inputs (times taps) and 16 K^2 bytes per thread.

    Example: test/Dialect/NNOpt/Transforms/prune-sparsegpt.mlir
  }];
  let options = !listconcat(calibratedOptions, [
    Option<"damping", "damping", "double", /*default=*/"0.01", "Part of the mean square of the inputs that is added to each">,
    Option<"window", "window", "int64_t", /*default=*/"32", "Inputs whose zeros are chosen at a time">]);
}

def LowerObserve : Pass<"nnopt-lower-observe", "::mlir::func::FuncOp"> {
  let summary = "Write statistics as products and reductions";
  let description = [{
    `nnopt.observe gram` becomes the `nnopt.matmul` of its rows with themselves, `histogram` a loop over elements, the other kinds a reduction over rows. The
    windows of a convolution are copied to rows first, out of a padded input. Runs first in the graph stage: everything after it sees ops it knows.

    Example: test/Dialect/NNOpt/Transforms/lower-observe.mlir
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def Quantize : Pass<"nnopt-quantize", "::mlir::func::FuncOp"> {
  let summary = "Quantize the weights and inputs of products to 8 bits";
  let description = [{
    Of `nnopt.linear` and `nnopt.conv` with constant float weights, the weight becomes an `nnopt.weight` of i8 read through `nnopt.dequantize`, and the
    input goes through `nnopt.quantize` to ui8 and back. What several products read is quantized once; other readers keep the float. Biases stay
    float. Whoever computes these products in integers looks for this form; without it they are float with the same rounding.

    Weights: `scale = max |w| / 127` per output (`weights=per-channel`: axis 0, of `weight_kn` 1) or per weight (`per-tensor`), and
    `q = round_half_even(w / scale)` from -127 to 127; zeros stay zeros. `nnopt.sparsity` stays, its zeros counted anew: what is below half a scale becomes zero too.

    Inputs: products carry `nnopt.observed_range`, the least and largest element of their input over the calibration data, which `nnopt-compile --calibrate`
    attaches (of the network as it is here: pruning comes before). `method` makes [low, high] of it: `minmax` takes it as it is; `percentile:P` leaves out
    at most (100 - P) / 2 % of the elements on either side; `mse` scales both ends, in steps of 1 %, to the least mean square error of the elements after
    quantization. The latter two read `nnopt.observed_histogram`. Then low = min(low, 0) and high = max(high, 0), so that zero (padding, ReLU) is
    exact, and
    - `activations=asymmetric`: `scale = (high - low) / 255`, `zero_point = round_half_even(-low / scale)`;
    - `activations=symmetric`: `scale = max(-low, high) / 127`, `zero_point = 128`.

    Scales are computed in f64 and rounded once to f32; zero points and weights are made with the rounded scale, dividing in f32 (for f64 weights in f64). A scale that would be
    below the smallest normal f32, as of a weight or input that is always zero, is 1, and the zero point that of the range [0, 0]: 0, or 128.

    Left float, with a remark: layers that `exclude` names or `only` does not (globs on the name of the weight or the location), with `first=0` convolutions that
    read an input of the model, with `last=0` products that only elementwise ops, reshapes and softmax part from an output; weights with another reader, that
    are integers, not finite, or that products read in different layouts; other products; inputs that come from `nnopt.dequantize`; inputs whose range is missing,
    empty, NaN or infinite. It is an error if no product carries a range.

    Example: test/Dialect/NNOpt/Transforms/quantize.mlir
  }];
  let options = [
    Option<"method", "method", "std::string", /*default=*/"\"minmax\"", "How ranges of inputs are chosen: minmax, percentile:P or mse">,
    Option<"weights", "weights", "std::string", /*default=*/"\"per-channel\"", "What has a scale of its own: per-channel or per-tensor">,
    Option<"activations", "activations", "std::string", /*default=*/"\"asymmetric\"", "Zero points of inputs: asymmetric, or symmetric (always 128)">,
    ListOption<"exclude", "exclude", "std::string", "Names of layers to leave float; * stands for any text">,
    ListOption<"only", "only", "std::string", "If given: names of the layers to quantize">,
    Option<"first", "first", "bool", /*default=*/"true", "Quantize convolutions that read an input of the model too">,
    Option<"last", "last", "bool", /*default=*/"true", "Quantize products that make an output of the model too">,
    Option<"report", "report", "bool", /*default=*/"false", "Leave what was chosen on the function">];
  let statistics = [Statistic<"quantizedWeights", "quantized-weights", "Weights that became integers">];
}

def OrientProducts : Pass<"nnopt-orient-products", "::mlir::func::FuncOp"> {
  let summary = "Store computed operands of products as kernels read them";
  let description = [{
    The vector kernel of `nnopt.matmul` reads both operands row by row. An f32 operand that is used transposed is transposed in memory
    first, which costs one pass over it and saves a walk across rows per element of the result. A `nnopt.linear` whose f32
    weight is computed becomes a `nnopt.matmul`, its bias the epilogue; constant weights are left to `nnopt-pack-weights`.

    Example: test/Dialect/NNOpt/Transforms/orient-products.mlir
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def Sparsify : Pass<"nnopt-sparsify", "::mlir::func::FuncOp"> {
  let summary = "Leave out the zeros of pruned weights where that is faster";
  let description = [{
    A constant f32 weight of `nnopt.linear`, or of a channels-last `nnopt.conv` with one tap, that holds zeros becomes `nnopt.sparse_linear`
    if the estimated time of its kernel (`lib/Cost`) is below the dense one's on every instruction set of `isas`; blocks of 1, 4 or 8
    consecutive outputs, whichever takes least. Where fewer than 16 rows are all there is, blocks of 16 outputs and `nnopt.permute_linear` are
    compared as well. A convolution with more taps, with strides or with padding becomes `nnopt.sparse_conv` over `nnopt.image_planes` in the
    same way, if it has two spatial dimensions of known extent and one group. Such convolutions that follow each other, those of one tap among
    them, hand planes on, and read the operands of their epilogues as planes. What stays dense leaves a remark with both times, and what does not stay leaves one too.

    Rows that are not known count as `expected-rows`. If nothing is expected, sparse must gain with the fewest rows there can be, or, where it gains only from a
    number of rows on, the dense weight is kept too and an `scf.if` on the number of rows picks one, as long as both together are no larger than
    `max-growth` times the dense one.

    Ops that share a weight share the stored one. Weights are only read
    here, never pruned; `nnopt-pack-weights` packs the dense ones afterwards.

    Examples: test/Dialect/NNOpt/Transforms/sparsify.mlir, sparsify-conv.mlir
  }];
  let options = [Option<"enable", "enable", "bool", /*default=*/"true", "false: all weights stay dense">,
                 ListOption<"isas", "isas", "std::string", "Instruction sets that must all gain; the portable one if none">,
                 Option<"blocks", "blocks", "int64_t", /*default=*/"0",
                        "If not 0: store in blocks of so many outputs, whatever the estimates say, as benchmarks do">,
                 Option<"window", "window", "int64_t", /*default=*/"1", "With `blocks`, if more than 1: in slots that read through windows instead">,
                 Option<"expectedRows", "expected-rows", "int64_t", /*default=*/"0", "What rows that are not known count as; 0: nothing is expected">,
                 Option<"maxGrowth", "max-growth", "double", /*default=*/"1.2",
                        "Most bytes of a weight that is kept both sparse and dense, by its dense bytes">,
                 Option<"report", "report", "bool", /*default=*/"false", "Leave what was compared as `nnopt.sparsity_report` on the function">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"sparseOps", "sparse-ops", "Ops whose weight lost its zeros">];
}

def PackWeights : Pass<"nnopt-pack-weights", "::mlir::func::FuncOp"> {
  let summary = "Store constant weights in the order that kernels read them";
  let description = [{
    Constant f32 weights of `nnopt.linear` and of channels-last `nnopt.conv` become panels of 16 outputs (`#nnopt.pack`), weights of
    depthwise convolutions `[taps][channels]`. Ops that share a weight share the packed one; the original dies with its last
    user. What is computed, of another type, or channels first stays as it is, with a remark, and runs in portable loops.

    Example: test/Dialect/NNOpt/Transforms/pack-weights.mlir
  }];
  let statistics = [Statistic<"packedOps", "packed-ops", "Ops whose weight was packed">];
}

def FuseEpilogues : Pass<"nnopt-fuse-epilogues", "::mlir::func::FuncOp"> {
  let summary = "Move elementwise ops into the epilogue of the product they read";
  let description = [{
    An elementwise `linalg.generic` that is the only reader of a `nnopt.linear`, `nnopt.matmul` or `nnopt.conv` moves into its
    `epilogue` region with its other operands and their maps, one after the other. The product moves down to where
    the last operand exists; of two products that are added, the later one takes the sum. Constants of equal elements become scalars,
    and a vector of channels that is added first becomes the bias. Never repeats a product: with a second reader, a
    change of the element type or a broadcast of the product the op stays, with a remark.

    Reshapes that flatten and restore the rows around a `nnopt.linear` are undone before.

    Example: test/Dialect/NNOpt/Transforms/fuse-epilogues.mlir
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"fusedOps", "fused-ops", "Elementwise ops moved into an epilogue">];
}

def MaterializeDestinations : Pass<"nnopt-materialize-destinations", "::mlir::func::FuncOp"> {
  let summary = "Say where every structured op writes its result";
  let description = [{
    Every structured op gets a destination (`into`): an empty tensor of its shape, or the part of a larger tensor that its result goes
    to. Larger tensors are the operands of a `tensor.concat` side by side, the inside of a `tensor.pad`, and the inside
    of the padded input of a convolution with packed weights, which has no pads afterwards. Of padding only the frame is
    filled. Convolutions of one input share the padded one. What is produced in two places, or by a reshape, is copied.
    Larger tensors are `bufferization.alloc_tensor`, so that equal ones are not merged.

    Example: test/Dialect/NNOpt/Transforms/materialize-destinations.mlir
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
                           "::mlir::bufferization::BufferizationDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"piecesInPlace", "pieces-in-place", "Results written into a larger tensor without a copy">];
}

def LowerSparseCompute : Pass<"nnopt-lower-sparse-compute", "::mlir::ModuleOp"> {
  let summary = "Compute with values that are sparse at run time";
  let description = [{
    The first step of bufferization for `nnopt.sparse_compute`: its body becomes loops on buffers, in one of two ways. Upstream's sparsifier
    (`sparsification` and its companions) writes loops over what is stored; their outermost one becomes `nnopt.parallel_for` where its
    iterations are independent. Or the sparse values are written to buffers with all elements, which the op reads as it reads any other; a product
    is `nnopt.matmul` then. The second way is for what upstream does not take, for sums and whatever else has elements where nothing is stored (loops
    over both are 8 times slower than vectors), and for products of matrices of which more than `max-density` is stored, as far as the types tell; a
    tenth of it where the stored elements do not meet whole rows of the result. A remark says which way was taken.

    Before either, the buffers are checked, once per call, as `nnopt.sparse_compute` says.

    Example: test/Dialect/NNOpt/Transforms/lower-sparse-compute.mlir
  }];
  let options = [Option<"maxDensity", "max-density", "double", /*default=*/"0.3",
    "Largest share of elements that a sparse operand of a product may store to be computed with as such">];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::sparse_tensor::SparseTensorDialect", "::mlir::tensor::TensorDialect", "::mlir::LLVM::LLVMDialect"];
  let statistics = [Statistic<"sparseLoops", "sparse-loops", "Ops that became loops over what is stored">,
                    Statistic<"densified", "densified", "Ops that are computed with all elements">];
}

def PrepareEntry : Pass<"nnopt-prepare-entry", "::mlir::ModuleOp"> {
  let summary = "Give the entry function buffers as arguments";
  let description = [{
    The first step of bufferization. Inputs of `@main` become buffers that are read, results become buffers (`nnopt.output`) that are
    written, and one index argument per symbolic dimension (`nnopt.dims`) follows; the module lists the symbols
    as `nnopt.symbols`. The function returns the extents of its outputs, from which `nnopt-plan-memory` makes `@shapes`.
    Weights and constant tensors become read-only globals without initial value that carry `nnopt.value`; equal ones
    share.

    Example: test/Dialect/NNOpt/Transforms/bufferize.mlir
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::tensor::TensorDialect"];
}

def PlanMemory : Pass<"nnopt-plan-memory", "::mlir::ModuleOp"> {
  let summary = "Place all buffers in one workspace";
  let description = [{
    Every `memref.alloc` of `@main` becomes a view of one argument `memref<?xi8>`. Buffers whose sizes are multiples of the same
    product of symbolic extents (or static) are packed together, largest first, each at the lowest offset that no
    buffer alive at the same time takes. Adds `@workspace`, the bytes needed, and `@shapes`, the extents of the outputs, as functions of the
    symbols. A size that depends on the data is an error. A remark tells the bytes, and the most that is alive at once.

    Example: test/Dialect/NNOpt/Transforms/plan-memory.mlir
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
  let statistics = [Statistic<"plannedBytes", "planned-bytes", "Bytes of workspace whose size is static">,
                    Statistic<"liveBytes", "live-bytes", "Static bytes alive at once, at most: the least a plan can reach">];
}

#endif // NNOPT_PASSES_TD
