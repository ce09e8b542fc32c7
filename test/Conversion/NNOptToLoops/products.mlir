// RUN: nnopt-opt %s --nnopt-lower-to-loops --split-input-file --verify-diagnostics | FileCheck %s

// A sum of products: the outer dimensions are split over threads, the reduction is a loop that carries the sum.
// CHECK-LABEL: func.func @linear
// CHECK: nnopt.parallel_for
// CHECK: %[[SUM:.*]] = scf.for %{{.*}} iter_args(%[[ACC:.*]] = %{{.*}}) -> (f32)
// CHECK: %[[P:.*]] = arith.mulf
// CHECK: %[[NEXT:.*]] = arith.addf %[[P]], %[[ACC]]
// CHECK: scf.yield %[[NEXT]]
// CHECK: memref.store
func.func @linear(%x: memref<2x8xf32>, %w: memref<4x8xf32>, %y: memref<2x4xf32>) {
  nnopt.linear %x, %w into %y : (memref<2x8xf32>, memref<4x8xf32>, memref<2x4xf32>) -> ()
  return
}

// -----

// Half precision is summed in f32 and rounded once.
// CHECK-LABEL: func.func @half
// CHECK: iter_args(%{{.*}} = %{{.*}}) -> (f32)
// CHECK: arith.extf %{{.*}} : f16 to f32
// CHECK: arith.truncf %{{.*}} : f32 to f16
func.func @half(%a: memref<2x8xf16>, %b: memref<8x4xf16>, %y: memref<2x4xf16>) {
  nnopt.matmul %a, %b into %y : (memref<2x8xf16>, memref<8x4xf16>, memref<2x4xf16>) -> ()
  return
}

// -----

// The epilogue is applied to the sum.
// CHECK-LABEL: func.func @epilogue
// CHECK: %[[SUM:.*]] = scf.for
// CHECK: arith.maximumf %[[SUM]], %{{.*}} : f32
// CHECK: memref.store
func.func @epilogue(%x: memref<2x8xf32>, %w: memref<4x8xf32>, %y: memref<2x4xf32>) {
  nnopt.linear %x, %w into %y do {
  ^bb0(%a: f32):
    %zero = arith.constant 0.0 : f32
    %r = arith.maximumf %a, %zero : f32
    nnopt.yield %r : f32
  } : (memref<2x8xf32>, memref<4x8xf32>, memref<2x4xf32>) -> ()
  return
}

// -----

func.func @strided_weight(%x: memref<2x8xf32>, %w: memref<1x8x16xf32, strided<[256, 32, 1]>>, %y: memref<2x4xf32>) {
  // expected-error @below {{expects a contiguous packed weight, got 'memref<1x8x16xf32, strided<[256, 32, 1]>>'}}
  nnopt.linear %x, %w into %y {pack = #nnopt.pack<outputs = 4, depth = 8, panel = 16>}
    : (memref<2x8xf32>, memref<1x8x16xf32, strided<[256, 32, 1]>>, memref<2x4xf32>) -> ()
  return
}

// -----

func.func @tensors(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  // expected-error @below {{is not on buffers; run bufferization first}}
  %y = nnopt.softmax %x {axis = 1 : i64} : (tensor<2x8xf32>) -> tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}
