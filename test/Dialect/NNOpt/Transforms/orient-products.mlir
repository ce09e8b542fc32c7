// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-orient-products))' | FileCheck %s

// CHECK-LABEL: func @transposed
// CHECK-SAME:  (%[[A:.*]]: tensor<?x9x6xf32>, %[[B:.*]]: tensor<?x17x9xf32>)
// CHECK:       %[[N:.*]] = tensor.dim %[[B]]
// CHECK:       %[[E:.*]] = tensor.empty(%[[N]]) : tensor<?x9x17xf32>
// CHECK:       %[[T:.*]] = linalg.transpose ins(%[[B]] : {{.*}}) outs(%[[E]] : {{.*}}) permutation = [0, 2, 1]
// CHECK:       nnopt.matmul %{{.*}}, %[[T]] : (tensor<?x6x9xf32>, tensor<?x9x17xf32>)
func.func @transposed(%a: tensor<?x9x6xf32>, %b: tensor<?x17x9xf32>) -> tensor<?x6x17xf32> {
  %y = nnopt.matmul %a, %b {transpose_lhs, transpose_rhs} : (tensor<?x9x6xf32>, tensor<?x17x9xf32>) -> tensor<?x6x17xf32>
  return %y : tensor<?x6x17xf32>
}

// A computed weight: the bias becomes the epilogue.
// CHECK-LABEL: func @computed
// CHECK-SAME:  (%[[X:.*]]: tensor<4x2x9xf32>, %[[W:.*]]: tensor<9x17xf32>, %[[B:.*]]: tensor<17xf32>)
// CHECK:       nnopt.matmul %[[X]], %[[W]] epilogue(%[[B]]) {{.*}} do {
// CHECK:         arith.addf
func.func @computed(%x: tensor<4x2x9xf32>, %w: tensor<9x17xf32>, %b: tensor<17xf32>) -> tensor<4x2x17xf32> {
  %y = nnopt.linear %x, %w bias %b {weight_kn} : (tensor<4x2x9xf32>, tensor<9x17xf32>, tensor<17xf32>) -> tensor<4x2x17xf32>
  return %y : tensor<4x2x17xf32>
}

// A constant weight is packed later; other types have no vector kernel that would gain.
// CHECK-LABEL: func @left
// CHECK-NOT:   linalg.transpose
// CHECK:       nnopt.linear
// CHECK:       nnopt.matmul %{{.*}}, %{{.*}} {transpose_rhs}
func.func @left(%x: tensor<4x9xf32>, %h: tensor<4x9xf16>) -> (tensor<4x17xf32>, tensor<4x4xf16>) {
  %w = nnopt.weight dense<1.0> : tensor<17x9xf32>
  %y = nnopt.linear %x, %w : (tensor<4x9xf32>, tensor<17x9xf32>) -> tensor<4x17xf32>
  %z = nnopt.matmul %h, %h {transpose_rhs} : (tensor<4x9xf16>, tensor<4x9xf16>) -> tensor<4x4xf16>
  return %y, %z : tensor<4x17xf32>, tensor<4x4xf16>
}
