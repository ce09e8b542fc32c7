// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude{sparsity=0.5 last=1 first=1}))' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,HALF
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude{sparsity=0.5 pattern=2x1 last=1 first=1}))' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,BLOCK
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude{pattern=1:2 last=1 first=1}))' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,NM
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude{sparsity=0.5 pattern=rows last=1 first=1}))' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,ROWS
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude{sparsity=0.5 pattern=columns last=1 first=1}))' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,COLUMNS

// Of ten elements five, or two blocks of two, as three are more than half. Of equal magnitudes (1 and -1) the first goes. Of five inputs 1:2 keeps
// one in each pair, and the last.
// CHECK-LABEL: @linear
// HALF: nnopt.weight "w" dense<{{\[\[}}0.000000e+00, 0.000000e+00, 3.000000e+00, 0.000000e+00, 5.000000e+00], [6.000000e+00, 0.000000e+00, 0.000000e+00, -9.000000e+00, 1.000000e+01{{\]\]}}>
// HALF-SAME: nnopt.sparsity = #nnopt.sparsity<pruned, "unstructured", zeros = 5>
// BLOCK: nnopt.weight "w" dense<{{\[\[}}1.000000e+00, 0.000000e+00, 0.000000e+00, 2.500000e-01, 5.000000e+00], [6.000000e+00, 0.000000e+00, 0.000000e+00, -9.000000e+00, 1.000000e+01{{\]\]}}>
// BLOCK-SAME: nnopt.sparsity = #nnopt.sparsity<pruned, "2x1", zeros = 4>
// NM: nnopt.weight "w" dense<{{\[\[}}0.000000e+00, -1.000000e+00, 3.000000e+00, 0.000000e+00, 5.000000e+00], [6.000000e+00, 0.000000e+00, 0.000000e+00, -9.000000e+00, 1.000000e+01{{\]\]}}>
// NM-SAME: nnopt.sparsity = #nnopt.sparsity<pruned, "1:2", zeros = 4>
// ROWS: nnopt.weight "w" dense<{{\[\[}}0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00], [6.000000e+00, 1.000000e+00, 2.000000e+00, -9.000000e+00, 1.000000e+01{{\]\]}}>
// ROWS-SAME: nnopt.sparsity = #nnopt.sparsity<pruned, "rows", zeros = 5>
// COLUMNS: nnopt.weight "w" dense<{{\[\[}}1.000000e+00, 0.000000e+00, 0.000000e+00, 2.500000e-01, 5.000000e+00], [6.000000e+00, 0.000000e+00, 0.000000e+00, -9.000000e+00, 1.000000e+01{{\]\]}}>
// COLUMNS-SAME: nnopt.sparsity = #nnopt.sparsity<pruned, "columns", zeros = 4>
func.func @linear(%x: tensor<3x5xf32>) -> tensor<3x2xf32> {
  %w = nnopt.weight "w" dense<[[1.0, -1.0, 3.0, 0.25, 5.0], [6.0, 1.0, 2.0, -9.0, 10.0]]> : tensor<2x5xf32>
  %0 = nnopt.linear %x, %w : (tensor<3x5xf32>, tensor<2x5xf32>) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}

// Stored [inputs, outputs], as ONNX's MatMul has it: outputs are columns. Three of them leave smaller blocks (3 and 0.5), ranked by their mean.
// CHECK-LABEL: @kn
// BLOCK: nnopt.weight dense<{{\[\[}}0.000000e+00, 0.000000e+00, 3.000000e+00], [4.000000e+00, 4.000000e+00, 0.000000e+00{{\]\]}}>
// NM: nnopt.weight dense<{{\[\[}}0.000000e+00, 0.000000e+00, 3.000000e+00], [4.000000e+00, 4.000000e+00, 0.000000e+00{{\]\]}}>
// ROWS: nnopt.weight dense<{{\[\[}}1.000000e+00, 2.000000e+00, 0.000000e+00], [4.000000e+00, 4.000000e+00, 0.000000e+00{{\]\]}}>
// COLUMNS: nnopt.weight dense<{{\[\[}}0.000000e+00, 0.000000e+00, 0.000000e+00], [4.000000e+00, 4.000000e+00, 5.000000e-01{{\]\]}}>
func.func @kn(%x: tensor<3x2xf32>) -> tensor<3x3xf32> {
  %w = nnopt.weight dense<[[1.0, 2.0, 3.0], [4.0, 4.0, 0.5]]> : tensor<2x3xf32>
  %0 = nnopt.linear %x, %w {weight_kn} : (tensor<3x2xf32>, tensor<2x3xf32>) -> tensor<3x3xf32>
  return %0 : tensor<3x3xf32>
}

// Blocks lie within a tap: of taps 0 and 1 of both outputs, tap 0 has the larger mean. A whole output has all taps. The only input cannot go: half is asked.
// CHECK-LABEL: @conv
// BLOCK: nnopt.weight dense<{{\[\[\[}}9.000000e+00, 0.000000e+00]], {{\[\[}}1.000000e+00, 0.000000e+00{{\]\]\]}}>
// HALF: nnopt.weight dense<{{\[\[\[}}9.000000e+00, 3.000000e+00]], {{\[\[}}0.000000e+00, 0.000000e+00{{\]\]\]}}>
// ROWS: nnopt.weight dense<{{\[\[\[}}9.000000e+00, 3.000000e+00]], {{\[\[}}0.000000e+00, 0.000000e+00{{\]\]\]}}>
// COLUMNS: nnopt.weight dense<{{\[\[\[}}9.000000e+00, 3.000000e+00]], {{\[\[}}1.000000e+00, 2.000000e+00{{\]\]\]}}>
func.func @conv(%x: tensor<1x1x6xf32>) -> tensor<1x2x5xf32> {
  %w = nnopt.weight dense<[[[9.0, 3.0]], [[1.0, 2.0]]]> : tensor<2x1x2xf32>
  %0 = nnopt.conv %x, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>}
    : (tensor<1x1x6xf32>, tensor<2x1x2xf32>) -> tensor<1x2x5xf32>
  return %0 : tensor<1x2x5xf32>
}

// A constant operand of a product, on either side; on the left its rows are the outputs.
// CHECK-LABEL: @matmul
// NM: nnopt.weight "left" dense<{{\[\[}}0.000000e+00, 2.000000e+00], [4.000000e+00, 0.000000e+00{{\]\]}}>
// NM: nnopt.weight "right" dense<{{\[\[}}0.000000e+00, 2.000000e+00], [4.000000e+00, 0.000000e+00{{\]\]}}>
func.func @matmul(%x: tensor<2x2xf32>) -> (tensor<2x2xf32>, tensor<2x2xf32>) {
  %l = nnopt.weight "left" dense<[[1.0, 2.0], [4.0, 3.0]]> : tensor<2x2xf32>
  %0 = nnopt.matmul %l, %x : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %r = nnopt.weight "right" dense<[[1.0, 2.0], [4.0, 1.0]]> : tensor<2x2xf32>
  %1 = nnopt.matmul %x, %r : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %0, %1 : tensor<2x2xf32>, tensor<2x2xf32>
}

// Groups have outputs and inputs of their own: of the four rows, and of the four columns of two outputs, half go.
// CHECK-LABEL: @groups
// ROWS: nnopt.weight "grouped" dense<{{\[\[\[}}0.000000e+00], [0.000000e+00]], {{\[\[}}9.000000e+00], [8.000000e+00]], {{\[\[}}0.000000e+00], [0.000000e+00]], {{\[\[}}5.000000e+00], [7.000000e+00{{\]\]\]}}>
// COLUMNS: nnopt.weight "grouped" dense<{{\[\[\[}}1.000000e+00], [2.000000e+00]], {{\[\[}}9.000000e+00], [8.000000e+00]], {{\[\[}}0.000000e+00], [0.000000e+00]], {{\[\[}}0.000000e+00], [0.000000e+00{{\]\]\]}}>
func.func @groups(%x: tensor<1x4x3xf32>) -> tensor<1x4x3xf32> {
  %w = nnopt.weight "grouped" dense<[[[1.0], [2.0]], [[9.0], [8.0]], [[3.0], [1.0]], [[5.0], [7.0]]]> : tensor<4x2x1xf32>
  %0 = nnopt.conv %x, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, groups = 2 : i64}
    : (tensor<1x4x3xf32>, tensor<4x2x1xf32>) -> tensor<1x4x3xf32>
  return %0 : tensor<1x4x3xf32>
}

// Transposed convolution: [inputs, outputs, taps].
// CHECK-LABEL: @conv_transpose
// NM: nnopt.weight dense<{{\[\[\[}}0.000000e+00, 2.000000e+00]], {{\[\[}}3.000000e+00, 0.000000e+00{{\]\]\]}}>
func.func @conv_transpose(%x: tensor<1x2x3xf32>) -> tensor<1x1x4xf32> {
  %w = nnopt.weight dense<[[[1.0, 2.0]], [[3.0, 1.0]]]> : tensor<2x1x2xf32>
  %0 = nnopt.conv_transpose %x, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>,
      output_padding = array<i64: 0>} : (tensor<1x2x3xf32>, tensor<2x1x2xf32>) -> tensor<1x1x4xf32>
  return %0 : tensor<1x1x4xf32>
}

// Half precision too; products that share a weight share the pruned one.
// CHECK-LABEL: @shared
// HALF: %[[W:.*]] = nnopt.weight "half" dense<{{\[\[}}0.000000e+00, 2.000000e+00], [4.000000e+00, 0.000000e+00{{\]\]}}>
// HALF-NOT: nnopt.weight
// HALF: nnopt.linear %{{.*}}, %[[W]] :
// HALF: nnopt.linear %{{.*}}, %[[W]] :
func.func @shared(%x: tensor<2x2xf16>) -> tensor<2x2xf16> {
  %w = nnopt.weight "half" dense<[[1.0, 2.0], [4.0, 0.5]]> : tensor<2x2xf16>
  %0 = nnopt.linear %x, %w : (tensor<2x2xf16>, tensor<2x2xf16>) -> tensor<2x2xf16>
  %1 = nnopt.linear %0, %w : (tensor<2x2xf16>, tensor<2x2xf16>) -> tensor<2x2xf16>
  return %1 : tensor<2x2xf16>
}
