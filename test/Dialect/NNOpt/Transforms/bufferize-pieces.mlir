// RUN: nnopt-opt %s --nnopt-pack --nnopt-bufferize | FileCheck %s

// A result of dynamic extent that is assembled from pieces in the caller's buffer: its extents still follow from the inputs'.
// CHECK-LABEL: func.func @main
// CHECK-NOT:   memref.dim
// CHECK:       func.func @shapes(%[[N:.*]]: index) -> (index, index)
// CHECK:       %[[TWICE:.*]] = affine.apply #{{.*}}()[%[[N]]]
// CHECK:       return %{{.*}}, %[[TWICE]]
#id = affine_map<(d0, d1) -> (d0, d1)>
func.func @main(%x: tensor<4x?xf32> {nnopt.name = "x", nnopt.dims = ["4", "n"]})
    -> (tensor<4x?xf32> {nnopt.name = "y", nnopt.dims = ["4", "?"]}) {
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c1 : tensor<4x?xf32>
  %e = tensor.empty(%n) : tensor<4x?xf32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x?xf32>) outs(%e : tensor<4x?xf32>) {
  ^bb0(%in: f32, %out: f32):
    %v = arith.negf %in : f32
    linalg.yield %v : f32
  } -> tensor<4x?xf32>
  %y = tensor.concat dim(1) %a, %x : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return %y : tensor<4x?xf32>
}
