// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-pack-weights))' --remarks-filter=nnopt.* \
// RUN:   --remark-policy=all --remark-format=emitRemark 2>&1 | FileCheck %s

// What stays, and why. Everything is left as it was.
// CHECK-DAG: the weight is computed
// CHECK-DAG: the weight is neither f32 nor i8
// CHECK-DAG: the weight is empty
// CHECK-DAG: the channels are not last
// CHECK-NOT: #nnopt.pack
func.func @stay(%x: tensor<4x3xf32>, %w: tensor<2x3xf32>, %h: tensor<4x3xf16>, %image: tensor<1x2x5xf32>)
    -> (tensor<4x2xf32>, tensor<4x2xf16>, tensor<4x0xf32>, tensor<1x1x5xf32>) {
  %computed = nnopt.linear %x, %w : (tensor<4x3xf32>, tensor<2x3xf32>) -> tensor<4x2xf32>
  %v = nnopt.weight dense<1.0> : tensor<2x3xf16>
  %half = nnopt.linear %h, %v : (tensor<4x3xf16>, tensor<2x3xf16>) -> tensor<4x2xf16>
  %none = nnopt.weight dense<> : tensor<0x3xf32>
  %empty = nnopt.linear %x, %none : (tensor<4x3xf32>, tensor<0x3xf32>) -> tensor<4x0xf32>
  %u = nnopt.weight dense<1.0> : tensor<1x2x1xf32>
  %first = nnopt.conv %image, %u {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>}
    : (tensor<1x2x5xf32>, tensor<1x2x1xf32>) -> tensor<1x1x5xf32>
  return %computed, %half, %empty, %first : tensor<4x2xf32>, tensor<4x2xf16>, tensor<4x0xf32>, tensor<1x1x5xf32>
}
