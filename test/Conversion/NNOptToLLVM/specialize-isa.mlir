// RUN: nnopt-opt %s --nnopt-specialize-isa="isas=x86-64,avx2" | FileCheck %s
// RUN: nnopt-opt %s --nnopt-specialize-isa="isas=avx2,avx2" | FileCheck %s --check-prefix=ONCE

// One copy of the entry per instruction set; the queries stay single.
// CHECK-NOT: func @main(
// CHECK: func.func @"main_x86-64"(%{{.*}}: memref<4xf32>{{.*}}) attributes {nnopt.isa = "x86-64"}
// CHECK: func.func @main_avx2(%{{.*}}: memref<4xf32>{{.*}}) attributes {nnopt.isa = "avx2"}
// CHECK: func.func @workspace
// CHECK-NOT: func.func @workspace

// ONCE-COUNT-1: func.func @main_avx2
// ONCE-NOT: func.func @main
module attributes {nnopt.symbols = []} {
  func.func @main(%x: memref<4xf32> {nnopt.name = "x"}) {
    return
  }
  func.func @workspace() -> index {
    %c = arith.constant 0 : index
    return %c : index
  }
}
