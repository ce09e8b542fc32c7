// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-lower-activations))' | FileCheck %s

// The dynamic extent of the result is the input's.
// CHECK-LABEL: func @relu
// CHECK-SAME: %[[X:.*]]: tensor<2x?xf32>
func.func @relu(%x: tensor<2x?xf32>) -> tensor<2x?xf32> {
  // CHECK: %[[N:.*]] = tensor.dim %[[X]]
  // CHECK: %[[EMPTY:.*]] = tensor.empty(%[[N]]) : tensor<2x?xf32>
  // CHECK: %[[Y:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]{{.*}} ins(%[[X]] : {{.*}}) outs(%[[EMPTY]]
  // CHECK: arith.maximumf
  // CHECK: return %[[Y]]
  // CHECK-NOT: nnopt.activation
  %0 = nnopt.activation relu %x : tensor<2x?xf32>
  return %0 : tensor<2x?xf32>
}

// Both bounds of a clip, the lower one first: it loses where the two cross, as in ONNX.
// CHECK-LABEL: func @clip
func.func @clip(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-DAG: %[[LOW:.*]] = arith.constant 0.000000e+00 : f32
  // CHECK-DAG: %[[HIGH:.*]] = arith.constant 6.000000e+00 : f32
  // CHECK: %[[Y:.*]] = arith.maximumf %{{.*}}, %[[LOW]]
  // CHECK: arith.minimumf %[[Y]], %[[HIGH]]
  %0 = nnopt.activation clip %x {alpha = 0.0 : f32, beta = 6.0 : f32} : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// A bound that is absent leaves nothing behind.
// CHECK-LABEL: func @clip_below
func.func @clip_below(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: arith.maximumf
  // CHECK-NOT: arith.minimumf
  %0 = nnopt.activation clip %x {alpha = -1.0 : f32} : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// The exact formula, in the tensor's own type.
// CHECK-LABEL: func @gelu
func.func @gelu(%x: tensor<4xf16>) -> tensor<4xf16> {
  // CHECK: math.erf %{{.*}} : f16
  %0 = nnopt.activation gelu %x : tensor<4xf16>
  return %0 : tensor<4xf16>
}
