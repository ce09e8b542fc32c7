// RUN: nnopt-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(func.func(nnopt-lower-quantize))'

func.func @wide(%x: tensor<4xf32>, %s: tensor<f32>) -> tensor<4xi64> {
  // expected-error @below {{cannot be lowered for elements of type 'i64', expected integers of 8 to 32 bits}}
  %0 = nnopt.quantize %x scale %s : (tensor<4xf32>, tensor<f32>) -> tensor<4xi64>
  return %0 : tensor<4xi64>
}

// -----

func.func @computed_nibbles(%x: tensor<4xi4>, %s: tensor<f32>) -> tensor<4xf32> {
  // expected-error @below {{cannot be lowered for elements of type 'i4', expected integers of 8 to 32 bits}}
  %0 = nnopt.dequantize %x scale %s : (tensor<4xi4>, tensor<f32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @integers(%x: tensor<4xi8>, %s: tensor<i32>) -> tensor<4xf32> {
  // expected-error @below {{expects real numbers and scales of a floating-point type, got 'f32' and 'i32'}}
  %0 = nnopt.dequantize %x scale %s : (tensor<4xi8>, tensor<i32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @zero_point(%x: tensor<4xi8>, %s: tensor<f32>, %z: tensor<i64>) -> tensor<4xf32> {
  // expected-error @below {{has zero points of type 'i64', expected at most 32 bits}}
  %0 = nnopt.dequantize %x scale %s zero_point %z : (tensor<4xi8>, tensor<f32>, tensor<i64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
