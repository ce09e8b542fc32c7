// Statistics of odd sizes, computed by compiled code and by the interpreter: plain rows of rank 1 to 3, windows with every attribute, all kinds.
// RUN: nnopt-run %s --check=reference --dim=n=3 | FileCheck %s
// CHECK-COUNT-10: agrees
// CHECK-NOT: differs

module {
  func.func @main(%x: tensor<?x7x13xf32> {nnopt.name = "x", nnopt.dims = ["n", "7", "13"]}, %v: tensor<5xf32>, %h: tensor<4x6xf16>, %i: tensor<?x6x9x7xf32> {nnopt.name = "i", nnopt.dims = ["n", "6", "9", "7"]},
                  %l: tensor<2x11x4xf32>)
      -> (tensor<1x13x13xf32>, tensor<1x13xf32>, tensor<1x5x5xf32>, tensor<1x6xf32>, tensor<2x12x12xf32>, tensor<2x12xf32>, tensor<1x12x12xf32>, tensor<4x3xf32>, tensor<16xi64>, tensor<3xi64>) {
    %0 = nnopt.observe gram %x : tensor<?x7x13xf32> -> tensor<1x13x13xf32>
    %1 = nnopt.observe squares %x : tensor<?x7x13xf32> -> tensor<1x13xf32>
    %2 = nnopt.observe gram %v : tensor<5xf32> -> tensor<1x5x5xf32>
    %3 = nnopt.observe maximum %h : tensor<4x6xf16> -> tensor<1x6xf32>
    %4 = nnopt.observe gram %i {kernel = array<i64: 2, 2>, strides = array<i64: 2, 1>, dilations = array<i64: 1, 2>, pads = array<i64: 1, 0, 0, 2>, groups = 2 : i64}
      : tensor<?x6x9x7xf32> -> tensor<2x12x12xf32>
    %5 = nnopt.observe minimum %i {kernel = array<i64: 2, 2>, strides = array<i64: 2, 1>, dilations = array<i64: 1, 2>, pads = array<i64: 1, 0, 0, 2>, groups = 2 : i64}
      : tensor<?x6x9x7xf32> -> tensor<2x12xf32>
    %6 = nnopt.observe gram %l {kernel = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels_last} : tensor<2x11x4xf32> -> tensor<1x12x12xf32>
    %7 = nnopt.observe squares %l {kernel = array<i64: 3>, strides = array<i64: 3>, dilations = array<i64: 2>, pads = array<i64: 0, 0>, groups = 4 : i64, channels_last} : tensor<2x11x4xf32> -> tensor<4x3xf32>
    %8 = nnopt.observe histogram %x {range = array<f32: -0.5, 0.75>} : tensor<?x7x13xf32> -> tensor<16xi64>
    %9 = nnopt.observe histogram %h {range = array<f32: 0.0, 0.1>} : tensor<4x6xf16> -> tensor<3xi64>
    return %0, %1, %2, %3, %4, %5, %6, %7, %8, %9
      : tensor<1x13x13xf32>, tensor<1x13xf32>, tensor<1x5x5xf32>, tensor<1x6xf32>, tensor<2x12x12xf32>, tensor<2x12xf32>, tensor<1x12x12xf32>, tensor<4x3xf32>, tensor<16xi64>, tensor<3xi64>
  }
}
