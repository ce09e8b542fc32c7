// RUN: nnopt-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nnopt-form-integer-products{isas=x86-64,avx2}))' | FileCheck %s
// RUN: nnopt-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nnopt-form-integer-products{isas=x86-64,avx2}))' --remarks-filter=nnopt.* --remark-policy=all -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: %exit_of nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-form-integer-products{isas=z80}))' 2>&1 | FileCheck %s --check-prefix=ISA
// ISA: error: nnopt-form-integer-products: unknown instruction set 'z80'

// Unsigned activations become signed ones; what their zero point adds to the sums is the bias: -(10 - 128) * sum of the weights.
// CHECK-LABEL: func @per_output
// CHECK-DAG: %[[W:.*]] = nnopt.weight "w" dense<{{.*}}> : tensor<2x4xi8>
// CHECK-DAG: %[[B:.*]] = arith.constant dense<[5.000000e-01, -1.000000e+00]>
// CHECK-DAG: %[[Z:.*]] = arith.constant dense<-118> : tensor<i8>
// CHECK: %[[Q:.*]] = nnopt.quantize %{{.*}} scale %{{.*}} zero_point %[[Z]] : (tensor<?x4xf32>, tensor<f32>, tensor<i8>) -> tensor<?x4xi8>
// CHECK-NOT: nnopt.dequantize
// CHECK: %[[SUMS:.*]] = nnopt.weight "w.zero_point_sums" dense<[1180, -472]> : tensor<2xi32>
// CHECK: %[[S:.*]] = nnopt.linear %[[Q]], %[[W]] bias %[[SUMS]] : (tensor<?x4xi8>, tensor<2x4xi8>, tensor<2xi32>) -> tensor<?x2xi32>
// CHECK: %[[SCALE:.*]] = nnopt.weight "w.scales" dense<[2.500000e-01, 5.000000e-01]> : tensor<2xf32>
// CHECK: linalg.generic {{.*}} ins(%[[S]], %[[SCALE]], %[[B]] :
// CHECK: %[[F:.*]] = arith.sitofp
// CHECK: %[[M:.*]] = arith.mulf %[[F]]
// CHECK: arith.addf %[[M]]
func.func @per_output(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = nnopt.weight dense<10> : tensor<ui8>
  %b = arith.constant dense<[0.5, -1.0]> : tensor<2xf32>
  %w = nnopt.weight "w" dense<[[1, 2, 3, 4], [-1, 0, 0, -3]]> : tensor<2x4xi8>
  %sw = arith.constant dense<[0.5, 1.0]> : tensor<2xf32>
  %zw = arith.constant dense<0> : tensor<2xi8>
  %q = nnopt.quantize %x scale %s zero_point %z : (tensor<?x4xf32>, tensor<f32>, tensor<ui8>) -> tensor<?x4xui8>
  %d = nnopt.dequantize %q scale %s zero_point %z : (tensor<?x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<?x4xf32>
  %dw = nnopt.dequantize %w scale %sw zero_point %zw {axis = 0 : i64} : (tensor<2x4xi8>, tensor<2xf32>, tensor<2xi8>) -> tensor<2x4xf32>
  %y = nnopt.linear %d, %dw bias %b : (tensor<?x4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Another reader of the activations reads the signed ones. Without a zero point there is no bias.
// CHECK-LABEL: func @other_readers
// CHECK: %[[Q:.*]] = nnopt.quantize {{.*}} -> tensor<3x4xi8>
// CHECK: %[[D:.*]] = nnopt.dequantize %[[Q]] scale %{{.*}} zero_point %{{.*}} : (tensor<3x4xi8>
// CHECK: nnopt.linear %[[Q]], %{{.*}} {weight_kn} : (tensor<3x4xi8>, tensor<4x2xi8>) -> tensor<3x2xi32>
// CHECK: linalg.generic
// CHECK: return %{{.*}}, %[[D]]
func.func @other_readers(%x: tensor<3x4xf32>) -> (tensor<3x2xf32>, tensor<3x4xf32>) {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = nnopt.weight dense<128> : tensor<ui8>
  %w = nnopt.weight dense<[[1, 2], [3, 4], [5, 6], [7, 8]]> : tensor<4x2xi8>
  %q = nnopt.quantize %x scale %s zero_point %z : (tensor<3x4xf32>, tensor<f32>, tensor<ui8>) -> tensor<3x4xui8>
  %d = nnopt.dequantize %q scale %s zero_point %z : (tensor<3x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<3x4xf32>
  %dw = nnopt.dequantize %w scale %s : (tensor<4x2xi8>, tensor<f32>) -> tensor<4x2xf32>
  %y = nnopt.linear %d, %dw {weight_kn} : (tensor<3x4xf32>, tensor<4x2xf32>) -> tensor<3x2xf32>
  return %y, %d : tensor<3x2xf32>, tensor<3x4xf32>
}

// -----

// CHECK-LABEL: func @scales_along_the_sum
// CHECK: nnopt.linear {{.*}} -> tensor<3x2xf32>
// REMARK: the weight does not have a constant scale of f32, or one per output
func.func @scales_along_the_sum(%x: tensor<3x4xi8>) -> tensor<3x2xf32> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %sw = arith.constant dense<0.5> : tensor<4xf32>
  %w = nnopt.weight dense<1> : tensor<2x4xi8>
  %d = nnopt.dequantize %x scale %s : (tensor<3x4xi8>, tensor<f32>) -> tensor<3x4xf32>
  %dw = nnopt.dequantize %w scale %sw {axis = 1 : i64} : (tensor<2x4xi8>, tensor<4xf32>) -> tensor<2x4xf32>
  %y = nnopt.linear %d, %dw : (tensor<3x4xf32>, tensor<2x4xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// CHECK-LABEL: func @odd
// CHECK: nnopt.linear {{.*}} -> tensor<3x2xf32>
// REMARK: its sums have 5 elements, no multiple of 4
func.func @odd(%x: tensor<3x5xi8>) -> tensor<3x2xf32> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %w = nnopt.weight dense<1> : tensor<2x5xi8>
  %d = nnopt.dequantize %x scale %s : (tensor<3x5xi8>, tensor<f32>) -> tensor<3x5xf32>
  %dw = nnopt.dequantize %w scale %s : (tensor<2x5xi8>, tensor<f32>) -> tensor<2x5xf32>
  %y = nnopt.linear %d, %dw : (tensor<3x5xf32>, tensor<2x5xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// CHECK-LABEL: func @bad_scale
// CHECK: nnopt.linear {{.*}} -> tensor<3x2xf32>
// REMARK: the weight's scale is {{-?}}nan
func.func @bad_scale(%x: tensor<3x4xi8>) -> tensor<3x2xf32> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %nan = arith.constant dense<0x7FC00000> : tensor<f32>
  %w = nnopt.weight dense<1> : tensor<2x4xi8>
  %d = nnopt.dequantize %x scale %s : (tensor<3x4xi8>, tensor<f32>) -> tensor<3x4xf32>
  %dw = nnopt.dequantize %w scale %nan : (tensor<2x4xi8>, tensor<f32>) -> tensor<2x4xf32>
  %y = nnopt.linear %d, %dw : (tensor<3x4xf32>, tensor<2x4xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// 255 * 127 * 66312 is more than i32 holds.
// CHECK-LABEL: func @overflow
// CHECK: nnopt.linear {{.*}} -> tensor<1x1xf32>
// REMARK: a sum of output 0 could reach 2147514120{{.*}}, more than i32 holds
func.func @overflow(%x: tensor<1x66312xi8>) -> tensor<1x1xf32> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %w = nnopt.weight dense<127> : tensor<1x66312xi8>
  %d = nnopt.dequantize %x scale %s : (tensor<1x66312xi8>, tensor<f32>) -> tensor<1x66312xf32>
  %dw = nnopt.dequantize %w scale %s : (tensor<1x66312xi8>, tensor<f32>) -> tensor<1x66312xf32>
  %y = nnopt.linear %d, %dw : (tensor<1x66312xf32>, tensor<1x66312xf32>) -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}

// -----

// CHECK-LABEL: func @zero_points
// CHECK: nnopt.linear {{.*}} -> tensor<3x2xf32>
// REMARK: the weight has zero points that are not zero
func.func @zero_points(%x: tensor<3x4xi8>) -> tensor<3x2xf32> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<3> : tensor<i8>
  %w = nnopt.weight dense<1> : tensor<2x4xi8>
  %d = nnopt.dequantize %x scale %s : (tensor<3x4xi8>, tensor<f32>) -> tensor<3x4xf32>
  %dw = nnopt.dequantize %w scale %s zero_point %z : (tensor<2x4xi8>, tensor<f32>, tensor<i8>) -> tensor<2x4xf32>
  %y = nnopt.linear %d, %dw : (tensor<3x4xf32>, tensor<2x4xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}
