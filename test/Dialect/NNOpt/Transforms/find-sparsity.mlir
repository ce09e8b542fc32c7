// RUN: nnopt-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nnopt-find-sparsity))' \
// RUN:   --remarks-filter=nnopt.* --remark-policy=all --remark-format=emitRemark > %t.out 2> %t.remarks
// RUN: FileCheck %s < %t.out
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks

// Blocks of two outputs and one input; -0 is a zero.
// CHECK-LABEL: func @blocks
// CHECK: nnopt.weight "w" {{.*}} {nnopt.sparsity = #nnopt.sparsity<found, "2x1", zeros = 8>}
// REMARK: 8 of 16 weights are zero (50.00 %): 2x1 blocks
func.func @blocks(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %w = nnopt.weight "w" dense<[[1.0, 0.0, 2.0, -0.0], [3.0, 0.0, 4.0, 0.0], [0.0, 5.0, 0.0, 6.0], [0.0, 7.0, 0.0, 8.0]]> : tensor<4x4xf32>
  %y = nnopt.linear %x, %w : (tensor<3x4xf32>, tensor<4x4xf32>) -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}

// -----

// Stored [inputs, outputs]: input 1 and 3 have nothing.
// CHECK-LABEL: func @columns
// CHECK: #nnopt.sparsity<found, "columns", zeros = 8>
func.func @columns(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %w = nnopt.weight dense<[[1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 0.0], [5.0, 6.0, 7.0, 8.0], [0.0, 0.0, 0.0, 0.0]]> : tensor<4x4xf32>
  %y = nnopt.linear %x, %w {weight_kn} : (tensor<3x4xf32>, tensor<4x4xf32>) -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}

// -----

// Nothing is left: all outputs are empty.
// CHECK-LABEL: func @rows
// CHECK: #nnopt.sparsity<found, "rows", zeros = 21>
// REMARK: 21 of 21 weights are zero (100.00 %): all zero
func.func @rows(%x: tensor<3x7xf32>) -> tensor<3x3xf32> {
  %w = nnopt.weight dense<0.0> : tensor<3x7xf32>
  %y = nnopt.linear %x, %w : (tensor<3x7xf32>, tensor<3x7xf32>) -> tensor<3x3xf32>
  return %y : tensor<3x3xf32>
}

// -----

// Two of every four inputs, and NaN and infinity are no zeros.
// CHECK-LABEL: func @two_of_four
// CHECK: #nnopt.sparsity<found, "2:4", zeros = 8>
func.func @two_of_four(%x: tensor<3x8xf32>) -> tensor<3x2xf32> {
  %w = nnopt.weight dense<[[0x7FC00000, 0.0, 0x7F800000, 0.0, 0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0]]> : tensor<2x8xf32>
  %y = nnopt.linear %x, %w : (tensor<3x8xf32>, tensor<2x8xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// What pruned a weight knows its pattern; a wrong count is put right; a weight without zeros says nothing.
// CHECK-LABEL: func @known
// CHECK: nnopt.weight "a" {{.*}} #nnopt.sparsity<pruned, "1x2", zeros = 2>
// CHECK: nnopt.weight "b" {{.*}} #nnopt.sparsity<pruned, "rows", zeros = 2>
// CHECK: nnopt.weight "c" dense<1.000000e+00> : tensor<2x2xf32>{{$}}
func.func @known(%x: tensor<3x2xf32>) -> (tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>) {
  %a = nnopt.weight "a" dense<[[1.0, 2.0], [0.0, 0.0]]> : tensor<2x2xf32> {nnopt.sparsity = #nnopt.sparsity<pruned, "1x2", zeros = 2>}
  %b = nnopt.weight "b" dense<[[1.0, 2.0], [0.0, 0.0]]> : tensor<2x2xf32> {nnopt.sparsity = #nnopt.sparsity<pruned, "1x2", zeros = 3>}
  %c = nnopt.weight "c" dense<1.0> : tensor<2x2xf32> {nnopt.sparsity = #nnopt.sparsity<pruned, "1x2", zeros = 3>}
  %0 = nnopt.linear %x, %a : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %1 = nnopt.linear %x, %b : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %2 = nnopt.linear %x, %c : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  return %0, %1, %2 : tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>
}
