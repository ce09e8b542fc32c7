// nnopt's passes and pipelines run in the stock mlir-opt.
// RUN: mlir-opt --load-dialect-plugin=%nnopt_lib/NNOptPlugin.so --load-pass-plugin=%nnopt_lib/NNOptPlugin.so %s \
// RUN:   --pass-pipeline='builtin.module(func.func(nnopt-lower-activations))' | FileCheck %s
// RUN: mlir-opt --load-dialect-plugin=%nnopt_lib/NNOptPlugin.so --load-pass-plugin=%nnopt_lib/NNOptPlugin.so %s \
// RUN:   --pass-pipeline='builtin.module(nnopt-to-llvm)' | FileCheck %s --check-prefix=LLVM

// CHECK-LABEL: func @main
// CHECK-NOT: nnopt.activation
// CHECK: linalg.generic
// LLVM: llvm.func @"main_x86-64"(
func.func @main(%x: tensor<4x8xf32> {nnopt.name = "x", nnopt.dims = ["4", "8"]}) -> (tensor<4x8xf32> {nnopt.name = "y", nnopt.dims = ["4", "8"]}) {
  %y = nnopt.activation relu %x : tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
