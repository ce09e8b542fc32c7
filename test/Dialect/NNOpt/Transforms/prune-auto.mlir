// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{speedup=1.6 isas=avx2,avx512}))' \
// RUN:   --remarks-filter=nnopt.* --remark-policy=all --remark-format=emitRemark > %t.out 2> %t.remarks
// RUN: FileCheck %s < %t.out
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{speedup=1.2 isas=avx512 pattern=unstructured,2:8 exclude=second}))' | \
// RUN:   FileCheck %s --check-prefix=ONE
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{speedup=1.4 isas=avx512 pattern=2:8}))' | FileCheck %s --check-prefix=NM
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{speedup=1 isas=avx512}))' \
// RUN:   --remarks-filter=nnopt.* --remark-policy=all --remark-format=emitRemark 2> %t.nothing | FileCheck %s --check-prefix=NOTHING
// RUN: FileCheck %s --check-prefix=WHY < %t.nothing

// The other limits, alone and together: a time (200 us of about 262), the weights that stay (75 % of 26624), and both, of which the second is the tighter.
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{budget=200us isas=avx512}))' \
// RUN:   --remarks-filter=nnopt.* --remark-policy=all --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=TIME
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{budget=0.2ms isas=avx512}))' \
// RUN:   --remarks-filter=nnopt.* --remark-policy=all --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=TIME
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{budget=75% isas=avx512}))' \
// RUN:   --remarks-filter=nnopt.* --remark-policy=all --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=KEPT
// RUN: nnopt-opt %s --pass-pipeline='builtin.module(func.func(nnopt-prune-auto{speedup=1.05 budget=75% isas=avx512}))' \
// RUN:   --remarks-filter=nnopt.* --remark-policy=all --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefixes=KEPT,BOTH

// TIME: all products on avx512: {{1[0-9][0-9]\.[0-9]+}} us, {{[0-9.]+}} us dense
// BOTH: all products on avx512:
// KEPT: {{1[0-9][0-9][0-9][0-9]}} of 26624 weights stay

// A kernel gains by the zeros of two layers. None takes a batch of matrices, nor what makes an output, which counts all the same.
// REMARK-DAG: makes an output of the model
// REMARK-DAG: [Analysis] prune{{.*}}all products on avx2: {{[0-9.]+}} us, {{[0-9.]+}} us dense, 1.{{[6-9]}}
// REMARK-DAG: [Analysis] prune{{.*}}all products on avx512: {{[0-9.]+}} us, {{[0-9.]+}} us dense, 1.{{[6-9]}}
// REMARK-DAG: [Passed] prune{{.*}}x1 at {{[0-9.]+}} %: avx2 {{[0-9.]+}} us, {{[0-9.]+}} us dense; avx512 {{[0-9.]+}} us, {{[0-9.]+}} us dense; {{[0-9.]+}} % of the sum of squares goes
// REMARK-DAG: [Missed] prune{{.*}}stays as it is, no kernel is faster with zeros: avx2 [[T:[0-9.]+]] us, [[T]] us dense
// WHY-DAG: [Missed] prune{{.*}}stays as it is, zeros are not needed here
// WHY-DAG: all products on avx512: [[T:[0-9.]+]] us, [[T]] us dense, 1.00 times as fast
// CHECK-LABEL: @main
// NOTHING-LABEL: @main
func.func @main(%x: tensor<1024x64xf32>) -> tensor<4x256x32xf32> {
  // CHECK: nnopt.weight "first" {{.*}} {nnopt.sparsity = #nnopt.sparsity<pruned, "{{[0-9]+}}x1", zeros = {{[1-9][0-9]+}}>}
  // ONE: nnopt.weight "first" {{.*}} {nnopt.sparsity = #nnopt.sparsity<pruned, "unstructured", zeros = {{[1-9][0-9]+}}>}
  // NM: nnopt.weight "first" {{.*}} {nnopt.sparsity = #nnopt.sparsity<pruned, "2:8", zeros = 3072>}
  // NOTHING-NOT: nnopt.sparsity
  %first = nnopt.weight "first" dense<1.0> : tensor<64x64xf32>
  %0 = nnopt.linear %x, %first : (tensor<1024x64xf32>, tensor<64x64xf32>) -> tensor<1024x64xf32>
  // CHECK: nnopt.weight "second" {{.*}} {nnopt.sparsity = #nnopt.sparsity<pruned, "{{[0-9]+}}x1", zeros = {{[1-9][0-9]+}}>}
  // ONE: nnopt.weight "second" dense<1.000000e+00> : tensor<64x64xf32>{{$}}
  %second = nnopt.weight "second" dense<1.0> : tensor<64x64xf32>
  %1 = nnopt.linear %0, %second {weight_kn} : (tensor<1024x64xf32>, tensor<64x64xf32>) -> tensor<1024x64xf32>
  %2 = tensor.expand_shape %1 [[0, 1], [2]] output_shape [4, 256, 64] : tensor<1024x64xf32> into tensor<4x256x64xf32>
  // CHECK: nnopt.weight "batch" dense<1.000000e+00> : tensor<4x64x64xf32>{{$}}
  %batch = nnopt.weight "batch" dense<1.0> : tensor<4x64x64xf32>
  %3 = nnopt.matmul %2, %batch : (tensor<4x256x64xf32>, tensor<4x64x64xf32>) -> tensor<4x256x64xf32>
  // CHECK: nnopt.weight "last" dense<1.000000e+00> : tensor<64x32xf32>{{$}}
  %last = nnopt.weight "last" dense<1.0> : tensor<64x32xf32>
  %4 = nnopt.linear %3, %last {weight_kn} : (tensor<4x256x64xf32>, tensor<64x32xf32>) -> tensor<4x256x32xf32>
  return %4 : tensor<4x256x32xf32>
}
