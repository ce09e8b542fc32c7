// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-wanda{sparsity=0.5 last=1 first=1}))' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,WANDA
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-wanda{sparsity=0.5 pattern=2x1 last=1 first=1}))' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,BLOCK
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-wanda{pattern=1:2 last=1 first=1}))' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,NM

// Scores are 4 4 3 8 and 1 12 2 8: of equal ones the first goes. Each output loses half. Of columns, 0 and 2 have the smallest sums.
// CHECK-LABEL: @linear
// WANDA: nnopt.weight "w" dense<{{\[\[}}0.000000e+00, 1.000000e+00, 0.000000e+00, 2.000000e+00], [0.000000e+00, 3.000000e+00, 0.000000e+00, 2.000000e+00{{\]\]}}>
// WANDA-SAME: nnopt.sparsity = #nnopt.sparsity<pruned, "unstructured", zeros = 4>
// WANDA-NOT: nnopt.observed
// BLOCK: nnopt.weight "w" dense<{{\[\[}}0.000000e+00, 1.000000e+00, 0.000000e+00, 2.000000e+00], [0.000000e+00, 3.000000e+00, 0.000000e+00, 2.000000e+00{{\]\]}}>
// BLOCK-SAME: nnopt.sparsity = #nnopt.sparsity<pruned, "2x1", zeros = 4>
// NM: nnopt.weight "w" dense<{{\[\[}}0.000000e+00, 1.000000e+00, 0.000000e+00, 2.000000e+00], [0.000000e+00, 3.000000e+00, 0.000000e+00, 2.000000e+00{{\]\]}}>
func.func @linear(%x: tensor<3x4xf32>) -> tensor<3x2xf32> {
  %w = nnopt.weight "w" dense<[[4.0, 1.0, 3.0, 2.0], [1.0, 3.0, 2.0, 2.0]]> : tensor<2x4xf32>
  %0 = nnopt.linear %x, %w {nnopt.observed = dense<[[1.0, 16.0, 1.0, 16.0]]> : tensor<1x4xf32>} : (tensor<3x4xf32>, tensor<2x4xf32>) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}

// The moments of a convolution count taps first: here channel 0 of both taps is small. Each group has its own.
// CHECK-LABEL: @conv
// WANDA: nnopt.weight dense<{{\[\[\[}}0.000000e+00, 0.000000e+00], [1.000000e+00, 1.000000e+00]], {{\[\[}}0.000000e+00, 1.000000e+00], [0.000000e+00, 1.000000e+00{{\]\]\]}}>
func.func @conv(%x: tensor<1x4x6xf32>) -> tensor<1x2x5xf32> {
  %w = nnopt.weight dense<1.0> : tensor<2x2x2xf32>
  %0 = nnopt.conv %x, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, groups = 2 : i64,
    nnopt.observed = dense<[[1.0, 9.0, 4.0, 16.0], [1.0, 4.0, 9.0, 16.0]]> : tensor<2x4xf32>}
    : (tensor<1x4x6xf32>, tensor<2x2x2xf32>) -> tensor<1x2x5xf32>
  return %0 : tensor<1x2x5xf32>
}

// Two products that share a weight: their moments add up to 5 and 4.
// CHECK-LABEL: @shared
// WANDA: nnopt.weight dense<{{\[\[}}1.000000e+00, 0.000000e+00{{\]\]}}>
func.func @shared(%x: tensor<3x2xf32>, %y: tensor<3x2xf32>) -> (tensor<3x1xf32>, tensor<3x1xf32>) {
  %w = nnopt.weight dense<1.0> : tensor<1x2xf32>
  %0 = nnopt.linear %x, %w {nnopt.observed = dense<[[4.0, 1.0]]> : tensor<1x2xf32>} : (tensor<3x2xf32>, tensor<1x2xf32>) -> tensor<3x1xf32>
  %1 = nnopt.linear %y, %w {nnopt.observed = dense<[[1.0, 3.0]]> : tensor<1x2xf32>} : (tensor<3x2xf32>, tensor<1x2xf32>) -> tensor<3x1xf32>
  return %0, %1 : tensor<3x1xf32>, tensor<3x1xf32>
}
