// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-structured{channels=0.5 neurons=0.7 multiple=4 exclude=spared,nobody}))' \
// RUN:   --remarks-filter=nnopt.* --remark-policy=all --remark-format=emitRemark 2>&1 | FileCheck %s
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-structured{heads=0.5}))' 2>&1 | FileCheck %s --check-prefix=NOTHING

// CHECK-DAG: warning: no layer with a constant weight is called 'nobody'
// CHECK-DAG: its 8 outputs stay: 'nnopt.normalize' does not work without some of them
// CHECK-DAG: its 2 outputs stay: they reach an output of the model
// CHECK-DAG: left whole by its name
// CHECK-DAG: 4 of 8 neurons of 'halved' stay, 6 were to go
// CHECK-DAG: all 3 neurons of 'narrow' stay: 2 were to go, what stays is a multiple of 4
// CHECK-DAG: channels of a convolution that reads an input of the model
// NOTHING: warning: nothing is removed: none of 4 sets of channels, neurons and heads can lose what is asked
func.func @model(%x: tensor<?x8xf32>, %image: tensor<1x1x6xf32>) -> (tensor<?x2xf32>, tensor<1x2x6xf32>) {
  %normalised = nnopt.weight "normalised" dense<1.0> : tensor<8x8xf32>
  %0 = nnopt.linear %x, %normalised : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %1 = nnopt.normalize rms %0 {axis = 1 : i64, epsilon = 1.0e-5 : f32} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %spared = nnopt.weight "spared" dense<1.0> : tensor<8x8xf32>
  %2 = nnopt.linear %1, %spared : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %halved = nnopt.weight "halved" dense<1.0> : tensor<8x8xf32>
  %3 = nnopt.linear %2, %halved : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %narrow = nnopt.weight "narrow" dense<1.0> : tensor<3x8xf32>
  %4 = nnopt.linear %3, %narrow : (tensor<?x8xf32>, tensor<3x8xf32>) -> tensor<?x3xf32>
  %last = nnopt.weight "last" dense<1.0> : tensor<2x3xf32>
  %5 = nnopt.linear %4, %last : (tensor<?x3xf32>, tensor<2x3xf32>) -> tensor<?x2xf32>
  %w0 = nnopt.weight "stem" dense<1.0> : tensor<8x1x1xf32>
  %6 = nnopt.conv %image, %w0 {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>}
    : (tensor<1x1x6xf32>, tensor<8x1x1xf32>) -> tensor<1x8x6xf32>
  %w1 = nnopt.weight "tail" dense<1.0> : tensor<2x8x1xf32>
  %7 = nnopt.conv %6, %w1 {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>}
    : (tensor<1x8x6xf32>, tensor<2x8x1xf32>) -> tensor<1x2x6xf32>
  return %5, %7 : tensor<?x2xf32>, tensor<1x2x6xf32>
}
