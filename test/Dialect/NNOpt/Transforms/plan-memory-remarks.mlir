// RUN: nnopt-opt %s --nnopt-plan-memory --remarks-filter=nnopt.* --remark-policy=all --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s

// One remark for what is static and one for each product of extents that vary.
// CHECK-DAG: 2 buffers of 8192 bytes in 4096 bytes; 4096 bytes are alive at once
// CHECK-DAG: 1 buffers of 128 bytes in 128 bytes, times their varying extents; 128 bytes are alive at once
module attributes {nnopt.symbols = ["n"]} {
  func.func @main(%x: memref<1024xf32> {nnopt.name = "x", nnopt.dims = ["1024"]}, %z: memref<?x32xf32> {nnopt.name = "z", nnopt.dims = ["n", "32"]},
                  %n: index) {
    %a = memref.alloc() : memref<1024xf32>
    nnopt.softmax %x into %a {axis = 0 : i64} : (memref<1024xf32>, memref<1024xf32>) -> ()
    %b = memref.alloc() : memref<1024xf32>
    nnopt.softmax %x into %b {axis = 0 : i64} : (memref<1024xf32>, memref<1024xf32>) -> ()
    %c = memref.alloc(%n) : memref<?x32xf32>
    nnopt.softmax %z into %c {axis = 1 : i64} : (memref<?x32xf32>, memref<?x32xf32>) -> ()
    return
  }
}
