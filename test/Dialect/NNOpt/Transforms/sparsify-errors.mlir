// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-sparsify{isas=pentium}))' 2>&1 | FileCheck %s
// CHECK: nnopt-sparsify: unknown instruction set 'pentium'
// RUN: not nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-sparsify{blocks=-4 max-growth=2}))' 2>&1 | FileCheck %s --check-prefix=NEGATIVE
// NEGATIVE: nnopt-sparsify: expects blocks, expected-rows and max-growth of 0 or more, got -4, 0 and 2
func.func @nothing() {
  return
}
