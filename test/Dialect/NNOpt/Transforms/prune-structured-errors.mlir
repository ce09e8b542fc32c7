// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-structured{neurons=0.5 multiple=1}))' --verify-diagnostics
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-structured))' 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-structured{channels=1}))' 2>&1 | FileCheck %s --check-prefix=ALL
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-structured{heads=nan}))' 2>&1 | FileCheck %s --check-prefix=NAN
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-structured{heads=0.5 scope=erk}))' 2>&1 | FileCheck %s --check-prefix=SCOPE
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-structured{heads=0.5 norm=l0}))' 2>&1 | FileCheck %s --check-prefix=NORM
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-structured{heads=0.5 multiple=0}))' 2>&1 | FileCheck %s --check-prefix=MULTIPLE
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-structured{heads=0.5 only=a[}))' 2>&1 | FileCheck %s --check-prefix=NAME

// NONE: nnopt-prune-structured: expects what to remove: channels=, neurons= or heads= and a part above 0
// ALL: nnopt-prune-structured: channels expects a part of 0 to below 1, which leaves something, got 1
// NAN: nnopt-prune-structured: heads expects a part of 0 to below 1, which leaves something, got nan
// SCOPE: unknown scope 'erk', expected uniform or global
// NORM: unknown norm 'l0', expected l1 or l2
// MULTIPLE: multiple expects at least 1, got 0
// NAME: 'a[' is no name pattern
func.func @nan(%x: tensor<1x2xf32>) -> tensor<1x1xf32> {
  %w0 = nnopt.weight "first" dense<[[1.0, 1.0], [0x7FC00000, 1.0]]> : tensor<2x2xf32>
  %w1 = nnopt.weight dense<[[1.0, 1.0]]> : tensor<1x2xf32>
  // expected-error @below {{cannot be pruned: its weight 'first' of 'tensor<2x2xf32>' has a NaN at element 2}}
  %0 = nnopt.linear %x, %w0 : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %1 = nnopt.linear %0, %w1 : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x1xf32>
  return %1 : tensor<1x1xf32>
}
