// RUN: nnopt-opt %s --split-input-file --verify-diagnostics --nnopt-lower-sparse-compute
// RUN: not nnopt-opt %s --nnopt-lower-sparse-compute=max-density=-1 2>&1 | FileCheck %s
// CHECK: nnopt-lower-sparse-compute: max-density must not be negative, got -1

func.func @nothing(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{expects a body that ends in one linalg op, or in a conversion}}
  %y = nnopt.sparse_compute() into %x {
  ^bb0(%out: tensor<4xf32>):
    nnopt.yield %out : tensor<4xf32>
  } : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @more(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = nnopt.sparse_compute(%x) into %x {
  ^bb0(%in: tensor<4xf32>, %out: tensor<4xf32>):
    // expected-error @below {{is not expected in nnopt.sparse_compute}}
    %0 = arith.addf %in, %in : tensor<4xf32>
    %1 = linalg.exp ins(%0 : tensor<4xf32>) outs(%out : tensor<4xf32>) -> tensor<4xf32>
    nnopt.yield %1 : tensor<4xf32>
  } : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
