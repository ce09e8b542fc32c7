// RUN: nnopt-opt %s --nnopt-convert-to-llvm --split-input-file --verify-diagnostics | FileCheck %s

// A weight stays outside of LLVM IR: a hidden external symbol that keeps its value as an attribute.
// CHECK: llvm.mlir.global external hidden constant @w() {{.*}}alignment = 64{{.*}}nnopt.value = dense<5.000000e-01> : tensor<8xf32>{{.*}} : !llvm.array<8 x f32>
memref.global "private" constant @w : memref<8xf32> {alignment = 64, nnopt.value = dense<0.5> : tensor<8xf32>}

// CHECK: llvm.func internal @kernel(%{{.*}}: !llvm.ptr {llvm.noalias}) {{.*}}no_inline{{.*}}target_cpu = "x86-64-v3"
func.func private @kernel(%p: !llvm.ptr {llvm.noalias}) attributes {nnopt.isa = "avx2", no_inline} {
  return
}

// CHECK: llvm.func @main() -> i64
// CHECK: llvm.mlir.addressof @w
func.func @main() -> index {
  %w = memref.get_global @w : memref<8xf32>
  %p = memref.extract_aligned_pointer_as_index %w : memref<8xf32> -> index
  return %p : index
}

// -----

func.func @allocates() {
  // expected-error @below {{is not part of the workspace; the memory plan left an allocation of type 'memref<4xf32>'}}
  %a = memref.alloc() : memref<4xf32>
  return
}
