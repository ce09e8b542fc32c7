// RUN: nnopt-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nnopt-sparsify{isas=avx2,avx512}))' \
// RUN:   --remarks-filter=nnopt.* --remark-policy=all --remark-format=emitRemark > %t.out 2> %t.remarks
// RUN: FileCheck %s < %t.out
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks

// Lines of 32 results need 33 elements: a line ends where the next begins with its zero.
// CHECK-LABEL: func @padded
// CHECK-DAG: %[[C:.*]] = nnopt.weight "w.columns" dense<0> : tensor<1xi32>
// CHECK: %[[P:.*]] = nnopt.image_planes %{{.*}} {lines = 33 : i64, pads = array<i64: 1, 1>, phases = array<i64: 1, 1>, pitch = 33 : i64, size = 1136 : i64, strides = array<i64: 1, 1>}
// CHECK: nnopt.sparse_conv %[[P]], %{{.*}}, %[[C]], %{{.*}} {extents = array<i64: 32, 32>, pack = #nnopt.sparse_pack<outputs = 64, depth = 9088, rows = 1, strip = 64, chunk = 9088>, pitch = 33 : i64}
// REMARK: [Passed] sparsify{{.*}}100.0 % zeros, all zero; 0 of 4608 products for 1024 rows or more
func.func @padded(%x: tensor<1x32x32x8xf32>) -> tensor<1x32x32x64xf32> {
  %w = nnopt.weight "w" dense<0.0> : tensor<64x8x3x3xf32>
  %y = nnopt.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64, channels_last}
     : (tensor<1x32x32x8xf32>, tensor<64x8x3x3xf32>) -> tensor<1x32x32x64xf32>
  return %y : tensor<1x32x32x64xf32>
}

// -----

// A stride of two makes four phases, whatever the batch is.
// CHECK-LABEL: func @strided
// CHECK: nnopt.image_planes %{{.*}} {lines = 33 : i64, pads = array<i64: 1, 1>, phases = array<i64: 2, 2>, pitch = 33 : i64, {{.*}}strides = array<i64: 2, 2>} : (tensor<?x64x64x8xf32>) -> tensor<?x8x4x
// CHECK: nnopt.sparse_conv
func.func @strided(%x: tensor<?x64x64x8xf32>) -> tensor<?x32x32x64xf32> {
  %w = nnopt.weight "w" dense<0.0> : tensor<64x8x3x3xf32>
  %y = nnopt.conv %x, %w {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64, channels_last}
     : (tensor<?x64x64x8xf32>, tensor<64x8x3x3xf32>) -> tensor<?x32x32x64xf32>
  return %y : tensor<?x32x32x64xf32>
}

// -----

// CHECK-LABEL: func @dynamic
// CHECK: nnopt.conv
// REMARK: the height or width of the image is not known, so taps have no constant places
func.func @dynamic(%x: tensor<1x?x64x8xf32>) -> tensor<1x?x62x64xf32> {
  %w = nnopt.weight "w" dense<0.0> : tensor<64x8x3x3xf32>
  %y = nnopt.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels_last}
     : (tensor<1x?x64x8xf32>, tensor<64x8x3x3xf32>) -> tensor<1x?x62x64xf32>
  return %y : tensor<1x?x62x64xf32>
}

// -----

// CHECK-LABEL: func @grouped
// CHECK: nnopt.conv
// REMARK: 2 groups of channels share no input
func.func @grouped(%x: tensor<1x64x64x16xf32>) -> tensor<1x62x62x64xf32> {
  %w = nnopt.weight "w" dense<0.0> : tensor<64x8x3x3xf32>
  %y = nnopt.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 2 : i64, channels_last}
     : (tensor<1x64x64x16xf32>, tensor<64x8x3x3xf32>) -> tensor<1x62x62x64xf32>
  return %y : tensor<1x62x62x64xf32>
}

// -----

// CHECK-LABEL: func @one_dimension
// CHECK: nnopt.conv
// REMARK: the image has 1 dimensions, planes have 2
func.func @one_dimension(%x: tensor<1x64x2xf32>) -> tensor<1x64x1xf32> {
  %w = nnopt.weight "w" dense<[[[0.0], [1.0]]]> : tensor<1x2x1xf32>
  %y = nnopt.conv %x, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 0>, groups = 1 : i64, channels_last}
     : (tensor<1x64x2xf32>, tensor<1x2x1xf32>) -> tensor<1x65x1xf32>
  %z = tensor.extract_slice %y[0, 0, 0] [1, 64, 1] [1, 1, 1] : tensor<1x65x1xf32> to tensor<1x64x1xf32>
  return %z : tensor<1x64x1xf32>
}
