// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-materialize-destinations),canonicalize,cse)' | FileCheck %s

// CHECK-LABEL: func @plain
// CHECK-SAME:  %[[X:[^:]*]]: tensor<?x8xf32>
// CHECK:       %[[N:.*]] = tensor.dim %[[X]]
// CHECK:       %[[E:.*]] = tensor.empty(%[[N]]) : tensor<?x8xf32>
// CHECK:       nnopt.softmax %[[X]] into %[[E]]
func.func @plain(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = nnopt.softmax %x {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// The frame is filled, one box per side, and the producer writes what is inside.
// CHECK-LABEL: func @pad
// CHECK:       %[[E:.*]] = bufferization.alloc_tensor() : tensor<1x6x3xf32>
// CHECK:       %[[TOP:.*]] = tensor.extract_slice %[[E]][0, 0, 0] [1, 1, 3]
// CHECK:       linalg.fill {{.*}} outs(%[[TOP]]
// CHECK:       tensor.extract_slice %{{.*}}[0, 5, 0] [1, 1, 3]
// CHECK:       linalg.fill
// CHECK:       %[[FRAME:.*]] = tensor.insert_slice
// CHECK:       %[[IN:.*]] = tensor.extract_slice %[[FRAME]][0, 1, 0] [1, 4, 3]
// CHECK:       %[[Y:.*]] = nnopt.softmax %{{.*}} into %[[IN]]
// CHECK:       %[[P:.*]] = tensor.insert_slice %[[Y]] into %[[FRAME]][0, 1, 0] [1, 4, 3]
// CHECK:       nnopt.conv %[[P]], {{.*}}pads = array<i64: 0, 0>
func.func @pad(%x: tensor<1x4x3xf32>, %w: tensor<1x9x16xf32>) -> tensor<1x4x2xf32> {
  %y = nnopt.softmax %x {axis = 1 : i64} : (tensor<1x4x3xf32>) -> tensor<1x4x3xf32>
  %z = nnopt.conv %y, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels_last,
      pack = #nnopt.pack<outputs = 2, depth = 9, panel = 16, kernel = [3]>}
    : (tensor<1x4x3xf32>, tensor<1x9x16xf32>) -> tensor<1x4x2xf32>
  return %z : tensor<1x4x2xf32>
}

// Two convolutions share the wider padding; the other one reads a slice of it.
// CHECK-LABEL: func @shared_pad
// CHECK:       %[[P:.*]] = tensor.insert_slice %{{.*}} into %{{.*}}[0, 2, 0] [1, 4, 3] [1, 1, 1] : tensor<1x4x3xf32> into tensor<1x8x3xf32>
// CHECK-DAG:   %[[S:.*]] = tensor.extract_slice %[[P]][0, 1, 0] [1, 6, 3]
// CHECK-DAG:   nnopt.conv %[[S]], {{.*}}kernel = [3]>
// CHECK-DAG:   nnopt.conv %[[P]], {{.*}}kernel = [5]>
func.func @shared_pad(%x: tensor<1x4x3xf32>, %w: tensor<1x9x16xf32>, %v: tensor<1x15x16xf32>) -> (tensor<1x4x2xf32>, tensor<1x4x2xf32>) {
  %y = nnopt.softmax %x {axis = 1 : i64} : (tensor<1x4x3xf32>) -> tensor<1x4x3xf32>
  %z = nnopt.conv %y, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels_last,
      pack = #nnopt.pack<outputs = 2, depth = 9, panel = 16, kernel = [3]>}
    : (tensor<1x4x3xf32>, tensor<1x9x16xf32>) -> tensor<1x4x2xf32>
  %u = nnopt.conv %y, %v {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 2, 2>, channels_last,
      pack = #nnopt.pack<outputs = 2, depth = 15, panel = 16, kernel = [5]>}
    : (tensor<1x4x3xf32>, tensor<1x15x16xf32>) -> tensor<1x4x2xf32>
  return %z, %u : tensor<1x4x2xf32>, tensor<1x4x2xf32>
}

// Pads of a convolution whose weight is not packed stay: the portable loops need no copy.
// CHECK-LABEL: func @portable_pad
// CHECK-NOT:   tensor.insert_slice
// CHECK:       nnopt.conv %{{.*}}pads = array<i64: 1, 1>
func.func @portable_pad(%x: tensor<1x3x4xf32>, %w: tensor<2x3x3xf32>) -> tensor<1x2x4xf32> {
  %z = nnopt.conv %x, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>}
    : (tensor<1x3x4xf32>, tensor<2x3x3xf32>) -> tensor<1x2x4xf32>
  return %z : tensor<1x2x4xf32>
}

// Operands of a concatenation are computed in place, in the order of their producers; an argument is copied last. The extent that
// varies is known from the start.
// CHECK-LABEL: func @concat
// CHECK-SAME:  %[[X:[^:]*]]: tensor<?x8xf32>
// CHECK:       %[[E:.*]] = bufferization.alloc_tensor(%{{.*}}) : tensor<?x24xf32>
// CHECK:       %[[S0:.*]] = tensor.extract_slice %[[E]][0, 16] [%{{.*}}, 8]
// CHECK:       %[[Y:.*]] = nnopt.softmax %[[X]] into %[[S0]]
// CHECK:       %[[E1:.*]] = tensor.insert_slice %[[Y]] into %[[E]][0, 16]
// CHECK:       %[[S1:.*]] = tensor.extract_slice %[[E1]][0, 0]
// CHECK:       %[[Z:.*]] = nnopt.softmax %[[Y]] into %[[S1]]
// CHECK:       %[[E2:.*]] = tensor.insert_slice %[[Z]] into %[[E1]][0, 0]
// CHECK:       tensor.insert_slice %[[X]] into %[[E2]][0, 8]
func.func @concat(%x: tensor<?x8xf32>) -> tensor<?x24xf32> {
  %y = nnopt.softmax %x {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %z = nnopt.softmax %y {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %c = tensor.concat dim(1) %z, %x, %y : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x24xf32>
  return %c : tensor<?x24xf32>
}

// A concatenation that is padded: both producers write into the padded tensor.
// CHECK-LABEL: func @padded_concat
// CHECK:       bufferization.alloc_tensor() : tensor<1x6x6xf32>
// CHECK-NOT:   tensor.empty
// CHECK-NOT:   alloc_tensor
// CHECK:       return
func.func @padded_concat(%x: tensor<1x4x3xf32>) -> tensor<1x6x6xf32> {
  %zero = arith.constant 0.0 : f32
  %y = nnopt.softmax %x {axis = 1 : i64} : (tensor<1x4x3xf32>) -> tensor<1x4x3xf32>
  %z = nnopt.softmax %y {axis = 1 : i64} : (tensor<1x4x3xf32>) -> tensor<1x4x3xf32>
  %c = tensor.concat dim(2) %y, %z : (tensor<1x4x3xf32>, tensor<1x4x3xf32>) -> tensor<1x4x6xf32>
  %p = tensor.pad %c low[0, 1, 0] high[0, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index):
    tensor.yield %zero : f32
  } : tensor<1x4x6xf32> to tensor<1x6x6xf32>
  return %p : tensor<1x6x6xf32>
}

// Two sums start from zero: each has a tensor of its own, or one would have to be copied before the other is formed.
// CHECK-LABEL: func @sums
// CHECK-COUNT-2: bufferization.alloc_tensor() : tensor<8xf32>
func.func @sums(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<8xf32>) -> tensor<8xf32>
  %a = linalg.reduce {arith.addf} ins(%x : tensor<4x8xf32>) outs(%f : tensor<8xf32>) dimensions = [0]
  %b = linalg.reduce {arith.addf} ins(%y : tensor<4x8xf32>) outs(%f : tensor<8xf32>) dimensions = [0]
  return %a, %b : tensor<8xf32>, tensor<8xf32>
}

// Neighbouring halves of one tensor are concatenated as one piece.
// CHECK-LABEL: func @halves
// CHECK:       %[[Y:.*]] = nnopt.softmax %{{.*}} into %{{.*}} : (tensor<?x8xf32>, tensor<?x8xf32>)
// CHECK:       tensor.insert_slice %[[Y]] into
// CHECK-COUNT-1: tensor.insert_slice
// CHECK-NOT:   tensor.insert_slice
func.func @halves(%x: tensor<?x8xf32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %y = nnopt.softmax %x {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %a = tensor.extract_slice %y[0, 0] [%n, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %b = tensor.extract_slice %y[0, 4] [%n, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %c = tensor.concat dim(1) %a, %b, %x : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x8xf32>) -> tensor<?x16xf32>
  return %c : tensor<?x16xf32>
}
