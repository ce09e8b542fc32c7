// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude{sparsity=0.5 last=1}))' --verify-diagnostics
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude))' 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude{sparsity=1.5}))' 2>&1 | FileCheck %s --check-prefix=RANGE
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude{sparsity=nan}))' 2>&1 | FileCheck %s --check-prefix=NAN
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude{sparsity=0.5 pattern=4by1}))' 2>&1 | FileCheck %s --check-prefix=PATTERN
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude{sparsity=0.5 pattern=0x1}))' 2>&1 | FileCheck %s --check-prefix=BLOCK
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude{pattern=4:4}))' 2>&1 | FileCheck %s --check-prefix=GROUP
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude{sparsity=0.9 pattern=2:4}))' 2>&1 | FileCheck %s --check-prefix=IMPLIED
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude{pattern=2:4 scope=global}))' 2>&1 | FileCheck %s --check-prefix=SCOPES
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude{sparsity=0.5 scope=local}))' 2>&1 | FileCheck %s --check-prefix=SCOPE
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude{sparsity=0.5 norm=l3}))' 2>&1 | FileCheck %s --check-prefix=NORM
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-magnitude{sparsity=0.5 only=a[}))' 2>&1 | FileCheck %s --check-prefix=NAME

// NONE: error: nnopt-prune-magnitude: expects a sparsity for pattern 'unstructured'
// RANGE: error: nnopt-prune-magnitude: expects a sparsity of 0 to 1, got 1.5
// NAN: error: nnopt-prune-magnitude: expects a sparsity of 0 to 1, got nan
// PATTERN: error: nnopt-prune-magnitude: unknown pattern '4by1', expected unstructured, RxC as in 4x1, N:M as in 2:4, rows or columns
// BLOCK: error: nnopt-prune-magnitude: pattern '0x1' expects blocks of at least 1x1
// GROUP: error: nnopt-prune-magnitude: pattern '4:4' expects to keep at least 1 and fewer than 4
// IMPLIED: error: nnopt-prune-magnitude: pattern '2:4' makes a sparsity of 0.5, got 0.9
// SCOPES: error: nnopt-prune-magnitude: pattern '2:4' has the same sparsity in every layer, scope 'global' does not apply
// SCOPE: error: nnopt-prune-magnitude: unknown scope 'local', expected uniform, global or erk
// NORM: error: nnopt-prune-magnitude: unknown norm 'l3', expected l1 or l2
// NAME: error: nnopt-prune-magnitude: 'a[' is no name pattern:
func.func @nan(%x: tensor<3x2xf32>) -> tensor<3x1xf32> {
  %w = nnopt.weight "fc.weight" dense<[[1.0, 0x7FC00000]]> : tensor<1x2xf32>
  // expected-error @below {{cannot be pruned: its weight 'fc.weight' of 'tensor<1x2xf32>' has a NaN at element 1}}
  %0 = nnopt.linear %x, %w : (tensor<3x2xf32>, tensor<1x2xf32>) -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}
