// RUN: nnopt-opt %s --nnopt-lower-to-vector --canonicalize | FileCheck %s

// 17 rows of 24 outputs: on AVX-512 two vectors, the second one of 8 lanes.
// CHECK-LABEL: func @linear
// CHECK-NOT:   nnopt.linear
// CHECK:       nnopt.parallel_for
// CHECK:       call @gemm_avx512_
func.func @linear(%x: memref<17x8xf32>, %w: memref<2x8x16xf32>, %b: memref<24xf32>, %m: memref<17x24xf32>)
    attributes {nnopt.isa = "avx512"} {
  nnopt.linear %x, %w bias %b into %m {pack = #nnopt.pack<outputs = 24, depth = 8, panel = 16>}
    : (memref<17x8xf32>, memref<2x8x16xf32>, memref<24xf32>, memref<17x24xf32>) -> ()
  return
}

// A function without an instruction set is left alone.
// CHECK-LABEL: func @portable
// CHECK:       nnopt.linear
func.func @portable(%x: memref<17x8xf32>, %w: memref<2x8x16xf32>, %m: memref<17x24xf32>) {
  nnopt.linear %x, %w into %m {pack = #nnopt.pack<outputs = 24, depth = 8, panel = 16>}
    : (memref<17x8xf32>, memref<2x8x16xf32>, memref<17x24xf32>) -> ()
  return
}

// Integers are left to the loops.
// CHECK-LABEL: func @integers
// CHECK:       nnopt.matmul
func.func @integers(%a: memref<4x8xi32>, %b: memref<8x4xi32>, %m: memref<4x4xi32>) attributes {nnopt.isa = "avx2"} {
  nnopt.matmul %a, %b into %m : (memref<4x8xi32>, memref<8x4xi32>, memref<4x4xi32>) -> ()
  return
}

// Two batches broadcast over the right operand: rows of both are one dimension.
// CHECK-LABEL: func @batched
// CHECK:       nnopt.parallel_for
// CHECK:       call @gemm_avx2_
func.func @batched(%a: memref<2x?x8xf32>, %b: memref<8x?xf32>, %m: memref<2x?x?xf32>) attributes {nnopt.isa = "avx2"} {
  nnopt.matmul %a, %b into %m : (memref<2x?x8xf32>, memref<8x?xf32>, memref<2x?x?xf32>) -> ()
  return
}

// CHECK-LABEL: func private @gemm_avx512_
// CHECK-SAME:  llvm.noalias
// CHECK-SAME:  no_inline
// CHECK:       math.fma {{.*}} : vector<16xf32>
// CHECK:       math.fma {{.*}} : vector<8xf32>
