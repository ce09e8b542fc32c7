// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-lower-quantize),canonicalize)' | FileCheck %s

// CHECK: #[[AXIS:.*]] = affine_map<(d0, d1) -> (d1)>

// Rounds, replaces NaN, adds the zero point and saturates before it converts.
// CHECK-LABEL: func @quantize
// CHECK-NOT: nnopt.quantize
// CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[AXIS]], #[[AXIS]], #{{.*}}]
// CHECK: %[[Q:.*]] = arith.divf
// CHECK: %[[R:.*]] = math.roundeven %[[Q]]
// CHECK: %[[N:.*]] = arith.cmpf uno, %[[R]], %[[R]]
// CHECK: %[[S:.*]] = arith.select %[[N]]
// CHECK: %[[Z:.*]] = arith.sitofp
// CHECK: %[[T:.*]] = arith.addf %[[S]], %[[Z]] : f32
// CHECK: %[[L:.*]] = arith.maximumf %[[T]]
// CHECK: %[[H:.*]] = arith.minimumf %[[L]]
// CHECK: arith.fptosi %[[H]] : f32 to i8
func.func @quantize(%x: tensor<?x4xf32>, %s: tensor<4xf32>, %z: tensor<4xi8>) -> tensor<?x4xi8> {
  %0 = nnopt.quantize %x scale %s zero_point %z {axis = 1 : i64} : (tensor<?x4xf32>, tensor<4xf32>, tensor<4xi8>) -> tensor<?x4xi8>
  return %0 : tensor<?x4xi8>
}

// Unsigned results convert without a sign; f16 is widened.
// CHECK-LABEL: func @quantize_unsigned
// CHECK: arith.extf %{{.*}} : f16 to f32
// CHECK: arith.divf {{.*}} : f32
// CHECK: %[[I:.*]] = arith.fptoui %{{.*}} : f32 to i8
// CHECK: builtin.unrealized_conversion_cast %[[I]] : i8 to ui8
func.func @quantize_unsigned(%x: tensor<4xf16>, %s: tensor<f32>) -> tensor<4xui8> {
  %0 = nnopt.quantize %x scale %s : (tensor<4xf16>, tensor<f32>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// The bounds of i32 are exact in f64 only.
// CHECK-LABEL: func @quantize_wide
// CHECK: arith.maximumf {{.*}} : f64
// CHECK: arith.fptosi {{.*}} : f64 to i32
func.func @quantize_wide(%x: tensor<4xf32>, %s: tensor<1xf32>) -> tensor<4xi32> {
  %0 = nnopt.quantize %x scale %s : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xi32>
  return %0 : tensor<4xi32>
}

// The difference is taken in integers, where it is exact.
// CHECK-LABEL: func @dequantize
// CHECK: arith.extui %{{.*}} : i8 to i32
// CHECK: arith.extui %{{.*}} : i8 to i32
// CHECK: arith.subi
// CHECK: arith.sitofp {{.*}} : i32 to f32
// CHECK: arith.mulf
func.func @dequantize(%q: tensor<2x?xui8>, %s: tensor<f32>, %z: tensor<ui8>) -> tensor<2x?xf32> {
  %0 = nnopt.dequantize %q scale %s zero_point %z : (tensor<2x?xui8>, tensor<f32>, tensor<ui8>) -> tensor<2x?xf32>
  return %0 : tensor<2x?xf32>
}

// Four bits become eight, with their sign; blocks of 2 along dimension 1 read scale [i, j / 2].
// CHECK-LABEL: func @blocks
// CHECK: %[[W:.*]] = nnopt.weight "w" dense<{{\[\[}}-8, 7, 1, -1], [0, 1, 2, 3]]> : tensor<2x4xi8>
// CHECK: linalg.generic {{.*}} ins(%[[W]] : tensor<2x4xi8>)
// CHECK: %[[I:.*]] = linalg.index 0
// CHECK: %[[J:.*]] = linalg.index 1
// CHECK: %[[B:.*]] = arith.divui %[[J]]
// CHECK: tensor.extract %{{.*}}[%[[I]], %[[B]]]
func.func @blocks(%s: tensor<2x2xf32>) -> tensor<2x4xf32> {
  %w = nnopt.weight "w" dense<[[-8, 7, 1, -1], [0, 1, 2, 3]]> : tensor<2x4xi4>
  %0 = nnopt.dequantize %w scale %s {axis = 1 : i64, block_size = 2 : i64} : (tensor<2x4xi4>, tensor<2x2xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// CHECK-LABEL: func @unsigned_nibbles
// CHECK: nnopt.weight dense<[0, 15]> : tensor<2xui8>
func.func @unsigned_nibbles(%s: tensor<f32>) -> tensor<2xf32> {
  %w = nnopt.weight dense<[0, 15]> : tensor<2xui4>
  %0 = nnopt.dequantize %w scale %s : (tensor<2xui4>, tensor<f32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// Single constants are numbers in the body, those of unsigned types without a sign.
// CHECK-LABEL: func @constants
// CHECK-DAG: %[[Z:.*]] = arith.constant 200 : i32
// CHECK-DAG: %[[S:.*]] = arith.constant 5.000000e-01 : f32
// CHECK: linalg.generic {{.*}} ins(%{{[^,]*}} : tensor<4xui8>)
// CHECK: arith.subi %{{.*}}, %[[Z]] : i32
// CHECK: arith.mulf %{{.*}}, %[[S]] : f32
func.func @constants(%q: tensor<4xui8>) -> tensor<4xf32> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = nnopt.weight dense<200> : tensor<ui8>
  %0 = nnopt.dequantize %q scale %s zero_point %z : (tensor<4xui8>, tensor<f32>, tensor<ui8>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// A constant of an unsigned type may become a scalar later, which must be signless.
// CHECK-LABEL: func @constant_zeros
// CHECK: %[[Z:.*]] = nnopt.weight dense<[200, 100]> : tensor<2xi16>
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %{{.*}}, %[[Z]] : tensor<2xui8>, tensor<2xf32>, tensor<2xi16>)
func.func @constant_zeros(%q: tensor<2xui8>, %s: tensor<2xf32>) -> tensor<2xf32> {
  %z = nnopt.weight dense<[200, 100]> : tensor<2xui8>
  %0 = nnopt.dequantize %q scale %s zero_point %z {axis = 0 : i64} : (tensor<2xui8>, tensor<2xf32>, tensor<2xui8>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
