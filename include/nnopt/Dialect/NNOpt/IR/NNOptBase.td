//===- NNOptBase.td - base classes of nnopt ops ----------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_BASE_TD
#define NNOPT_BASE_TD

include "nnopt/Dialect/NNOpt/IR/NNOptAttrs.td"
include "nnopt/Dialect/NNOpt/IR/NNOptInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class NNOpt_Op<string mnemonic, list<Trait> traits = []>
    : Op<NNOpt_Dialect, mnemonic, traits>;

/// Tensor or buffer: the type of every operand of a structured op.
def NNOpt_Shaped : AnyTypeOf<[AnyRankedTensor, AnyStridedMemRef]>;
def NNOpt_FloatShaped : AnyTypeOf<[RankedTensorOf<[AnyFloat]>, MemRefOf<[AnyFloat]>]>;

/// A structured op: `init` is its destination, `result` absent on buffers.
/// Operand groups are printed by name, types as one functional type.
/// Ops with optional operands besides `init` add AttrSizedOperandSegments.
class NNOpt_StructuredOp<string mnemonic, list<Trait> traits = []>
    : NNOpt_Op<mnemonic, !listconcat([
        DeclareOpInterfaceMethods<NNOpt_StructuredOpInterface, ["inferStaticShape", "inferResultShape"]>,
        DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
        DeclareOpInterfaceMethods<ConditionallySpeculatable>], traits)> {
  let results = (outs Optional<AnyRankedTensor>:$result);
  let hasVerifier = 1;
}

/// A structured op that can finish its outputs in registers. The epilogue's
/// block takes the accumulator and one scalar per epilogue operand (read through
/// `epilogue_maps`, from output indices to operand indices), and yields the
/// stored element with `nnopt.yield`.
/// `operandFormat` is how the op prints the operands of its sum.
class NNOpt_EpilogueOp<string mnemonic, string operandFormat, list<Trait> traits = []>
    : NNOpt_StructuredOp<mnemonic, !listconcat([AttrSizedOperandSegments], traits)> {
  let regions = (region AnyRegion:$epilogue);
  let assemblyFormat = operandFormat # [{
    (`epilogue` `(` $epilogue_operands^ `)`)? (`maps` $epilogue_maps^)? (`into` $init^)? (`do` $epilogue^)? attr-dict
    `:` functional-type(operands, results)
  }];
}

#endif // NNOPT_BASE_TD
