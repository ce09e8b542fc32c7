// The "bug" needs a softmax of a linear layer. All else goes: other ops, their regions and constants, results, arguments, functions.
// RUN: nnopt-reduce %s --test=%S/Inputs/has-softmax.sh -o %t.mlir 2> %t.txt
// RUN: FileCheck %s < %t.mlir
// RUN: FileCheck %s --check-prefix=REPORT < %t.txt
// REPORT: 24 ops became 5, {{[0-9]+}} candidates tested

// RUN: not nnopt-reduce %t.mlir --test=%S/Inputs/broken.sh 2>&1 | FileCheck %s --check-prefix=BROKEN
// BROKEN: error: the test '{{.*}}broken.sh' must end with 1 or 0, and ended with 3
// RUN: not nnopt-reduce %t.mlir --test=true 2>&1 | FileCheck %s --check-prefix=DULL
// DULL: error: the input does not show what the test looks for
// RUN: not nnopt-reduce %t.mlir --test=no-such-program 2>&1 | FileCheck %s --check-prefix=MISSING
// MISSING: error: no program 'no-such-program'

// CHECK: module {
// CHECK-NEXT: func.func @main(%[[X:.*]]: tensor<?x8xf32>, %[[W:.*]]: tensor<4x8xf32>) -> tensor<?x4xf32> {
// CHECK-NEXT: %[[L:.*]] = nnopt.linear %[[X]], %[[W]]
// CHECK-NEXT: %[[S:.*]] = nnopt.softmax %[[L]]
// CHECK-NEXT: return %[[S]] : tensor<?x4xf32>
// CHECK-NEXT: }
// CHECK-NEXT: }
#map = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d1)>
func.func private @helper(%x: tensor<2xf32>) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}
func.func @main(%x: tensor<?x8xf32> {nnopt.name = "x"}, %other: tensor<2xf32>) -> (tensor<?x4xf32>, tensor<2xf32>) attributes {note = "kept for nothing"} {
  %c0 = arith.constant 0 : index
  %w0 = nnopt.weight "a" dense<"0xAB"> : tensor<8x8xi8>
  %scale = arith.constant dense<0.5> : tensor<8xf32>
  %w = nnopt.dequantize %w0 scale %scale {axis = 0 : i64} : (tensor<8x8xi8>, tensor<8xf32>) -> tensor<8x8xf32>
  %0 = nnopt.linear %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %1 = nnopt.activation gelu %0 : tensor<?x8xf32>
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %2 = linalg.generic {indexing_maps = [#map, #row, #map], iterator_types = ["parallel", "parallel"]}
      ins(%1, %scale : tensor<?x8xf32>, tensor<8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %s = arith.addf %a, %b : f32
    %m = arith.mulf %s, %a : f32
    linalg.yield %m : f32
  } -> tensor<?x8xf32>
  %w1 = nnopt.weight "b" dense<[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
                                [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 9.0]]> : tensor<4x8xf32>
  %bias = nnopt.weight dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %3 = nnopt.linear %2, %w1 bias %bias : (tensor<?x8xf32>, tensor<4x8xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %4 = nnopt.softmax %3 {axis = 1 : i64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %5 = nnopt.activation relu %4 : tensor<?x4xf32>
  %6 = nnopt.activation tanh %5 : tensor<?x4xf32>
  %7 = func.call @helper(%other) : (tensor<2xf32>) -> tensor<2xf32>
  return %6, %7 : tensor<?x4xf32>, tensor<2xf32>
}
