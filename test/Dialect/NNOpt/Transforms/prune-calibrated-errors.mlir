// RUN: nnopt-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nnopt-prune-sparsegpt{sparsity=0.5 last=1}))' --verify-diagnostics
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-wanda))' 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-wanda{sparsity=0.5 scope=global}))' 2>&1 | FileCheck %s --check-prefix=SCOPE
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-wanda{pattern=2:4 scope=erk}))' 2>&1 | FileCheck %s --check-prefix=SCOPES
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-sparsegpt{sparsity=0.5 damping=0}))' 2>&1 | FileCheck %s --check-prefix=DAMPING
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-sparsegpt{pattern=4:4}))' 2>&1 | FileCheck %s --check-prefix=GROUP

// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-wanda{sparsity=0.5 pattern=columns}))' 2>&1 | FileCheck %s --check-prefix=WHOLE
// WHOLE: error: nnopt-prune-wanda: pattern 'columns' is whole outputs or inputs, which nnopt-prune-magnitude ranks
// NONE: error: nnopt-prune-wanda: expects a sparsity for pattern 'unstructured'
// SCOPE: error: nnopt-prune-wanda: unknown scope 'global', expected uniform or erk
// SCOPES: error: nnopt-prune-wanda: pattern '2:4' has the same sparsity in every layer, scope 'erk' does not apply
// DAMPING: error: nnopt-prune-sparsegpt: expects a damping above 0, at most 1, got 0
// GROUP: error: nnopt-prune-sparsegpt: pattern '4:4' expects to keep at least 1 and fewer than 4
func.func @nothing(%x: tensor<3x2xf32>) -> tensor<3x1xf32> {
  %w = nnopt.weight dense<1.0> : tensor<1x2xf32>
  // expected-error @below {{cannot be pruned without calibration: no product carries 'nnopt.observed', which nnopt-compile --calibrate gathers}}
  %0 = nnopt.linear %x, %w : (tensor<3x2xf32>, tensor<1x2xf32>) -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}

// -----

func.func @shape(%x: tensor<3x2xf32>) -> tensor<3x1xf32> {
  %w = nnopt.weight dense<1.0> : tensor<1x2xf32>
  // expected-error @below {{expects 'nnopt.observed' of tensor<1x2x2xf32>, got tensor<1x3x3xf32>}}
  %0 = nnopt.linear %x, %w {nnopt.observed = dense<1.0> : tensor<1x3x3xf32>} : (tensor<3x2xf32>, tensor<1x2xf32>) -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}

// -----

func.func @infinite(%x: tensor<3x2xf32>) -> tensor<3x1xf32> {
  %w = nnopt.weight dense<1.0> : tensor<1x2xf32>
  // expected-error @below {{the calibration data make an input that is infinite, no number or too large to square: element 1 of 'nnopt.observed' is not finite}}
  %0 = nnopt.linear %x, %w {nnopt.observed = dense<[[1.0, 0x7F800000]]> : tensor<1x2xf32>} : (tensor<3x2xf32>, tensor<1x2xf32>) -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}

// -----

func.func @squares(%x: tensor<3x2xf32>) -> tensor<3x1xf32> {
  %w = nnopt.weight dense<1.0> : tensor<1x2xf32>
  // expected-error @below {{expects products of two inputs in 'nnopt.observed', got squares}}
  %0 = nnopt.linear %x, %w {nnopt.observed = dense<1.0> : tensor<1x2xf32>} : (tensor<3x2xf32>, tensor<1x2xf32>) -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}

// -----

func.func @kinds(%x: tensor<3x2xf32>) -> (tensor<3x1xf32>, tensor<3x1xf32>) {
  %w = nnopt.weight dense<1.0> : tensor<1x2xf32>
  %0 = nnopt.linear %x, %w {nnopt.observed = dense<1.0> : tensor<1x2xf32>} : (tensor<3x2xf32>, tensor<1x2xf32>) -> tensor<3x1xf32>
  // expected-error @below {{expects 'nnopt.observed' of one kind on all readers of a weight}}
  %1 = nnopt.linear %x, %w {nnopt.observed = dense<1.0> : tensor<1x2x2xf32>} : (tensor<3x2xf32>, tensor<1x2xf32>) -> tensor<3x1xf32>
  return %0, %1 : tensor<3x1xf32>, tensor<3x1xf32>
}

// -----

func.func @indefinite(%x: tensor<3x2xf32>) -> tensor<3x1xf32> {
  %w = nnopt.weight dense<1.0> : tensor<1x2xf32>
  // expected-error @below {{its inputs dependent: their products are not positive definite with a damping of 0.01}}
  %0 = nnopt.linear %x, %w {nnopt.observed = dense<[[[1.0, 9.0], [9.0, 1.0]]]> : tensor<1x2x2xf32>} : (tensor<3x2xf32>, tensor<1x2xf32>) -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}

// -----

// Equal inputs: the weight that stays takes over what the other did.
func.func @overflow(%x: tensor<3x2xf16>) -> tensor<3x1xf16> {
  %w = nnopt.weight dense<[[6.0e+4, 6.1e+4]]> : tensor<1x2xf16>
  // expected-error @below {{corrects weight 1 to 120398, which 'f16' does not hold; a larger damping than 0.01 may help}}
  %0 = nnopt.linear %x, %w {nnopt.observed = dense<1.0> : tensor<1x2x2xf32>} : (tensor<3x2xf16>, tensor<1x2xf16>) -> tensor<3x1xf16>
  return %0 : tensor<3x1xf16>
}
