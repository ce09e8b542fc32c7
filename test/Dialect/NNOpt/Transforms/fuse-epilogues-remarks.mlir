// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-fuse-epilogues))' --remarks-filter=nnopt.* \
// RUN:   --remark-policy=all --remark-format=emitRemark --split-input-file 2>&1 | FileCheck %s

// CHECK: moved into nnopt.linear
func.func @fused(%x: tensor<3x8xf32>, %w: tensor<4x8xf32>) -> tensor<3x4xf32> {
  %y = nnopt.linear %x, %w : (tensor<3x8xf32>, tensor<4x8xf32>) -> tensor<3x4xf32>
  %e = tensor.empty() : tensor<3x4xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>], iterator_types = ["parallel", "parallel"]}
    ins(%y : tensor<3x4xf32>) outs(%e : tensor<3x4xf32>) {
  ^bb0(%p: f32, %o: f32):
    %1 = arith.mulf %p, %p : f32
    linalg.yield %1 : f32
  } -> tensor<3x4xf32>
  return %s : tensor<3x4xf32>
}

// -----

// CHECK: the product has another reader
// CHECK: linalg.generic
func.func @two_readers(%x: tensor<3x8xf32>, %w: tensor<4x8xf32>) -> (tensor<3x4xf32>, tensor<3x4xf32>) {
  %y = nnopt.linear %x, %w : (tensor<3x8xf32>, tensor<4x8xf32>) -> tensor<3x4xf32>
  %e = tensor.empty() : tensor<3x4xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>], iterator_types = ["parallel", "parallel"]}
    ins(%y : tensor<3x4xf32>) outs(%e : tensor<3x4xf32>) {
  ^bb0(%p: f32, %o: f32):
    %1 = arith.mulf %p, %p : f32
    linalg.yield %1 : f32
  } -> tensor<3x4xf32>
  return %y, %s : tensor<3x4xf32>, tensor<3x4xf32>
}

// -----

// CHECK: it changes the element type
func.func @type(%x: tensor<3x8xf32>, %w: tensor<4x8xf32>) -> tensor<3x4xi32> {
  %y = nnopt.linear %x, %w : (tensor<3x8xf32>, tensor<4x8xf32>) -> tensor<3x4xf32>
  %e = tensor.empty() : tensor<3x4xi32>
  %s = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>], iterator_types = ["parallel", "parallel"]}
    ins(%y : tensor<3x4xf32>) outs(%e : tensor<3x4xi32>) {
  ^bb0(%p: f32, %o: i32):
    %1 = arith.fptosi %p : f32 to i32
    linalg.yield %1 : i32
  } -> tensor<3x4xi32>
  return %s : tensor<3x4xi32>
}

// -----

// CHECK: it broadcasts the product
func.func @broadcast(%x: tensor<1x8xf32>, %w: tensor<4x8xf32>, %z: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %y = nnopt.linear %x, %w : (tensor<1x8xf32>, tensor<4x8xf32>) -> tensor<1x4xf32>
  %e = tensor.empty() : tensor<3x4xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(a, b) -> (0, b)>, affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>], iterator_types = ["parallel", "parallel"]}
    ins(%y, %z : tensor<1x4xf32>, tensor<3x4xf32>) outs(%e : tensor<3x4xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %1 = arith.mulf %p, %q : f32
    linalg.yield %1 : f32
  } -> tensor<3x4xf32>
  return %s : tensor<3x4xf32>
}

// -----

// CHECK: it permutes its result
func.func @permuted(%x: tensor<3x8xf32>, %w: tensor<4x8xf32>) -> tensor<4x3xf32> {
  %y = nnopt.linear %x, %w : (tensor<3x8xf32>, tensor<4x8xf32>) -> tensor<3x4xf32>
  %e = tensor.empty() : tensor<4x3xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (b, a)>], iterator_types = ["parallel", "parallel"]}
    ins(%y : tensor<3x4xf32>) outs(%e : tensor<4x3xf32>) {
  ^bb0(%p: f32, %o: f32):
    %1 = arith.mulf %p, %p : f32
    linalg.yield %1 : f32
  } -> tensor<4x3xf32>
  return %s : tensor<4x3xf32>
}

// -----

// CHECK: an operand has elements that kernels do not read
func.func @bytes(%x: tensor<3x8xf32>, %w: tensor<4x8xf32>, %q: tensor<3x4xi8>) -> tensor<3x4xf32> {
  %y = nnopt.linear %x, %w : (tensor<3x8xf32>, tensor<4x8xf32>) -> tensor<3x4xf32>
  %e = tensor.empty() : tensor<3x4xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>], iterator_types = ["parallel", "parallel"]}
    ins(%y, %q : tensor<3x4xf32>, tensor<3x4xi8>) outs(%e : tensor<3x4xf32>) {
  ^bb0(%p: f32, %i: i8, %o: f32):
    %1 = arith.sitofp %i : i8 to f32
    %2 = arith.addf %p, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<3x4xf32>
  return %s : tensor<3x4xf32>
}
