// RUN: nnopt-opt %s --nnopt-lower-to-vector --canonicalize | FileCheck %s

// CHECK-LABEL: func @softmax
// CHECK-NOT:   nnopt.softmax
// CHECK:       call @softmax_rows_avx2_
// CHECK:       call @softmax_columns_avx2_
func.func @softmax(%x: memref<?x8x?xf32>, %m: memref<?x8x?xf32>) attributes {nnopt.isa = "avx2"} {
  nnopt.softmax %x into %m {axis = 2 : i64} : (memref<?x8x?xf32>, memref<?x8x?xf32>) -> ()
  nnopt.softmax %x into %m {axis = 1 : i64, log} : (memref<?x8x?xf32>, memref<?x8x?xf32>) -> ()
  return
}

// CHECK-LABEL: func @normalize
// CHECK-NOT:   nnopt.normalize
// CHECK:       call @normalize_avx512_
func.func @normalize(%x: memref<1x?x384xf32>, %s: memref<384xf32>, %m: memref<1x?x384xf32>) attributes {nnopt.isa = "avx512"} {
  nnopt.normalize rms %x scale %s into %m {axis = 2 : i64, epsilon = 1.0e-5 : f32}
    : (memref<1x?x384xf32>, memref<384xf32>, memref<1x?x384xf32>) -> ()
  return
}

// CHECK-LABEL: func @gather
// CHECK:       call @gather_avx512_
func.func @gather(%t: memref<100x384xf32>, %i: memref<1x?xi64>, %m: memref<1x?x384xf32>) attributes {nnopt.isa = "avx512"} {
  nnopt.gather %t, %i into %m {axis = 0 : i64} : (memref<100x384xf32>, memref<1x?xi64>, memref<1x?x384xf32>) -> ()
  return
}

// CHECK-LABEL: func @pool
// CHECK:       call @pool_avx512_
func.func @pool(%x: memref<1x112x112x64xf32>, %m: memref<1x56x56x64xf32>) attributes {nnopt.isa = "avx512"} {
  nnopt.pool max %x into %m {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>,
    pads = array<i64: 1, 1, 1, 1>, channels_last} : (memref<1x112x112x64xf32>, memref<1x56x56x64xf32>) -> ()
  return
}

// CHECK-LABEL: func @reduce
// CHECK-NOT:   linalg
// CHECK:       call @reduce_rows_avx512_
// CHECK:       call @reduce_columns_avx512_
func.func @reduce(%x: memref<49x1280xf32>, %rows: memref<49xf32>, %columns: memref<1280xf32>) attributes {nnopt.isa = "avx512"} {
  linalg.reduce {arith.addf} ins(%x : memref<49x1280xf32>) outs(%rows : memref<49xf32>) dimensions = [1]
  linalg.reduce {arith.maximumf} ins(%x : memref<49x1280xf32>) outs(%columns : memref<1280xf32>) dimensions = [0]
  return
}

// Left to the loops: channels that are not last, short rows of a table, a reduction that divides.
// CHECK-LABEL: func @left
// CHECK:       nnopt.pool
// CHECK:       nnopt.gather
// CHECK:       linalg.generic
func.func @left(%x: memref<1x3x8x8xf32>, %p: memref<1x3x4x4xf32>, %t: memref<10x2xf32>, %i: memref<4xi64>, %g: memref<4x2xf32>,
                %r: memref<10xf32>) attributes {nnopt.isa = "avx2"} {
  nnopt.pool average %x into %p {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>} : (memref<1x3x8x8xf32>, memref<1x3x4x4xf32>) -> ()
  nnopt.gather %t, %i into %g {axis = 0 : i64} : (memref<10x2xf32>, memref<4xi64>, memref<4x2xf32>) -> ()
  linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a)>], iterator_types = ["parallel", "reduction"]}
    ins(%t : memref<10x2xf32>) outs(%r : memref<10xf32>) {
  ^bb0(%a: f32, %b: f32):
    %y = arith.divf %b, %a : f32
    linalg.yield %y : f32
  }
  return
}
