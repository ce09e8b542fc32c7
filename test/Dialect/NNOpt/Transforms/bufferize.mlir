// RUN: nnopt-opt %s --nnopt-pack --nnopt-bufferize | FileCheck %s

// CHECK-DAG: memref.global "private" constant @weight_0 : memref<1x8x16xf32> {alignment = 64 : i64, nnopt.value = dense<5.000000e-01> : tensor<1x8x16xf32>}
// CHECK:     func.func @main(%[[X:[^:]*]]: memref<?x8xf32> {nnopt.dims = ["batch", "8"], nnopt.name = "x"}
// CHECK-SAME: %[[Y:[^:]*]]: memref<?x16xf32> {nnopt.dims = ["batch", "16"], nnopt.name = "y", nnopt.output}
// CHECK-SAME: %[[WORKSPACE:[^:]*]]: memref<?xi8>, %[[BATCH:[^:]*]]: index)
// CHECK:     %[[W:.*]] = memref.get_global @weight_0
// CHECK:     nnopt.linear %[[X]], %[[W]] into %[[H:[^ ]*]] {pack
// The result is computed in the caller's buffer, without a copy.
// CHECK:     nnopt.softmax %[[H]] into %[[Y]]
// CHECK-NOT: memref.copy
// CHECK:     func.func @shapes(%[[N:.*]]: index) -> (index, index)
// CHECK:     %[[C16:.*]] = arith.constant 16
// CHECK:     return %[[N]], %[[C16]]
// 16 outputs of 4 bytes per row.
// CHECK:     func.func @workspace(%[[M:.*]]: index) -> index
// CHECK:     %[[C64:.*]] = arith.constant 64
// CHECK:     %[[BYTES:.*]] = arith.muli %[[M]], %[[C64]]
// CHECK:     return %[[BYTES]]
func.func @main(%x: tensor<?x8xf32> {nnopt.name = "x", nnopt.dims = ["batch", "8"]})
    -> (tensor<?x16xf32> {nnopt.name = "y", nnopt.dims = ["batch", "16"]}) {
  %w = nnopt.weight "w" dense<0.5> : tensor<1x8x16xf32>
  %h = nnopt.linear %x, %w {pack = #nnopt.pack<outputs = 16, depth = 8, panel = 16>}
    : (tensor<?x8xf32>, tensor<1x8x16xf32>) -> tensor<?x16xf32>
  %y = nnopt.softmax %h {axis = 1 : i64} : (tensor<?x16xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
