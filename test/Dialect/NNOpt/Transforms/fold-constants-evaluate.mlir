// RUN: nnopt-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nnopt-fold-constants{max-bytes=16}))' --remarks-filter='nnopt.*' --remark-policy=all 2>%t.remarks | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.remarks

// A dequantized, transposed weight is computed as a whole and keeps its name; 2 * 3 elements of 4 bytes come from 6 bytes, 8 and 2.
// CHECK-LABEL: func @dequantized
// CHECK-NEXT: %[[W:.*]] = nnopt.weight "fc" dense<{{\[\[}}0.000000e+00, -3.000000e+00], [5.000000e-01, 0.000000e+00], [1.000000e+00, 3.000000e+00]]> : tensor<3x2xf32>
// CHECK-NEXT: nnopt.linear %{{.*}}, %[[W]] {weight_kn}
// REMARK: [Passed] constant {{.*}}24 bytes from constants of 16 bytes
func.func @dequantized(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %q = nnopt.weight "fc" dense<[[1, 2, 3], [3, 5, 7]]> : tensor<2x3xi8>
  %s = nnopt.weight dense<[0.5, 1.5]> : tensor<2xf32>
  %z = nnopt.weight dense<[1, 5]> : tensor<2xi8>
  %d = nnopt.dequantize %q scale %s zero_point %z {axis = 0 : i64} : (tensor<2x3xi8>, tensor<2xf32>, tensor<2xi8>) -> tensor<2x3xf32>
  %e = tensor.empty() : tensor<3x2xf32>
  %t = linalg.transpose ins(%d : tensor<2x3xf32>) outs(%e : tensor<3x2xf32>) permutation = [1, 0]
  %y = nnopt.linear %x, %t {weight_kn} : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// NaN and bools are computed like anything else; shapes too.
// CHECK-LABEL: func @kinds
// CHECK-DAG: %[[A:.*]] = nnopt.weight dense<[0x7FC00000, 3.000000e+00]> : tensor<2xf32>
// CHECK-DAG: %[[B:.*]] = nnopt.weight dense<[false, true]> : tensor<2xi1>
// CHECK-DAG: %[[C:.*]] = nnopt.weight dense<{{\[\[}}2.000000e+00], [3.000000e+00]]> : tensor<2x1xf32>
// CHECK: return %[[A]], %[[B]], %[[C]]
#id = affine_map<(i) -> (i)>
func.func @kinds() -> (tensor<2xf32>, tensor<2xi1>, tensor<2x1xf32>) {
  %x = nnopt.weight dense<[0x7FC00000, 2.0, 3.0]> : tensor<3xf32>
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<2xf32>
  %eb = tensor.empty() : tensor<2xi1>
  %s = tensor.extract_slice %x[0] [2] [1] : tensor<3xf32> to tensor<2xf32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%s : tensor<2xf32>) outs(%e : tensor<2xf32>) {
  ^bb0(%u: f32, %o: f32):
    %t = arith.addf %u, %one : f32
    linalg.yield %t : f32
  } -> tensor<2xf32>
  %b = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%s : tensor<2xf32>) outs(%eb : tensor<2xi1>) {
  ^bb0(%u: f32, %o: i1):
    %t = arith.cmpf oeq, %u, %u : f32
    linalg.yield %t : i1
  } -> tensor<2xi1>
  %r = tensor.extract_slice %x[1] [2] [1] : tensor<3xf32> to tensor<2xf32>
  %c = tensor.expand_shape %r [[0, 1]] output_shape [2, 1] : tensor<2xf32> into tensor<2x1xf32>
  return %a, %b, %c : tensor<2xf32>, tensor<2xi1>, tensor<2x1xf32>
}

// -----

// Too large, of undefined contents, or a convolution: left as it is.
// CHECK-LABEL: func @stays
// CHECK: linalg.broadcast
// CHECK: linalg.fill
// CHECK: nnopt.conv
// REMARK: [Missed] constant {{.*}}24 bytes from constants of 4 bytes: more than max-bytes=16 on top
func.func @stays() -> (tensor<6xf32>, tensor<6xf32>, tensor<1x1x2xf32>) {
  %w = nnopt.weight dense<1.0> : tensor<1x1x1xf32>
  %x = nnopt.weight dense<1.0> : tensor<1x1x2xf32>
  %s = nnopt.weight dense<2.0> : tensor<f32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<6xf32>
  %b = linalg.broadcast ins(%s : tensor<f32>) outs(%e : tensor<6xf32>) dimensions = [0]
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<6xf32>) -> tensor<6xf32>
  %c = nnopt.conv %x, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>} : (tensor<1x1x2xf32>, tensor<1x1x1xf32>) -> tensor<1x1x2xf32>
  return %b, %f, %c : tensor<6xf32>, tensor<6xf32>, tensor<1x1x2xf32>
}

// -----

// A constant that cannot be computed is no error.
// CHECK-LABEL: func @out_of_range
// CHECK: tensor.extract_slice
// REMARK: [Missed] constant
func.func @out_of_range() -> tensor<1xf32> {
  %x = nnopt.weight dense<[1.0, 2.0]> : tensor<2xf32>
  %i = arith.constant 7 : index
  %y = tensor.extract_slice %x[%i] [1] [1] : tensor<2xf32> to tensor<1xf32>
  return %y : tensor<1xf32>
}
