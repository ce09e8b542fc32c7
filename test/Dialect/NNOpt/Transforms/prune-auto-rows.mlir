// RUN: nnopt-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{speedup=1 isas=avx512 last=1}))' \
// RUN:   --remarks-filter=nnopt.* --remark-policy=all --remark-format=emitRemark 2>&1 >/dev/null | FileCheck %s --check-prefix=FEWEST
// RUN: nnopt-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{speedup=1.5 expected-rows=1024 isas=avx512 last=1}))' \
// RUN:   --remarks-filter=nnopt.* --remark-policy=all --remark-format=emitRemark 2> %t.remarks | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks

// Rows that are not known are the fewest there can be, for which no kernel gains here, or as many as the user expects.
// FEWEST: Reason="stays as it is, no kernel is faster with zeros: avx512 0.
// REMARK: Remark="{{[0-9]+x1|unstructured}} at {{[0-9.]+}} %: avx512 {{[1-9][0-9.]+}} us
// CHECK-LABEL: func.func @any_rows
// CHECK: #nnopt.sparsity<pruned
func.func @any_rows(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %w = nnopt.weight "fc" dense<1.0> : tensor<64x64xf32>
  %0 = nnopt.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  return %0 : tensor<?x64xf32>
}

// -----

// Zeros that a weight arrives with are left out by its kernel already: no more are needed.
// REMARK: Reason="stays as it is, no kernel is faster with zeros: avx512 {{[0-9.]+}} us, {{[0-9.]+}} us dense"
// CHECK-LABEL: func.func @arrives_pruned
// CHECK-NOT: nnopt.sparsity
func.func @arrives_pruned(%x: tensor<1024x64xf32>) -> tensor<1024x64xf32> {
  %w = nnopt.weight "fc" dense<0.0> : tensor<64x64xf32>
  %0 = nnopt.linear %x, %w : (tensor<1024x64xf32>, tensor<64x64xf32>) -> tensor<1024x64xf32>
  return %0 : tensor<1024x64xf32>
}

// -----

// A filter of one tap is a linear layer over positions, here 1024. The time of all readers of a weight counts.
// CHECK-LABEL: func.func @positions
// CHECK: nnopt.weight "filter" {{.*}}#nnopt.sparsity<pruned
func.func @positions(%x: tensor<1x64x32x32xf32>) -> tensor<1x64x32x32xf32> {
  %w = nnopt.weight "filter" dense<1.0> : tensor<64x64x1x1xf32>
  %r = nnopt.activation relu %x : tensor<1x64x32x32xf32>
  %p = nnopt.pool max %r {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>}
    : (tensor<1x64x32x32xf32>) -> tensor<1x64x32x32xf32>
  %0 = nnopt.conv %p, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>}
    : (tensor<1x64x32x32xf32>, tensor<64x64x1x1xf32>) -> tensor<1x64x32x32xf32>
  %1 = nnopt.conv %0, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>}
    : (tensor<1x64x32x32xf32>, tensor<64x64x1x1xf32>) -> tensor<1x64x32x32xf32>
  return %1 : tensor<1x64x32x32xf32>
}

// -----

// So is a filter of more, if the size of the image is known: the kernel reads planes.
// REMARK: at {{[0-9.]+}} %: avx512
// REMARK: [Missed] {{.*}}no kernel is faster with zeros
// CHECK-LABEL: func.func @image
// CHECK: nnopt.weight "known" {{.*}}#nnopt.sparsity<pruned
// CHECK: nnopt.weight "open" dense<1.000000e+00> : tensor<64x64x3x3xf32>{{$}}
func.func @image(%x: tensor<1x64x28x28xf32>, %y: tensor<1x64x?x4xf32>) -> (tensor<1x64x28x28xf32>, tensor<1x64x?x4xf32>) {
  %0 = nnopt.softmax %x {axis = 1 : i64} : (tensor<1x64x28x28xf32>) -> tensor<1x64x28x28xf32>
  %known = nnopt.weight "known" dense<1.0> : tensor<64x64x3x3xf32>
  %1 = nnopt.conv %0, %known {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>}
    : (tensor<1x64x28x28xf32>, tensor<64x64x3x3xf32>) -> tensor<1x64x28x28xf32>
  %2 = nnopt.softmax %y {axis = 1 : i64} : (tensor<1x64x?x4xf32>) -> tensor<1x64x?x4xf32>
  %open = nnopt.weight "open" dense<1.0> : tensor<64x64x3x3xf32>
  %3 = nnopt.conv %2, %open {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>}
    : (tensor<1x64x?x4xf32>, tensor<64x64x3x3xf32>) -> tensor<1x64x?x4xf32>
  return %1, %3 : tensor<1x64x28x28xf32>, tensor<1x64x?x4xf32>
}

// -----

// FEWEST: warning: nothing is pruned: there is no product with a constant weight
// REMARK: warning: nothing is pruned: there is no product with a constant weight
func.func @no_layer(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
