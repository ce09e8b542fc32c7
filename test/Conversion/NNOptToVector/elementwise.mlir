// RUN: nnopt-opt %s --nnopt-lower-to-vector --canonicalize | FileCheck %s

// Three contiguous dimensions are one axis of 3 * 5 * 37 = 555 elements: eight steps of four vectors, two more, and a masked one.
// CHECK-LABEL: func @joined
// CHECK-NOT:   linalg.generic
// CHECK:       call @elementwise_avx512_[[JOINED:[0-9a-f]+]](
func.func @joined(%x: memref<3x5x37xf32>, %m: memref<3x5x37xf32>) attributes {nnopt.isa = "avx512"} {
  linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
                  iterator_types = ["parallel", "parallel", "parallel"]}
    ins(%x : memref<3x5x37xf32>) outs(%m : memref<3x5x37xf32>) {
  ^bb0(%a: f32, %b: f32):
    %y = arith.addf %a, %a : f32
    linalg.yield %y : f32
  }
  return
}

// The same function serves an op with the same code and the same extents.
// CHECK-LABEL: func @shared
// CHECK:       call @elementwise_avx512_[[JOINED]](
func.func @shared(%x: memref<5x111xf32>, %m: memref<5x111xf32>) attributes {nnopt.isa = "avx512"} {
  linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>],
                  iterator_types = ["parallel", "parallel"]}
    ins(%x : memref<5x111xf32>) outs(%m : memref<5x111xf32>) {
  ^bb0(%a: f32, %b: f32):
    %y = arith.addf %a, %a : f32
    linalg.yield %y : f32
  }
  return
}

// An inner broadcast keeps the axes apart.
// CHECK-LABEL: func @rows
// CHECK:       call @elementwise_avx2_
func.func @rows(%x: memref<?x?xf32>, %c: memref<?xf32>, %m: memref<?x?xf32>) attributes {nnopt.isa = "avx2"} {
  linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a)>, affine_map<(a, b) -> (a, b)>],
                  iterator_types = ["parallel", "parallel"]}
    ins(%x, %c : memref<?x?xf32>, memref<?xf32>) outs(%m : memref<?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %d: f32):
    %y = arith.mulf %a, %b : f32
    linalg.yield %y : f32
  }
  return
}

// CHECK-LABEL: func @transposed
// CHECK-NOT:   linalg.transpose
// CHECK:       call @transposing_avx2_
func.func @transposed(%x: memref<1x3x224x224xf32>, %m: memref<1x224x224x3xf32>) attributes {nnopt.isa = "avx2"} {
  linalg.transpose ins(%x : memref<1x3x224x224xf32>) outs(%m : memref<1x224x224x3xf32>) permutation = [0, 2, 3, 1]
  return
}

// Rows that stay rows are copied.
// CHECK-LABEL: func @heads
// CHECK:       call @elementwise_avx2_
func.func @heads(%x: memref<1x12x128x32xf32>, %m: memref<1x128x12x32xf32>) attributes {nnopt.isa = "avx2"} {
  linalg.transpose ins(%x : memref<1x12x128x32xf32>) outs(%m : memref<1x128x12x32xf32>) permutation = [0, 2, 1, 3]
  return
}

// CHECK-LABEL: func @copies
// CHECK-NOT:   memref.copy
// CHECK-NOT:   linalg.fill
// CHECK:       call @elementwise_avx2_
// CHECK:       call @elementwise_avx2_
func.func @copies(%x: memref<4x8xf32>, %m: memref<4x8xf32, strided<[16, 1], offset: 8>>) attributes {nnopt.isa = "avx2"} {
  %zero = arith.constant 0.0 : f32
  memref.copy %x, %m : memref<4x8xf32> to memref<4x8xf32, strided<[16, 1], offset: 8>>
  linalg.fill ins(%zero : f32) outs(%x : memref<4x8xf32>)
  return
}

// Left to the loops: elements that are not neighbours; indices in the body; half precision without instructions for it.
// CHECK-LABEL: func @left
// CHECK:       memref.copy
// CHECK:       linalg.generic
// CHECK:       linalg.fill
func.func @left(%x: memref<4x8xf32, strided<[16, 2]>>, %m: memref<4x8xf32>, %i: memref<8xi64>, %h: memref<8xf16>)
    attributes {nnopt.isa = "x86-64"} {
  %zero = arith.constant 0.0 : f16
  memref.copy %x, %m : memref<4x8xf32, strided<[16, 2]>> to memref<4x8xf32>
  linalg.generic {indexing_maps = [affine_map<(a) -> (a)>], iterator_types = ["parallel"]} outs(%i : memref<8xi64>) {
  ^bb0(%a: i64):
    %n = linalg.index 0 : index
    %y = arith.index_cast %n : index to i64
    linalg.yield %y : i64
  }
  linalg.fill ins(%zero : f16) outs(%h : memref<8xf16>)
  return
}

// 555 = 8 * 64 + 2 * 16 + 11.
// CHECK:     func private @elementwise_avx512_[[JOINED]](%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr)
// CHECK-DAG: %[[FOUR:.*]] = arith.constant 64 : index
// CHECK-DAG: %[[UNROLLED:.*]] = arith.constant 512 : index
// CHECK:     scf.for %{{.*}} = %{{.*}} to %[[UNROLLED]] step %[[FOUR]]
// CHECK:     llvm.intr.masked.load
// CHECK:     llvm.intr.masked.store
