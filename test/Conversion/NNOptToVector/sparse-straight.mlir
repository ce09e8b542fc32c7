// RUN: nnopt-opt %s --nnopt-pack --nnopt-bufferize --nnopt-specialize-isa=isas=avx2,avx512 --nnopt-lower-to-vector | FileCheck %s
// REQUIRES: x86

// Single outputs become code of the variant with vectors of 16 elements; the other loops over them, as all do over blocks of 4 outputs.
// CHECK-DAG: memref.global "private" constant @[[CODE:.*_straight.*_code]] : memref<{{[0-9]+}}xi8> {alignment = 64 : i64, nnopt.code, nnopt.value
// CHECK-LABEL: func.func {{.*}}@main_avx2(
// CHECK-NOT: @[[CODE]]
// CHECK: call @sparse_strip_avx2
// CHECK-NOT: @[[CODE]]
// CHECK: call @sparse_strip_avx2
// CHECK-LABEL: func.func {{.*}}@main_avx512(
// CHECK: memref.get_global @[[CODE]]
// CHECK: llvm.call %{{.*}}(%{{.*}}) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64) -> ()
// CHECK: call @sparse_strip_avx512
func.func @main(%x: tensor<32x4xf32> {nnopt.name = "x", nnopt.dims = ["32", "4"]})
    -> (tensor<32x30xf32> {nnopt.name = "y", nnopt.dims = ["32", "30"]}, tensor<32x16xf32> {nnopt.name = "z", nnopt.dims = ["32", "16"]}) {
  %tiles = nnopt.tile_rows %x : (tensor<32x4xf32>) -> tensor<2x4x16xf32>
  %v = nnopt.weight "v" dense<[[1.0], [2.0], [3.0]]> : tensor<3x1xf32>
  %c = nnopt.weight "c" dense<[0, 2, 3]> : tensor<3xi32>
  %s = nnopt.weight "s" dense<[0, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3]> : tensor<33xi32>
  %y = nnopt.sparse_linear %tiles, %v, %c, %s {tiled, pack = #nnopt.sparse_pack<outputs = 30, depth = 4, rows = 1, strip = 32, chunk = 4>}
    : (tensor<2x4x16xf32>, tensor<3x1xf32>, tensor<3xi32>, tensor<33xi32>) -> tensor<32x30xf32>
  %bv = nnopt.weight "bv" dense<[[1.0, 2.0, 3.0, 4.0]]> : tensor<1x4xf32>
  %bc = nnopt.weight "bc" dense<[1]> : tensor<1xi32>
  %bs = nnopt.weight "bs" dense<[0, 1, 1, 1, 1]> : tensor<5xi32>
  %z = nnopt.sparse_linear %tiles, %bv, %bc, %bs {tiled, pack = #nnopt.sparse_pack<outputs = 16, depth = 4, rows = 4, strip = 16, chunk = 4>}
    : (tensor<2x4x16xf32>, tensor<1x4xf32>, tensor<1xi32>, tensor<5xi32>) -> tensor<32x16xf32>
  return %y, %z : tensor<32x30xf32>, tensor<32x16xf32>
}
