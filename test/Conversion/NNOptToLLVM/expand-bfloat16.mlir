// RUN: nnopt-opt %s --nnopt-expand-bfloat16 | FileCheck %s

// The sum is rounded once, by integer arithmetic: no library function rounds it.
// CHECK-LABEL: func @sum
// CHECK-DAG:     %[[X:.*]] = arith.bitcast {{.*}} : i32 to f32
// CHECK:         arith.addf {{.*}} : f32
// CHECK-NOT:     arith.truncf
// CHECK:         arith.bitcast {{.*}} : i16 to bf16
func.func @sum(%x: bf16, %y: bf16) -> bf16 {
  %0 = arith.addf %x, %y : bf16
  return %0 : bf16
}

// CHECK-LABEL: func @from_double
// CHECK:         arith.truncf {{.*}} : f64 to f32
// CHECK-NOT:     to bf16{{$}}
// CHECK:         arith.bitcast {{.*}} : i16 to bf16
func.func @from_double(%x: f64) -> bf16 {
  %0 = arith.truncf %x : f64 to bf16
  return %0 : bf16
}

// Nothing to do.
// CHECK-LABEL: func @single
// CHECK-NEXT:    arith.addf {{.*}} : f32
// CHECK-NEXT:    return
func.func @single(%x: f32) -> f32 {
  %0 = arith.addf %x, %x : f32
  return %0 : f32
}
