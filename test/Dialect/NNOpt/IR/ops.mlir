// RUN: nnopt-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @weights
func.func @weights() -> (tensor<2x2xf32>, tensor<2xf32>) {
  // CHECK: nnopt.weight "fc.weight" dense<5.000000e-01> : tensor<2x2xf32>
  %0 = nnopt.weight "fc.weight" dense<0.5> : tensor<2x2xf32>
  // CHECK: nnopt.weight dense<{{.*}}> : tensor<1x4xf32> {nnopt.sparsity = #nnopt.sparsity<imported, "2:4", zeros = 2>}
  %zeros = nnopt.weight dense<[[0.0, 2.0, 0.0, 1.0]]> : tensor<1x4xf32> {nnopt.sparsity = #nnopt.sparsity<imported, "2:4", zeros = 2>}
  // CHECK: nnopt.weight dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
  %1 = nnopt.weight dense<[1.0, 2.0]> : tensor<2xf32>
  return %0, %1 : tensor<2x2xf32>, tensor<2xf32>
}

// CHECK-LABEL: func @linear
func.func @linear(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>, %b: tensor<4xf32>) -> tensor<?x4xf32> {
  // CHECK: nnopt.linear %{{.*}}, %{{.*}} bias %{{.*}} : (tensor<?x8xf32>, tensor<4x8xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %0 = nnopt.linear %x, %w bias %b : (tensor<?x8xf32>, tensor<4x8xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// CHECK-LABEL: func @linear_epilogue
func.func @linear_epilogue(%x: tensor<2x8xf32>, %w: tensor<8x4xf32>, %r: tensor<2x4xf32>, %d: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: epilogue(%{{.*}}) maps [#{{.*}}] into %{{.*}} do {
  // CHECK-NEXT: ^bb0
  // CHECK: nnopt.yield
  %0 = nnopt.linear %x, %w epilogue(%r) maps [affine_map<(i, j) -> (i, j)>] into %d do {
  ^bb0(%acc: f32, %e: f32):
    %s = arith.addf %acc, %e : f32
    nnopt.yield %s : f32
  } {weight_kn} : (tensor<2x8xf32>, tensor<8x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// CHECK-LABEL: func @packed_on_buffers
func.func @packed_on_buffers(%x: memref<2x8xf32>, %w: memref<1x8x16xf32>, %m: memref<2x4xf32>) {
  // CHECK: nnopt.linear %{{.*}}, %{{.*}} into %{{.*}} {pack = #nnopt.pack<outputs = 4, depth = 8, panel = 16>}
  nnopt.linear %x, %w into %m {pack = #nnopt.pack<outputs = 4, depth = 8, panel = 16>}
    : (memref<2x8xf32>, memref<1x8x16xf32>, memref<2x4xf32>) -> ()
  return
}

// CHECK-LABEL: func @compute
func.func @compute(%a: tensor<2x3x?x8xf32>, %m: tensor<2x1x1x?xf32>, %i: tensor<1x4x9x9xf32>, %w: tensor<8x2x3x3xf32>, %wt: tensor<4x3x2x2xf32>)
    -> (tensor<2x3x?x?xf32>, tensor<2x3x?x8xf32>, tensor<1x8x5x5xf32>, tensor<1x3x18x18xf32>) {
  // CHECK: nnopt.matmul %{{.*}}, %{{.*}} {transpose_rhs}
  %0 = nnopt.matmul %a, %a {transpose_rhs} : (tensor<2x3x?x8xf32>, tensor<2x3x?x8xf32>) -> tensor<2x3x?x?xf32>
  // CHECK: nnopt.attention %{{.*}}, %{{.*}}, %{{.*}} mask %{{.*}} {scale = 1.250000e-01 : f32}
  %1 = nnopt.attention %a, %a, %a mask %m {scale = 0.125 : f32}
    : (tensor<2x3x?x8xf32>, tensor<2x3x?x8xf32>, tensor<2x3x?x8xf32>, tensor<2x1x1x?xf32>) -> tensor<2x3x?x8xf32>
  // CHECK: nnopt.conv
  %2 = nnopt.conv %i, %w {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 2 : i64}
    : (tensor<1x4x9x9xf32>, tensor<8x2x3x3xf32>) -> tensor<1x8x5x5xf32>
  // CHECK: nnopt.conv_transpose
  %3 = nnopt.conv_transpose %i, %wt {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 0, 0>}
    : (tensor<1x4x9x9xf32>, tensor<4x3x2x2xf32>) -> tensor<1x3x18x18xf32>
  return %0, %1, %2, %3 : tensor<2x3x?x?xf32>, tensor<2x3x?x8xf32>, tensor<1x8x5x5xf32>, tensor<1x3x18x18xf32>
}

// CHECK-LABEL: func @rows
func.func @rows(%x: tensor<2x?x8xf32>, %g: tensor<8xf32>, %t: tensor<10x8xf32>, %ids: tensor<2x?xi64>)
    -> (tensor<2x?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32>) {
  // CHECK: nnopt.activation gelu %{{.*}} : tensor<2x?x8xf32>
  %0 = nnopt.activation gelu %x : tensor<2x?x8xf32>
  // CHECK: nnopt.softmax %{{.*}} {axis = 2 : i64, log}
  %1 = nnopt.softmax %x {axis = 2 : i64, log} : (tensor<2x?x8xf32>) -> tensor<2x?x8xf32>
  // CHECK: nnopt.normalize layer %{{.*}} scale %{{.*}} {axis = 2 : i64, epsilon = 9.99999974E-6 : f32}
  %2 = nnopt.normalize layer %x scale %g {axis = 2 : i64, epsilon = 1.0e-5 : f32} : (tensor<2x?x8xf32>, tensor<8xf32>) -> tensor<2x?x8xf32>
  // CHECK: nnopt.gather
  %3 = nnopt.gather %t, %ids {axis = 0 : i64} : (tensor<10x8xf32>, tensor<2x?xi64>) -> tensor<2x?x8xf32>
  return %0, %1, %2, %3 : tensor<2x?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32>
}

// CHECK-LABEL: func @pool
func.func @pool(%x: tensor<1x6x6x2xf32>) -> tensor<1x3x3x2xf32> {
  // CHECK: nnopt.pool max %{{.*}}
  %0 = nnopt.pool max %x {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 0, 0>, channels_last}
    : (tensor<1x6x6x2xf32>) -> tensor<1x3x3x2xf32>
  return %0 : tensor<1x3x3x2xf32>
}

// CHECK-LABEL: func @precision
func.func @precision(%x: tensor<2x4xf32>, %s: tensor<4xf32>, %z: tensor<4xi8>) -> tensor<2x4xf32> {
  // CHECK: nnopt.quantize %{{.*}} scale %{{.*}} zero_point %{{.*}} {axis = 1 : i64}
  %q = nnopt.quantize %x scale %s zero_point %z {axis = 1 : i64} : (tensor<2x4xf32>, tensor<4xf32>, tensor<4xi8>) -> tensor<2x4xi8>
  // CHECK: nnopt.dequantize
  %y = nnopt.dequantize %q scale %s {axis = 1 : i64} : (tensor<2x4xi8>, tensor<4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// CHECK-LABEL: func @parallel
func.func @parallel(%n: index, %m: memref<?xf32>, %v: f32) {
  // CHECK: nnopt.parallel_for %{{.*}} {
  // CHECK-NEXT: ^bb0(%{{.*}}: index, %{{.*}}: index):
  nnopt.parallel_for %n {
  ^bb0(%begin: index, %end: index):
    %one = arith.constant 1 : index
    scf.for %i = %begin to %end step %one {
      memref.store %v, %m[%i] : memref<?xf32>
    }
  }
  return
}

// CHECK-LABEL: func @permute_linear
func.func @permute_linear(%x: tensor<1x8xf32>, %v: tensor<1x2xf32>, %i: tensor<1x2xi8>, %c: tensor<1xi32>, %s: tensor<2xi32>, %b: tensor<2xf32>) -> tensor<1x2xf32> {
  // CHECK: nnopt.permute_linear %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} bias %{{.*}} {pack = #nnopt.permute_pack<outputs = 2, depth = 8, rows = 2, window = 4>}
  %y = nnopt.permute_linear %x, %v, %i, %c, %s bias %b {pack = #nnopt.permute_pack<outputs = 2, depth = 8, rows = 2, window = 4>}
    : (tensor<1x8xf32>, tensor<1x2xf32>, tensor<1x2xi8>, tensor<1xi32>, tensor<2xi32>, tensor<2xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// CHECK-LABEL: func @sparse_linear
func.func @sparse_linear(%x: tensor<8x2xf32>, %v: tensor<2x2xf32>, %c: tensor<2xi32>, %s: tensor<3xi32>, %b: tensor<4xf32>) -> tensor<8x4xf32> {
  // CHECK: nnopt.sparse_linear %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} bias %{{.*}} {pack = #nnopt.sparse_pack<outputs = 4, depth = 2, rows = 2, strip = 4, chunk = 2>}
  %y = nnopt.sparse_linear %x, %v, %c, %s bias %b {pack = #nnopt.sparse_pack<outputs = 4, depth = 2, rows = 2, strip = 4, chunk = 2>}
    : (tensor<8x2xf32>, tensor<2x2xf32>, tensor<2xi32>, tensor<3xi32>, tensor<4xf32>) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// CHECK-LABEL: func @sparse_tiled
func.func @sparse_tiled(%x: tensor<?x9x2xf32>, %n: index, %v: tensor<2x2xf32>, %c: tensor<2xi32>, %s: tensor<3xi32>) -> tensor<?x9x4xf32> {
  // CHECK: nnopt.tile_rows %{{.*}} : (tensor<?x9x2xf32>) -> tensor<?x2x16xf32>
  %t = nnopt.tile_rows %x : (tensor<?x9x2xf32>) -> tensor<?x2x16xf32>
  // CHECK: nnopt.sparse_linear %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} rows(%{{.*}}) {{{.*}}tiled}
  %y = nnopt.sparse_linear %t, %v, %c, %s rows(%n) {tiled, pack = #nnopt.sparse_pack<outputs = 4, depth = 2, rows = 2, strip = 4, chunk = 2>}
    : (tensor<?x2x16xf32>, tensor<2x2xf32>, tensor<2xi32>, tensor<3xi32>, index) -> tensor<?x9x4xf32>
  return %y : tensor<?x9x4xf32>
}

// CHECK-LABEL: func @image_planes
func.func @image_planes(%x: tensor<?x5x7x3xf32>, %d: tensor<?x3x2x64xf32>) -> tensor<?x3x2x64xf32> {
  // CHECK: nnopt.image_planes %{{.*}} into %{{.*}} {lines = 3 : i64, pads = array<i64: 1, 0>, phases = array<i64: 2, 1>, pitch = 7 : i64, size = 64 : i64, strides = array<i64: 2, 1>}
  %y = nnopt.image_planes %x into %d {strides = array<i64: 2, 1>, phases = array<i64: 2, 1>, pads = array<i64: 1, 0>, lines = 3 : i64, pitch = 7 : i64, size = 64 : i64}
     : (tensor<?x5x7x3xf32>, tensor<?x3x2x64xf32>) -> tensor<?x3x2x64xf32>
  return %y : tensor<?x3x2x64xf32>
}

// CHECK-LABEL: func @sparse_conv_to_planes
func.func @sparse_conv_to_planes(%p: tensor<?x2x1x32xf32>, %v: tensor<2x4xf32>, %c: tensor<2xi32>, %s: tensor<2xi32>) -> tensor<?x4x1x24xf32> {
  // CHECK: nnopt.sparse_conv {{.*}} frame = array<i64: 8, 24>
  %y = nnopt.sparse_conv %p, %v, %c, %s {extents = array<i64: 2, 3>, pitch = 4 : i64, frame = array<i64: 8, 24>, pack = #nnopt.sparse_pack<outputs = 4, depth = 64, rows = 4, strip = 4, chunk = 64>}
     : (tensor<?x2x1x32xf32>, tensor<2x4xf32>, tensor<2xi32>, tensor<2xi32>) -> tensor<?x4x1x24xf32>
  return %y : tensor<?x4x1x24xf32>
}

// CHECK-LABEL: func @sparse_conv
func.func @sparse_conv(%p: tensor<1x2x1x32xf32>, %v: tensor<2x4xf32>, %c: tensor<2xi32>, %s: tensor<2xi32>, %b: tensor<4xf32>) -> tensor<1x2x3x4xf32> {
  // CHECK: nnopt.sparse_conv %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} bias %{{.*}} {extents = array<i64: 2, 3>, pack = #nnopt.sparse_pack<outputs = 4, depth = 64, rows = 4, strip = 4, chunk = 64>, pitch = 4 : i64}
  %y = nnopt.sparse_conv %p, %v, %c, %s bias %b {extents = array<i64: 2, 3>, pitch = 4 : i64, pack = #nnopt.sparse_pack<outputs = 4, depth = 64, rows = 4, strip = 4, chunk = 64>}
     : (tensor<1x2x1x32xf32>, tensor<2x4xf32>, tensor<2xi32>, tensor<2xi32>, tensor<4xf32>) -> tensor<1x2x3x4xf32>
  return %y : tensor<1x2x3x4xf32>
}

// CHECK-LABEL: func @observe_histogram
func.func @observe_histogram(%x: tensor<?x?xf16>, %s: tensor<f32>) -> (tensor<2048xi64>, tensor<1xi64>) {
  // CHECK: nnopt.observe histogram %{{.*}} {range = array<f32: -1.500000e+00, 3.000000e+00>} : tensor<?x?xf16> -> tensor<2048xi64>
  %0 = nnopt.observe histogram %x {range = array<f32: -1.5, 3.0>} : tensor<?x?xf16> -> tensor<2048xi64>
  %1 = nnopt.observe histogram %s {range = array<f32: 0.0, 1.0>} : tensor<f32> -> tensor<1xi64>
  return %0, %1 : tensor<2048xi64>, tensor<1xi64>
}

// CHECK-LABEL: func @observe
func.func @observe(%x: tensor<?x128x384xf32>, %i: tensor<1x16x?x28xf16>) -> (tensor<1x384x384xf32>, tensor<4x36xf32>) {
  // CHECK: nnopt.observe gram %{{.*}} : tensor<?x128x384xf32> -> tensor<1x384x384xf32>
  %0 = nnopt.observe gram %x : tensor<?x128x384xf32> -> tensor<1x384x384xf32>
  // CHECK: nnopt.observe squares %{{.*}} {dilations = array<i64: 1, 1>, groups = 4 : i64, kernel = array<i64: 3, 3>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>} : tensor<1x16x?x28xf16> -> tensor<4x36xf32>
  %1 = nnopt.observe squares %i {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 4 : i64}
    : tensor<1x16x?x28xf16> -> tensor<4x36xf32>
  return %0, %1 : tensor<1x384x384xf32>, tensor<4x36xf32>
}

// CHECK-LABEL: func @sparse_compute
func.func @sparse_compute(%p: tensor<3xindex>, %c: tensor<?xindex>, %v: tensor<?xf32>, %i: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: nnopt.sparse_compute(%{{.*}}, %{{.*}}, %{{.*}}) into %{{.*}} {
  %y = nnopt.sparse_compute(%p, %c, %v) into %i {
  ^bb0(%pos: tensor<3xindex>, %crd: tensor<?xindex>, %val: tensor<?xf32>, %out: tensor<2x4xf32>):
    %a = sparse_tensor.assemble (%pos, %crd), %val : (tensor<3xindex>, tensor<?xindex>), tensor<?xf32> to tensor<2x4xf32, #sparse_tensor.encoding<{ map = (i, j) -> (i : dense, j : compressed) }>>
    %r = sparse_tensor.convert %a : tensor<2x4xf32, #sparse_tensor.encoding<{ map = (i, j) -> (i : dense, j : compressed) }>> to tensor<2x4xf32>
    // CHECK: nnopt.yield %{{.*}} : tensor<2x4xf32>
    nnopt.yield %r : tensor<2x4xf32>
    // CHECK-NEXT: } : (tensor<3xindex>, tensor<?xindex>, tensor<?xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  } : (tensor<3xindex>, tensor<?xindex>, tensor<?xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}
