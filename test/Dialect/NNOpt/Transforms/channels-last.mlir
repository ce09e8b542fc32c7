// RUN: nnopt-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nnopt-channels-last))' --remarks-filter='nnopt.*' --remark-policy=all 2>%t.remarks | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.remarks

// A residual block: two convolutions, an activation and a sum stay between one transpose in and one out.
// CHECK-LABEL: func @residual
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x3x8x8xf32>
// CHECK: %[[IN:.*]] = linalg.transpose ins(%[[X]] : {{.*}} permutation = [0, 2, 3, 1]
// CHECK: %[[A:.*]] = nnopt.conv %[[IN]], {{.*}}channels_last{{.*}} -> tensor<?x8x8x3xf32>
// CHECK: %[[R:.*]] = nnopt.activation relu %[[A]] : tensor<?x8x8x3xf32>
// CHECK: %[[B:.*]] = nnopt.conv %[[R]], {{.*}}channels_last
// CHECK: %[[S:.*]] = linalg.generic {{.*}} ins(%[[B]], %[[A]] :
// CHECK: %[[P:.*]] = nnopt.pool max %[[S]] {{.*}}channels_last{{.*}} -> tensor<?x4x4x3xf32>
// CHECK: %[[OUT:.*]] = linalg.transpose ins(%[[P]] : {{.*}} permutation = [0, 3, 1, 2]
// CHECK-NOT: linalg.transpose
// CHECK: return %[[OUT]]
// REMARK: [Missed] layout {{.*}}channels are first after 'the function's arguments'
// REMARK: [Missed] layout {{.*}}channels are first before 'func.return'
// REMARK: [Passed] layout {{.*}}2 convolutions with the channels last, 2 transposes left
#id = affine_map<(a, b, c, d) -> (a, b, c, d)>
func.func @residual(%x: tensor<?x3x8x8xf32>, %w: tensor<3x3x3x3xf32>, %e: tensor<?x3x8x8xf32>) -> tensor<?x3x4x4xf32> {
  %a = nnopt.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>}
    : (tensor<?x3x8x8xf32>, tensor<3x3x3x3xf32>) -> tensor<?x3x8x8xf32>
  %r = nnopt.activation relu %a : tensor<?x3x8x8xf32>
  %b = nnopt.conv %r, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>}
    : (tensor<?x3x8x8xf32>, tensor<3x3x3x3xf32>) -> tensor<?x3x8x8xf32>
  %s = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%b, %a : tensor<?x3x8x8xf32>, tensor<?x3x8x8xf32>) outs(%e : tensor<?x3x8x8xf32>) {
  ^bb0(%u: f32, %v: f32, %o: f32):
    %t = arith.addf %u, %v : f32
    linalg.yield %t : f32
  } -> tensor<?x3x8x8xf32>
  %p = nnopt.pool max %s {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>}
    : (tensor<?x3x8x8xf32>) -> tensor<?x3x4x4xf32>
  return %p : tensor<?x3x4x4xf32>
}

// -----

// Global average pooling and a gate of one number per channel need no transpose: what has no extent but that of the channels is reshaped.
// CHECK: #[[CHANNEL:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d3)>
// CHECK: #[[GATE:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, 0, 0, d3)>
// CHECK-LABEL: func @squeeze_excite
// CHECK: %[[A:.*]] = nnopt.conv
// CHECK: %[[SUM:.*]] = linalg.generic {indexing_maps = [#{{.*}}, #[[CHANNEL]]], iterator_types = ["parallel", "reduction", "reduction", "parallel"]} ins(%[[A]]
// CHECK: %[[ONE:.*]] = tensor.expand_shape %[[SUM]] {{\[\[}}0], [1, 2, 3]] {{.*}} into tensor<1x1x1x4xf32>
// CHECK: %[[G:.*]] = nnopt.conv %[[ONE]]
// CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[GATE]], #{{.*}}], {{.*}} ins(%[[A]], %[[G]]
// CHECK: linalg.transpose
// CHECK-NOT: linalg.transpose
// REMARK: 2 convolutions with the channels last, 1 transposes left
#id = affine_map<(a, b, c, d) -> (a, b, c, d)>
#nc = affine_map<(a, b, c, d) -> (a, b)>
#gate = affine_map<(a, b, c, d) -> (a, b, 0, 0)>
func.func @squeeze_excite(%x: tensor<1x1x8x8xf32>, %w: tensor<4x1x3x3xf32>, %w1: tensor<4x4x1x1xf32>) -> tensor<1x4x8x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1x4xf32>
  %e4 = tensor.empty() : tensor<1x4x8x8xf32>
  %a = nnopt.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>}
    : (tensor<1x1x8x8xf32>, tensor<4x1x3x3xf32>) -> tensor<1x4x8x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x4xf32>) -> tensor<1x4xf32>
  %sum = linalg.generic {indexing_maps = [#id, #nc], iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%a : tensor<1x4x8x8xf32>) outs(%f : tensor<1x4xf32>) {
  ^bb0(%u: f32, %o: f32):
    %t = arith.addf %u, %o : f32
    linalg.yield %t : f32
  } -> tensor<1x4xf32>
  %one = tensor.expand_shape %sum [[0], [1, 2, 3]] output_shape [1, 4, 1, 1] : tensor<1x4xf32> into tensor<1x4x1x1xf32>
  %g = nnopt.conv %one, %w1 {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>}
    : (tensor<1x4x1x1xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x1x1xf32>
  %y = linalg.generic {indexing_maps = [#id, #gate, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%a, %g : tensor<1x4x8x8xf32>, tensor<1x4x1x1xf32>) outs(%e4 : tensor<1x4x8x8xf32>) {
  ^bb0(%u: f32, %v: f32, %o: f32):
    %t = arith.mulf %u, %v : f32
    linalg.yield %t : f32
  } -> tensor<1x4x8x8xf32>
  return %y : tensor<1x4x8x8xf32>
}

// -----

// The classifier's columns are permuted: element (c, x) of a row of 2 channels of 2 becomes (x, c).
// CHECK-LABEL: func @flatten
// CHECK: %[[W:.*]] = nnopt.weight "fc" dense<{{\[\[}}1.000000e+00, 3.000000e+00, 2.000000e+00, 4.000000e+00], [5.000000e+00, 7.000000e+00, 6.000000e+00, 8.000000e+00]]>
// CHECK: %[[A:.*]] = nnopt.conv {{.*}} -> tensor<?x2x2xf32>
// CHECK: %[[F:.*]] = tensor.collapse_shape %[[A]]
// CHECK: nnopt.linear %[[F]], %[[W]]
// REMARK: 1 convolutions with the channels last, 1 transposes left
func.func @flatten(%x: tensor<?x3x2xf32>, %w: tensor<2x3x1xf32>) -> tensor<?x2xf32> {
  %fc = nnopt.weight "fc" dense<[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]> : tensor<2x4xf32>
  %a = nnopt.conv %x, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>} : (tensor<?x3x2xf32>, tensor<2x3x1xf32>) -> tensor<?x2x2xf32>
  %f = tensor.collapse_shape %a [[0], [1, 2]] : tensor<?x2x2xf32> into tensor<?x4xf32>
  %y = nnopt.linear %f, %fc : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Pads, slices, concatenations, softmax over the channels, flattened space; three spatial dimensions.
// CHECK-LABEL: func @followers
// CHECK: linalg.transpose {{.*}} permutation = [0, 2, 3, 4, 1]
// CHECK: %[[A:.*]] = nnopt.conv {{.*}} -> tensor<1x4x5x6x2xf32>
// CHECK: %[[P:.*]] = tensor.pad %[[A]] low[0, 0, 1, 0, 0] high[0, 0, 0, 0, 2]
// CHECK: %[[S:.*]] = tensor.extract_slice %[[P]][0, 1, 0, 0, 0] [1, 2, 6, 6, 4] [1, 1, 1, 1, 1]
// CHECK: %[[C:.*]] = tensor.concat dim(4) %[[S]], %[[S]] : {{.*}} -> tensor<1x2x6x6x8xf32>
// CHECK: %[[M:.*]] = nnopt.softmax %[[C]] {axis = 4 : i64}
// CHECK: %[[F:.*]] = tensor.collapse_shape %[[M]] {{\[\[}}0], [1, 2, 3], [4]] : tensor<1x2x6x6x8xf32> into tensor<1x72x8xf32>
// CHECK: linalg.transpose ins(%[[F]] {{.*}} permutation = [0, 2, 1]
// CHECK-NOT: linalg.transpose
func.func @followers(%x: tensor<1x3x4x5x6xf32>, %w: tensor<2x3x1x1x1xf32>) -> tensor<1x8x72xf32> {
  %zero = arith.constant 0.0 : f32
  %a = nnopt.conv %x, %w {strides = array<i64: 1, 1, 1>, dilations = array<i64: 1, 1, 1>, pads = array<i64: 0, 0, 0, 0, 0, 0>}
    : (tensor<1x3x4x5x6xf32>, tensor<2x3x1x1x1xf32>) -> tensor<1x2x4x5x6xf32>
  %p = tensor.pad %a low[0, 0, 0, 1, 0] high[0, 2, 0, 0, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index, %m: index):
    tensor.yield %zero : f32
  } : tensor<1x2x4x5x6xf32> to tensor<1x4x4x6x6xf32>
  %s = tensor.extract_slice %p[0, 0, 1, 0, 0] [1, 4, 2, 6, 6] [1, 1, 1, 1, 1] : tensor<1x4x4x6x6xf32> to tensor<1x4x2x6x6xf32>
  %c = tensor.concat dim(1) %s, %s : (tensor<1x4x2x6x6xf32>, tensor<1x4x2x6x6xf32>) -> tensor<1x8x2x6x6xf32>
  %m = nnopt.softmax %c {axis = 1 : i64} : (tensor<1x8x2x6x6xf32>) -> tensor<1x8x2x6x6xf32>
  %f = tensor.collapse_shape %m [[0], [1], [2, 3, 4]] : tensor<1x8x2x6x6xf32> into tensor<1x8x72xf32>
  return %f : tensor<1x8x72xf32>
}

// -----

// A generator that reads by index (resizing) takes its coordinates in the new order.
// CHECK-LABEL: func @resize
// CHECK: %[[A:.*]] = nnopt.conv
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<1x4x4x2xf32>)
// CHECK-DAG: %[[C:.*]] = linalg.index 3
// CHECK-DAG: %[[Y:.*]] = linalg.index 1
// CHECK-DAG: %[[X:.*]] = linalg.index 2
// CHECK-DAG: %[[YS:.*]] = arith.divui %[[Y]]
// CHECK-DAG: %[[XS:.*]] = arith.divui %[[X]]
// CHECK: tensor.extract %[[A]][%{{.*}}, %[[YS]], %[[XS]], %[[C]]]
func.func @resize(%x: tensor<1x3x2x2xf32>, %w: tensor<2x3x1x1xf32>) -> tensor<1x2x4x4xf32> {
  %two = arith.constant 2 : index
  %e = tensor.empty() : tensor<1x2x4x4xf32>
  %a = nnopt.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>}
    : (tensor<1x3x2x2xf32>, tensor<2x3x1x1xf32>) -> tensor<1x2x2x2xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(a, b, c, d) -> (a, b, c, d)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      outs(%e : tensor<1x2x4x4xf32>) {
  ^bb0(%o: f32):
    %n = linalg.index 0 : index
    %c = linalg.index 1 : index
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %is = arith.divui %i, %two : index
    %js = arith.divui %j, %two : index
    %v = tensor.extract %a[%n, %c, %is, %js] : tensor<1x2x2x2xf32>
    linalg.yield %v : f32
  } -> tensor<1x2x4x4xf32>
  return %r : tensor<1x2x4x4xf32>
}

// -----

// One operand of three comes from a convolution: moving the sum would add transposes. A constant is permuted for nothing.
// CHECK-LABEL: func @stays
// CHECK-DAG: nnopt.weight dense<{{\[\[\[}}1.000000e+00, 3.000000e+00], [2.000000e+00, 4.000000e+00]]]>
// CHECK: %[[A:.*]] = nnopt.conv
// CHECK: %[[B:.*]] = linalg.generic {{.*}} ins(%[[A]], %{{.*}} : tensor<1x2x2xf32>, tensor<1x2x2xf32>)
// CHECK: %[[T:.*]] = linalg.transpose ins(%[[B]] : {{.*}} permutation = [0, 2, 1]
// CHECK: linalg.generic {{.*}} ins(%[[T]], %{{.*}}, %{{.*}} :
// CHECK-NOT: linalg.transpose
#id = affine_map<(a, b, c) -> (a, b, c)>
func.func @stays(%x: tensor<1x1x2xf32>, %y: tensor<1x2x2xf32>, %z: tensor<1x2x2xf32>, %w: tensor<2x1x1xf32>) -> tensor<1x2x2xf32> {
  %k = nnopt.weight dense<[[[1.0, 2.0], [3.0, 4.0]]]> : tensor<1x2x2xf32>
  %a = nnopt.conv %x, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>} : (tensor<1x1x2xf32>, tensor<2x1x1xf32>) -> tensor<1x2x2xf32>
  %b = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%a, %k : tensor<1x2x2xf32>, tensor<1x2x2xf32>) outs(%y : tensor<1x2x2xf32>) {
  ^bb0(%u: f32, %v: f32, %o: f32):
    %t = arith.mulf %u, %v : f32
    linalg.yield %t : f32
  } -> tensor<1x2x2xf32>
  %s = linalg.generic {indexing_maps = [#id, #id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%b, %y, %z : tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf32>) outs(%y : tensor<1x2x2xf32>) {
  ^bb0(%u: f32, %v: f32, %p: f32, %o: f32):
    %t = arith.addf %u, %v : f32
    %q = arith.addf %t, %p : f32
    linalg.yield %q : f32
  } -> tensor<1x2x2xf32>
  return %s : tensor<1x2x2xf32>
}

// -----

// No convolution, nothing to do; a transposed convolution has no such form, a pool alone gains nothing.
// CHECK-LABEL: func @untouched
// CHECK-NOT: linalg.transpose
// CHECK-NOT: channels_last
func.func @untouched(%x: tensor<1x1x3x3xf32>, %w: tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32> {
  %a = nnopt.conv_transpose %x, %w {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 0, 0>}
    : (tensor<1x1x3x3xf32>, tensor<1x2x3x3xf32>) -> tensor<1x2x7x7xf32>
  %p = nnopt.pool average %a {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>}
    : (tensor<1x2x7x7xf32>) -> tensor<1x2x3x3xf32>
  return %p : tensor<1x2x3x3xf32>
}
