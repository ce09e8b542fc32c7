// RUN: rm -rf %t && mkdir %t
// RUN: %python -c "import numpy; numpy.savez('%t/m.npz', w=numpy.array([[True, False, True]]), q=numpy.array([[0, 1, 0], [1, 0, 0]], bool))"
// RUN: nnopt-opt %s --nnopt-apply-masks=file=%t/m.npz | FileCheck %s
// RUN: %python -c "import numpy; numpy.savez('%t/i.npz', i=numpy.ones((1, 2), bool))"
// RUN: not nnopt-opt %s --nnopt-apply-masks=file=%t/i.npz 2>&1 | FileCheck %s --check-prefix=INTEGER

// What was zero counts; a weight that two layers read is masked once, and one without a mask stays.
// CHECK: nnopt.weight "w" dense<{{\[\[}}0.000000e+00, 0.000000e+00, 3.000000e+00]]> : tensor<1x3xf32> {nnopt.sparsity = #nnopt.sparsity<imported, "unstructured", zeros = 2>}
// CHECK: nnopt.weight "v" dense<{{\[\[}}1.000000e+00, 0.000000e+00, 3.000000e+00]]> : tensor<1x3xf32>
// Of a quantized weight what goes becomes the zero point, here one per block of two inputs; the 4 that stays was zero.
// CHECK: nnopt.weight "q" dense<{{\[\[}}5, 2, 7], [4, 4, 7{{\]\]}}> : tensor<2x3xi8> {nnopt.sparsity = #nnopt.sparsity<imported, "unstructured", zeros = 5>}
// INTEGER: error: mask 'i' of tensor<1x2xi1> needs a weight of floats, or of integers that all readers dequantize alike, got 'tensor<1x2xi8>'
func.func @main(%x: tensor<2x3xf32>) -> (tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>, tensor<1x2xi8>, tensor<2x2xf32>) {
  %w = nnopt.weight "w" dense<[[0.0, 2.0, 3.0]]> : tensor<1x3xf32>
  %v = nnopt.weight "v" dense<[[1.0, 0.0, 3.0]]> : tensor<1x3xf32>
  %i = nnopt.weight "i" dense<1> : tensor<1x2xi8>
  %0 = nnopt.linear %x, %w : (tensor<2x3xf32>, tensor<1x3xf32>) -> tensor<2x1xf32>
  %1 = nnopt.linear %x, %w : (tensor<2x3xf32>, tensor<1x3xf32>) -> tensor<2x1xf32>
  %2 = nnopt.linear %x, %v : (tensor<2x3xf32>, tensor<1x3xf32>) -> tensor<2x1xf32>
  %q = nnopt.weight "q" dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8>
  %scale = nnopt.weight dense<1.0> : tensor<2x2xf32>
  %point = nnopt.weight dense<[[5, 7], [4, 7]]> : tensor<2x2xi8>
  %d = nnopt.dequantize %q scale %scale zero_point %point {axis = 1 : i64, block_size = 2 : i64}
    : (tensor<2x3xi8>, tensor<2x2xf32>, tensor<2x2xi8>) -> tensor<2x3xf32>
  %3 = nnopt.linear %x, %d : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x2xf32>
  return %0, %1, %2, %i, %3 : tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>, tensor<1x2xi8>, tensor<2x2xf32>
}
