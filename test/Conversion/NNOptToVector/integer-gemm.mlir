// Products of 8-bit integers with sums of 32 bits.
// RUN: nnopt-opt %s --split-input-file --nnopt-lower-to-vector --canonicalize | FileCheck %s

// Without a weight of -128, a product with the magnitude of an input fits in 16 bits twice.
// CHECK-LABEL: func @narrow
// CHECK:       call @gemm_avx2_
// CHECK:       math.absi {{.*}} : vector<32xi8>
// CHECK:       %[[W:.*]] = llvm.call_intrinsic "llvm.x86.avx2.psign.b"
// CHECK:       %[[P:.*]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"(%{{.*}}, %[[W]])
// CHECK:       llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"(%[[P]]
memref.global "private" constant @small : memref<1x2x16x4xi8> {nnopt.value = dense<"0x7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB"> : tensor<1x2x16x4xi8>}
func.func @narrow(%x: memref<8x8xi8>, %m: memref<8x16xi32>) attributes {nnopt.isa = "avx2"} {
  %w = memref.get_global @small : memref<1x2x16x4xi8>
  nnopt.linear %x, %w into %m {pack = #nnopt.pack<outputs = 16, depth = 8, panel = 16 x 4>}
    : (memref<8x8xi8>, memref<1x2x16x4xi8>, memref<8x16xi32>) -> ()
  return
}

// -----

// A weight that is not known may be -128.
// CHECK-LABEL: func @wide
// CHECK:       call @gemm_avx2_
// CHECK-NOT:   pmadd.ub
// CHECK:       arith.extsi {{.*}} : vector<16xi8> to vector<16xi16>
// CHECK:       llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
func.func @wide(%x: memref<8x8xi8>, %w: memref<1x2x16x4xi8>, %m: memref<8x16xi32>) attributes {nnopt.isa = "avx2"} {
  nnopt.linear %x, %w into %m {pack = #nnopt.pack<outputs = 16, depth = 8, panel = 16 x 4>}
    : (memref<8x8xi8>, memref<1x2x16x4xi8>, memref<8x16xi32>) -> ()
  return
}

// -----

// There are no signs to give to vectors of 64 bytes.
// CHECK-LABEL: func @wider
// CHECK:       call @gemm_avx512_
// CHECK-NOT:   pmadd.ub
// CHECK:       llvm.call_intrinsic "llvm.x86.avx512.pmaddw.d.512"
memref.global "private" constant @small : memref<1x2x16x4xi8> {nnopt.value = dense<"0x7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB"> : tensor<1x2x16x4xi8>}
func.func @wider(%x: memref<8x8xi8>, %m: memref<8x16xi32>) attributes {nnopt.isa = "avx512"} {
  %w = memref.get_global @small : memref<1x2x16x4xi8>
  nnopt.linear %x, %w into %m {pack = #nnopt.pack<outputs = 16, depth = 8, panel = 16 x 4>}
    : (memref<8x8xi8>, memref<1x2x16x4xi8>, memref<8x16xi32>) -> ()
  return
}

// -----

// Two products of bytes, each exact in 16 bits, are added in 32.
// CHECK-LABEL: func @portable
// CHECK:       call @gemm_neon_
// CHECK:       %[[P:.*]] = arith.muli {{.*}} : vector<8xi16>
// CHECK:       vector.shuffle %[[P]], %[[P]] [0, 2, 4, 6]
// CHECK:       vector.shuffle %[[P]], %[[P]] [1, 3, 5, 7]
// CHECK-NOT:   x86
memref.global "private" constant @small : memref<1x2x16x4xi8> {nnopt.value = dense<"0x7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB7F010203FEFDFCFB"> : tensor<1x2x16x4xi8>}
func.func @portable(%x: memref<8x8xi8>, %m: memref<8x16xi32>) attributes {nnopt.isa = "neon"} {
  %w = memref.get_global @small : memref<1x2x16x4xi8>
  nnopt.linear %x, %w into %m {pack = #nnopt.pack<outputs = 16, depth = 8, panel = 16 x 4>}
    : (memref<8x8xi8>, memref<1x2x16x4xi8>, memref<8x16xi32>) -> ()
  return
}

// -----

// Runs of four bytes only.
// CHECK-LABEL: func @single
// CHECK:       nnopt.linear
func.func @single(%x: memref<8x8xi8>, %w: memref<1x8x16xi8>, %m: memref<8x16xi32>) attributes {nnopt.isa = "avx2"} {
  nnopt.linear %x, %w into %m {pack = #nnopt.pack<outputs = 16, depth = 8, panel = 16>} : (memref<8x8xi8>, memref<1x8x16xi8>, memref<8x16xi32>) -> ()
  return
}
