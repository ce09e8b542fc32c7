// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-structured{neurons=0.5 multiple=1 scope=global}))' | FileCheck %s
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-structured{neurons=0.5 multiple=2 scope=global}))' | FileCheck %s --check-prefix=ROUNDED
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-structured{neurons=0.5 multiple=1 norm=l2 only=w1}))' | FileCheck %s --check-prefix=SQUARES

// Four of eight neurons: the smallest of both layers together are three of the second and one of the first.
// CHECK: nnopt.linear %{{.*}} : (tensor<?x1xf32>, tensor<3x1xf32>) -> tensor<?x3xf32>
// CHECK: nnopt.linear %{{.*}} : (tensor<?x3xf32>, tensor<1x3xf32>) -> tensor<?x1xf32>
// CHECK: nnopt.linear %{{.*}} : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>

// The nearest multiples of 2 to three and one.
// ROUNDED: nnopt.linear %{{.*}} : (tensor<?x1xf32>, tensor<4x1xf32>) -> tensor<?x4xf32>
// ROUNDED: nnopt.linear %{{.*}} : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>

// By squares one large weight outweighs several of middle size: neurons 2 and 3 of the second layer stay, of the first all.
// SQUARES: nnopt.weight "w1" dense<{{\[\[}}0.000000e+00, 0.000000e+00, 0.000000e+00, 5.000000e+00], [4.000000e+00, 4.000000e+00, 4.000000e+00, 4.000000e+00]]>
// SQUARES: nnopt.linear %{{.*}} : (tensor<?x1xf32>, tensor<4x1xf32>) -> tensor<?x4xf32>
func.func @model(%x: tensor<?x1xf32>) -> tensor<?x1xf32> {
  %w0 = nnopt.weight "w0" dense<[[9.0], [9.0], [0.5], [9.0]]> : tensor<4x1xf32>
  %w1 = nnopt.weight "w1" dense<[[1.0, 1.0, 1.0, 1.0], [1.5, 1.5, 1.5, 1.5], [0.0, 0.0, 0.0, 5.0], [4.0, 4.0, 4.0, 4.0]]> : tensor<4x4xf32>
  %w2 = nnopt.weight "w2" dense<[[1.0, 1.5, 0.0, 4.0]]> : tensor<1x4xf32>
  %0 = nnopt.linear %x, %w0 : (tensor<?x1xf32>, tensor<4x1xf32>) -> tensor<?x4xf32>
  %1 = nnopt.linear %0, %w1 : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %2 = nnopt.linear %1, %w2 : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x1xf32>
  return %2 : tensor<?x1xf32>
}
