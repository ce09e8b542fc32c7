// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-quantize{exclude=head*,nobody first=0 last=0}))' \
// RUN:   --remarks-filter=nnopt.* --remark-policy=all --remark-format=emitRemark 2>&1 | FileCheck %s
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-quantize{only=plain method=mse}))' \
// RUN:   --remarks-filter=nnopt.* --remark-policy=all --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=MSE

// What was chosen, with numbers, and what stays float, and why. The one error is 1, the sum of squares 80646.
// CHECK: warning: no layer with a constant weight is called 'nobody'
// CHECK-DAG: input of -32 to 95.5: [-32, 95.5] by scale 0.5 and zero point 64; weight: scales of 1 to 2, error at most 1, 49.1 dB
// CHECK-DAG: left float by its name
// CHECK-DAG: a convolution that reads an input of the model
// CHECK-DAG: makes an output of the model
// CHECK-DAG: something that is no product reads the weight
// CHECK-DAG: products read the weight in different layouts
// CHECK-DAG: nnopt.conv_transpose has no form in integers
// CHECK-DAG: its input is quantized already
// CHECK-DAG: element 1 of the weight is inf
// CHECK-DAG: no calibration of its input
// CHECK-DAG: its input was between -1 and nan in calibration
// CHECK-DAG: its input was between -inf and 1 in calibration
// CHECK-DAG: calibration saw no element of its input
// MSE-DAG: the method needs a histogram of its input
// MSE-DAG: warning: nothing is quantized: none of 13 layers with constant weights can be
func.func @model(%x: tensor<2x2xf32>, %image: tensor<1x2x6xf32>, %bytes: tensor<2x2xui8>)
    -> (tensor<2x2xf32>, tensor<1x2x6xf32>, tensor<1x2x7xf32>, tensor<2x2xf32>, tensor<2x2xf32>) {
  %plain = nnopt.weight "plain" dense<[[254.0, 1.0], [127.0, 0.0]]> : tensor<2x2xf32>
  %head = nnopt.weight "head.0" dense<1.0> : tensor<2x2xf32>
  %table = nnopt.weight dense<2.0> : tensor<2x2xf32>
  %both = nnopt.weight dense<3.0> : tensor<2x2xf32>
  %infinite = nnopt.weight dense<[[1.0, 0x7F800000], [1.0, 1.0]]> : tensor<2x2xf32>
  %t0 = nnopt.weight dense<4.0> : tensor<2x2xf32>
  %t1 = nnopt.weight dense<5.0> : tensor<2x2xf32>
  %t2 = nnopt.weight dense<6.0> : tensor<2x2xf32>
  %t3 = nnopt.weight dense<7.0> : tensor<2x2xf32>
  %t4 = nnopt.weight dense<8.0> : tensor<2x2xf32>
  %last = nnopt.weight dense<9.0> : tensor<2x2xf32>
  %filter = nnopt.weight dense<1.0> : tensor<2x2x1xf32>
  %wide = nnopt.weight dense<1.0> : tensor<2x2x2xf32>
  %scale = nnopt.weight dense<1.0> : tensor<f32>
  %0 = nnopt.linear %x, %plain {nnopt.observed_range = dense<[-32.0, 95.5]> : tensor<2xf32>} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = nnopt.linear %0, %head {nnopt.observed_range = dense<[0.0, 1.0]> : tensor<2xf32>} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %2 = nnopt.linear %1, %table {nnopt.observed_range = dense<[0.0, 1.0]> : tensor<2xf32>} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %3 = nnopt.linear %2, %both {nnopt.observed_range = dense<[0.0, 1.0]> : tensor<2xf32>} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %4 = nnopt.linear %3, %both {weight_kn, nnopt.observed_range = dense<[0.0, 1.0]> : tensor<2xf32>} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %5 = nnopt.linear %4, %infinite {nnopt.observed_range = dense<[0.0, 1.0]> : tensor<2xf32>} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %6 = nnopt.linear %5, %t0 : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %7 = nnopt.linear %6, %t1 {nnopt.observed_range = dense<[-1.0, 0x7FC00000]> : tensor<2xf32>} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %8 = nnopt.linear %7, %t2 {nnopt.observed_range = dense<[0xFF800000, 1.0]> : tensor<2xf32>} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %9 = nnopt.linear %8, %t3 {nnopt.observed_range = dense<[0x7F800000, 0xFF800000]> : tensor<2xf32>} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %real = nnopt.dequantize %bytes scale %scale : (tensor<2x2xui8>, tensor<f32>) -> tensor<2x2xf32>
  %10 = nnopt.linear %real, %t4 {nnopt.observed_range = dense<[0.0, 1.0]> : tensor<2xf32>} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %11 = nnopt.linear %10, %last {nnopt.observed_range = dense<[0.0, 1.0]> : tensor<2xf32>} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %12 = nnopt.conv %image, %filter {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, nnopt.observed_range = dense<[0.0, 1.0]> : tensor<2xf32>}
    : (tensor<1x2x6xf32>, tensor<2x2x1xf32>) -> tensor<1x2x6xf32>
  %13 = nnopt.conv_transpose %12, %wide {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, output_padding = array<i64: 0>}
    : (tensor<1x2x6xf32>, tensor<2x2x2xf32>) -> tensor<1x2x7xf32>
  %14 = nnopt.matmul %9, %11 : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %14, %12, %13, %table, %11 : tensor<2x2xf32>, tensor<1x2x6xf32>, tensor<1x2x7xf32>, tensor<2x2xf32>, tensor<2x2xf32>
}
