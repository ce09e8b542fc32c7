// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-fuse-epilogues))' | FileCheck %s

// CHECK-DAG: #[[ID:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[COLUMN:.*]] = affine_map<(d0, d1) -> (d0, 0)>

#id = affine_map<(a, b) -> (a, b)>
#row = affine_map<(a, b) -> (0, b)>
#id3 = affine_map<(a, b, c) -> (a, b, c)>
#row3 = affine_map<(a, b, c) -> (c)>

// A vector of channels that is added first becomes the bias, the activation after it stays as the epilogue.
// CHECK-LABEL: func @bias_and_relu
// CHECK-SAME:  (%[[X:.*]]: tensor<?x8xf32>, %[[W:.*]]: tensor<4x8xf32>)
// CHECK:       %[[B:.*]] = nnopt.weight "b" dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00]> : tensor<4xf32>
// CHECK:       %[[Y:.*]] = nnopt.linear %[[X]], %[[W]] bias %[[B]] do {
// CHECK-NEXT:  ^bb0(%[[SUM:.*]]: f32):
// CHECK:         %[[R:.*]] = arith.maximumf %[[SUM]], %{{.*}} : f32
// CHECK-NEXT:    nnopt.yield %[[R]]
// CHECK:       return %[[Y]]
func.func @bias_and_relu(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %b = nnopt.weight "b" dense<[[1.0, 2.0, 3.0, 4.0]]> : tensor<1x4xf32>
  %y = nnopt.linear %x, %w : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  // Asking for the shape is not reading.
  %n = tensor.dim %y, %c0 : tensor<?x4xf32>
  %e = tensor.empty(%n) : tensor<?x4xf32>
  %s = linalg.generic {indexing_maps = [#row, #id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%b, %y : tensor<1x4xf32>, tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) {
  ^bb0(%i: f32, %v: f32, %o: f32):
    %a = arith.addf %i, %v : f32
    linalg.yield %a : f32
  } -> tensor<?x4xf32>
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%s : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) {
  ^bb0(%v: f32, %o: f32):
    %m = arith.maximumf %v, %zero : f32
    linalg.yield %m : f32
  } -> tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// The sum goes to the later product, which moves down behind the other operand. A splat is a scalar.
// CHECK-LABEL: func @residual
// CHECK:       %[[A:.*]] = nnopt.linear %{{.*}}, %{{.*}} :
// CHECK:       %[[R:.*]] = nnopt.softmax
// CHECK:       nnopt.linear %{{.*}}, %{{.*}} epilogue(%[[A]], %[[R]]) maps [#[[ID]], #[[COLUMN]]] do {
// CHECK-NEXT:  ^bb0(%[[SUM:.*]]: f32, %[[U:.*]]: f32, %[[V:.*]]: f32):
// CHECK:         %[[HALF:.*]] = arith.constant 5.000000e-01
// CHECK:         arith.addf %[[U]], %[[SUM]]
// CHECK:         arith.mulf %{{.*}}, %[[V]]
// CHECK:         arith.mulf %{{.*}}, %[[HALF]]
// CHECK-NOT:   linalg.generic
func.func @residual(%x: tensor<3x8xf32>, %w: tensor<4x8xf32>, %g: tensor<3x1xf32>) -> tensor<3x4xf32> {
  %half = arith.constant dense<0.5> : tensor<4xf32>
  %a = nnopt.linear %x, %w : (tensor<3x8xf32>, tensor<4x8xf32>) -> tensor<3x4xf32>
  %b = nnopt.linear %x, %w : (tensor<3x8xf32>, tensor<4x8xf32>) -> tensor<3x4xf32>
  %later = nnopt.softmax %g {axis = 0 : i64} : (tensor<3x1xf32>) -> tensor<3x1xf32>
  %e = tensor.empty() : tensor<3x4xf32>
  %s = linalg.generic {indexing_maps = [#id, #id, affine_map<(a, b) -> (a, 0)>, affine_map<(a, b) -> (b)>, #id],
                       iterator_types = ["parallel", "parallel"]}
    ins(%a, %b, %later, %half : tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x1xf32>, tensor<4xf32>) outs(%e : tensor<3x4xf32>) {
  ^bb0(%p: f32, %q: f32, %l: f32, %h: f32, %o: f32):
    %1 = arith.addf %p, %q : f32
    %2 = arith.mulf %1, %l : f32
    %3 = arith.mulf %2, %h : f32
    linalg.yield %3 : f32
  } -> tensor<3x4xf32>
  return %s : tensor<3x4xf32>
}

// The bias of a convolution runs along the channels, wherever they are.
// CHECK-LABEL: func @conv_bias
// CHECK:       %[[B:.*]] = nnopt.weight dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
// CHECK:       nnopt.conv %{{.*}}, %{{.*}} bias %[[B]] {
// CHECK-NOT:   linalg.generic
func.func @conv_bias(%x: tensor<1x2x5xf32>, %w: tensor<2x2x1xf32>) -> tensor<1x2x5xf32> {
  %b = arith.constant dense<[[[1.0], [2.0]]]> : tensor<1x2x1xf32>
  %y = nnopt.conv %x, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>}
    : (tensor<1x2x5xf32>, tensor<2x2x1xf32>) -> tensor<1x2x5xf32>
  %e = tensor.empty() : tensor<1x2x5xf32>
  %s = linalg.generic {indexing_maps = [#id3, affine_map<(a, b, c) -> (0, b, 0)>, #id3], iterator_types = ["parallel", "parallel", "parallel"]}
    ins(%y, %b : tensor<1x2x5xf32>, tensor<1x2x1xf32>) outs(%e : tensor<1x2x5xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %1 = arith.addf %p, %q : f32
    linalg.yield %1 : f32
  } -> tensor<1x2x5xf32>
  return %s : tensor<1x2x5xf32>
}

// Flattened rows are restored, and what is between moves in.
// CHECK-LABEL: func @flattened
// CHECK-SAME:  (%[[X:.*]]: tensor<?x7x8xf32>, %[[W:.*]]: tensor<4x8xf32>, %[[B:.*]]: tensor<4xf32>)
// CHECK-NOT:   collapse_shape
// CHECK:       %[[Y:.*]] = nnopt.linear %[[X]], %[[W]] bias %[[B]] : (tensor<?x7x8xf32>, {{.*}}) -> tensor<?x7x4xf32>
// CHECK-NOT:   expand_shape
// CHECK:       return %[[Y]]
func.func @flattened(%x: tensor<?x7x8xf32>, %w: tensor<4x8xf32>, %b: tensor<4xf32>) -> tensor<?x7x4xf32> {
  %c0 = arith.constant 0 : index
  %flat = tensor.collapse_shape %x [[0, 1], [2]] : tensor<?x7x8xf32> into tensor<?x8xf32>
  %y = nnopt.linear %flat, %w : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %n = tensor.dim %y, %c0 : tensor<?x4xf32>
  %e = tensor.empty(%n) : tensor<?x4xf32>
  %s = linalg.generic {indexing_maps = [#id, affine_map<(a, b) -> (b)>, #id], iterator_types = ["parallel", "parallel"]}
    ins(%y, %b : tensor<?x4xf32>, tensor<4xf32>) outs(%e : tensor<?x4xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %1 = arith.addf %p, %q : f32
    linalg.yield %1 : f32
  } -> tensor<?x4xf32>
  %batch = tensor.dim %x, %c0 : tensor<?x7x8xf32>
  %r = tensor.expand_shape %s [[0, 1], [2]] output_shape [%batch, 7, 4] : tensor<?x4xf32> into tensor<?x7x4xf32>
  return %r : tensor<?x7x4xf32>
}

// The features of a row are split (into heads): not a matter of rows, so the reshape stays behind.
// CHECK-LABEL: func @heads
// CHECK:       nnopt.linear
// CHECK:       tensor.expand_shape
func.func @heads(%x: tensor<5x8xf32>, %w: tensor<4x8xf32>) -> tensor<5x2x2xf32> {
  %y = nnopt.linear %x, %w : (tensor<5x8xf32>, tensor<4x8xf32>) -> tensor<5x4xf32>
  %r = tensor.expand_shape %y [[0], [1, 2]] output_shape [5, 2, 2] : tensor<5x4xf32> into tensor<5x2x2xf32>
  return %r : tensor<5x2x2xf32>
}

// Sums of integers become numbers of any type, and bytes are read beside them.
// CHECK-LABEL: func @integers
// CHECK: nnopt.linear %{{.*}}, %{{.*}} epilogue(%{{.*}}) maps [#{{.*}}] do {
// CHECK-NEXT: ^bb0(%[[S:.*]]: i32, %[[Q:.*]]: i8):
// CHECK: nnopt.yield %{{.*}} : f32
// CHECK-NEXT: } : {{.*}} -> tensor<3x4xf32>
func.func @integers(%x: tensor<3x8xi8>, %w: tensor<4x8xi8>, %q: tensor<3x4xi8>) -> tensor<3x4xf32> {
  %y = nnopt.linear %x, %w : (tensor<3x8xi8>, tensor<4x8xi8>) -> tensor<3x4xi32>
  %e = tensor.empty() : tensor<3x4xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>], iterator_types = ["parallel", "parallel"]}
    ins(%y, %q : tensor<3x4xi32>, tensor<3x4xi8>) outs(%e : tensor<3x4xf32>) {
  ^bb0(%p: i32, %i: i8, %o: f32):
    %1 = arith.sitofp %p : i32 to f32
    %2 = arith.sitofp %i : i8 to f32
    %3 = arith.addf %1, %2 : f32
    linalg.yield %3 : f32
  } -> tensor<3x4xf32>
  return %s : tensor<3x4xf32>
}
