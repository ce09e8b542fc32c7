// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude{sparsity=0.5 scope=uniform last=1}))' | FileCheck %s --check-prefix=UNIFORM
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude{sparsity=0.5 scope=global last=1}))' | FileCheck %s --check-prefix=GLOBAL
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude{sparsity=0.5 scope=erk last=1}))' | FileCheck %s --check-prefix=ERK
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude{sparsity=0.5 pattern=1x2 norm=l1 only=b last=1}))' | FileCheck %s --check-prefix=L1
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude{sparsity=0.5 pattern=1x2 norm=l2 only=b last=1}))' | FileCheck %s --check-prefix=L2
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude{sparsity=1 last=1}))' | FileCheck %s --check-prefix=ALL

// Half of each; half of all, which are those of the layer with small weights; or by shape: 6 elements stay, 6 : 4 by the sum of the extents, so that
// 8 - 3.6 and 4 - 2.4 go, rounded.
// UNIFORM: nnopt.weight "a" {{.*}} zeros = 4>
// UNIFORM: nnopt.weight "b" {{.*}} zeros = 2>
// GLOBAL: nnopt.weight "a" {{.*}} zeros = 6>
// GLOBAL: nnopt.weight "b" dense<{{.*}}> : tensor<2x2xf32>{{$}}
// ERK: nnopt.weight "a" {{.*}} zeros = 4>
// ERK: nnopt.weight "b" {{.*}} zeros = 2>

// The mean magnitude of (10, 2) is below that of (7, 7), its mean square above.
// L1: nnopt.weight "b" dense<{{\[\[}}0.000000e+00, 0.000000e+00], [7.000000e+00, 7.000000e+00{{\]\]}}>
// L2: nnopt.weight "b" dense<{{\[\[}}1.000000e+01, 2.000000e+00], [0.000000e+00, 0.000000e+00{{\]\]}}>

// ALL: nnopt.weight "a" dense<0.000000e+00> : tensor<2x4xf32> {nnopt.sparsity = #nnopt.sparsity<pruned, "unstructured", zeros = 8>}
func.func @two_layers(%x: tensor<3x4xf32>) -> tensor<3x2xf32> {
  %a = nnopt.weight "a" dense<[[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 30.0, 40.0]]> : tensor<2x4xf32>
  %0 = nnopt.linear %x, %a : (tensor<3x4xf32>, tensor<2x4xf32>) -> tensor<3x2xf32>
  %b = nnopt.weight "b" dense<[[10.0, 2.0], [7.0, 7.0]]> : tensor<2x2xf32>
  %1 = nnopt.linear %0, %b : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  return %1 : tensor<3x2xf32>
}
