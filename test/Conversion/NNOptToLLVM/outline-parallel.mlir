// RUN: nnopt-opt %s --nnopt-outline-parallel --canonicalize | FileCheck %s
// RUN: nnopt-opt %s --nnopt-outline-parallel="threads=0" | FileCheck %s --check-prefix=SERIAL

// Work worth sharing becomes a function of a context and a range, called through the runtime.
// CHECK: llvm.func @nnopt_parallel_for(!llvm.ptr, !llvm.ptr, !llvm.ptr, i64)
// CHECK-LABEL: func.func @main_avx2(
// CHECK-SAME: %[[OPTIONS:[^:]*]]: !llvm.ptr) attributes
// CHECK: %[[CONTEXT:.*]] = llvm.alloca
// CHECK: llvm.call @nnopt_parallel_for(%[[OPTIONS]], %{{.*}}, %[[CONTEXT]], %{{.*}})
// CHECK-NOT: nnopt.parallel_for
// CHECK: func.func private @main_avx2_body0(%{{.*}}: !llvm.ptr, %[[BEGIN:.*]]: i64, %[[END:.*]]: i64) attributes {nnopt.isa = "avx2", no_inline}
// CHECK: %[[FROM:.*]] = arith.index_cast %[[BEGIN]]
// CHECK: %[[TO:.*]] = arith.index_cast %[[END]]
// CHECK: scf.for %{{.*}} = %[[FROM]] to %[[TO]]

// SERIAL-NOT: nnopt_parallel_for
// SERIAL-LABEL: func.func @main_avx2(
// SERIAL: call @main_avx2_body0(%{{.*}}, %{{.*}}, %{{.*}}) : (!llvm.ptr, i64, i64) -> ()
func.func @main_avx2(%in: !llvm.ptr, %out: !llvm.ptr, %symbols: !llvm.ptr, %workspace: !llvm.ptr, %options: !llvm.ptr)
    attributes {nnopt.isa = "avx2"} {
  %m = builtin.unrealized_conversion_cast %in : !llvm.ptr to memref<100000xf32>
  %n = arith.constant 100000 : index
  nnopt.parallel_for %n {
  ^bb0(%begin: index, %end: index):
    %one = arith.constant 1 : index
    scf.for %i = %begin to %end step %one {
      %v = memref.load %m[%i] : memref<100000xf32>
      %e = math.exp %v : f32
      memref.store %e, %m[%i] : memref<100000xf32>
    }
  }
  return
}

// A few elements are not worth waking a thread, nor is a region that only one thread could run.
// CHECK-LABEL: func.func @main_tiny(
// CHECK-NOT: llvm.call
// CHECK: scf.for
// CHECK: return
func.func @main_tiny(%in: !llvm.ptr, %out: !llvm.ptr, %symbols: !llvm.ptr, %workspace: !llvm.ptr, %options: !llvm.ptr)
    attributes {nnopt.isa = "avx2"} {
  %m = builtin.unrealized_conversion_cast %in : !llvm.ptr to memref<10xf32>
  %n = arith.constant 10 : index
  nnopt.parallel_for %n {
  ^bb0(%begin: index, %end: index):
    %one = arith.constant 1 : index
    scf.for %i = %begin to %end step %one {
      %v = memref.load %m[%i] : memref<10xf32>
      memref.store %v, %m[%i] : memref<10xf32>
    }
  }
  return
}

// A region inside another runs in place: threads are not nested.
// CHECK-LABEL: func.func @main_nested(
// CHECK: llvm.call @nnopt_parallel_for(
// CHECK-NOT: llvm.call @nnopt_parallel_for(
// CHECK: func.func private @main_nested_body0
func.func @main_nested(%in: !llvm.ptr, %out: !llvm.ptr, %symbols: !llvm.ptr, %workspace: !llvm.ptr, %options: !llvm.ptr)
    attributes {nnopt.isa = "avx2"} {
  %m = builtin.unrealized_conversion_cast %in : !llvm.ptr to memref<1000x1000xf32>
  %n = arith.constant 1000 : index
  nnopt.parallel_for %n {
  ^bb0(%begin: index, %end: index):
    %one = arith.constant 1 : index
    scf.for %i = %begin to %end step %one {
      nnopt.parallel_for %n {
      ^bb0(%first: index, %last: index):
        scf.for %j = %first to %last step %one {
          %v = memref.load %m[%i, %j] : memref<1000x1000xf32>
          %e = math.exp %v : f32
          memref.store %e, %m[%i, %j] : memref<1000x1000xf32>
        }
      }
    }
  }
  return
}
