// RUN: nnopt-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nnopt-fuse-attention))' --remarks-filter='nnopt.*' --remark-policy=all 2>%t.remarks | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.remarks

// What PyTorch exports: heads split off the last dimension, keys transposed at once, scores scaled, a mask of padding added. No transpose stays.
// CHECK-LABEL: func @sequence_major
// CHECK-SAME: %[[Q:[^:]*]]: tensor<?x?x12x32xf32>, %[[K:[^:]*]]: tensor<?x?x12x32xf32>, %[[V:[^:]*]]: tensor<?x?x12x32xf32>, %[[M:[^:]*]]: tensor<?x1x1x?xf32>
// CHECK-NOT: linalg.transpose
// CHECK: %[[Y:.*]] = nnopt.attention %[[Q]], %[[K]], %[[V]] mask %[[M]] {scale = 2.500000e-01 : f32, sequence_major}
// CHECK-SAME: -> tensor<?x?x12x32xf32>
// CHECK: return %[[Y]]
// REMARK: [Passed] attention {{.*}}scale 0.25, one mask, sequence major
#id = affine_map<(b, h, i, j) -> (b, h, i, j)>
#keys = affine_map<(b, h, i, j) -> (b, 0, 0, j)>
func.func @sequence_major(%q: tensor<?x?x12x32xf32>, %k: tensor<?x?x12x32xf32>, %v: tensor<?x?x12x32xf32>, %mask: tensor<?x1x1x?xf32>,
                          %eq: tensor<?x12x?x32xf32>, %ek: tensor<?x12x32x?xf32>, %es: tensor<?x12x?x?xf32>, %eo: tensor<?x?x12x32xf32>) -> tensor<?x?x12x32xf32> {
  %qt = linalg.transpose ins(%q : tensor<?x?x12x32xf32>) outs(%eq : tensor<?x12x?x32xf32>) permutation = [0, 2, 1, 3]
  %kt = linalg.transpose ins(%k : tensor<?x?x12x32xf32>) outs(%ek : tensor<?x12x32x?xf32>) permutation = [0, 2, 3, 1]
  %vt = linalg.transpose ins(%v : tensor<?x?x12x32xf32>) outs(%eq : tensor<?x12x?x32xf32>) permutation = [0, 2, 1, 3]
  %p = nnopt.matmul %qt, %kt : (tensor<?x12x?x32xf32>, tensor<?x12x32x?xf32>) -> tensor<?x12x?x?xf32>
  %ps = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p : tensor<?x12x?x?xf32>) outs(%es : tensor<?x12x?x?xf32>) {
  ^bb0(%x: f32, %y: f32):
    %c = arith.constant 0.25 : f32
    %z = arith.mulf %x, %c : f32
    linalg.yield %z : f32
  } -> tensor<?x12x?x?xf32>
  %pm = linalg.generic {indexing_maps = [#id, #keys, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%ps, %mask : tensor<?x12x?x?xf32>, tensor<?x1x1x?xf32>) outs(%es : tensor<?x12x?x?xf32>) {
  ^bb0(%x: f32, %w: f32, %y: f32):
    %z = arith.addf %x, %w : f32
    linalg.yield %z : f32
  } -> tensor<?x12x?x?xf32>
  %s = nnopt.softmax %pm {axis = 3 : i64} : (tensor<?x12x?x?xf32>) -> tensor<?x12x?x?xf32>
  %a = nnopt.matmul %s, %vt : (tensor<?x12x?x?xf32>, tensor<?x12x?x32xf32>) -> tensor<?x12x?x32xf32>
  %y = linalg.transpose ins(%a : tensor<?x12x?x32xf32>) outs(%eo : tensor<?x?x12x32xf32>) permutation = [0, 2, 1, 3]
  return %y : tensor<?x?x12x32xf32>
}

// -----

// Scales on queries and keys multiply, a division is a scale too; without transposes around, heads stay first.
// CHECK-LABEL: func @scaled_operands
// CHECK-SAME: %[[Q:[^:]*]]: tensor<2x4x8x16xf32>, %[[K:[^:]*]]: tensor<2x4x9x16xf32>
// CHECK: nnopt.attention %[[Q]], %[[K]], %{{.*}} {scale = 2.500000e-01 : f32}
#id = affine_map<(b, h, i, j) -> (b, h, i, j)>
#scalar = affine_map<(b, h, i, j) -> ()>
func.func @scaled_operands(%q: tensor<2x4x8x16xf32>, %k: tensor<2x4x9x16xf32>, %v: tensor<2x4x9x16xf32>) -> tensor<2x4x8x16xf32> {
  %half = arith.constant dense<0.5> : tensor<f32>
  %two = arith.constant 2.0 : f32
  %qs = linalg.generic {indexing_maps = [#id, #scalar, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%q, %half : tensor<2x4x8x16xf32>, tensor<f32>) outs(%q : tensor<2x4x8x16xf32>) {
  ^bb0(%x: f32, %c: f32, %y: f32):
    %z = arith.mulf %c, %x : f32
    linalg.yield %z : f32
  } -> tensor<2x4x8x16xf32>
  %ks = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%k : tensor<2x4x9x16xf32>) outs(%k : tensor<2x4x9x16xf32>) {
  ^bb0(%x: f32, %y: f32):
    %z = arith.divf %x, %two : f32
    linalg.yield %z : f32
  } -> tensor<2x4x9x16xf32>
  %p = nnopt.matmul %qs, %ks {transpose_rhs} : (tensor<2x4x8x16xf32>, tensor<2x4x9x16xf32>) -> tensor<2x4x8x9xf32>
  %s = nnopt.softmax %p {axis = 3 : i64} : (tensor<2x4x8x9xf32>) -> tensor<2x4x8x9xf32>
  %a = nnopt.matmul %s, %v : (tensor<2x4x8x9xf32>, tensor<2x4x9x16xf32>) -> tensor<2x4x8x16xf32>
  return %a : tensor<2x4x8x16xf32>
}

// -----

// Scores selected by a bool mask; probabilities that are NaN become 0, which cannot happen with a finite mask. Keys are swapped with
// heads and batch as one dimension.
// CHECK-LABEL: func @selected
// CHECK-SAME: %[[Q:[^:]*]]: tensor<?x4x?x16xf32>, %[[K:[^:]*]]: tensor<?x4x?x16xf32>, %{{.*}}: tensor<?x4x?x16xf32>, %[[C:[^:]*]]: tensor<?x?xi1>
// CHECK: %[[M:.*]] = linalg.generic {{.*}} ins(%[[C]] : tensor<?x?xi1>)
// CHECK: %[[ZERO:.*]] = arith.constant 0.0
// CHECK: %[[LOW:.*]] = arith.constant -1.000000e+30
// CHECK: arith.select %{{.*}}, %[[ZERO]], %[[LOW]]
// CHECK: %[[M4:.*]] = tensor.expand_shape %[[M]] {{\[\[}}0, 1, 2], [3]]
// CHECK: nnopt.attention %[[Q]], %[[K]], %{{.*}} mask %[[M4]] {scale = 1.000000e+00 : f32}
// CHECK-NOT: linalg.generic
#id = affine_map<(b, h, i, j) -> (b, h, i, j)>
#pair = affine_map<(b, h, i, j) -> (i, j)>
func.func @selected(%q: tensor<?x4x?x16xf32>, %k: tensor<?x4x?x16xf32>, %v: tensor<?x4x?x16xf32>, %c: tensor<?x?xi1>, %ek: tensor<?x16x?xf32>,
                    %es: tensor<?x4x?x?xf32>, %en: tensor<?x4x?x?xi1>, %b: index, %n: index) -> tensor<?x4x?x16xf32> {
  %low = arith.constant -1.0e+30 : f32
  %zero = arith.constant 0.0 : f32
  %kc = tensor.collapse_shape %k [[0, 1], [2], [3]] : tensor<?x4x?x16xf32> into tensor<?x?x16xf32>
  %kt = linalg.transpose ins(%kc : tensor<?x?x16xf32>) outs(%ek : tensor<?x16x?xf32>) permutation = [0, 2, 1]
  %ke = tensor.expand_shape %kt [[0, 1], [2], [3]] output_shape [%b, 4, 16, %n] : tensor<?x16x?xf32> into tensor<?x4x16x?xf32>
  %p = nnopt.matmul %q, %ke : (tensor<?x4x?x16xf32>, tensor<?x4x16x?xf32>) -> tensor<?x4x?x?xf32>
  %pm = linalg.generic {indexing_maps = [#pair, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%c, %p : tensor<?x?xi1>, tensor<?x4x?x?xf32>) outs(%es : tensor<?x4x?x?xf32>) {
  ^bb0(%t: i1, %x: f32, %y: f32):
    %z = arith.select %t, %x, %low : f32
    linalg.yield %z : f32
  } -> tensor<?x4x?x?xf32>
  %s = nnopt.softmax %pm {axis = 3 : i64} : (tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %nan = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%s : tensor<?x4x?x?xf32>) outs(%en : tensor<?x4x?x?xi1>) {
  ^bb0(%x: f32, %y: i1):
    %z = arith.cmpf uno, %x, %x : f32
    linalg.yield %z : i1
  } -> tensor<?x4x?x?xi1>
  %g = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%nan, %s : tensor<?x4x?x?xi1>, tensor<?x4x?x?xf32>) outs(%es : tensor<?x4x?x?xf32>) {
  ^bb0(%t: i1, %x: f32, %y: f32):
    %z = arith.select %t, %zero, %x : f32
    linalg.yield %z : f32
  } -> tensor<?x4x?x?xf32>
  %a = nnopt.matmul %g, %v : (tensor<?x4x?x?xf32>, tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32>
  return %a : tensor<?x4x?x16xf32>
}

// -----

// Products of rank 3 have one head.
// CHECK-LABEL: func @rank3
// CHECK: %[[A:.*]] = nnopt.attention {{.*}} (tensor<5x1x8x16xf32>, tensor<5x1x8x16xf32>, tensor<5x1x8x16xf32>, tensor<5x1x8x8xf32>) -> tensor<5x1x8x16xf32>
// CHECK: tensor.collapse_shape %[[A]]
#id = affine_map<(b, i, j) -> (b, i, j)>
func.func @rank3(%q: tensor<5x8x16xf32>, %m: tensor<5x8x8xf32>) -> tensor<5x8x16xf32> {
  %p = nnopt.matmul %q, %q {transpose_rhs} : (tensor<5x8x16xf32>, tensor<5x8x16xf32>) -> tensor<5x8x8xf32>
  %pm = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%m, %p : tensor<5x8x8xf32>, tensor<5x8x8xf32>) outs(%m : tensor<5x8x8xf32>) {
  ^bb0(%x: f32, %w: f32, %y: f32):
    %z = arith.addf %x, %w : f32
    linalg.yield %z : f32
  } -> tensor<5x8x8xf32>
  %s = nnopt.softmax %pm {axis = 2 : i64} : (tensor<5x8x8xf32>) -> tensor<5x8x8xf32>
  %a = nnopt.matmul %s, %q : (tensor<5x8x8xf32>, tensor<5x8x16xf32>) -> tensor<5x8x16xf32>
  return %a : tensor<5x8x16xf32>
}

// -----

// One key head for all query heads; different lengths of queries and keys.
// CHECK-LABEL: func @shared_keys
// CHECK: nnopt.attention {{.*}} (tensor<2x4x3x16xf32>, tensor<2x1x8x16xf32>, tensor<2x1x8x24xf32>) -> tensor<2x4x3x24xf32>
func.func @shared_keys(%q: tensor<2x4x3x16xf32>, %k: tensor<2x1x8x16xf32>, %v: tensor<2x1x8x24xf32>) -> tensor<2x4x3x24xf32> {
  %p = nnopt.matmul %q, %k {transpose_rhs} : (tensor<2x4x3x16xf32>, tensor<2x1x8x16xf32>) -> tensor<2x4x3x8xf32>
  %s = nnopt.softmax %p {axis = 3 : i64} : (tensor<2x4x3x8xf32>) -> tensor<2x4x3x8xf32>
  %a = nnopt.matmul %s, %v : (tensor<2x4x3x8xf32>, tensor<2x1x8x24xf32>) -> tensor<2x4x3x24xf32>
  return %a : tensor<2x4x3x24xf32>
}

// -----

// Softmax over the queries is no attention, and nothing to report.
// CHECK-LABEL: func @other_axis
// CHECK-NOT: nnopt.attention
func.func @other_axis(%q: tensor<2x8x8xf32>) -> tensor<2x8x8xf32> {
  %p = nnopt.matmul %q, %q {transpose_rhs} : (tensor<2x8x8xf32>, tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %s = nnopt.softmax %p {axis = 1 : i64} : (tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %a = nnopt.matmul %s, %q : (tensor<2x8x8xf32>, tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  return %a : tensor<2x8x8xf32>
}

// -----

// The probabilities are a result too.
// CHECK-LABEL: func @returned
// CHECK-NOT: nnopt.attention
// REMARK: [Missed] attention {{.*}}the scores or the probabilities have another reader
func.func @returned(%q: tensor<2x8x8xf32>) -> (tensor<2x8x8xf32>, tensor<2x8x8xf32>) {
  %p = nnopt.matmul %q, %q {transpose_rhs} : (tensor<2x8x8xf32>, tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %s = nnopt.softmax %p {axis = 2 : i64} : (tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %a = nnopt.matmul %s, %q : (tensor<2x8x8xf32>, tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  return %a, %s : tensor<2x8x8xf32>, tensor<2x8x8xf32>
}

// -----

// A selection against a number that does not hide the scores: rows with nothing selected would change.
// CHECK-LABEL: func @shallow_mask
// CHECK-NOT: nnopt.attention
// REMARK: [Missed] attention {{.*}}the scores are no product with a scale and a mask
#id = affine_map<(b, i, j) -> (b, i, j)>
func.func @shallow_mask(%q: tensor<2x8x8xf32>, %c: tensor<2x8x8xi1>) -> tensor<2x8x8xf32> {
  %low = arith.constant -1.0e+4 : f32
  %p = nnopt.matmul %q, %q {transpose_rhs} : (tensor<2x8x8xf32>, tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %pm = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%c, %p : tensor<2x8x8xi1>, tensor<2x8x8xf32>) outs(%q : tensor<2x8x8xf32>) {
  ^bb0(%t: i1, %x: f32, %y: f32):
    %z = arith.select %t, %x, %low : f32
    linalg.yield %z : f32
  } -> tensor<2x8x8xf32>
  %s = nnopt.softmax %pm {axis = 2 : i64} : (tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %a = nnopt.matmul %s, %q : (tensor<2x8x8xf32>, tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  return %a : tensor<2x8x8xf32>
}

// -----

// Two masks of -3e38 would add up to infinity.
// CHECK-LABEL: func @two_masks
// CHECK-NOT: nnopt.attention
// REMARK: [Missed] attention {{.*}}more than one term is added to the scores
#id = affine_map<(b, i, j) -> (b, i, j)>
func.func @two_masks(%q: tensor<2x8x8xf32>, %m: tensor<2x8x8xf32>) -> tensor<2x8x8xf32> {
  %p = nnopt.matmul %q, %q {transpose_rhs} : (tensor<2x8x8xf32>, tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %p1 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%p, %m : tensor<2x8x8xf32>, tensor<2x8x8xf32>) outs(%q : tensor<2x8x8xf32>) {
  ^bb0(%x: f32, %w: f32, %y: f32):
    %z = arith.addf %x, %w : f32
    linalg.yield %z : f32
  } -> tensor<2x8x8xf32>
  %p2 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%p1, %m : tensor<2x8x8xf32>, tensor<2x8x8xf32>) outs(%q : tensor<2x8x8xf32>) {
  ^bb0(%x: f32, %w: f32, %y: f32):
    %z = arith.addf %x, %w : f32
    linalg.yield %z : f32
  } -> tensor<2x8x8xf32>
  %s = nnopt.softmax %p2 {axis = 2 : i64} : (tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %a = nnopt.matmul %s, %q : (tensor<2x8x8xf32>, tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  return %a : tensor<2x8x8xf32>
}

// -----

// A mask that was added before the scale is scaled too.
// CHECK-LABEL: func @scaled_mask
// CHECK-NOT: nnopt.attention
// REMARK: [Missed] attention {{.*}}the mask is scaled
#id = affine_map<(b, i, j) -> (b, i, j)>
func.func @scaled_mask(%q: tensor<2x8x8xf32>, %m: tensor<2x8x8xf32>) -> tensor<2x8x8xf32> {
  %p = nnopt.matmul %q, %q {transpose_rhs} : (tensor<2x8x8xf32>, tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %p1 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%p, %m : tensor<2x8x8xf32>, tensor<2x8x8xf32>) outs(%q : tensor<2x8x8xf32>) {
  ^bb0(%x: f32, %w: f32, %y: f32):
    %z = arith.addf %x, %w : f32
    linalg.yield %z : f32
  } -> tensor<2x8x8xf32>
  %p2 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%p1 : tensor<2x8x8xf32>) outs(%q : tensor<2x8x8xf32>) {
  ^bb0(%x: f32, %y: f32):
    %c = arith.constant 0.5 : f32
    %z = arith.mulf %x, %c : f32
    linalg.yield %z : f32
  } -> tensor<2x8x8xf32>
  %s = nnopt.softmax %p2 {axis = 2 : i64} : (tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %a = nnopt.matmul %s, %q : (tensor<2x8x8xf32>, tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  return %a : tensor<2x8x8xf32>
}

// -----

// A row whose mask is all -inf gives 0 here, which attention does not.
// CHECK-LABEL: func @guarded
// CHECK-NOT: nnopt.attention
// REMARK: [Missed] attention {{.*}}NaN is replaced by zero and the mask may be infinite
#id = affine_map<(b, i, j) -> (b, i, j)>
func.func @guarded(%q: tensor<2x8x8xf32>, %m: tensor<2x8x8xf32>, %en: tensor<2x8x8xi1>) -> tensor<2x8x8xf32> {
  %zero = arith.constant 0.0 : f32
  %p = nnopt.matmul %q, %q {transpose_rhs} : (tensor<2x8x8xf32>, tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %pm = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%p, %m : tensor<2x8x8xf32>, tensor<2x8x8xf32>) outs(%q : tensor<2x8x8xf32>) {
  ^bb0(%x: f32, %w: f32, %y: f32):
    %z = arith.addf %x, %w : f32
    linalg.yield %z : f32
  } -> tensor<2x8x8xf32>
  %s = nnopt.softmax %pm {axis = 2 : i64} : (tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %nan = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s : tensor<2x8x8xf32>) outs(%en : tensor<2x8x8xi1>) {
  ^bb0(%x: f32, %y: i1):
    %z = arith.cmpf uno, %x, %x : f32
    linalg.yield %z : i1
  } -> tensor<2x8x8xi1>
  %g = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%nan, %s : tensor<2x8x8xi1>, tensor<2x8x8xf32>) outs(%q : tensor<2x8x8xf32>) {
  ^bb0(%t: i1, %x: f32, %y: f32):
    %z = arith.select %t, %zero, %x : f32
    linalg.yield %z : f32
  } -> tensor<2x8x8xf32>
  %a = nnopt.matmul %g, %q : (tensor<2x8x8xf32>, tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  return %a : tensor<2x8x8xf32>
}

// -----

// CHECK-LABEL: func @no_product
// CHECK-NOT: nnopt.attention
// REMARK: [Missed] attention {{.*}}the scores are no plain product of queries and keys
func.func @no_product(%p: tensor<2x8x8xf32>, %v: tensor<2x8x8xf32>) -> tensor<2x8x8xf32> {
  %s = nnopt.softmax %p {axis = 2 : i64} : (tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %a = nnopt.matmul %s, %v : (tensor<2x8x8xf32>, tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  return %a : tensor<2x8x8xf32>
}

// -----

// CHECK-LABEL: func @shapes
// CHECK-NOT: nnopt.attention
// REMARK: [Missed] attention {{.*}}keys and values differ in batch or heads
// REMARK: [Missed] attention {{.*}}queries and keys differ in the batch
// REMARK: [Missed] attention {{.*}}queries and keys differ in the heads
// REMARK: [Missed] attention {{.*}}queries, keys and values are not all of rank 2, 3 or 4
func.func @shapes(%q: tensor<2x4x8x8xf32>, %one: tensor<1x4x8x8xf32>, %qh: tensor<2x1x8x8xf32>, %m: tensor<8x8xf32>)
    -> (tensor<2x4x8x8xf32>, tensor<2x4x8x8xf32>, tensor<2x4x8x8xf32>, tensor<2x4x8x8xf32>) {
  %p = nnopt.matmul %q, %q {transpose_rhs} : (tensor<2x4x8x8xf32>, tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %s = nnopt.softmax %p {axis = 3 : i64} : (tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %a = nnopt.matmul %s, %one : (tensor<2x4x8x8xf32>, tensor<1x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %p1 = nnopt.matmul %q, %one {transpose_rhs} : (tensor<2x4x8x8xf32>, tensor<1x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %s1 = nnopt.softmax %p1 {axis = 3 : i64} : (tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %a1 = nnopt.matmul %s1, %one : (tensor<2x4x8x8xf32>, tensor<1x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %p2 = nnopt.matmul %qh, %q {transpose_rhs} : (tensor<2x1x8x8xf32>, tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %s2 = nnopt.softmax %p2 {axis = 3 : i64} : (tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %a2 = nnopt.matmul %s2, %q : (tensor<2x4x8x8xf32>, tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %p3 = nnopt.matmul %q, %m : (tensor<2x4x8x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8x8xf32>
  %s3 = nnopt.softmax %p3 {axis = 3 : i64} : (tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %a3 = nnopt.matmul %s3, %m : (tensor<2x4x8x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8x8xf32>
  return %a, %a1, %a2, %a3 : tensor<2x4x8x8xf32>, tensor<2x4x8x8xf32>, tensor<2x4x8x8xf32>, tensor<2x4x8x8xf32>
}
