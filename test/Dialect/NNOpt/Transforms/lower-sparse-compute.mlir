// RUN: nnopt-opt %s --nnopt-lower-sparse-compute | FileCheck %s

#csr = #sparse_tensor.encoding<{ map = (i, j) -> (i : dense, j : compressed), posWidth = 32, crdWidth = 32 }>

// Positions and coordinates are checked; what fails gives NaN.
// CHECK-LABEL: func @product
// CHECK: nnopt.sparse_compute
// CHECK-NEXT: ^bb0(%[[P:.*]]: memref<9xi32>, %[[C:.*]]: memref<?xi32>, %[[V:.*]]: memref<?xf32>, %[[X:.*]]: memref<12x5xf32>, %[[OUT:.*]]: memref<8x5xf32>):
// CHECK-NOT: memref.alloc
// CHECK: scf.if
// CHECK: linalg.fill ins(%{{.*}} : f32) outs(%[[OUT]]
// CHECK: nnopt.parallel_for
// CHECK: arith.mulf %{{.*}}, %{{.*}} fastmath<contract> : f32
// CHECK: memref.store %{{.*}}, %[[OUT]]
// CHECK: } else {
// CHECK: %[[NAN:.*]] = arith.constant 0x7FC00000 : f32
// CHECK: linalg.fill ins(%[[NAN]] : f32) outs(%[[OUT]]
func.func @product(%p: tensor<9xi32>, %c: tensor<?xi32>, %v: tensor<?xf32>, %x: tensor<12x5xf32>) -> tensor<8x5xf32> {
  %e = tensor.empty() : tensor<8x5xf32>
  %y = nnopt.sparse_compute(%p, %c, %v, %x) into %e {
  ^bb0(%pos: tensor<9xi32>, %crd: tensor<?xi32>, %val: tensor<?xf32>, %rhs: tensor<12x5xf32>, %out: tensor<8x5xf32>):
    %zero = arith.constant 0.0 : f32
    %a = sparse_tensor.assemble (%pos, %crd), %val : (tensor<9xi32>, tensor<?xi32>), tensor<?xf32> to tensor<8x12xf32, #csr>
    %z = linalg.fill ins(%zero : f32) outs(%out : tensor<8x5xf32>) -> tensor<8x5xf32>
    %r = linalg.matmul ins(%a, %rhs : tensor<8x12xf32, #csr>, tensor<12x5xf32>) outs(%z : tensor<8x5xf32>) -> tensor<8x5xf32>
    nnopt.yield %r : tensor<8x5xf32>
  } : (tensor<9xi32>, tensor<?xi32>, tensor<?xf32>, tensor<12x5xf32>, tensor<8x5xf32>) -> tensor<8x5xf32>
  return %y : tensor<8x5xf32>
}

// 40 of 96 elements are stored: our own product of matrices is faster.
// CHECK-LABEL: func @full
// CHECK: %[[ALL:.*]] = memref.alloc() : memref<8x12xf32>
// CHECK: nnopt.matmul %[[ALL]], %{{.*}} into
func.func @full(%p: tensor<9xi32>, %c: tensor<40xi32>, %v: tensor<40xf32>, %x: tensor<12x5xf32>) -> tensor<8x5xf32> {
  %e = tensor.empty() : tensor<8x5xf32>
  %y = nnopt.sparse_compute(%p, %c, %v, %x) into %e {
  ^bb0(%pos: tensor<9xi32>, %crd: tensor<40xi32>, %val: tensor<40xf32>, %rhs: tensor<12x5xf32>, %out: tensor<8x5xf32>):
    %zero = arith.constant 0.0 : f32
    %a = sparse_tensor.assemble (%pos, %crd), %val : (tensor<9xi32>, tensor<40xi32>), tensor<40xf32> to tensor<8x12xf32, #csr>
    %z = linalg.fill ins(%zero : f32) outs(%out : tensor<8x5xf32>) -> tensor<8x5xf32>
    %r = linalg.matmul ins(%a, %rhs : tensor<8x12xf32, #csr>, tensor<12x5xf32>) outs(%z : tensor<8x5xf32>) -> tensor<8x5xf32>
    nnopt.yield %r : tensor<8x5xf32>
  } : (tensor<9xi32>, tensor<40xi32>, tensor<40xf32>, tensor<12x5xf32>, tensor<8x5xf32>) -> tensor<8x5xf32>
  return %y : tensor<8x5xf32>
}
