// RUN: nnopt-opt %s --nnopt-approximate-math | FileCheck %s

// Transcendental functions become polynomials, on vectors and scalars, so that no library call is left.
// CHECK-LABEL: func.func @functions
// CHECK-NOT: math.{{exp|erf|tanh|log1p}}
// CHECK: math.fma
// CHECK: return
func.func @functions(%x: vector<8xf32>, %s: f32) -> (vector<8xf32>, vector<8xf32>, f32, vector<8xf32>) attributes {nnopt.isa = "avx2"} {
  %0 = math.exp %x : vector<8xf32>
  %1 = math.erf %x : vector<8xf32>
  %2 = math.tanh %s : f32
  %3 = math.log1p %x : vector<8xf32>
  return %0, %1, %2, %3 : vector<8xf32>, vector<8xf32>, f32, vector<8xf32>
}

// Without fused multiply-add the product and the sum are two instructions; a library call per lane would be the alternative.
// CHECK-LABEL: func.func @baseline
// CHECK-NOT: math.fma
// CHECK: %[[P:.*]] = arith.mulf %{{.*}}, %{{.*}} : vector<4xf32>
// CHECK: arith.addf %[[P]], %{{.*}} : vector<4xf32>
func.func @baseline(%x: vector<4xf32>) -> vector<4xf32> attributes {nnopt.isa = "x86-64"} {
  %0 = math.fma %x, %x, %x : vector<4xf32>
  return %0 : vector<4xf32>
}

// f64 has no approximation: it stays for the library.
// CHECK-LABEL: func.func @double
// CHECK: math.exp %{{.*}} : f64
func.func @double(%x: f64) -> f64 attributes {nnopt.isa = "avx2"} {
  %0 = math.exp %x : f64
  return %0 : f64
}
