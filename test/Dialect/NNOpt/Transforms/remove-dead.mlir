// RUN: nnopt-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nnopt-remove-dead),canonicalize)' \
// RUN:   --remarks-filter=nnopt.* --remark-policy=all --remark-format=emitRemark 2>&1 | FileCheck %s

// Neuron 1 has no weights: sigmoid(0) is 0.5, which times 4 and 6 goes into the next bias. Nothing reads neuron 2.
// CHECK-LABEL: func @folded
// CHECK-DAG: nnopt.weight "w0" dense<1.000000e+00> : tensor<1x2xf32>
// CHECK-DAG: nnopt.weight "w1" dense<{{\[\[}}3.000000e+00], [5.000000e+00]]> : tensor<2x1xf32>
// CHECK-DAG: nnopt.weight "b1" dense<[3.000000e+00, 4.000000e+00]> : tensor<2xf32>
func.func @folded(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w0 = nnopt.weight "w0" dense<[[1.0, 1.0], [0.0, 0.0], [2.0, 2.0]]> : tensor<3x2xf32>
  %w1 = nnopt.weight "w1" dense<[[3.0, 4.0, 0.0], [5.0, 6.0, 0.0]]> : tensor<2x3xf32>
  %b1 = nnopt.weight "b1" dense<1.0> : tensor<2xf32>
  %0 = nnopt.linear %x, %w0 : (tensor<?x2xf32>, tensor<3x2xf32>) -> tensor<?x3xf32>
  %1 = nnopt.activation sigmoid %0 : tensor<?x3xf32>
  %2 = nnopt.linear %1, %w1 bias %b1 : (tensor<?x3xf32>, tensor<2x3xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %2 : tensor<?x2xf32>
}

// -----

// At the border of a padded convolution the constant is missing: channel 1 stays. Channel 0 holds zero and goes.
// CHECK-LABEL: func @padded
// CHECK: nnopt.conv %{{.*}} : (tensor<1x1x4xf32>, tensor<2x1x1xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
// CHECK: nnopt.conv %{{.*}} : (tensor<1x2x4xf32>, tensor<1x2x3xf32>) -> tensor<1x1x4xf32>
func.func @padded(%x: tensor<1x1x4xf32>) -> tensor<1x1x4xf32> {
  %w0 = nnopt.weight dense<[[[0.0]], [[0.0]], [[1.0]]]> : tensor<3x1x1xf32>
  %b0 = nnopt.weight dense<[0.0, 7.0, 1.0]> : tensor<3xf32>
  %w1 = nnopt.weight dense<1.0> : tensor<1x3x3xf32>
  %0 = nnopt.conv %x, %w0 bias %b0 {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>}
    : (tensor<1x1x4xf32>, tensor<3x1x1xf32>, tensor<3xf32>) -> tensor<1x3x4xf32>
  %1 = nnopt.conv %0, %w1 {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>}
    : (tensor<1x3x4xf32>, tensor<1x3x3xf32>) -> tensor<1x1x4xf32>
  return %1 : tensor<1x1x4xf32>
}

// -----

// What only dead neurons read is dead next; of a layer without any weight one neuron stays.
// CHECK-LABEL: func @chain
// CHECK: nnopt.linear %{{.*}} : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
// CHECK: nnopt.linear %{{.*}} : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
// CHECK: nnopt.linear %{{.*}} : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
func.func @chain(%x: tensor<?x2xf32>) -> tensor<?x1xf32> {
  %w0 = nnopt.weight dense<1.0> : tensor<3x2xf32>
  %w1 = nnopt.weight dense<[[1.0, 0.0, 0.0], [1.0, 1.0, 1.0]]> : tensor<2x3xf32>
  %w2 = nnopt.weight dense<[[1.0, 0.0]]> : tensor<1x2xf32>
  %0 = nnopt.linear %x, %w0 : (tensor<?x2xf32>, tensor<3x2xf32>) -> tensor<?x3xf32>
  %1 = nnopt.linear %0, %w1 : (tensor<?x3xf32>, tensor<2x3xf32>) -> tensor<?x2xf32>
  %2 = nnopt.linear %1, %w2 : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  return %2 : tensor<?x1xf32>
}

// -----

// CHECK-LABEL: func @empty
// CHECK: nnopt.linear %{{.*}} : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
// CHECK: nnopt.linear %{{.*}} : (tensor<?x1xf32>, tensor<2x1xf32>) -> tensor<?x2xf32>
func.func @empty(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w0 = nnopt.weight dense<0.0> : tensor<3x2xf32>
  %w1 = nnopt.weight dense<1.0> : tensor<2x3xf32>
  %0 = nnopt.linear %x, %w0 : (tensor<?x2xf32>, tensor<3x2xf32>) -> tensor<?x3xf32>
  %1 = nnopt.linear %0, %w1 : (tensor<?x3xf32>, tensor<2x3xf32>) -> tensor<?x2xf32>
  return %1 : tensor<?x2xf32>
}

// -----

// Outputs of the model keep their shapes, whatever their weights.
// CHECK-LABEL: func @output
// CHECK: nnopt.linear %{{.*}} : (tensor<?x2xf32>, tensor<3x2xf32>) -> tensor<?x3xf32>
func.func @output(%x: tensor<?x2xf32>) -> tensor<?x3xf32> {
  %w0 = nnopt.weight dense<0.0> : tensor<3x2xf32>
  %0 = nnopt.linear %x, %w0 : (tensor<?x2xf32>, tensor<3x2xf32>) -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}
