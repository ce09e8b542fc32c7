// RUN: nnopt-opt %s --nnopt-prepare-entry --split-input-file --verify-diagnostics

// expected-error @below {{takes a 'f32' as argument 0, expects ranked tensors}}
func.func @main(%x: f32) {
  return
}

// -----

func.func @main() -> index {
  %c = arith.constant 1 : index
  // expected-error @below {{returns a 'index', expects ranked tensors}}
  return %c : index
}
