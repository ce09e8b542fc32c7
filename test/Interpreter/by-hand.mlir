// Small numbers that can be followed by hand.
// RUN: nnopt-run %s --engine=reference | FileCheck %s

func.func @main() -> (tensor<1x2xf32>, tensor<1x2xf32>, tensor<2xf32>, tensor<1x1x2xf32>, tensor<1x3xf32>, tensor<1x3xf32>, tensor<1x2xf32>, tensor<1x1x1x20xf32>, tensor<1x2xf32>) {
  %x = arith.constant dense<[[1.0, 2.0, 3.0]]> : tensor<1x3xf32>
  %w = nnopt.weight "w" dense<[[1.0, 0.0, -1.0], [0.5, 0.5, 0.5]]> : tensor<2x3xf32>
  %b = nnopt.weight dense<[10.0, 20.0]> : tensor<2xf32>
  // 1 - 3 + 10 and (1 + 2 + 3) / 2 + 20.
  // CHECK: out0: tensor<1x2xf32> [8, 23]
  %0 = nnopt.linear %x, %w bias %b : (tensor<1x3xf32>, tensor<2x3xf32>, tensor<2xf32>) -> tensor<1x2xf32>

  // The epilogue sees the sum with its bias: 8 * 8 + 1, 23 * 23 + 2.
  %e = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %d = tensor.empty() : tensor<1x2xf32>
  // CHECK: out1: tensor<1x2xf32> [65, 531]
  %1 = nnopt.linear %x, %w bias %b epilogue(%e) maps [affine_map<(i, j) -> (j)>] into %d do {
  ^bb0(%acc: f32, %r: f32):
    %s = arith.mulf %acc, %acc : f32
    %t = arith.addf %s, %r : f32
    nnopt.yield %t : f32
  } : (tensor<1x3xf32>, tensor<2x3xf32>, tensor<2xf32>, tensor<2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>

  // e^0 / (e^0 + e^0) twice.
  // CHECK: out2: tensor<2xf32> [0.5, 0.5]
  %c = arith.constant dense<7.0> : tensor<2xf32>
  %2 = nnopt.softmax %c {axis = 0 : i64} : (tensor<2xf32>) -> tensor<2xf32>

  // The window (1, 2, 3) with a pad of one on the left, stride 2: 0 + 2 * 1, 2 + 2 * 3.
  %i = tensor.expand_shape %x [[0, 1], [2]] output_shape [1, 1, 3] : tensor<1x3xf32> into tensor<1x1x3xf32>
  %k = nnopt.weight dense<[[[1.0, 2.0]]]> : tensor<1x1x2xf32>
  // CHECK: out3: tensor<1x1x2xf32> [2, 8]
  %3 = nnopt.conv %i, %k {strides = array<i64: 2>, dilations = array<i64: 1>, pads = array<i64: 1, 0>, groups = 1 : i64}
    : (tensor<1x1x3xf32>, tensor<1x1x2xf32>) -> tensor<1x1x2xf32>

  // Outputs in blocks of two, the third alone: [[0, 4, 0], [0, 5, 0], [6, 0, 7]] times (1, 2, 3), in chunks of two elements.
  %v = nnopt.weight dense<[[4.0, 5.0], [6.0, 0.0], [7.0, 0.0]]> : tensor<3x2xf32>
  %at = nnopt.weight dense<[1, 0, 2]> : tensor<3xi32>
  %from = nnopt.weight dense<[0, 1, 1, 2, 3]> : tensor<5xi32>
  // CHECK: out4: tensor<1x3xf32> [8, 10, 27]
  %4 = nnopt.sparse_linear %x, %v, %at, %from {pack = #nnopt.sparse_pack<outputs = 3, depth = 3, rows = 2, strip = 2, chunk = 2>}
    : (tensor<1x3xf32>, tensor<3x2xf32>, tensor<3xi32>, tensor<5xi32>) -> tensor<1x3xf32>
  // The same by tiles.
  %t = nnopt.tile_rows %x : (tensor<1x3xf32>) -> tensor<1x3x16xf32>
  // CHECK: out5: tensor<1x3xf32> [8, 10, 27]
  %5 = nnopt.sparse_linear %t, %v, %at, %from {tiled, pack = #nnopt.sparse_pack<outputs = 3, depth = 3, rows = 2, strip = 2, chunk = 2>}
    : (tensor<1x3x16xf32>, tensor<3x2xf32>, tensor<3xi32>, tensor<5xi32>) -> tensor<1x3xf32>

  // Windows of two elements, the second at element 1; the zero that fills up stands where 6 does: [[4, 0, 5], [0, 6, 0]] times (1, 2, 3).
  %sv = nnopt.weight dense<[[4.0, 6.0], [5.0, 0.0]]> : tensor<2x2xf32>
  %si = nnopt.weight dense<[[0, 1], [1, 0]]> : tensor<2x2xi8>
  %sc = nnopt.weight dense<[0, 1]> : tensor<2xi32>
  %ss = nnopt.weight dense<[0, 2]> : tensor<2xi32>
  // CHECK: out6: tensor<1x2xf32> [19, 12]
  %6 = nnopt.permute_linear %x, %sv, %si, %sc, %ss {pack = #nnopt.permute_pack<outputs = 2, depth = 3, rows = 2, window = 2>}
    : (tensor<1x3xf32>, tensor<2x2xf32>, tensor<2x2xi8>, tensor<2xi32>, tensor<2xi32>) -> tensor<1x2xf32>

  // Two positions times ten, as planes behind one zero; what follows them is no position.
  %image = nnopt.weight dense<[[[[1.0], [2.0]]]]> : tensor<1x1x2x1xf32>
  %p = nnopt.image_planes %image {strides = array<i64: 1, 1>, phases = array<i64: 1, 1>, pads = array<i64: 0, 0>, lines = 1 : i64, pitch = 3 : i64, size = 32 : i64}
    : (tensor<1x1x2x1xf32>) -> tensor<1x1x1x32xf32>
  %cv = nnopt.weight dense<10.0> : tensor<1x1xf32>
  %cc = nnopt.weight dense<0> : tensor<1xi32>
  %cs = nnopt.weight dense<[0, 1]> : tensor<2xi32>
  // CHECK: out7: tensor<1x1x1x20xf32> [0, 10, 20, 0, 0, 0, ...]
  %7 = nnopt.sparse_conv %p, %cv, %cc, %cs {extents = array<i64: 1, 2>, pitch = 3 : i64, frame = array<i64: 1, 20>,
    pack = #nnopt.sparse_pack<outputs = 1, depth = 32, rows = 1, strip = 1, chunk = 32>}
    : (tensor<1x1x1x32xf32>, tensor<1x1xf32>, tensor<1xi32>, tensor<2xi32>) -> tensor<1x1x1x20xf32>
  // Bytes and sums of 32 bits: (-128 + 2 * 127, -128 * -128 + 127 * 127) + (1, -1), the second half of it; two elements lie next to each other.
  %q = arith.constant dense<[[-128, 127]]> : tensor<1x2xi8>
  %wq = nnopt.weight dense<[[[1, 2], [-128, 127]]]> : tensor<1x2x2xi8>
  %bq = nnopt.weight dense<[1, -1]> : tensor<2xi32>
  // CHECK: out8: tensor<1x2xf32> [63.5, 16256]
  %8 = nnopt.linear %q, %wq bias %bq do {
  ^bb0(%acc: i32):
    %half = arith.constant 0.5 : f32
    %f = arith.sitofp %acc : i32 to f32
    %h = arith.mulf %f, %half : f32
    nnopt.yield %h : f32
  } {pack = #nnopt.pack<outputs = 2, depth = 2, panel = 2 x 2>} : (tensor<1x2xi8>, tensor<1x2x2xi8>, tensor<2xi32>) -> tensor<1x2xf32>

  return %0, %1, %2, %3, %4, %5, %6, %7, %8 : tensor<1x2xf32>, tensor<1x2xf32>, tensor<2xf32>, tensor<1x1x2xf32>, tensor<1x3xf32>, tensor<1x3xf32>, tensor<1x2xf32>, tensor<1x1x1x20xf32>, tensor<1x2xf32>
}
