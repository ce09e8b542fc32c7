// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude{sparsity=0.5 pattern=2x4 exclude=head*,unnamed}))' \
// RUN:   --remarks-filter=nnopt.* --remark-policy=all --remark-format=emitRemark 2>&1 | FileCheck %s
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude{pattern=2:8 only=wide}))' \
// RUN:   --remarks-filter=nnopt.* --remark-policy=all --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=NM
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude{sparsity=0.5 only=table exclude=conv*}))' 2>&1 \
// RUN:   | FileCheck %s --check-prefix=NAMES

// NAMES: warning: no layer with a constant weight is called 'conv*'
// NAMES-NOT: is called 'table'

// What was pruned, with numbers, and what stays dense, and why.
// CHECK-DAG: 2x4: 8 of 20 weights are zero (40.00 %), asked 10 (50.00 %)
// CHECK-DAG: left dense by its name
// CHECK-DAG: a depthwise convolution
// CHECK-DAG: a convolution that reads an input of the model
// CHECK-DAG: makes an output of the model
// CHECK-DAG: something that is no product reads the weight
// CHECK-DAG: products read the weight in different layouts
// CHECK-DAG: the weight is empty
// CHECK-DAG: blocks of 2x4 need 2 outputs and 4 inputs, it has 4 and 2
// CHECK-DAG: the weight is i8, no float
// CHECK-DAG: 16 of 16 weights are zero already, 8 were to be
// NM: 2:8 needs 8 inputs, it has 5
// NM: warning: nothing is pruned: none of 13 layers with constant weights can be
func.func @model(%x: tensor<4x4xf32>, %image: tensor<1x4x6xf32>, %bytes: tensor<4x4xi8>, %ids: tensor<1xi64>)
    -> (tensor<4x2xf32>, tensor<1x4xf32>, tensor<1x4x4xf32>, tensor<4x0xf32>, tensor<4x4xi8>) {
  %head = nnopt.weight "head.0" dense<1.0> : tensor<4x4xf32>
  %0 = nnopt.linear %x, %head : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %plain = nnopt.weight dense<1.0> : tensor<4x4xf32>
  %1 = nnopt.linear %0, %plain : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("unnamed")
  %table = nnopt.weight "table" dense<1.0> : tensor<4x4xf32>
  %rows = nnopt.gather %table, %ids {axis = 0 : i64} : (tensor<4x4xf32>, tensor<1xi64>) -> tensor<1x4xf32>
  %2 = nnopt.linear %1, %table : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %both = nnopt.weight "both" dense<1.0> : tensor<4x4xf32>
  %3 = nnopt.linear %2, %both : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %4 = nnopt.linear %3, %both {weight_kn} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %zero = nnopt.weight "zero" dense<0.0> : tensor<4x4xf32>
  %5 = nnopt.linear %4, %zero : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %wide = nnopt.weight "wide" dense<1.0> : tensor<5x4xf32>
  %6 = nnopt.linear %5, %wide : (tensor<4x4xf32>, tensor<5x4xf32>) -> tensor<4x5xf32>
  %wide5 = nnopt.weight "wide" dense<1.0> : tensor<2x5xf32>
  %7 = nnopt.linear %6, %wide5 : (tensor<4x5xf32>, tensor<2x5xf32>) -> tensor<4x2xf32>
  %small = nnopt.weight "small" dense<1.0> : tensor<4x2xf32>
  %8 = nnopt.linear %7, %small : (tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<4x4xf32>
  %last = nnopt.weight "last" dense<1.0> : tensor<2x4xf32>
  %9 = nnopt.linear %8, %last : (tensor<4x4xf32>, tensor<2x4xf32>) -> tensor<4x2xf32>
  %10 = nnopt.softmax %9 {axis = 1 : i64} : (tensor<4x2xf32>) -> tensor<4x2xf32>

  %filter = nnopt.weight "filter" dense<1.0> : tensor<4x4x2xf32>
  %11 = nnopt.conv %image, %filter {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>}
    : (tensor<1x4x6xf32>, tensor<4x4x2xf32>) -> tensor<1x4x5xf32>
  %channels = nnopt.weight "channels" dense<1.0> : tensor<4x1x2xf32>
  %12 = nnopt.conv %11, %channels {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, groups = 4 : i64}
    : (tensor<1x4x5xf32>, tensor<4x1x2xf32>) -> tensor<1x4x4xf32>

  %none = nnopt.weight "none" dense<> : tensor<0x4xf32>
  %13 = nnopt.linear %x, %none : (tensor<4x4xf32>, tensor<0x4xf32>) -> tensor<4x0xf32>
  %integers = nnopt.weight "integers" dense<1> : tensor<4x4xi8>
  %14 = nnopt.matmul %bytes, %integers : (tensor<4x4xi8>, tensor<4x4xi8>) -> tensor<4x4xi8>
  return %10, %rows, %12, %13, %14 : tensor<4x2xf32>, tensor<1x4xf32>, tensor<1x4x4xf32>, tensor<4x0xf32>, tensor<4x4xi8>
}
