// RUN: nnopt-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nnopt-sparsify{isas=avx2,avx512}))' | FileCheck %s

// Planes go from one to the next; the frame has room for the padding of the window: a line of 33 and one element, rounded up to 48.
// CHECK-LABEL: func @hand_on
// CHECK: %[[P:.*]] = nnopt.image_planes %{{.*}} {lines = 32 : i64, {{.*}}pitch = 33 : i64
// CHECK-NOT: nnopt.tile_rows
// CHECK: %[[A:.*]] = nnopt.sparse_conv %[[P]], {{.*}} {extents = array<i64: 32, 32>, frame = array<i64: 48, [[SIZE:[0-9]+]]>, {{.*}}pitch = 33 : i64} : {{.*}} -> tensor<1x32x1x[[SIZE]]xf32>
// CHECK-NOT: nnopt.image_planes
// CHECK: %[[B:.*]] = nnopt.sparse_conv %[[A]], {{.*}} {extents = array<i64: 32, 32>, pack = {{.*}} pitch = 33 : i64} : {{.*}} -> tensor<1x32x32x64xf32>
// CHECK: return %[[B]]
func.func @hand_on(%x: tensor<1x32x32x64xf32>) -> tensor<1x32x32x64xf32> {
  %w = nnopt.weight "w" dense<0.0> : tensor<32x64x1x1xf32>
  %v = nnopt.weight "v" dense<0.0> : tensor<64x32x3x3xf32>
  %a = nnopt.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels_last}
     : (tensor<1x32x32x64xf32>, tensor<32x64x1x1xf32>) -> tensor<1x32x32x32xf32>
  %b = nnopt.conv %a, %v {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64, channels_last}
     : (tensor<1x32x32x32xf32>, tensor<64x32x3x3xf32>) -> tensor<1x32x32x64xf32>
  return %b : tensor<1x32x32x64xf32>
}

// -----

// Operands of an epilogue are planes if its result is.
// CHECK-LABEL: func @residual
// CHECK: %[[A:.*]] = nnopt.sparse_conv {{.*}}frame =
// CHECK: %[[B:.*]] = nnopt.sparse_conv %[[A]], {{.*}}epilogue(%[[A]])
// CHECK: frame =
// CHECK: nnopt.sparse_conv %[[B]]
// CHECK: return
func.func @residual(%x: tensor<1x32x32x64xf32>) -> tensor<1x32x32x64xf32> {
  %w = nnopt.weight "w" dense<0.0> : tensor<64x64x3x3xf32>
  %a = nnopt.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64, channels_last}
     : (tensor<1x32x32x64xf32>, tensor<64x64x3x3xf32>) -> tensor<1x32x32x64xf32>
  %b = nnopt.conv %a, %w epilogue(%a) maps [affine_map<(n, y, x, c) -> (n, y, x, c)>] do {
  ^bb0(%s: f32, %r: f32):
    %t = arith.addf %s, %r : f32
    nnopt.yield %t : f32
  } {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64, channels_last}
     : (tensor<1x32x32x64xf32>, tensor<64x64x3x3xf32>, tensor<1x32x32x64xf32>) -> tensor<1x32x32x64xf32>
  %c = nnopt.conv %b, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64, channels_last}
     : (tensor<1x32x32x64xf32>, tensor<64x64x3x3xf32>) -> tensor<1x32x32x64xf32>
  return %c : tensor<1x32x32x64xf32>
}

// -----

// A stride needs planes of its own, which are made of rows, and what is returned is rows.
// CHECK-LABEL: func @own_planes
// CHECK: %[[A:.*]] = nnopt.sparse_conv {{.*}}frame = array<i64: 48, [[SIZE:[0-9]+]]>
// CHECK: tensor.extract_slice %[[A]][0, 0, 0, 48] [1, 64, 1, 1056] [1, 1, 1, 1] : tensor<1x64x1x[[SIZE]]xf32> to tensor<1x64x1056xf32>
// CHECK: tensor.expand_shape {{.*}} output_shape [1, 64, 32, 33]
// CHECK: tensor.extract_slice {{.*}}[0, 0, 0, 0] [1, 64, 32, 32] [1, 1, 1, 1]
// CHECK: %[[ROWS:.*]] = linalg.transpose {{.*}} permutation = [0, 2, 3, 1]
// CHECK: nnopt.sparse_conv %[[A]], {{.*}} {extents = array<i64: 32, 32>, pack
// CHECK: nnopt.image_planes %[[ROWS]] {{.*}} strides = array<i64: 2, 2>
// CHECK-NOT: frame =
// CHECK: return
func.func @own_planes(%x: tensor<1x32x32x64xf32>) -> (tensor<1x32x32x64xf32>, tensor<1x16x16x64xf32>) {
  %w = nnopt.weight "w" dense<0.0> : tensor<64x64x3x3xf32>
  %a = nnopt.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64, channels_last}
     : (tensor<1x32x32x64xf32>, tensor<64x64x3x3xf32>) -> tensor<1x32x32x64xf32>
  %b = nnopt.conv %a, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64, channels_last}
     : (tensor<1x32x32x64xf32>, tensor<64x64x3x3xf32>) -> tensor<1x32x32x64xf32>
  %c = nnopt.conv %a, %w {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64, channels_last}
     : (tensor<1x32x32x64xf32>, tensor<64x64x3x3xf32>) -> tensor<1x16x16x64xf32>
  return %b, %c : tensor<1x32x32x64xf32>, tensor<1x16x16x64xf32>
}

// -----

// Nobody reads planes: rows at once.
// CHECK-LABEL: func @no_reader
// CHECK-NOT: frame =
// CHECK-NOT: linalg.transpose
// CHECK: return
func.func @no_reader(%x: tensor<1x32x32x64xf32>) -> tensor<1x16x16x64xf32> {
  %w = nnopt.weight "w" dense<0.0> : tensor<64x64x3x3xf32>
  %a = nnopt.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64, channels_last}
     : (tensor<1x32x32x64xf32>, tensor<64x64x3x3xf32>) -> tensor<1x32x32x64xf32>
  %c = nnopt.conv %a, %w {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64, channels_last}
     : (tensor<1x32x32x64xf32>, tensor<64x64x3x3xf32>) -> tensor<1x16x16x64xf32>
  return %c : tensor<1x16x16x64xf32>
}
