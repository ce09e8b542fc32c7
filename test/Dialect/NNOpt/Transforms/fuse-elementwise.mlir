// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-fuse-elementwise))' | FileCheck %s
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-fuse-elementwise{max-operands=1}))' | FileCheck %s --check-prefix=ONE

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#vector = affine_map<(i) -> (i)>

// A chain is one op, with broadcast operands; a limit of one operand leaves the second apart.
// CHECK-LABEL: func @chain
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<?x8xf32>, tensor<?xf32>)
// CHECK: math.exp
// CHECK: arith.mulf
// CHECK-NOT: linalg.generic
// CHECK: return
// ONE-LABEL: func @chain
// ONE-COUNT-2: linalg.generic
func.func @chain(%x: tensor<?x8xf32>, %s: tensor<?xf32>, %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %t = math.exp %a : f32
    linalg.yield %t : f32
  } -> tensor<?x8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%0, %s : tensor<?x8xf32>, tensor<?xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %t = arith.mulf %a, %b : f32
    linalg.yield %t : f32
  } -> tensor<?x8xf32>
  return %1 : tensor<?x8xf32>
}

// A sum is cheap enough to be computed in both readers, a function is not.
// CHECK-LABEL: func @two_readers
// CHECK: linalg.generic
// CHECK-NEXT: ^bb0
// CHECK-NEXT: math.exp
// CHECK-NEXT: linalg.yield
// CHECK: linalg.generic
// CHECK: arith.addf
// CHECK-NEXT: arith.mulf
// CHECK: linalg.generic
// CHECK: arith.addf
// CHECK-NEXT: math.sqrt
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @two_readers(%x: tensor<8xf32>, %y: tensor<8xf32>, %e: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %0 = linalg.generic {indexing_maps = [#vector, #vector], iterator_types = ["parallel"]} ins(%x : tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %t = math.exp %a : f32
    linalg.yield %t : f32
  } -> tensor<8xf32>
  %1 = linalg.generic {indexing_maps = [#vector, #vector, #vector], iterator_types = ["parallel"]} ins(%0, %y : tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %t = arith.addf %a, %b : f32
    linalg.yield %t : f32
  } -> tensor<8xf32>
  %2 = linalg.generic {indexing_maps = [#vector, #vector, #vector], iterator_types = ["parallel"]} ins(%1, %0 : tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %t = arith.mulf %a, %b : f32
    linalg.yield %t : f32
  } -> tensor<8xf32>
  %3 = linalg.generic {indexing_maps = [#vector, #vector], iterator_types = ["parallel"]} ins(%1 : tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %t = math.sqrt %a : f32
    linalg.yield %t : f32
  } -> tensor<8xf32>
  return %2, %3 : tensor<8xf32>, tensor<8xf32>
}

// An expensive op is not repeated for every element of a row; a cheap one is.
// CHECK-LABEL: func @broadcast
// CHECK: %[[E:.*]] = linalg.generic {{.*}} ins(%{{.*}} : tensor<?xf32>)
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[E]]
// CHECK: arith.negf
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @broadcast(%x: tensor<?x8xf32>, %s: tensor<?xf32>, %e: tensor<?xf32>) -> tensor<?x8xf32> {
  %0 = linalg.generic {indexing_maps = [#vector, #vector], iterator_types = ["parallel"]} ins(%s : tensor<?xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %t = math.exp %a : f32
    linalg.yield %t : f32
  } -> tensor<?xf32>
  %1 = linalg.generic {indexing_maps = [#vector, #vector], iterator_types = ["parallel"]} ins(%0 : tensor<?xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %t = arith.addf %a, %a : f32
    linalg.yield %t : f32
  } -> tensor<?xf32>
  %2 = linalg.generic {indexing_maps = [#vector, #vector], iterator_types = ["parallel"]} ins(%s : tensor<?xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %t = arith.negf %a : f32
    linalg.yield %t : f32
  } -> tensor<?xf32>
  %3 = linalg.generic {indexing_maps = [#id, #row, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %1, %2 : tensor<?x8xf32>, tensor<?xf32>, tensor<?xf32>) outs(%x : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %o: f32):
    %t = arith.mulf %a, %b : f32
    %u = arith.mulf %t, %c : f32
    linalg.yield %u : f32
  } -> tensor<?x8xf32>
  return %3 : tensor<?x8xf32>
}

// What finishes a product stays elementwise in it: a sum of two products keeps their activations apart, a reduction reads a finished product.
// CHECK-LABEL: func @epilogues
// CHECK: %[[A:.*]] = nnopt.linear
// CHECK: %[[F:.*]] = linalg.generic {{.*}} ins(%[[A]] :
// CHECK-NEXT: ^bb0
// CHECK-NEXT: math.exp
// CHECK-NEXT: linalg.yield
// CHECK: %[[B:.*]] = nnopt.linear
// CHECK: %[[S:.*]] = linalg.generic {{.*}} ins(%[[B]], %[[F]] :
// CHECK: arith.addf
// CHECK-NEXT: math.tanh
// CHECK: linalg.generic {{.*}}"reduction"{{.*}} ins(%[[S]] :
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @epilogues(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>, %e: tensor<4xf32>) -> tensor<4xf32> {
  %a = nnopt.linear %x, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %f = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%a : tensor<4x4xf32>) outs(%x : tensor<4x4xf32>) {
  ^bb0(%u: f32, %o: f32):
    %t = math.exp %u : f32
    linalg.yield %t : f32
  } -> tensor<4x4xf32>
  %b = nnopt.linear %f, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %s = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%b, %f : tensor<4x4xf32>, tensor<4x4xf32>) outs(%x : tensor<4x4xf32>) {
  ^bb0(%u: f32, %v: f32, %o: f32):
    %t = arith.addf %u, %v : f32
    linalg.yield %t : f32
  } -> tensor<4x4xf32>
  %h = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%s : tensor<4x4xf32>) outs(%x : tensor<4x4xf32>) {
  ^bb0(%u: f32, %o: f32):
    %t = math.tanh %u : f32
    linalg.yield %t : f32
  } -> tensor<4x4xf32>
  %r = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%h : tensor<4x4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%u: f32, %o: f32):
    %t = arith.addf %u, %o : f32
    linalg.yield %t : f32
  } -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// Two products that are added after their activations: the sum follows one of them, the other keeps its own. No op reads both products.
// CHECK-LABEL: func @two_products
// CHECK: %[[A:.*]] = nnopt.linear
// CHECK: %[[B:.*]] = nnopt.linear
// CHECK: %[[G:.*]] = linalg.generic {{.*}} ins(%[[B]] : tensor<4x4xf32>)
// CHECK-NEXT: ^bb0
// CHECK-NEXT: math.exp
// CHECK-NEXT: linalg.yield
// CHECK: linalg.generic {{.*}} ins(%[[A]], %[[G]]
// CHECK: math.exp
// CHECK-NEXT: arith.addf
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @two_products(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %a = nnopt.linear %x, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %f = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%a : tensor<4x4xf32>) outs(%x : tensor<4x4xf32>) {
  ^bb0(%u: f32, %o: f32):
    %t = math.exp %u : f32
    linalg.yield %t : f32
  } -> tensor<4x4xf32>
  %b = nnopt.linear %x, %w {weight_kn} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %g = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%b : tensor<4x4xf32>) outs(%x : tensor<4x4xf32>) {
  ^bb0(%u: f32, %o: f32):
    %t = math.exp %u : f32
    linalg.yield %t : f32
  } -> tensor<4x4xf32>
  %s = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%f, %g : tensor<4x4xf32>, tensor<4x4xf32>) outs(%x : tensor<4x4xf32>) {
  ^bb0(%u: f32, %v: f32, %o: f32):
    %t = arith.addf %u, %v : f32
    linalg.yield %t : f32
  } -> tensor<4x4xf32>
  return %s : tensor<4x4xf32>
}

// x sigmoid(x) with the product x: one op, which reads the product once and so becomes its epilogue.
// CHECK-LABEL: func @gate
// CHECK: %[[A:.*]] = nnopt.linear
// CHECK: linalg.generic {{.*}} ins(%[[A]] : tensor<4x4xf32>)
// CHECK: math.tanh
// CHECK-NEXT: arith.mulf
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @gate(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %a = nnopt.linear %x, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %f = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%a : tensor<4x4xf32>) outs(%x : tensor<4x4xf32>) {
  ^bb0(%u: f32, %o: f32):
    %t = math.tanh %u : f32
    linalg.yield %t : f32
  } -> tensor<4x4xf32>
  %g = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%a, %f : tensor<4x4xf32>, tensor<4x4xf32>) outs(%x : tensor<4x4xf32>) {
  ^bb0(%u: f32, %v: f32, %o: f32):
    %t = arith.mulf %u, %v : f32
    linalg.yield %t : f32
  } -> tensor<4x4xf32>
  return %g : tensor<4x4xf32>
}
