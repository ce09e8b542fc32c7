// RUN: nnopt-opt %s --nnopt-lower-entry --split-input-file --verify-diagnostics

// expected-error @below {{has no function '@shapes' of one block}}
// expected-error @below {{has no function '@workspace' of one block}}
module {}

// -----

module attributes {nnopt.symbols = []} {
  // expected-error @below {{has an argument of type 'f32', expected a contiguous buffer or an index}}
  func.func @main_avx2(%x: f32) attributes {nnopt.isa = "avx2"} {
    return
  }
  func.func private @workspace() -> index {
    %c = arith.constant 0 : index
    return %c : index
  }
  func.func private @shapes() {
    return
  }
}

// -----

module attributes {nnopt.symbols = []} {
  // expected-error @below {{has two arguments without 'nnopt.name', expected the workspace only}}
  func.func @main_avx2(%x: memref<4xf32>, %y: memref<4xf32>) attributes {nnopt.isa = "avx2"} {
    return
  }
  func.func private @workspace() -> index {
    %c = arith.constant 0 : index
    return %c : index
  }
  func.func private @shapes() {
    return
  }
}

// -----

module attributes {nnopt.symbols = []} {
  // expected-error @below {{has no symbol for dimension 0 of argument #0}}
  func.func @main_avx2(%x: memref<?xf32> {nnopt.name = "x", nnopt.dims = ["n"]}) attributes {nnopt.isa = "avx2"} {
    return
  }
  func.func private @workspace() -> index {
    %c = arith.constant 0 : index
    return %c : index
  }
  func.func private @shapes() {
    return
  }
}

// -----

module attributes {nnopt.symbols = []} {
  func.func @main_avx2(%y: memref<4xf32> {nnopt.name = "y", nnopt.output}) attributes {nnopt.isa = "avx2"} {
    return
  }
  func.func private @workspace() -> index {
    %c = arith.constant 0 : index
    return %c : index
  }
  // expected-error @below {{returns 0 extents, too few for the outputs}}
  func.func private @shapes() {
    return
  }
}
