// RUN: nnopt-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nnopt-prune-structured{channels=0.5 neurons=0.5 heads=0.5 multiple=1 first=1}))' | FileCheck %s
// RUN: nnopt-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nnopt-prune-structured{channels=0.5 neurons=0.5 heads=0.5 multiple=1 first=1 zero-only=1}))' | FileCheck %s --check-prefix=ZERO

// The two smaller of four neurons go: rows of the first weight, the bias, columns of the second.
// CHECK-LABEL: func @neurons
// CHECK-DAG: nnopt.weight "w0" dense<{{\[\[}}2.000000e+00, 2.000000e+00], [3.000000e+00, 3.000000e+00]]> : tensor<2x2xf32>
// CHECK-DAG: nnopt.weight "b0" dense<[2.000000e+01, 3.000000e+01]> : tensor<2xf32>
// CHECK-DAG: nnopt.weight "w1" dense<{{\[\[}}2.000000e+00, 3.000000e+00]]> : tensor<1x2xf32>
// CHECK: nnopt.activation relu %{{.*}} : tensor<?x2xf32>
// ZERO-LABEL: func @neurons
// ZERO-DAG: nnopt.weight "w0" dense<{{\[\[}}0.000000e+00, 0.000000e+00], [2.000000e+00, 2.000000e+00], [0.000000e+00, 0.000000e+00], [3.000000e+00, 3.000000e+00]]> : tensor<4x2xf32> {nnopt.sparsity = #nnopt.sparsity<pruned, "unstructured", zeros = 4>}
// ZERO-DAG: nnopt.weight "w1" dense<{{\[\[}}0.000000e+00, 2.000000e+00, 0.000000e+00, 3.000000e+00]]> {{.*}}zeros = 2
func.func @neurons(%x: tensor<?x2xf32>) -> tensor<?x1xf32> {
  %w0 = nnopt.weight "w0" dense<[[0.0, 1.0], [2.0, 2.0], [1.0, 1.0], [3.0, 3.0]]> : tensor<4x2xf32>
  %b0 = nnopt.weight "b0" dense<[10.0, 20.0, 90.0, 30.0]> : tensor<4xf32>
  %w1 = nnopt.weight "w1" dense<[[1.0, 2.0, 1.0, 3.0]]> : tensor<1x4xf32>
  %0 = nnopt.linear %x, %w0 bias %b0 : (tensor<?x2xf32>, tensor<4x2xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %1 = nnopt.activation relu %0 : tensor<?x4xf32>
  %2 = nnopt.linear %1, %w1 : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x1xf32>
  return %2 : tensor<?x1xf32>
}

// -----

// A channel of the first convolution goes with its depthwise filter and the four columns of its pixels.
// CHECK-LABEL: func @flattened
// CHECK: nnopt.conv %{{.*}} : (tensor<1x1x3x3xf32>, tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32>
// CHECK: nnopt.conv %{{.*}} {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x2x2xf32>
// CHECK: tensor.collapse_shape %{{.*}} : tensor<1x1x2x2xf32> into tensor<1x4xf32>
// CHECK: nnopt.weight "columns" dense<{{\[\[}}5.000000e+00, 6.000000e+00, 7.000000e+00, 8.000000e+00]]>
// CHECK: nnopt.linear %{{.*}} : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<1x1xf32>
func.func @flattened(%x: tensor<1x1x3x3xf32>) -> tensor<1x1xf32> {
  %w0 = nnopt.weight dense<[[[[1.0, 0.0], [0.0, 0.0]]], [[[2.0, 0.0], [0.0, 0.0]]]]> : tensor<2x1x2x2xf32>
  %w1 = nnopt.weight dense<[[[[1.0]]], [[[2.0]]]]> : tensor<2x1x1x1xf32>
  %0 = nnopt.conv %x, %w0 {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>}
    : (tensor<1x1x3x3xf32>, tensor<2x1x2x2xf32>) -> tensor<1x2x2x2xf32>
  %1 = nnopt.conv %0, %w1 {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 2 : i64}
    : (tensor<1x2x2x2xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x2x2xf32>
  %flat = tensor.collapse_shape %1 [[0], [1, 2, 3]] : tensor<1x2x2x2xf32> into tensor<1x8xf32>
  %columns = nnopt.weight "columns" dense<[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]]> : tensor<1x8xf32>
  %2 = nnopt.linear %flat, %columns : (tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x1xf32>
  return %2 : tensor<1x1xf32>
}

// -----

// One of two heads of two neurons.
// CHECK-LABEL: func @heads
// CHECK: tensor.expand_shape %{{.*}} {{\[\[}}0], [1], [2, 3]] output_shape [1, 3, 1, 2] : tensor<1x3x2xf32> into tensor<1x3x1x2xf32>
// CHECK: nnopt.attention %{{.*}} : (tensor<1x3x1x2xf32>, tensor<1x3x1x2xf32>, tensor<1x3x1x2xf32>) -> tensor<1x3x1x2xf32>
// CHECK: nnopt.linear %{{.*}} : (tensor<1x3x2xf32>, tensor<1x2xf32>) -> tensor<1x3x1xf32>
func.func @heads(%x: tensor<1x3x1xf32>) -> tensor<1x3x1xf32> {
  %wq = nnopt.weight "wq" dense<[[1.0], [1.0], [2.0], [2.0]]> : tensor<4x1xf32>
  %wk = nnopt.weight "wk" dense<[[1.0], [1.0], [2.0], [2.5]]> : tensor<4x1xf32>
  %wv = nnopt.weight "wv" dense<[[1.0], [1.0], [2.0], [3.0]]> : tensor<4x1xf32>
  %wo = nnopt.weight "wo" dense<[[1.0, 1.0, 2.0, 2.0]]> : tensor<1x4xf32>
  %q = nnopt.linear %x, %wq : (tensor<1x3x1xf32>, tensor<4x1xf32>) -> tensor<1x3x4xf32>
  %k = nnopt.linear %x, %wk : (tensor<1x3x1xf32>, tensor<4x1xf32>) -> tensor<1x3x4xf32>
  %v = nnopt.linear %x, %wv : (tensor<1x3x1xf32>, tensor<4x1xf32>) -> tensor<1x3x4xf32>
  %qh = tensor.expand_shape %q [[0], [1], [2, 3]] output_shape [1, 3, 2, 2] : tensor<1x3x4xf32> into tensor<1x3x2x2xf32>
  %kh = tensor.expand_shape %k [[0], [1], [2, 3]] output_shape [1, 3, 2, 2] : tensor<1x3x4xf32> into tensor<1x3x2x2xf32>
  %vh = tensor.expand_shape %v [[0], [1], [2, 3]] output_shape [1, 3, 2, 2] : tensor<1x3x4xf32> into tensor<1x3x2x2xf32>
  %a = nnopt.attention %qh, %kh, %vh {scale = 1.0 : f32, sequence_major}
    : (tensor<1x3x2x2xf32>, tensor<1x3x2x2xf32>, tensor<1x3x2x2xf32>) -> tensor<1x3x2x2xf32>
  %merged = tensor.collapse_shape %a [[0], [1], [2, 3]] : tensor<1x3x2x2xf32> into tensor<1x3x4xf32>
  %y = nnopt.linear %merged, %wo : (tensor<1x3x4xf32>, tensor<1x4xf32>) -> tensor<1x3x1xf32>
  return %y : tensor<1x3x1xf32>
}

// -----

// Columns of an embedding, and a slice of what is looked up.
// CHECK-LABEL: func @table
// CHECK: nnopt.gather %{{.*}} : (tensor<3x2xf32>, tensor<?xi64>) -> tensor<?x2xf32>
// CHECK: tensor.extract_slice %{{.*}}[0, 1] [%{{.*}}, 1] [1, 1] : tensor<?x2xf32> to tensor<?x1xf32>
func.func @table(%ids: tensor<?xi64>) -> (tensor<?x1xf32>, tensor<?x1xf32>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %ids, %c0 : tensor<?xi64>
  %table = nnopt.weight dense<[[1.0, 2.0, 5.0, 6.0], [1.0, 2.0, 5.0, 6.0], [1.0, 2.0, 5.0, 6.0]]> : tensor<3x4xf32>
  %rows = nnopt.gather %table, %ids {axis = 0 : i64} : (tensor<3x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
  %left = tensor.extract_slice %rows[0, 0] [%n, 2] [1, 1] : tensor<?x4xf32> to tensor<?x2xf32>
  %right = tensor.extract_slice %rows[0, 2] [%n, 2] [1, 1] : tensor<?x4xf32> to tensor<?x2xf32>
  %w0 = nnopt.weight dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %w1 = nnopt.weight dense<[[3.0, 2.0]]> : tensor<1x2xf32>
  %a = nnopt.linear %left, %w0 : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  %b = nnopt.linear %right, %w1 : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  return %a, %b : tensor<?x1xf32>, tensor<?x1xf32>
}
