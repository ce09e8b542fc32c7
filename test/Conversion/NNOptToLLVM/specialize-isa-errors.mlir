// RUN: not nnopt-opt %s --nnopt-specialize-isa="isas=avx1024" 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not nnopt-opt %s --nnopt-specialize-isa="isas=avx2,neon" 2>&1 | FileCheck %s --check-prefix=MIXED
// RUN: not nnopt-opt %s --nnopt-specialize-isa 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: nnopt-opt %s --nnopt-specialize-isa="isas=avx2" --verify-diagnostics

// UNKNOWN: error: nnopt-specialize-isa: unknown instruction set 'avx1024'
// MIXED: error: nnopt-specialize-isa: 'avx2' and 'neon' are of different architectures
// NONE: error: nnopt-specialize-isa: no instruction set given

// expected-error @below {{has no function '@main'}}
module {}
