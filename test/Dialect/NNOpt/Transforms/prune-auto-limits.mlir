// RUN: nnopt-opt %s --verify-diagnostics \
// RUN:   --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{speedup=8 budget=3% pattern=unstructured,8x1 isas=avx2 last=1}))'
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{speedup=8 pattern=unstructured,8x1 isas=avx2 last=1}))' 2>&1 | \
// RUN:   FileCheck %s --check-prefix=ALONE
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{budget=3% pattern=unstructured,8x1 isas=avx2 last=1}))' 2>&1 | \
// RUN:   FileCheck %s --check-prefix=ALONE

// Of 65536 weights 1966 may stay. That many single elements do; blocks of 8 are faster, but two more weights stay.
// ALONE: #nnopt.sparsity<pruned
// expected-error @below {{cannot be pruned as asked: each limit can be met with at most 97 % zeros in a layer, but not all of them at once}}
func.func @main(%x: tensor<1024x256xf32>) -> tensor<1024x256xf32> {
  %w = nnopt.weight "fc" dense<1.0> : tensor<256x256xf32>
  %0 = nnopt.linear %x, %w : (tensor<1024x256xf32>, tensor<256x256xf32>) -> tensor<1024x256xf32>
  return %0 : tensor<1024x256xf32>
}
