// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-quantize))' | FileCheck %s --check-prefixes=CHECK,DEFAULT
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-quantize{weights=per-tensor activations=symmetric}))' | FileCheck %s --check-prefixes=CHECK,OTHER
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-quantize{method=percentile:75}))' | FileCheck %s --check-prefix=PERCENTILE

// Scales of outputs are 63.5 / 127 and 254 / 127; halves go to the even neighbour. The input's is 127.5 / 255, its zero point 32 / 0.5; or 95.5 / 127 and 128.
// CHECK-LABEL: @linear
// DEFAULT: %[[S:.*]] = nnopt.weight dense<5.000000e-01> : tensor<f32>
// DEFAULT: %[[Z:.*]] = nnopt.weight dense<64> : tensor<ui8>
// OTHER: %[[S:.*]] = nnopt.weight dense<0.751968503> : tensor<f32>
// OTHER: %[[Z:.*]] = nnopt.weight dense<128> : tensor<ui8>
// CHECK: %[[Q:.*]] = nnopt.quantize %arg0 scale %[[S]] zero_point %[[Z]] : (tensor<3x4xf32>, tensor<f32>, tensor<ui8>) -> tensor<3x4xui8>
// CHECK: %[[X:.*]] = nnopt.dequantize %[[Q]] scale %[[S]] zero_point %[[Z]] : (tensor<3x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<3x4xf32>
// DEFAULT: %[[QW:.*]] = nnopt.weight "w" dense<{{\[\[}}127, 0, -2, 0], [-127, 2, 2, -4{{\]\]}}> : tensor<2x4xi8>
// DEFAULT: %[[SW:.*]] = nnopt.weight "w_scale" dense<[5.000000e-01, 2.000000e+00]> : tensor<2xf32>
// DEFAULT: %[[W:.*]] = nnopt.dequantize %[[QW]] scale %[[SW]] {axis = 0 : i64} : (tensor<2x4xi8>, tensor<2xf32>) -> tensor<2x4xf32>
// OTHER: %[[QW:.*]] = nnopt.weight "w" dense<{{\[\[}}32, 0, 0, 0], [-127, 2, 2, -4{{\]\]}}> : tensor<2x4xi8>
// OTHER: %[[SW:.*]] = nnopt.weight "w_scale" dense<2.000000e+00> : tensor<f32>
// OTHER: %[[W:.*]] = nnopt.dequantize %[[QW]] scale %[[SW]] : (tensor<2x4xi8>, tensor<f32>) -> tensor<2x4xf32>
// CHECK: nnopt.linear %[[X]], %[[W]] bias %{{.*}} : (tensor<3x4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<3x2xf32>
// CHECK-NOT: nnopt.observed
func.func @linear(%x: tensor<3x4xf32>) -> tensor<3x2xf32> {
  %w = nnopt.weight "w" dense<[[63.5, 0.25, -0.75, 0.0], [-254.0, 3.0, 5.0, -7.0]]> : tensor<2x4xf32>
  %b = nnopt.weight "b" dense<1.0> : tensor<2xf32>
  %0 = nnopt.linear %x, %w bias %b {nnopt.observed_range = dense<[-32.0, 95.5]> : tensor<2xf32>} : (tensor<3x4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}

// Stored [inputs, outputs]: outputs are axis 1. A range above zero begins at zero.
// CHECK-LABEL: @columns
// DEFAULT: nnopt.weight dense<5.000000e-01> : tensor<f32>
// DEFAULT: nnopt.weight dense<0> : tensor<ui8>
// DEFAULT: nnopt.weight dense<[5.000000e-01, 2.000000e+00]> : tensor<2xf32>
// DEFAULT: {axis = 1 : i64} : (tensor<1x2xi8>, tensor<2xf32>) -> tensor<1x2xf32>
// CHECK: nnopt.linear {{.*}} {weight_kn}
func.func @columns(%x: tensor<3x1xf32>) -> tensor<3x2xf32> {
  %w = nnopt.weight dense<[[63.5, -254.0]]> : tensor<1x2xf32>
  %0 = nnopt.linear %x, %w {weight_kn, nnopt.observed_range = dense<[1.0, 127.5]> : tensor<2xf32>} : (tensor<3x1xf32>, tensor<1x2xf32>) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}

// An input and an output that are always zero have the scale 1.
// CHECK-LABEL: @zeros
// CHECK: nnopt.weight dense<1.000000e+00> : tensor<f32>
// DEFAULT: nnopt.weight dense<0> : tensor<ui8>
// OTHER: nnopt.weight dense<128> : tensor<ui8>
// DEFAULT: nnopt.weight dense<{{\[\[}}0], [127{{\]\]}}> : tensor<2x1xi8>
// DEFAULT: nnopt.weight dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
func.func @zeros(%x: tensor<3x1xf32>) -> tensor<3x2xf32> {
  %w = nnopt.weight dense<[[0.0], [254.0]]> : tensor<2x1xf32>
  %0 = nnopt.linear %x, %w {nnopt.observed_range = dense<0.0> : tensor<2xf32>} : (tensor<3x1xf32>, tensor<2x1xf32>) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}

// A range that has no scale in normal numbers counts as zero.
// CHECK-LABEL: @tiny
// CHECK: nnopt.weight dense<1.000000e+00> : tensor<f32>
// DEFAULT: nnopt.weight dense<0> : tensor<ui8>
func.func @tiny(%x: tensor<3x1xf32>) -> tensor<3x1xf32> {
  %w = nnopt.weight dense<1.0> : tensor<1x1xf32>
  %0 = nnopt.linear %x, %w {nnopt.observed_range = dense<[-1.0e-38, 1.0e-38]> : tensor<2xf32>} : (tensor<3x1xf32>, tensor<1x1xf32>) -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}

// Two products read the value as integers, once; what else reads it has the floats. The names of the layer and the zeros of the weight stay.
// CHECK-LABEL: @shared
// CHECK: nnopt.weight "a" {{.*}} : tensor<1x2xi8> {nnopt.sparsity = #nnopt.sparsity<pruned, "unstructured", zeros = 1>}
// CHECK: %[[H:.*]] = nnopt.activation relu
// CHECK: nnopt.quantize %[[H]]
// CHECK: %[[X:.*]] = nnopt.dequantize
// CHECK-NOT: nnopt.quantize
// CHECK: nnopt.linear %[[X]], %{{.*}}
// CHECK: nnopt.linear %[[X]], %{{.*}}
// CHECK: nnopt.activation tanh %[[H]]
func.func @shared(%x: tensor<3x2xf32>) -> (tensor<3x1xf32>, tensor<3x1xf32>, tensor<3x2xf32>) {
  %a = nnopt.weight "a" dense<[[0.0, 1.0]]> : tensor<1x2xf32> {nnopt.sparsity = #nnopt.sparsity<pruned, "unstructured", zeros = 1>}
  %b = nnopt.weight "b" dense<2.0> : tensor<1x2xf32>
  %h = nnopt.activation relu %x : tensor<3x2xf32>
  %0 = nnopt.linear %h, %a {nnopt.observed_range = dense<[0.0, 1.0]> : tensor<2xf32>} : (tensor<3x2xf32>, tensor<1x2xf32>) -> tensor<3x1xf32> loc("first")
  %1 = nnopt.linear %h, %b {nnopt.observed_range = dense<[0.0, 1.0]> : tensor<2xf32>} : (tensor<3x2xf32>, tensor<1x2xf32>) -> tensor<3x1xf32>
  %2 = nnopt.activation tanh %h : tensor<3x2xf32>
  return %0, %1, %2 : tensor<3x1xf32>, tensor<3x1xf32>, tensor<3x2xf32>
}

// A weight that two products read is quantized once; each has an input of its own. Groups and depthwise filters count outputs along axis 0.
// CHECK-LABEL: @conv
// CHECK: nnopt.quantize %arg0
// DEFAULT: nnopt.weight dense<[{{.*}}]> : tensor<4xf32>
// DEFAULT: nnopt.dequantize %{{.*}} {axis = 0 : i64} : (tensor<4x1x3xi8>, tensor<4xf32>) -> tensor<4x1x3xf32>
// CHECK: nnopt.conv
// CHECK: nnopt.quantize
// CHECK: nnopt.conv
func.func @conv(%x: tensor<1x4x9xf32>) -> tensor<1x4x5xf32> {
  %w = nnopt.weight dense<[[[1.0, 2.0, 3.0]], [[4.0, 5.0, 6.0]], [[7.0, 8.0, 9.0]], [[1.0, 1.0, 0.0]]]> : tensor<4x1x3xf32>
  %0 = nnopt.conv %x, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, groups = 4 : i64,
    nnopt.observed_range = dense<[-1.0, 1.0]> : tensor<2xf32>} : (tensor<1x4x9xf32>, tensor<4x1x3xf32>) -> tensor<1x4x7xf32>
  %1 = nnopt.conv %0, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, groups = 4 : i64,
    nnopt.observed_range = dense<[-9.0, 9.0]> : tensor<2xf32>} : (tensor<1x4x7xf32>, tensor<4x1x3xf32>) -> tensor<1x4x5xf32>
  return %1 : tensor<1x4x5xf32>
}

// Of 17 elements in parts of 32, 75 % keep all but at most 2.125 on either side: not the last part, which holds 1. The scale is 96 / 255.
// PERCENTILE-LABEL: @outlier
// PERCENTILE: nnopt.weight dense<0.376470596> : tensor<f32>
// PERCENTILE: nnopt.weight dense<85> : tensor<ui8>
func.func @outlier(%x: tensor<3x1xf32>) -> tensor<3x1xf32> {
  %w = nnopt.weight dense<1.0> : tensor<1x1xf32>
  %0 = nnopt.linear %x, %w {nnopt.observed_range = dense<[-32.0, 96.0]> : tensor<2xf32>, nnopt.observed_histogram = dense<[8, 5, 3, 1]> : tensor<4xi64>}
    : (tensor<3x1xf32>, tensor<1x1xf32>) -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}
