// RUN: nnopt-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nnopt-fold-constants))' --remarks-filter='nnopt.*' --remark-policy=all 2>%t.remarks | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.remarks

// Batch normalisation: (y - mean) / sqrt(variance + epsilon) * gamma + beta, with y = w x + b. Channel 0: s = 2 / 2 = 1, t = (1 - 3) * 1 + 5.
// Channel 1: s = 8 / 4 = 2, t = (1 - 1) * 2 + 7.
// CHECK-LABEL: func @batch_norm
// CHECK: %[[W:.*]] = nnopt.weight "filter" dense<{{\[\[\[}}1.000000e+00], [2.000000e+00]], {{\[\[}}6.000000e+00], [8.000000e+00]]]>
// CHECK: %[[B:.*]] = nnopt.weight "offset" dense<[3.000000e+00, 7.000000e+00]>
// CHECK: %[[Y:.*]] = nnopt.conv %{{.*}}, %[[W]] bias %[[B]]
// CHECK-NOT: linalg.generic
// CHECK: return %[[Y]]
// REMARK: [Passed] channel-arithmetic {{.*}}scale and bias of 2 channels
#id = affine_map<(n, c, x) -> (n, c, x)>
#channel = affine_map<(n, c, x) -> (c)>
#padded = affine_map<(n, c, x) -> (0, c, 0)>
func.func @batch_norm(%x: tensor<?x2x5xf32>, %e: tensor<?x2x5xf32>) -> tensor<?x2x5xf32> {
  %w = nnopt.weight "filter" dense<[[[1.0], [2.0]], [[3.0], [4.0]]]> : tensor<2x2x1xf32>
  %b = nnopt.weight "offset" dense<1.0> : tensor<2xf32>
  %mean = nnopt.weight dense<[3.0, 1.0]> : tensor<2xf32>
  %variance = nnopt.weight dense<[3.0, 15.0]> : tensor<2xf32>
  %gamma = nnopt.weight dense<[[[2.0], [8.0]]]> : tensor<1x2x1xf32>
  %beta = arith.constant dense<[5.0, 7.0]> : tensor<2xf32>
  %epsilon = arith.constant 1.0 : f32
  %y = nnopt.conv %x, %w bias %b {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>}
    : (tensor<?x2x5xf32>, tensor<2x2x1xf32>, tensor<2xf32>) -> tensor<?x2x5xf32>
  %n = linalg.generic {indexing_maps = [#id, #channel, #channel, #padded, #channel, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%y, %mean, %variance, %gamma, %beta : tensor<?x2x5xf32>, tensor<2xf32>, tensor<2xf32>, tensor<1x2x1xf32>, tensor<2xf32>) outs(%e : tensor<?x2x5xf32>) {
  ^bb0(%a: f32, %m: f32, %v: f32, %g: f32, %t: f32, %o: f32):
    %0 = arith.addf %v, %epsilon : f32
    %1 = math.sqrt %0 : f32
    %2 = arith.subf %a, %m : f32
    %3 = arith.divf %2, %1 : f32
    %4 = arith.mulf %3, %g : f32
    %5 = arith.addf %4, %t : f32
    linalg.yield %5 : f32
  } -> tensor<?x2x5xf32>
  return %n : tensor<?x2x5xf32>
}

// -----

// A chain: bias, then scale. The weight is stored [k, n].
// CHECK-LABEL: func @linear
// CHECK-DAG: %[[W:.*]] = nnopt.weight "fc" dense<{{\[\[}}2.000000e+00, 6.000000e+00], [4.000000e+00, 8.000000e+00]]>
// CHECK-DAG: %[[B:.*]] = nnopt.weight dense<[2.000000e+01, 4.000000e+01]>
// CHECK: nnopt.linear %{{.*}}, %[[W]] bias %[[B]] {weight_kn}
// CHECK-NOT: linalg.generic
// REMARK: [Passed] channel-arithmetic {{.*}}bias of 2 channels
// REMARK: [Passed] channel-arithmetic {{.*}}scale and bias of 2 channels
#id = affine_map<(n, c) -> (n, c)>
#channel = affine_map<(n, c) -> (c)>
func.func @linear(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w = nnopt.weight "fc" dense<[[1.0, 3.0], [2.0, 4.0]]> : tensor<2x2xf32>
  %b = arith.constant dense<[10.0, 20.0]> : tensor<2xf32>
  %two = arith.constant 2.0 : f32
  %y = nnopt.linear %x, %w {weight_kn} : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %0 = linalg.generic {indexing_maps = [#channel, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%b, %y : tensor<2xf32>, tensor<3x2xf32>) outs(%x : tensor<3x2xf32>) {
  ^bb0(%t: f32, %a: f32, %o: f32):
    %s = arith.addf %t, %a : f32
    linalg.yield %s : f32
  } -> tensor<3x2xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<3x2xf32>) outs(%x : tensor<3x2xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.mulf %a, %two : f32
    linalg.yield %s : f32
  } -> tensor<3x2xf32>
  return %1 : tensor<3x2xf32>
}

// -----

// An added constant needs no constant weight, and leaves a shared one alone.
// CHECK-LABEL: func @bias_only
// CHECK-SAME: %{{[^:]*}}: tensor<3x2xf32>, %[[W:[^:]*]]: tensor<2x2xf32>
// CHECK: nnopt.linear %{{.*}}, %[[W]] bias
// CHECK-NOT: linalg.generic
#id = affine_map<(n, c) -> (n, c)>
func.func @bias_only(%x: tensor<3x2xf32>, %w: tensor<2x2xf32>) -> tensor<3x2xf32> {
  %b = arith.constant dense<1.0> : tensor<1xf32>
  %y = nnopt.linear %x, %w : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %0 = linalg.generic {indexing_maps = [#id, affine_map<(n, c) -> (0)>, #id], iterator_types = ["parallel", "parallel"]}
      ins(%y, %b : tensor<3x2xf32>, tensor<1xf32>) outs(%x : tensor<3x2xf32>) {
  ^bb0(%a: f32, %t: f32, %o: f32):
    %s = arith.addf %a, %t : f32
    linalg.yield %s : f32
  } -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}

// -----

// Not affine, not per channel, or read twice: left to the epilogue.
// CHECK-LABEL: func @stays
// CHECK-COUNT-3: linalg.generic
#id = affine_map<(n, c) -> (n, c)>
#row = affine_map<(n, c) -> (n)>
func.func @stays(%x: tensor<3x2xf32>, %w: tensor<2x2xf32>) -> (tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>) {
  %b = arith.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %one = arith.constant 1.0 : f32
  %y = nnopt.linear %x, %w : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%y : tensor<3x2xf32>) outs(%x : tensor<3x2xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.mulf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<3x2xf32>
  %y1 = nnopt.linear %0, %w : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %1 = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%y1, %b : tensor<3x2xf32>, tensor<3xf32>) outs(%x : tensor<3x2xf32>) {
  ^bb0(%a: f32, %t: f32, %o: f32):
    %s = arith.addf %a, %t : f32
    linalg.yield %s : f32
  } -> tensor<3x2xf32>
  %y2 = nnopt.linear %1, %w : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %2 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%y2 : tensor<3x2xf32>) outs(%x : tensor<3x2xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %a, %one : f32
    linalg.yield %s : f32
  } -> tensor<3x2xf32>
  return %0, %1, %2, %y2 : tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>
}

// -----

// CHECK-LABEL: func @refused
// CHECK-COUNT-4: linalg.generic
// REMARK: [Missed] channel-arithmetic {{.*}}a scale or an offset is not finite
// REMARK: [Missed] channel-arithmetic {{.*}}the weight is no constant
// REMARK: [Missed] channel-arithmetic {{.*}}the bias is no constant
// REMARK: [Missed] channel-arithmetic {{.*}}the weight has another reader
#id = affine_map<(n, c) -> (n, c)>
#channel = affine_map<(n, c) -> (c)>
func.func @refused(%x: tensor<3x2xf32>, %w: tensor<2x2xf32>, %b: tensor<2xf32>) -> tensor<3x2xf32> {
  %nan = arith.constant dense<[1.0, 0x7FC00000]> : tensor<2xf32>
  %two = arith.constant 2.0 : f32
  %c = nnopt.weight dense<1.0> : tensor<2x2xf32>
  %y = nnopt.linear %x, %c : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %0 = linalg.generic {indexing_maps = [#id, #channel, #id], iterator_types = ["parallel", "parallel"]} ins(%y, %nan : tensor<3x2xf32>, tensor<2xf32>) outs(%x : tensor<3x2xf32>) {
  ^bb0(%a: f32, %t: f32, %o: f32):
    %s = arith.mulf %a, %t : f32
    linalg.yield %s : f32
  } -> tensor<3x2xf32>
  %y1 = nnopt.linear %0, %w : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%y1 : tensor<3x2xf32>) outs(%x : tensor<3x2xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.mulf %a, %two : f32
    linalg.yield %s : f32
  } -> tensor<3x2xf32>
  %y2 = nnopt.linear %1, %w bias %b : (tensor<3x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  %2 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%y2 : tensor<3x2xf32>) outs(%x : tensor<3x2xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %a, %two : f32
    linalg.yield %s : f32
  } -> tensor<3x2xf32>
  %y3 = nnopt.linear %2, %c : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %3 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%y3 : tensor<3x2xf32>) outs(%x : tensor<3x2xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.mulf %a, %two : f32
    linalg.yield %s : f32
  } -> tensor<3x2xf32>
  return %3 : tensor<3x2xf32>
}
