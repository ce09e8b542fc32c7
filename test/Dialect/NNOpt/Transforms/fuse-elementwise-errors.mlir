// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-fuse-elementwise{max-operands=0}))' 2>&1 | FileCheck %s

// CHECK: error: nnopt-fuse-elementwise: max-operands must be at least 1, got 0
func.func @f() {
  return
}
