// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-fold-constants{max-bytes=-1}))' 2>&1 | FileCheck %s

// CHECK: error: nnopt-fold-constants: max-bytes must not be negative, got -1
func.func @f() {
  return
}
