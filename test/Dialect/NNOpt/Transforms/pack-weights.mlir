// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-pack-weights))' | FileCheck %s

// Two outputs become lanes 0 and 1 of a panel; the other lanes are zero.
// CHECK-LABEL: func @linear
// CHECK: %[[W:.*]] = nnopt.weight "w" dense<{{\[\[\[}}1.000000e+00, 4.000000e+00, 0.000000e+00, {{.*}}], [2.000000e+00, 5.000000e+00, 0.{{.*}}], [3.000000e+00, 6.000000e+00, 0.{{.*}}]]]> : tensor<1x3x16xf32>
// CHECK-NOT: tensor<2x3xf32>
// CHECK: nnopt.linear %{{.*}}, %[[W]] {pack = #nnopt.pack<outputs = 2, depth = 3, panel = 16>}
func.func @linear(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %w = nnopt.weight "w" dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %y = nnopt.linear %x, %w : (tensor<?x3xf32>, tensor<2x3xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// Stored [k, n]: the attribute goes, the panel is the same.
// CHECK-LABEL: func @linear_kn
// CHECK: %[[W:.*]] = nnopt.weight dense<{{\[\[\[}}1.000000e+00, 4.000000e+00, 0.000000e+00, {{.*}}], [2.000000e+00, 5.000000e+00, 0.{{.*}}], [3.000000e+00, 6.000000e+00, 0.{{.*}}]]]> : tensor<1x3x16xf32>
// CHECK: nnopt.linear %{{.*}}, %[[W]] {pack = #nnopt.pack<outputs = 2, depth = 3, panel = 16>}
func.func @linear_kn(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]> : tensor<3x2xf32>
  %y = nnopt.linear %x, %w {weight_kn} : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// Bytes in runs of four elements of the sum.
// CHECK-LABEL: func @bytes
// CHECK: %[[W:.*]] = nnopt.weight dense<"0x01020304FFFEFDFC00{{0*}}05060708FBFAF9F800{{0*}}"> : tensor<1x2x16x4xi8>
// CHECK: nnopt.linear %{{.*}}, %[[W]] {pack = #nnopt.pack<outputs = 2, depth = 8, panel = 16 x 4>}
func.func @bytes(%x: tensor<?x8xi8>) -> tensor<?x2xi32> {
  %w = nnopt.weight dense<[[1, 2, 3, 4, 5, 6, 7, 8], [-1, -2, -3, -4, -5, -6, -7, -8]]> : tensor<2x8xi8>
  %y = nnopt.linear %x, %w : (tensor<?x8xi8>, tensor<2x8xi8>) -> tensor<?x2xi32>
  return %y : tensor<?x2xi32>
}

// 17 outputs need a second panel. Both users share it, and it stands before either of them.
// CHECK-LABEL: func @shared
// CHECK: %[[W:.*]] = nnopt.weight "shared" dense_resource<shared> : tensor<2x9x16xf32>
// CHECK-NOT: nnopt.weight
// CHECK: nnopt.linear %{{.*}}, %[[W]] {pack
// CHECK: nnopt.linear %{{.*}}, %[[W]] {pack
func.func @shared(%x: tensor<4x9xf32>) -> (tensor<4x17xf32>, tensor<4x17xf32>) {
  %w = nnopt.weight "shared" dense<1.0> : tensor<17x9xf32>
  %y = nnopt.linear %x, %w : (tensor<4x9xf32>, tensor<17x9xf32>) -> tensor<4x17xf32>
  %v = nnopt.weight "again" dense<1.0> : tensor<17x9xf32>
  %z = nnopt.linear %y, %v {weight_kn} : (tensor<4x17xf32>, tensor<17x9xf32>) -> tensor<4x9xf32>
  %u = nnopt.linear %z, %w : (tensor<4x9xf32>, tensor<17x9xf32>) -> tensor<4x17xf32>
  return %y, %u : tensor<4x17xf32>, tensor<4x17xf32>
}

// Taps outside, channels inside: [output 0] has channels (1, 2) and (3, 4) over its two taps, stored 1, 3, 2, 4.
// CHECK-LABEL: func @conv
// CHECK: nnopt.weight dense<{{\[\[\[\[}}1.000000e+00, 0.{{.*}}], [3.000000e+00, 0.{{.*}}], [2.000000e+00, 0.{{.*}}], [4.000000e+00, 0.{{.*}}]]]]> : tensor<1x1x4x16xf32>
// CHECK: pack = #nnopt.pack<outputs = 1, depth = 4, panel = 16, kernel = [2]>
func.func @conv(%x: tensor<1x5x2xf32>) -> tensor<1x4x1xf32> {
  %w = nnopt.weight dense<[[[1.0, 2.0], [3.0, 4.0]]]> : tensor<1x2x2xf32>
  %y = nnopt.conv %x, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels_last}
    : (tensor<1x5x2xf32>, tensor<1x2x2xf32>) -> tensor<1x4x1xf32>
  return %y : tensor<1x4x1xf32>
}

// A panel per group.
// CHECK-LABEL: func @grouped
// CHECK: nnopt.weight dense<{{\[\[\[\[}}1.000000e+00, 3.{{.*}}], [2.000000e+00, 4.{{.*}}]]], {{\[\[}}[5.000000e+00, 7.{{.*}}], [6.000000e+00, 8.{{.*}}]]]]> : tensor<2x1x2x16xf32>
// CHECK: pack = #nnopt.pack<outputs = 2, depth = 2, panel = 16, kernel = [1]>
func.func @grouped(%x: tensor<1x5x4xf32>) -> tensor<1x5x4xf32> {
  %w = nnopt.weight dense<[[[1.0], [2.0]], [[3.0], [4.0]], [[5.0], [6.0]], [[7.0], [8.0]]]> : tensor<4x2x1xf32>
  %y = nnopt.conv %x, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, groups = 2 : i64, channels_last}
    : (tensor<1x5x4xf32>, tensor<4x2x1xf32>) -> tensor<1x5x4xf32>
  return %y : tensor<1x5x4xf32>
}

// Depthwise: channels are neighbours.
// CHECK-LABEL: func @depthwise
// CHECK: nnopt.weight dense<{{\[\[}}1.000000e+00, 3.000000e+00], [2.000000e+00, 4.000000e+00]]> : tensor<2x2xf32>
// CHECK: pack = #nnopt.pack<outputs = 2, depth = 2, panel = 0, kernel = [2]>
func.func @depthwise(%x: tensor<1x5x2xf32>) -> tensor<1x4x2xf32> {
  %w = nnopt.weight dense<[[[1.0, 2.0]], [[3.0, 4.0]]]> : tensor<2x1x2xf32>
  %y = nnopt.conv %x, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, groups = 2 : i64, channels_last}
    : (tensor<1x5x2xf32>, tensor<2x1x2xf32>) -> tensor<1x4x2xf32>
  return %y : tensor<1x4x2xf32>
}
