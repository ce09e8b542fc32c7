//===- Passes.td - from buffers to the LLVM dialect ------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_CONVERSION_PASSES_TD
#define NNOPT_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def SpecializeIsa : Pass<"nnopt-specialize-isa", "::mlir::ModuleOp"> {
  let summary = "Make one copy of the entry function per instruction set";
  let description = [{
    Replaces `@main` by one function `@main_<isa>` per instruction set, which carries `nnopt.isa`. Later passes read the attribute
    to choose vector lengths; the object's glue code chooses among the functions when it is loaded. Refuses names that are not
    in the table, and sets of different architectures.

    Example: test/Conversion/NNOptToLLVM/specialize-isa.mlir
  }];
  let options = [ListOption<"isas", "isas", "std::string", "Instruction sets, for instance x86-64,avx2,avx512">];
}

def LowerToVector : Pass<"nnopt-lower-to-vector", "::mlir::ModuleOp"> {
  let summary = "Replace ops on buffers by vector kernels";
  let description = [{
    In functions that carry `nnopt.isa`, asks the table of kernels for each op and replaces those that a kernel takes.
    Ops that no kernel takes stay for `nnopt-lower-to-loops`; for those of nnopt a remark says so. Hot inner code goes to private functions, which ops
    share; their pointers are `llvm.noalias`.

    Example: test/Conversion/NNOptToVector/gemm.mlir
  }];
  let dependentDialects = ["::nnopt::NNOptDialect", "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect"];
}

def LowerToLoops : Pass<"nnopt-lower-to-loops", "::mlir::ModuleOp"> {
  let summary = "Write structured ops on buffers as plain loops";
  let description = [{
    The portable lowering that is always right: every structured op of `nnopt` and `linalg` on buffers, of any element type,
    becomes `scf.for` over `memref.load` and `memref.store`, inside one `nnopt.parallel_for` over the outer dimensions of its
    output. Sums of half precision are formed in f32. Runs after `nnopt-lower-to-vector`, for what that leaves.
    Copies between buffers that are not contiguous become loops too.

    Example: test/Conversion/NNOptToLoops/products.mlir
  }];
  let dependentDialects = ["::nnopt::NNOptDialect", "::mlir::arith::ArithDialect", "::mlir::affine::AffineDialect", "::mlir::math::MathDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
                           "::mlir::LLVM::LLVMDialect"];
}

def LowerEntry : Pass<"nnopt-lower-entry", "::mlir::ModuleOp"> {
  let summary = "Give the entry functions their binary interface";
  let description = [{
    The functions `@main_<isa>`, `@workspace` and `@shapes` take and return pointers to arrays afterwards (docs/Architecture.md, "What
    each stage hands to the next"); buffers are rebuilt from pointers, static extents and symbols. The names,
    symbolic dimensions and types of the arguments move to the module as `nnopt.inputs` and `nnopt.outputs`.

    Example: test/Conversion/NNOptToLLVM/lower-entry.mlir
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect"];
}

def OutlineParallel : Pass<"nnopt-outline-parallel", "::mlir::ModuleOp"> {
  let summary = "Outline parallel regions to functions";
  let description = [{
    The body of each `nnopt.parallel_for` in an entry function becomes a private function of a context (the values it captures, in a
    structure on the stack) and a range, called through `@nnopt_parallel_for`. Without threads, inside another
    parallel region, outside entry functions, and where the work is too little to share, it is run in place on the whole range.

    Example: test/Conversion/NNOptToLLVM/outline-parallel.mlir
  }];
  let options = [Option<"threads", "threads", "int64_t", "-1", "0: no threads, everything is run in place">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::LLVM::LLVMDialect"];
}

def ApproximateMath : Pass<"nnopt-approximate-math", "::mlir::func::FuncOp"> {
  let summary = "Write transcendental functions as polynomials";
  let description = [{
    f32 functions that upstream has approximations of, on scalars and vectors; half precision is computed in f32. Where the
    instruction set of the function (`nnopt.isa`) has no fused multiply-add, `math.fma` becomes a product and a sum.

    Example: test/Conversion/NNOptToLLVM/approximate-math.mlir
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::vector::VectorDialect"];
}

def ExpandBFloat16 : Pass<"nnopt-expand-bfloat16", "::mlir::func::FuncOp"> {
  let summary = "Compute bfloat16 in f32, without library functions";
  let description = [{
    Arithmetic on bfloat16 becomes arithmetic on f32, rounded back after every operation by integer arithmetic (to nearest, ties to even).
    Compilers otherwise call `__truncsfbf2`, which the C library of many systems does not have.

    Example: test/Conversion/NNOptToLLVM/expand-bfloat16.mlir
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::vector::VectorDialect"];
}

def ConvertToLLVM : Pass<"nnopt-convert-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Convert everything to the LLVM dialect";
  let description = [{
    Upstream's conversions in one pass, with two of our own: a `memref.global` that carries `nnopt.value` becomes an external hidden
    `llvm.mlir.global` of bytes which keeps the attribute, so that weights never become LLVM IR; and functions get
    the target attributes of their `nnopt.isa`.

    Example: test/Conversion/NNOptToLLVM/convert-to-llvm.mlir
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // NNOPT_CONVERSION_PASSES_TD
