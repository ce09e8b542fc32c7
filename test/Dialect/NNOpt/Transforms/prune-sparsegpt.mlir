// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-sparsegpt{sparsity=0.5 last=1}))' | FileCheck %s
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-sparsegpt{pattern=1:2 last=1}))' | FileCheck %s
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-sparsegpt{sparsity=0.5 damping=1 pattern=1x1 last=1}))' | FileCheck %s --check-prefix=DAMPED

// Equal inputs: the second weight takes over 1 / (1 + damping) of the first, which is worth less.
// CHECK-LABEL: @equal
// CHECK: nnopt.weight "w" dense<{{\[\[}}0.000000e+00, 3.99009895{{\]\]}}> : tensor<1x2xf32> {nnopt.sparsity = #nnopt.sparsity<pruned, "{{unstructured|1:2}}", zeros = 1>}
// CHECK-NOT: nnopt.observed
// DAMPED-LABEL: @equal
// DAMPED: nnopt.weight "w" dense<{{\[\[}}0.000000e+00, 3.500000e+00{{\]\]}}>
func.func @equal(%x: tensor<3x2xf32>) -> tensor<3x1xf32> {
  %w = nnopt.weight "w" dense<[[1.0, 3.0]]> : tensor<1x2xf32>
  %0 = nnopt.linear %x, %w {nnopt.observed = dense<1.0> : tensor<1x2x2xf32>} : (tensor<3x2xf32>, tensor<1x2xf32>) -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}

// Independent inputs: nothing can be made good for. The larger product of weight and input stays, not the larger weight.
// CHECK-LABEL: @independent
// CHECK: nnopt.weight dense<{{\[\[}}0.000000e+00, 1.000000e+00{{\]\]}}>
func.func @independent(%x: tensor<3x2xf32>) -> tensor<3x1xf32> {
  %w = nnopt.weight dense<[[3.0, 1.0]]> : tensor<1x2xf32>
  %0 = nnopt.linear %x, %w {nnopt.observed = dense<[[[1.0, 0.0], [0.0, 16.0]]]> : tensor<1x2x2xf32>} : (tensor<3x2xf32>, tensor<1x2xf32>) -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}

// An input that was always zero goes first, however large its weight.
// CHECK-LABEL: @dead
// CHECK: nnopt.weight dense<{{\[\[}}1.000000e+00, 0.000000e+00{{\]\]}}>
func.func @dead(%x: tensor<3x2xf32>) -> tensor<3x1xf32> {
  %w = nnopt.weight dense<[[1.0, 9.0]]> : tensor<1x2xf32>
  %0 = nnopt.linear %x, %w {nnopt.observed = dense<[[[1.0, 0.0], [0.0, 0.0]]]> : tensor<1x2x2xf32>} : (tensor<3x2xf32>, tensor<1x2xf32>) -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}
