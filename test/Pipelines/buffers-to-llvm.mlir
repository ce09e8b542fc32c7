// RUN: nnopt-opt %s --nnopt-kernels="isas=x86-64,avx2" --nnopt-threads --nnopt-llvm | FileCheck %s
// RUN: nnopt-opt %s --nnopt-kernels="isas=x86-64,avx2" --nnopt-threads="threads=0" --nnopt-llvm | FileCheck %s --check-prefix=SERIAL

// From buffers to the LLVM dialect: one entry per instruction set with its target, weights by reference, the signature on the module.

// CHECK: module attributes {
// CHECK-SAME: nnopt.inputs = [{dims = ["batch", "128", "20"], name = "x", type = tensor<?x128x20xf32>}]
// CHECK-SAME: nnopt.outputs = [{dims = ["batch", "128", "30"], name = "y", type = tensor<?x128x30xf32>}]
// CHECK: llvm.func @nnopt_parallel_for(!llvm.ptr, !llvm.ptr, !llvm.ptr, i64)
// CHECK: llvm.mlir.global external hidden constant @w() {{.*}}nnopt.value = dense<5.000000e-01> : tensor<30x20xf32>
// CHECK: llvm.func @"main_x86-64"(%{{.*}}: !llvm.ptr {llvm.noalias}, {{.*}}target_cpu = "x86-64"
// CHECK: llvm.call @nnopt_parallel_for(
// CHECK: llvm.func internal @"main_x86-64_body
// CHECK-SAME: no_inline
// CHECK-NOT: llvm.intr.fma
// CHECK: llvm.func @main_avx2({{.*}}target_cpu = "x86-64-v3", target_features = #llvm.target_features<["+avx2", "+fma", "+f16c"]>
// CHECK: llvm.func internal @main_avx2_body
// CHECK: llvm.intr.fma
// CHECK: llvm.func @workspace(%{{.*}}: !llvm.ptr) -> i64
// CHECK: llvm.func @shapes(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr) {

// SERIAL-NOT: nnopt_parallel_for
// SERIAL: llvm.call @"main_x86-64_body
module attributes {nnopt.model = "m", nnopt.symbols = ["batch"]} {
  memref.global "private" constant @w : memref<30x20xf32> {alignment = 64, nnopt.value = dense<0.5> : tensor<30x20xf32>}
  func.func @main(%x: memref<?x128x20xf32> {nnopt.name = "x", nnopt.dims = ["batch", "128", "20"]},
                  %y: memref<?x128x30xf32> {nnopt.name = "y", nnopt.dims = ["batch", "128", "30"], nnopt.output},
                  %ws: memref<?xi8>, %batch: index) {
    %w = memref.get_global @w : memref<30x20xf32>
    %c0 = arith.constant 0 : index
    %t = memref.view %ws[%c0][%batch] : memref<?xi8> to memref<?x128x30xf32>
    nnopt.linear %x, %w into %t : (memref<?x128x20xf32>, memref<30x20xf32>, memref<?x128x30xf32>) -> ()
    linalg.generic {indexing_maps = [affine_map<(a,b,c)->(a,b,c)>, affine_map<(a,b,c)->(a,b,c)>], iterator_types = ["parallel","parallel","parallel"]} ins(%t : memref<?x128x30xf32>) outs(%y : memref<?x128x30xf32>) {
    ^bb0(%a: f32, %o: f32):
      %e = math.erf %a : f32
      linalg.yield %e : f32
    }
    nnopt.softmax %y into %y {axis = 2 : i64} : (memref<?x128x30xf32>, memref<?x128x30xf32>) -> ()
    return
  }
  func.func @workspace(%batch: index) -> index {
    %c = arith.constant 15360 : index
    %r = arith.muli %batch, %c : index
    return %r : index
  }
  func.func @shapes(%batch: index) -> (index, index, index) {
    %c128 = arith.constant 128 : index
    %c30 = arith.constant 30 : index
    return %batch, %c128, %c30 : index, index, index
  }
}
