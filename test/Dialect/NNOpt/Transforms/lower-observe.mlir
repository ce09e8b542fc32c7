// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-lower-observe))' | FileCheck %s

// CHECK: #[[READ:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d0 * 8 + d6, d2 * 2 + d4, d3 * 2 + d5 * 3)>

// CHECK-LABEL: @gram
// CHECK: %[[ROWS:.*]] = tensor.collapse_shape %{{.*}} {{\[\[}}0, 1], [2]] : tensor<?x128x384xf32> into tensor<?x384xf32>
// CHECK: %[[ONE:.*]] = tensor.expand_shape %[[ROWS]] {{\[\[}}0, 1], [2]] output_shape [1, %{{.*}}, 384]
// CHECK: %[[GRAM:.*]] = nnopt.matmul %[[ONE]], %[[ONE]] {transpose_lhs} : (tensor<1x?x384xf32>, tensor<1x?x384xf32>) -> tensor<1x384x384xf32>
// CHECK: return %[[GRAM]]
func.func @gram(%x: tensor<?x128x384xf32>) -> tensor<1x384x384xf32> {
  %0 = nnopt.observe gram %x : tensor<?x128x384xf32> -> tensor<1x384x384xf32>
  return %0 : tensor<1x384x384xf32>
}

// Windows: channel c of group g is channel 8 g + c of the image (the first map).
// CHECK-LABEL: @windows
// CHECK: %[[PADDED:.*]] = tensor.pad %{{.*}} low[0, 0, 1, 0] high[0, 0, 1, 0]
// CHECK: %[[WINDOWS:.*]] = linalg.generic {indexing_maps = [#[[READ]],
// CHECK-SAME: ins(%[[PADDED]] : tensor<1x16x30x28xf32>) outs(%{{.*}} : tensor<2x1x14x11x3x3x8xf32>)
// CHECK: %[[ROWS:.*]] = tensor.collapse_shape %[[WINDOWS]] {{\[\[}}0], [1, 2, 3], [4, 5, 6]]
// CHECK: linalg.generic {{.*}} ins(%[[ROWS]] : tensor<2x154x72xf32>)
// CHECK: arith.mulf
// CHECK: arith.addf
func.func @windows(%x: tensor<1x16x28x28xf32>) -> tensor<2x72xf32> {
  %0 = nnopt.observe squares %x {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 3>, pads = array<i64: 1, 0, 1, 0>, groups = 2 : i64}
    : tensor<1x16x28x28xf32> -> tensor<2x72xf32>
  return %0 : tensor<2x72xf32>
}

// The factor is 8 / (3 - -1). What is below the first part, or no number, becomes 0 by maxnum.
// CHECK-LABEL: @histogram
// CHECK-DAG: %[[LOW:.*]] = arith.constant -1.000000e+00 : f32
// CHECK-DAG: %[[FACTOR:.*]] = arith.constant 2.000000e+00 : f32
// CHECK-DAG: %[[LAST:.*]] = arith.constant 7.000000e+00 : f32
// CHECK: scf.for
// CHECK: scf.for
// CHECK: %[[X:.*]] = tensor.extract
// CHECK: %[[FROM:.*]] = arith.subf %[[X]], %[[LOW]]
// CHECK: %[[PLACE:.*]] = arith.mulf %[[FROM]], %[[FACTOR]]
// CHECK: arith.maxnumf %[[PLACE]]
// CHECK: arith.minnumf %{{.*}}, %[[LAST]]
// CHECK: tensor.insert {{.*}} : tensor<8xi64>
func.func @histogram(%x: tensor<?x5xf32>) -> tensor<8xi64> {
  %0 = nnopt.observe histogram %x {range = array<f32: -1.0, 3.0>} : tensor<?x5xf32> -> tensor<8xi64>
  return %0 : tensor<8xi64>
}
