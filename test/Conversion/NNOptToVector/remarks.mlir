// RUN: nnopt-opt %s --nnopt-specialize-isa=isas=avx2 --nnopt-lower-to-vector --remarks-filter=nnopt.* \
// RUN:   --remark-policy=all --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s

// What no vector kernel takes, and why. The softmax is taken.
// CHECK-DAG: Reason="the weight is not packed", Remark="nnopt.linear runs in portable loops"
// CHECK-DAG: Reason="not all operands are f32", Remark="nnopt.linear runs in portable loops"
// CHECK-DAG: Reason="the channels are not last", Remark="nnopt.pool runs in portable loops"
// CHECK-DAG: Reason="the input has implicit padding", Remark="nnopt.conv runs in portable loops"
// CHECK-DAG: Reason="the elements of a row are not neighbours", Remark="nnopt.linear runs in portable loops"
// CHECK-NOT: nnopt.softmax
module attributes {nnopt.symbols = []} {
  func.func @main(%x: memref<4x8xf32>, %w: memref<16x8xf32>, %y: memref<4x16xf32>, %h: memref<4x8xf16>, %v: memref<16x8xf16>,
                  %z: memref<4x16xf16>, %image: memref<1x8x4x4xf32>, %pooled: memref<1x8x2x2xf32>, %filter: memref<1x1x36x16xf32>,
                  %convolved: memref<1x8x4x16xf32>, %panels: memref<1x8x16xf32>, %column: memref<4x8xf32, strided<[1, 4]>>) {
    nnopt.linear %x, %w into %y : (memref<4x8xf32>, memref<16x8xf32>, memref<4x16xf32>) -> ()
    nnopt.linear %h, %v into %z : (memref<4x8xf16>, memref<16x8xf16>, memref<4x16xf16>) -> ()
    nnopt.pool max %image into %pooled {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>,
      pads = array<i64: 0, 0, 0, 0>} : (memref<1x8x4x4xf32>, memref<1x8x2x2xf32>) -> ()
    nnopt.conv %image, %filter into %convolved {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>,
      channels_last, pack = #nnopt.pack<outputs = 16, depth = 36, panel = 16, kernel = [3, 3]>}
      : (memref<1x8x4x4xf32>, memref<1x1x36x16xf32>, memref<1x8x4x16xf32>) -> ()
    nnopt.linear %column, %panels into %y {pack = #nnopt.pack<outputs = 16, depth = 8, panel = 16>}
      : (memref<4x8xf32, strided<[1, 4]>>, memref<1x8x16xf32>, memref<4x16xf32>) -> ()
    nnopt.softmax %x into %x {axis = 1 : i64} : (memref<4x8xf32>, memref<4x8xf32>) -> ()
    return
  }
}
