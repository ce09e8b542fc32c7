// RUN: nnopt-opt %s --canonicalize | FileCheck %s

// A product with a constant matrix is a linear layer that reads it as it is stored.
// CHECK-LABEL: func @matmul_with_weight
func.func @matmul_with_weight(%x: tensor<?x3x4xf32>) -> (tensor<?x3x2xf32>, tensor<?x3x2xf32>) {
  // CHECK-DAG: %[[KN:.*]] = nnopt.weight "kn"
  // CHECK-DAG: %[[NK:.*]] = nnopt.weight "nk"
  // CHECK: nnopt.linear %{{.*}}, %[[KN]] {weight_kn}
  // CHECK: nnopt.linear %{{.*}}, %[[NK]] :
  // CHECK-NOT: nnopt.matmul
  %kn = nnopt.weight "kn" dense<1.0> : tensor<4x2xf32>
  %nk = nnopt.weight "nk" dense<2.0> : tensor<2x4xf32>
  %0 = nnopt.matmul %x, %kn : (tensor<?x3x4xf32>, tensor<4x2xf32>) -> tensor<?x3x2xf32>
  %1 = nnopt.matmul %x, %nk {transpose_rhs} : (tensor<?x3x4xf32>, tensor<2x4xf32>) -> tensor<?x3x2xf32>
  return %0, %1 : tensor<?x3x2xf32>, tensor<?x3x2xf32>
}

// A computed matrix, a constant of batches and a transposed left-hand side stay.
// CHECK-LABEL: func @matmul_stays
func.func @matmul_stays(%x: tensor<2x3x4xf32>, %y: tensor<4x2xf32>) -> (tensor<2x3x2xf32>, tensor<2x3x2xf32>, tensor<2x4x2xf32>) {
  // CHECK-COUNT-3: nnopt.matmul
  %w = nnopt.weight dense<1.0> : tensor<2x4x2xf32>
  %v = nnopt.weight dense<1.0> : tensor<3x2xf32>
  %0 = nnopt.matmul %x, %y : (tensor<2x3x4xf32>, tensor<4x2xf32>) -> tensor<2x3x2xf32>
  %1 = nnopt.matmul %x, %w : (tensor<2x3x4xf32>, tensor<2x4x2xf32>) -> tensor<2x3x2xf32>
  %2 = nnopt.matmul %x, %v {transpose_lhs} : (tensor<2x3x4xf32>, tensor<3x2xf32>) -> tensor<2x4x2xf32>
  return %0, %1, %2 : tensor<2x3x2xf32>, tensor<2x3x2xf32>, tensor<2x4x2xf32>
}

// Transposes of the last two dimensions are read away; others are not.
// CHECK-LABEL: func @transposed_operands
// CHECK-SAME: %[[A:[^:]*]]: tensor<2x4x3xf32>, %[[B:[^:]*]]: tensor<2x3x5xf32>, %[[W:[^:]*]]: tensor<4x6xf32>
func.func @transposed_operands(%a: tensor<2x4x3xf32>, %b: tensor<2x3x5xf32>, %w: tensor<4x6xf32>, %ea: tensor<2x3x4xf32>, %eb: tensor<2x5x3xf32>,
                               %ew: tensor<6x4xf32>, %ec: tensor<3x2x4xf32>) -> (tensor<2x4x5xf32>, tensor<2x3x6xf32>, tensor<3x2x2xf32>) {
  // CHECK: nnopt.matmul %[[A]], %[[B]] :
  // CHECK: nnopt.linear %{{.*}}, %[[W]] {weight_kn}
  // CHECK: %[[T:.*]] = linalg.transpose {{.*}} permutation = [2, 0, 1]
  // CHECK: nnopt.matmul %[[T]]
  %at = linalg.transpose ins(%a : tensor<2x4x3xf32>) outs(%ea : tensor<2x3x4xf32>) permutation = [0, 2, 1]
  %bt = linalg.transpose ins(%b : tensor<2x3x5xf32>) outs(%eb : tensor<2x5x3xf32>) permutation = [0, 2, 1]
  %0 = nnopt.matmul %at, %bt {transpose_lhs, transpose_rhs} : (tensor<2x3x4xf32>, tensor<2x5x3xf32>) -> tensor<2x4x5xf32>
  %wt = linalg.transpose ins(%w : tensor<4x6xf32>) outs(%ew : tensor<6x4xf32>) permutation = [1, 0]
  %1 = nnopt.linear %ea, %wt : (tensor<2x3x4xf32>, tensor<6x4xf32>) -> tensor<2x3x6xf32>
  %c = linalg.transpose ins(%a : tensor<2x4x3xf32>) outs(%ec : tensor<3x2x4xf32>) permutation = [2, 0, 1]
  %2 = nnopt.matmul %c, %c {transpose_rhs} : (tensor<3x2x4xf32>, tensor<3x2x4xf32>) -> tensor<3x2x2xf32>
  return %0, %1, %2 : tensor<2x4x5xf32>, tensor<2x3x6xf32>, tensor<3x2x2xf32>
}

// With a destination, operands lie as nnopt-orient-products stored them.
// CHECK-LABEL: func @oriented_operand
// CHECK: %[[T:.*]] = linalg.transpose
// CHECK: nnopt.matmul %[[T]], %{{.*}} into
func.func @oriented_operand(%a: tensor<9x6xf32>, %b: tensor<9x5xf32>, %e: tensor<6x9xf32>, %d: tensor<6x5xf32>) -> tensor<6x5xf32> {
  %t = linalg.transpose ins(%a : tensor<9x6xf32>) outs(%e : tensor<6x9xf32>) permutation = [1, 0]
  %0 = nnopt.matmul %t, %b into %d : (tensor<6x9xf32>, tensor<9x5xf32>, tensor<6x5xf32>) -> tensor<6x5xf32>
  return %0 : tensor<6x5xf32>
}

// CHECK-LABEL: func @zero_bias
func.func @zero_bias(%x: tensor<2x4xf32>, %i: tensor<1x2x5xf32>, %w: tensor<3x4xf32>, %f: tensor<3x2x1xf32>) -> (tensor<2x3xf32>, tensor<1x3x5xf32>, tensor<2x3xf32>) {
  // CHECK: nnopt.linear %{{[^,]*}}, %{{[^ ]*}} :
  // CHECK: nnopt.conv %{{[^,]*}}, %{{[^ ]*}} {
  // CHECK: nnopt.linear %{{[^,]*}}, %{{[^ ]*}} bias
  %zero = nnopt.weight dense<[0.0, -0.0, 0.0]> : tensor<3xf32>
  %some = nnopt.weight dense<[0.0, 1.0, 0.0]> : tensor<3xf32>
  %0 = nnopt.linear %x, %w bias %zero : (tensor<2x4xf32>, tensor<3x4xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %1 = nnopt.conv %i, %f bias %zero {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>}
    : (tensor<1x2x5xf32>, tensor<3x2x1xf32>, tensor<3xf32>) -> tensor<1x3x5xf32>
  %2 = nnopt.linear %x, %w bias %some : (tensor<2x4xf32>, tensor<3x4xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return %0, %1, %2 : tensor<2x3xf32>, tensor<1x3x5xf32>, tensor<2x3xf32>
}

// CHECK-LABEL: func @clamps
// CHECK-SAME: %[[X:.*]]: tensor<?xf32>
func.func @clamps(%x: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) {
  // CHECK: %[[R:.*]] = nnopt.activation relu %[[X]]
  %r = nnopt.activation relu %x : tensor<?xf32>
  %rr = nnopt.activation relu %r : tensor<?xf32>
  // CHECK: %[[S:.*]] = nnopt.activation clip %[[X]] {alpha = 0.000000e+00 : f32, beta = 6.000000e+00 : f32}
  %s = nnopt.activation clip %r {beta = 6.0 : f32} : tensor<?xf32>
  // CHECK: %[[R2:.*]] = nnopt.activation relu %[[X]]
  %one = nnopt.activation clip %x {alpha = 0.0 : f32} : tensor<?xf32>
  %none = nnopt.activation clip %x {alpha = 0xFF800000 : f32} : tensor<?xf32>
  // Of bounds that cross, the upper one holds, whatever comes first.
  // CHECK: %[[C:.*]] = nnopt.activation clip %[[X]] {alpha = 3.000000e+00 : f32, beta = 2.000000e+00 : f32}
  // CHECK: %[[CC:.*]] = nnopt.activation relu %[[C]]
  %c = nnopt.activation clip %x {alpha = 3.0 : f32, beta = 2.0 : f32} : tensor<?xf32>
  %cc = nnopt.activation relu %c : tensor<?xf32>
  // CHECK: return %[[R]], %[[S]], %[[R2]], %[[X]], %[[CC]]
  return %rr, %s, %one, %none, %cc : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>
}

// CHECK-LABEL: func @pools
// CHECK-SAME: %[[X:.*]]: tensor<1x2x?xf32>
func.func @pools(%x: tensor<1x2x?xf32>) -> (tensor<1x2x?xf32>, tensor<1x2x?xf32>) {
  %0 = nnopt.pool average %x {kernel = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 3>, pads = array<i64: 0, 0>} : (tensor<1x2x?xf32>) -> tensor<1x2x?xf32>
  // CHECK: %[[Y:.*]] = nnopt.pool max
  %1 = nnopt.pool max %x {kernel = array<i64: 1>, strides = array<i64: 2>, dilations = array<i64: 1>, pads = array<i64: 0, 0>} : (tensor<1x2x?xf32>) -> tensor<1x2x?xf32>
  // CHECK: return %[[X]], %[[Y]]
  return %0, %1 : tensor<1x2x?xf32>, tensor<1x2x?xf32>
}

// CHECK-LABEL: func @gathers
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x5x3xf32>, %[[D:[^:]*]]: tensor<?x3xf32>
func.func @gathers(%x: tensor<?x5x3xf32>, %d: tensor<?x3xf32>) -> (tensor<?x3xf32>, tensor<?x2x3xf32>, tensor<?x2x3xf32>, tensor<3xf32>) {
  // The last row, at -1; too large an index reads the last row as well.
  // CHECK: tensor.extract_slice %[[X]][0, 4, 0] [%{{.*}}, 1, 3] [1, 1, 1] : tensor<?x5x3xf32> to tensor<?x3xf32>
  // CHECK: tensor.extract_slice %[[X]][0, 2, 0] [%{{.*}}, 2, 3] [1, 2, 1] : tensor<?x5x3xf32> to tensor<?x2x3xf32>
  // CHECK: nnopt.gather %[[X]]
  // CHECK: nnopt.gather %[[D]]
  %last = arith.constant dense<-1> : tensor<i64>
  %steps = arith.constant dense<[2, 9]> : tensor<2xi64>
  %back = arith.constant dense<[2, 1]> : tensor<2xi64>
  %zero = arith.constant dense<0> : tensor<i64>
  %0 = nnopt.gather %x, %last {axis = 1 : i64} : (tensor<?x5x3xf32>, tensor<i64>) -> tensor<?x3xf32>
  %1 = nnopt.gather %x, %steps {axis = 1 : i64} : (tensor<?x5x3xf32>, tensor<2xi64>) -> tensor<?x2x3xf32>
  %2 = nnopt.gather %x, %back {axis = 1 : i64} : (tensor<?x5x3xf32>, tensor<2xi64>) -> tensor<?x2x3xf32>
  %3 = nnopt.gather %d, %zero {axis = 0 : i64} : (tensor<?x3xf32>, tensor<i64>) -> tensor<3xf32>
  return %0, %1, %2, %3 : tensor<?x3xf32>, tensor<?x2x3xf32>, tensor<?x2x3xf32>, tensor<3xf32>
}
