// RUN: nnopt-opt %s --nnopt-lower-entry | FileCheck %s

// The entry functions take arrays of pointers and of symbols; buffers are rebuilt from them. The signature moves to the module.
// CHECK: module attributes {
// CHECK-SAME: nnopt.inputs = [{dims = ["batch", "4"], name = "x", type = tensor<?x4xf32>}]
// CHECK-SAME: nnopt.outputs = [{dims = ["batch", "2"], name = "y", type = tensor<?x2xf32>}]
module attributes {nnopt.symbols = ["batch"]} {
  // CHECK: func.func @main_avx2(%[[IN:.*]]: !llvm.ptr {llvm.noalias}, %[[OUT:.*]]: !llvm.ptr {llvm.noalias}, %[[SYMBOLS:.*]]: !llvm.ptr {llvm.noalias}, %[[WORKSPACE:.*]]: !llvm.ptr {llvm.noalias}, %{{.*}}: !llvm.ptr {llvm.noalias}) attributes {nnopt.isa = "avx2"}
  // CHECK: %[[S:.*]] = llvm.getelementptr %[[SYMBOLS]][0]
  // CHECK: llvm.load %[[S]] : !llvm.ptr -> i64
  // CHECK: %[[I:.*]] = llvm.getelementptr %[[IN]][0]
  // CHECK: llvm.load %[[I]] : !llvm.ptr -> !llvm.ptr
  // CHECK: %[[O:.*]] = llvm.getelementptr %[[OUT]][0]
  // CHECK: llvm.load %[[O]] : !llvm.ptr -> !llvm.ptr
  // CHECK: memref.load %{{.*}}[%{{.*}}, %{{.*}}] : memref<?x4xf32>
  // CHECK: memref.store %{{.*}}, %{{.*}}[%{{.*}}, %{{.*}}] : memref<?x2xf32>
  func.func @main_avx2(%x: memref<?x4xf32> {nnopt.name = "x", nnopt.dims = ["batch", "4"]},
                       %y: memref<?x2xf32> {nnopt.name = "y", nnopt.dims = ["batch", "2"], nnopt.output},
                       %workspace: memref<?xi8>, %batch: index) attributes {nnopt.isa = "avx2"} {
    %c0 = arith.constant 0 : index
    %v = memref.load %x[%c0, %c0] : memref<?x4xf32>
    memref.store %v, %y[%c0, %c0] : memref<?x2xf32>
    return
  }
  // CHECK: func.func @workspace(%{{.*}}: !llvm.ptr) -> i64
  func.func @workspace(%batch: index) -> index {
    return %batch : index
  }
  // CHECK: func.func @shapes(%[[S:.*]]: !llvm.ptr, %[[E:.*]]: !llvm.ptr) {
  // CHECK: %[[FIRST:.*]] = llvm.getelementptr %[[E]][0]
  // CHECK: llvm.store %{{.*}}, %[[FIRST]] : i64, !llvm.ptr
  // CHECK: %[[SECOND:.*]] = llvm.getelementptr %[[E]][1]
  // CHECK: llvm.store %{{.*}}, %[[SECOND]] : i64, !llvm.ptr
  func.func @shapes(%batch: index) -> (index, index) {
    %c2 = arith.constant 2 : index
    return %batch, %c2 : index, index
  }
}
