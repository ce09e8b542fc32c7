// RUN: nnopt-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nnopt-quantize{method=mse}))' --verify-diagnostics
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-quantize{method=entropy}))' 2>&1 | FileCheck %s --check-prefix=METHOD
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-quantize{method=percentile:0}))' 2>&1 | FileCheck %s --check-prefix=PERCENTILE
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-quantize{weights=per-row}))' 2>&1 | FileCheck %s --check-prefix=WEIGHTS
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-quantize{activations=signed}))' 2>&1 | FileCheck %s --check-prefix=ACTIVATIONS
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-quantize{only=a[}))' 2>&1 | FileCheck %s --check-prefix=NAME

// METHOD: error: nnopt-quantize: unknown method 'entropy', expected minmax, percentile:P or mse
// PERCENTILE: error: nnopt-quantize: expects a percentile above 0, at most 100, got '0'
// WEIGHTS: error: nnopt-quantize: unknown weights 'per-row', expected per-channel or per-tensor
// ACTIVATIONS: error: nnopt-quantize: unknown activations 'signed', expected asymmetric or symmetric
// NAME: error: nnopt-quantize: 'a[' is no name pattern:
func.func @nothing(%x: tensor<3x2xf32>) -> tensor<3x1xf32> {
  %w = nnopt.weight dense<1.0> : tensor<1x2xf32>
  // expected-error @below {{cannot be quantized without calibration: no product carries 'nnopt.observed_range', which nnopt-compile --calibrate gathers}}
  %0 = nnopt.linear %x, %w : (tensor<3x2xf32>, tensor<1x2xf32>) -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}

// -----

func.func @shape(%x: tensor<3x2xf32>) -> tensor<3x1xf32> {
  %w = nnopt.weight dense<1.0> : tensor<1x2xf32>
  // expected-error @below {{expects 'nnopt.observed_range' of tensor<2xf32>, got tensor<1x2xf32>}}
  %0 = nnopt.linear %x, %w {nnopt.observed_range = dense<1.0> : tensor<1x2xf32>} : (tensor<3x2xf32>, tensor<1x2xf32>) -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}

// -----

func.func @counts(%x: tensor<3x2xf32>) -> tensor<3x1xf32> {
  %w = nnopt.weight dense<1.0> : tensor<1x2xf32>
  // expected-error @below {{expects 'nnopt.observed_histogram' of tensor<Nxi64>, got tensor<4xf32>}}
  %0 = nnopt.linear %x, %w {nnopt.observed_range = dense<[0.0, 1.0]> : tensor<2xf32>, nnopt.observed_histogram = dense<1.0> : tensor<4xf32>}
    : (tensor<3x2xf32>, tensor<1x2xf32>) -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}

// -----

func.func @ranges(%x: tensor<3x2xf32>) -> (tensor<3x1xf32>, tensor<3x1xf32>) {
  %v = nnopt.weight dense<1.0> : tensor<1x2xf32>
  %w = nnopt.weight dense<2.0> : tensor<1x2xf32>
  %0 = nnopt.linear %x, %v {nnopt.observed_range = dense<1.0> : tensor<2xf32>} : (tensor<3x2xf32>, tensor<1x2xf32>) -> tensor<3x1xf32>
  // expected-error @below {{expects 'nnopt.observed_range' of one range on all readers of a value, got 1 to 1 and 2 to 2}}
  %1 = nnopt.linear %x, %w {nnopt.observed_range = dense<2.0> : tensor<2xf32>} : (tensor<3x2xf32>, tensor<1x2xf32>) -> tensor<3x1xf32>
  return %0, %1 : tensor<3x1xf32>, tensor<3x1xf32>
}
