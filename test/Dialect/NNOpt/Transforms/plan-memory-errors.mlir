// RUN: nnopt-opt %s --nnopt-plan-memory --split-input-file --verify-diagnostics

module attributes {nnopt.symbols = []} {
  func.func @main(%n: memref<1xindex> {nnopt.name = "n"}) {
    %c0 = arith.constant 0 : index
    %size = memref.load %n[%c0] : memref<1xindex>
    // expected-error @below {{has an extent that depends on data, which is not supported}}
    %a = memref.alloc(%size) : memref<?xf32>
    memref.dealloc %a : memref<?xf32>
    return
  }
}

// -----

module attributes {nnopt.symbols = []} {
  func.func @main() {
    // expected-error @below {{needs more bytes than an address can count}}
    %a = memref.alloc() : memref<4611686018427387904x4xf32>
    memref.dealloc %a : memref<4611686018427387904x4xf32>
    return
  }
}

// -----

// expected-error @below {{has no function @main of one block to plan memory for}}
module {}
