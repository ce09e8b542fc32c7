//===- SparseTensorOps.td - values that are sparse at run time -*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_SPARSE_TENSOR_OPS_TD
#define NNOPT_SPARSE_TENSOR_OPS_TD

include "nnopt/Dialect/NNOpt/IR/NNOptBase.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"

def NNOpt_SparseComputeOp : NNOpt_Op<"sparse_compute", [
    IsolatedFromAbove, SingleBlock, NoTerminator, RecursiveMemoryEffects,
    DeclareOpInterfaceMethods<DestinationStyleOpInterface>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<InferTypeOpInterface>]> {
  let summary = "one linalg op on sparse values that are assembled when the model runs";
  let description = [{
    The body makes sparse values of positions, coordinates and values (`sparse_tensor.assemble`), and computes one dense tensor of them, which
    `nnopt.yield` hands back. Its arguments are `inputs` and `init`, whose elements the result may start from, and whose type it has. If a buffer does not describe a value of
    its type (positions that decrease or exceed the coordinates, coordinates that are outside or not in the order that the type says, too few
    values), or if extents that the op relates differ, every element of the result is NaN, or 0 of integers.

    `nnopt-lower-sparse-compute` turns the body into loops: its arguments are buffers then, and it has no terminator.

    - c1: the body has one argument per input and one for `init`, of the operand's type, or a buffer of its shape.
    - c2: a body on tensors ends in `nnopt.yield` of the result's type.
    - c3: what is assembled are arguments of the body.

    ```mlir
    %y = nnopt.sparse_compute(%p, %c, %v, %x) into %e {
    ^bb0(%pos: tensor<3xindex>, %crd: tensor<?xindex>, %val: tensor<?xf32>, %rhs: tensor<4xf32>, %out: tensor<2xf32>):
      %a = sparse_tensor.assemble (%pos, %crd), %val : (tensor<3xindex>, tensor<?xindex>), tensor<?xf32> to tensor<2x4xf32, #csr>
      %r = linalg.matvec ins(%a, %rhs : tensor<2x4xf32, #csr>, tensor<4xf32>) outs(%out : tensor<2xf32>) -> tensor<2xf32>
      nnopt.yield %r : tensor<2xf32>
    } : (tensor<3xindex>, tensor<?xindex>, tensor<?xf32>, tensor<4xf32>, tensor<2xf32>) -> tensor<2xf32>
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$inputs, AnyRankedTensor:$init);
  let results = (outs AnyRankedTensor:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "`(` $inputs `)` `into` $init $body attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

#endif // NNOPT_SPARSE_TENSOR_OPS_TD
