// RUN: nnopt-opt %s --nnopt-plan-memory --canonicalize --split-input-file | FileCheck %s

// A chain: the third buffer takes the place of the first, which is dead.
// CHECK-LABEL: func.func @main(
// CHECK-SAME:  %[[W:[^:]*]]: memref<?xi8>)
// CHECK-DAG:   %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:   %[[C4096:.*]] = arith.constant 4096 : index
// CHECK-DAG:   %[[A:.*]] = memref.assume_alignment %[[W]], 64
// CHECK:       memref.view %[[A]][%[[C0]]][]
// CHECK:       memref.view %[[A]][%[[C4096]]][]
// CHECK:       memref.view %[[A]][%[[C0]]][]
// CHECK-NOT:   memref.alloc
// CHECK-LABEL: func.func @workspace() -> index
// CHECK:       %[[BYTES:.*]] = arith.constant 8192
// CHECK:       return %[[BYTES]]
module attributes {nnopt.symbols = []} {
  func.func @main(%x: memref<1024xf32> {nnopt.name = "x"}, %y: memref<1024xf32> {nnopt.name = "y", nnopt.output}) -> index {
    %c = arith.constant 1024 : index
    %a = memref.alloc() : memref<1024xf32>
    nnopt.softmax %x into %a {axis = 0 : i64} : (memref<1024xf32>, memref<1024xf32>) -> ()
    %b = memref.alloc() : memref<1024xf32>
    nnopt.softmax %a into %b {axis = 0 : i64} : (memref<1024xf32>, memref<1024xf32>) -> ()
    %d = memref.alloc() : memref<1024xf32>
    nnopt.softmax %b into %d {axis = 0 : i64} : (memref<1024xf32>, memref<1024xf32>) -> ()
    nnopt.softmax %d into %y {axis = 0 : i64} : (memref<1024xf32>, memref<1024xf32>) -> ()
    return %c : index
  }
}

// -----

// A view keeps its buffer alive: nothing can be shared.
// CHECK-LABEL: func.func @workspace() -> index
// CHECK:       arith.constant 12288
module attributes {nnopt.symbols = []} {
  func.func @main(%x: memref<1024xf32> {nnopt.name = "x"}, %y: memref<1024xf32> {nnopt.name = "y", nnopt.output}) -> index {
    %c = arith.constant 1024 : index
    %a = memref.alloc() : memref<1024xf32>
    nnopt.softmax %x into %a {axis = 0 : i64} : (memref<1024xf32>, memref<1024xf32>) -> ()
    %v = memref.expand_shape %a [[0, 1]] output_shape [32, 32] : memref<1024xf32> into memref<32x32xf32>
    %b = memref.alloc() : memref<1024xf32>
    nnopt.softmax %a into %b {axis = 0 : i64} : (memref<1024xf32>, memref<1024xf32>) -> ()
    %d = memref.alloc() : memref<32x32xf32>
    nnopt.softmax %v into %d {axis = 0 : i64} : (memref<32x32xf32>, memref<32x32xf32>) -> ()
    nnopt.softmax %b into %y {axis = 0 : i64} : (memref<1024xf32>, memref<1024xf32>) -> ()
    return %c : index
  }
}
