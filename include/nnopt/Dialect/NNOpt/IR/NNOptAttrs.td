//===- NNOptAttrs.td - attributes and enums of the nnopt dialect -*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_ATTRS_TD
#define NNOPT_ATTRS_TD

include "nnopt/Dialect/NNOpt/IR/NNOptDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

class NNOpt_Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let genSpecializedAttr = 0;
  let cppNamespace = "::nnopt";
}
class NNOpt_EnumAttr<I32EnumAttr enum, string mnemonic>
    : EnumAttr<NNOpt_Dialect, enum, mnemonic>;

def NNOpt_ActivationKind : NNOpt_Enum<"ActivationKind", "elementwise nonlinear function", [
  I32EnumAttrCase<"relu", 0>, I32EnumAttrCase<"leaky_relu", 1>,
  I32EnumAttrCase<"sigmoid", 2>, I32EnumAttrCase<"tanh", 3>,
  I32EnumAttrCase<"gelu", 4>, I32EnumAttrCase<"gelu_tanh", 5>,
  I32EnumAttrCase<"silu", 6>, I32EnumAttrCase<"hard_swish", 7>,
  I32EnumAttrCase<"hard_sigmoid", 8>, I32EnumAttrCase<"elu", 9>,
  I32EnumAttrCase<"selu", 10>, I32EnumAttrCase<"celu", 11>,
  I32EnumAttrCase<"softplus", 12>, I32EnumAttrCase<"softsign", 13>,
  I32EnumAttrCase<"mish", 14>, I32EnumAttrCase<"erf", 15>,
  I32EnumAttrCase<"clip", 16>, I32EnumAttrCase<"thresholded_relu", 17>]>;
def NNOpt_ActivationKindAttr : NNOpt_EnumAttr<NNOpt_ActivationKind, "activation">;

def NNOpt_PoolKind : NNOpt_Enum<"PoolKind", "what a pooling window computes", [
  I32EnumAttrCase<"max", 0>, I32EnumAttrCase<"average", 1>]>;
def NNOpt_PoolKindAttr : NNOpt_EnumAttr<NNOpt_PoolKind, "pool_kind">;

def NNOpt_NormKind : NNOpt_Enum<"NormKind", "statistics used by a normalisation", [
  I32EnumAttrCase<"layer", 0>, I32EnumAttrCase<"rms", 1>]>;
def NNOpt_NormKindAttr : NNOpt_EnumAttr<NNOpt_NormKind, "norm_kind">;

def NNOpt_ObserveKind : NNOpt_Enum<"ObserveKind", "what calibration measures", [
  I32EnumAttrCase<"minimum", 0>, I32EnumAttrCase<"maximum", 1>, I32EnumAttrCase<"squares", 2>, I32EnumAttrCase<"gram", 3>,
  I32EnumAttrCase<"histogram", 4>]>;
def NNOpt_ObserveKindAttr : NNOpt_EnumAttr<NNOpt_ObserveKind, "observe_kind">;

def NNOpt_PackAttr : AttrDef<NNOpt_Dialect, "Pack"> {
  let mnemonic = "pack";
  let summary = "layout of a packed dense weight";
  let description = [{
    The weight operand is stored as panels of `panel` consecutive outputs:
    `[groups][ceil(outputs / panel)][depth / inner][panel][inner]`, zero-padded, where `depth` is
    the length of the sum (input channels times taps) of one group and
    `outputs` the outputs of one group. `inner`, 1 unless written as `x inner`, elements of the sum lie next to each other, as
    products of 8-bit integers take them. `kernel` is the spatial size of a
    convolution's filter (empty for `linear`). A depthwise weight is
    `[taps][channels]` and has `panel = 0`, `depth` = taps, `outputs` = channels.

    - c1: outputs, depth and the kernel's extents are positive, `panel` is not negative.
    - c2: `depth` is a multiple of the number of taps.
    - c3: `inner` is positive and divides `depth`, by taps; 1 without panels.

    ```mlir
    #nnopt.pack<outputs = 30, depth = 768, panel = 16>
    #nnopt.pack<outputs = 30, depth = 768, panel = 16 x 4>
    #nnopt.pack<outputs = 64, depth = 576, panel = 16, kernel = [3, 3]>
    ```
  }];
  let parameters = (ins "int64_t":$outputs, "int64_t":$depth, "int64_t":$panel,
                        DefaultValuedParameter<"int64_t", "1">:$inner, OptionalArrayRefParameter<"int64_t">:$kernel);
  let genVerifyDecl = 1;
  let assemblyFormat = "`<` `outputs` `=` $outputs `,` `depth` `=` $depth `,` `panel` `=` $panel (`x` $inner^)? (`,` `kernel` `=` `[` $kernel^ `]`)? `>`";
  let extraClassDeclaration = [{
    /// Position of element `k` of the sum of output `n` of a group that begins at panel `firstPanel`.
    int64_t position(int64_t firstPanel, int64_t n, int64_t k) const {
      int64_t panel = getPanel(), inner = getInner();
      return (((firstPanel + n / panel) * (getDepth() / inner) + k / inner) * panel + n % panel) * inner + k % inner;
    }
  }];
}

def NNOpt_SparsePackAttr : AttrDef<NNOpt_Dialect, "SparsePack"> {
  let mnemonic = "sparse_pack";
  let summary = "layout of a weight of which only the blocks that are not zero are stored";
  let description = [{
    A block is `rows` consecutive outputs at one element of the sum; with one row this is compressed sparse rows. The weight's `outputs` are cut
    into strips of `strip` outputs, `depth` into chunks of `chunk` elements. A list of blocks, in ascending order of
    the element, belongs to each (strip, chunk, block row), numbered in this order with the block row inside; the last strip and the
    last chunk may be cut off by `outputs` and `depth`, their lists are there but empty.

    - `values`: `[blocks][rows]` f32, of all lists one after the other.
    - `columns`: `[blocks]` i32, the element of the sum.
    - `starts`: `[lists + 1]` i32, where each list begins, and the end.

    - c1: all numbers are positive, `strip` is a multiple of `rows`, the count of the lists fits in 32 bits.

    ```mlir
    #nnopt.sparse_pack<outputs = 3072, depth = 768, rows = 4, strip = 16, chunk = 768>
    ```
  }];
  let parameters = (ins "int64_t":$outputs, "int64_t":$depth, "int64_t":$rows, "int64_t":$strip, "int64_t":$chunk);
  let genVerifyDecl = 1;
  let assemblyFormat = "`<` struct(params) `>`";
  let extraClassDeclaration = [{
    int64_t strips() const { return (getOutputs() + getStrip() - 1) / getStrip(); }
    int64_t chunks() const { return (getDepth() + getChunk() - 1) / getChunk(); }
    int64_t listsPerChunk() const { return getStrip() / getRows(); }
    int64_t lists() const { return strips() * chunks() * listsPerChunk(); }
    /// The first output of list `list`; may lie beyond the last output if the list is empty.
    int64_t firstOutput(int64_t list) const {
      return list / (chunks() * listsPerChunk()) * getStrip() + list % listsPerChunk() * getRows();
    }
  }];
}

def NNOpt_PermutePackAttr : AttrDef<NNOpt_Dialect, "PermutePack"> {
  let mnemonic = "permute_pack";
  let summary = "layout of a pruned weight that is read through windows of the input";
  let description = [{
    A slot holds one element of each of `rows` consecutive outputs, all inside a window of `window` consecutive elements of the sum, so that a
    kernel loads the window once and permutes it in registers. Each block row of `rows` outputs has a list of slots, in ascending order of
    the window; a window may begin anywhere. An output that has no element to give to a slot is filled up with a zero.

    - `values`: `[slots][rows]` f32, of all lists one after the other.
    - `indices`: `[slots][rows]` i8, the element inside the window.
    - `columns`: `[slots]` i32, the element of the sum at which the window begins.
    - `starts`: `[lists + 1]` i32, where each list begins, and the end.

    - c1: all numbers are positive.
    - c2: a window has no more elements than the sum, nor than an i8 can count.

    ```mlir
    #nnopt.permute_pack<outputs = 3072, depth = 768, rows = 16, window = 16>
    ```
  }];
  let parameters = (ins "int64_t":$outputs, "int64_t":$depth, "int64_t":$rows, "int64_t":$window);
  let genVerifyDecl = 1;
  let assemblyFormat = "`<` struct(params) `>`";
  let extraClassDeclaration = [{
    int64_t lists() const { return (getOutputs() + getRows() - 1) / getRows(); }
  }];
}

def NNOpt_SparsityOrigin : NNOpt_Enum<"SparsityOrigin", "where the zeros of a weight come from", [
  I32EnumAttrCase<"found", 0>, I32EnumAttrCase<"pruned", 1>, I32EnumAttrCase<"imported", 2>]>;

def NNOpt_SparsityAttr : AttrDef<NNOpt_Dialect, "Sparsity"> {
  let mnemonic = "sparsity";
  let summary = "the zeros of a weight";
  let description = [{
    Stands on a `nnopt.weight` as `nnopt.sparsity`: how many of its elements are zero, the pattern that they have
    (`unstructured`, blocks of `RxC` outputs and inputs, `N:M` along the inputs, whole outputs as `rows` or inputs as `columns`), and where they
    come from: `found` in a model that arrived with them, `pruned` by a pass, `imported` with a mask or from a sparse format.

    - c1: the pattern is one of these forms.
    - c2: `zeros` is not negative.

    ```mlir
    %w = nnopt.weight "fc1" dense<[[0.0, 2.0, 0.0, 1.0]]> {nnopt.sparsity = #nnopt.sparsity<pruned, "2:4", zeros = 2>} : tensor<1x4xf32>
    ```
  }];
  let parameters = (ins EnumParameter<NNOpt_SparsityOrigin>:$origin, StringRefParameter<>:$pattern, "int64_t":$zeros);
  let genVerifyDecl = 1;
  let assemblyFormat = "`<` $origin `,` $pattern `,` `zeros` `=` $zeros `>`";
}

#endif // NNOPT_ATTRS_TD
