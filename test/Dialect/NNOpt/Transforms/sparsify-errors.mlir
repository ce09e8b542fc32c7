// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-sparsify{isas=pentium}))' 2>&1 | FileCheck %s
// CHECK: nnopt-sparsify: unknown instruction set 'pentium'
func.func @nothing() {
  return
}
