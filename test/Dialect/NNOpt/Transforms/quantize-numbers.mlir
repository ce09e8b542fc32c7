// The definition (the op, interpreted) and the lowering (its linalg.generic, interpreted) give the same numbers.
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-fold-constants))' | FileCheck %s
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-lower-quantize,nnopt-fold-constants))' | FileCheck %s

// Halves go to the even neighbour, before the zero point is added; then +-inf, NaN, and both sides of the bounds.
// CHECK-LABEL: func @signed
// CHECK: nnopt.weight dense<[1, 3, 3, 1, -1, 127, -128, 1, 127, 127, -128, -128]> : tensor<12xi8>
func.func @signed() -> tensor<12xi8> {
  %x = nnopt.weight dense<[0.25, 0.75, 1.25, -0.25, -0.75, 0x7F800000, 0xFF800000, 0x7FC00000, 62.75, 63.5, -64.5, -65.0]> : tensor<12xf32>
  %s = nnopt.weight dense<0.5> : tensor<f32>
  %z = nnopt.weight dense<1> : tensor<i8>
  %q = nnopt.quantize %x scale %s zero_point %z : (tensor<12xf32>, tensor<f32>, tensor<i8>) -> tensor<12xi8>
  return %q : tensor<12xi8>
}

// CHECK-LABEL: func @unsigned
// CHECK: nnopt.weight dense<{{\[\[}}128, 255, 0, 255], [128, 254, 0, 128]]> : tensor<2x4xui8>
func.func @unsigned() -> tensor<2x4xui8> {
  %x = nnopt.weight dense<[[0.5, 200.0, -200.0, 3.0e+38], [0.5, 252.0, -256.0, 0x7FC00000]]> : tensor<2x4xf32>
  %s = nnopt.weight dense<[1.0, 2.0]> : tensor<2xf32>
  %z = nnopt.weight dense<128> : tensor<2xui8>
  %q = nnopt.quantize %x scale %s zero_point %z {axis = 0 : i64} : (tensor<2x4xf32>, tensor<2xf32>, tensor<2xui8>) -> tensor<2x4xui8>
  return %q : tensor<2x4xui8>
}

// A scale of 0 gives infinity or NaN, never a trap; the bounds of 32 bits are exact.
// CHECK-LABEL: func @wide
// CHECK: nnopt.weight dense<[2147483647, -2147483648, 0, 2147483520]> : tensor<4xi32>
func.func @wide() -> tensor<4xi32> {
  %x = nnopt.weight dense<[1.0, -1.0, 0.0, 2147483520.0]> : tensor<4xf32>
  %s = nnopt.weight dense<[0.0, 0.0, 0.0, 1.0]> : tensor<4xf32>
  %q = nnopt.quantize %x scale %s {axis = 0 : i64} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi32>
  return %q : tensor<4xi32>
}

// The difference from the zero point needs more bits than the type has; blocks of 2, the last one short.
// CHECK-LABEL: func @dequantize
// CHECK-DAG: nnopt.weight dense<[-2.550000e+02, 2.550000e+02]> : tensor<2xf32>
// CHECK-DAG: nnopt.weight dense<[-8.000000e+00, 7.000000e+00, -2.000000e+00, 4.000000e+00, 3.000000e+01]> : tensor<5xf32>
func.func @dequantize() -> (tensor<2xf32>, tensor<5xf32>) {
  %a = nnopt.weight dense<[-128, 127]> : tensor<2xi8>
  %one = nnopt.weight dense<1.0> : tensor<2xf32>
  %az = nnopt.weight dense<[127, -128]> : tensor<2xi8>
  %da = nnopt.dequantize %a scale %one zero_point %az {axis = 0 : i64} : (tensor<2xi8>, tensor<2xf32>, tensor<2xi8>) -> tensor<2xf32>
  %b = nnopt.weight dense<[-8, 7, -1, 2, 3]> : tensor<5xi4>
  %s = nnopt.weight dense<[1.0, 2.0, 10.0]> : tensor<3xf32>
  %db = nnopt.dequantize %b scale %s {axis = 0 : i64, block_size = 2 : i64} : (tensor<5xi4>, tensor<3xf32>) -> tensor<5xf32>
  return %da, %db : tensor<2xf32>, tensor<5xf32>
}
