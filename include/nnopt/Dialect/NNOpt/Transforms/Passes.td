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
