// RUN: nnopt-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{speedup=8 isas=avx512 last=1}))' --verify-diagnostics
// RUN: not nnopt-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{budget=2us isas=avx512 last=1}))' 2>&1 | FileCheck %s --check-prefix=TIME
// RUN: not nnopt-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{budget=20% isas=avx512 last=1}))' 2>&1 | FileCheck %s --check-prefix=KEPT
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-auto))' 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{speedup=0.5}))' 2>&1 | FileCheck %s --check-prefix=SPEEDUP
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{speedup=nan}))' 2>&1 | FileCheck %s --check-prefix=NAN
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{budget=200}))' 2>&1 | FileCheck %s --check-prefix=UNIT
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{budget=-1us}))' 2>&1 | FileCheck %s --check-prefix=NEGATIVE
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{budget=101%}))' 2>&1 | FileCheck %s --check-prefix=PART
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{speedup=2 most-sparsity=1}))' 2>&1 | FileCheck %s --check-prefix=MOST
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{speedup=2 expected-rows=-1}))' 2>&1 | FileCheck %s --check-prefix=ROWS
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{speedup=2 pattern=4x1,4by1}))' 2>&1 | FileCheck %s --check-prefix=PATTERN
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{speedup=2 pattern=rows}))' 2>&1 | FileCheck %s --check-prefix=WHOLE
// WHOLE: error: nnopt-prune-auto: pattern 'rows' is whole outputs or inputs, whose kernels have no times; nnopt-prune-structured removes them
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{speedup=2 isas=mmx}))' 2>&1 | FileCheck %s --check-prefix=ISA
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{speedup=2 only=a[}))' 2>&1 | FileCheck %s --check-prefix=NAME

// TIME: error: cannot be pruned as asked: on avx512 the products take {{[0-9.]+}} us dense and may take 2.00 us, with at most 97 % zeros in a layer they take {{[0-9.]+}} us (a speedup of {{[0-9.]+}}), {{[0-9.]+}} us of it in layers that stay as they are
// KEPT: error: cannot be pruned as asked: 4096 of 20480 weights may stay, with at most 97 % zeros in a layer {{[0-9]+}} do ({{[0-9.]+}} %), 16384 of them in layers that stay as they are
// NONE: error: nnopt-prune-auto: expects what to reach: speedup=, as in speedup=2, or budget=, as in budget=200us or budget=30%
// SPEEDUP: error: nnopt-prune-auto: speedup expects a number of at least 1, got 0.5
// NAN: error: nnopt-prune-auto: speedup expects a number of at least 1, got nan
// UNIT: error: nnopt-prune-auto: budget expects a time as in 200us or 1.5ms, or the part of the weights that stays as in 30%, got '200'
// NEGATIVE: budget expects a time {{.*}}, got '-1us'
// PART: budget expects a time {{.*}}, got '101%'
// MOST: error: nnopt-prune-auto: most-sparsity expects a part above 0 and below 1, got 1
// ROWS: error: nnopt-prune-auto: expected-rows expects 0 or more, got -1
// PATTERN: error: nnopt-prune-auto: unknown pattern '4by1', expected unstructured, RxC as in 4x1, N:M as in 2:4, rows or columns
// ISA: error: nnopt-prune-auto: unknown instruction set 'mmx'
// NAME: error: nnopt-prune-auto: 'a[' is no name pattern:

// What no kernel gains by bounds what can be had, however many zeros there are.
// expected-error-re @below {{cannot be pruned as asked: on avx512 the products take {{[0-9.]+}} us dense and may take {{[0-9.]+}} us, with at most 97 % zeros in a layer they take {{[0-9.]+}} us (a speedup of 1.{{[0-9]+}}), {{[0-9.]+}} us of it in layers that stay as they are}}
func.func @main(%x: tensor<1024x64xf32>) -> tensor<4x256x64xf32> {
  %first = nnopt.weight "first" dense<1.0> : tensor<64x64xf32>
  %0 = nnopt.linear %x, %first : (tensor<1024x64xf32>, tensor<64x64xf32>) -> tensor<1024x64xf32>
  %1 = tensor.expand_shape %0 [[0, 1], [2]] output_shape [4, 256, 64] : tensor<1024x64xf32> into tensor<4x256x64xf32>
  %batch = nnopt.weight "batch" dense<1.0> : tensor<4x64x64xf32>
  %2 = nnopt.matmul %1, %batch : (tensor<4x256x64xf32>, tensor<4x64x64xf32>) -> tensor<4x256x64xf32>
  return %2 : tensor<4x256x64xf32>
}

// -----

func.func @nan(%x: tensor<1024x2xf32>) -> tensor<1024x1xf32> {
  %w = nnopt.weight "fc.weight" dense<[[1.0, 0x7FC00000]]> : tensor<1x2xf32>
  // expected-error @below {{cannot be pruned: its weight 'fc.weight' of 'tensor<1x2xf32>' has a NaN at element 1}}
  %0 = nnopt.linear %x, %w : (tensor<1024x2xf32>, tensor<1x2xf32>) -> tensor<1024x1xf32>
  return %0 : tensor<1024x1xf32>
}

// -----

// expected-note @below {{rows that the model leaves open count as the fewest there can be; expected-rows says how many to expect}}
// expected-error @below {{cannot be pruned as asked: on avx512 the products take}}
func.func @open(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %w = nnopt.weight "fc" dense<1.0> : tensor<64x64xf32>
  %0 = nnopt.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  return %0 : tensor<?x64xf32>
}
