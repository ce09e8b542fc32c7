//===- NNOpt.h - the nnopt dialect: ops, attributes, interfaces -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_DIALECT_NNOPT_IR_NNOPT_H
#define NNOPT_DIALECT_NNOPT_IR_NNOPT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "nnopt/Dialect/NNOpt/IR/NNOptEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "nnopt/Dialect/NNOpt/IR/NNOptAttrs.h.inc"

#include "nnopt/Dialect/NNOpt/IR/NNOptDialect.h.inc"

namespace nnopt {
class StructuredOpInterface;
namespace detail {
/// Checks what all structured ops share: one result or a destination, and the shape of either.
mlir::LogicalResult verifyStructuredOp(StructuredOpInterface op);
} // namespace detail
} // namespace nnopt

#include "nnopt/Dialect/NNOpt/IR/NNOptInterfaces.h.inc"

#define GET_OP_CLASSES
#include "nnopt/Dialect/NNOpt/IR/NNOptOps.h.inc"

namespace nnopt {

/// Attribute names of the entry function's arguments and results, and of the module (docs/Architecture.md, rule 4).
inline constexpr llvm::StringLiteral kNameAttr = "nnopt.name";
inline constexpr llvm::StringLiteral kDimsAttr = "nnopt.dims";
inline constexpr llvm::StringLiteral kModelAttr = "nnopt.model";
inline constexpr llvm::StringLiteral kEntryName = "main";
/// After bufferize: marks the arguments of the entry function that are outputs (unit); the module's symbolic dimensions (strings).
inline constexpr llvm::StringLiteral kOutputAttr = "nnopt.output";
inline constexpr llvm::StringLiteral kSymbolsAttr = "nnopt.symbols";
/// On the module: what the code relies on and a call checks, as an array of {symbol = string, most = i64},
/// {symbol = string, least = i64, most = i64} or {symbol = string, equals = string}.
inline constexpr llvm::StringLiteral kRequirementsAttr = "nnopt.requirements";
/// After threads: the signature, on the module, as arrays of {name = string, dims = [string...], type = tensor type}.
inline constexpr llvm::StringLiteral kInputsAttr = "nnopt.inputs";
inline constexpr llvm::StringLiteral kOutputsAttr = "nnopt.outputs";
/// On a memref.global or llvm.mlir.global without initializer: the bytes that the object writer puts in its place (elements attribute).
inline constexpr llvm::StringLiteral kValueAttr = "nnopt.value";
/// On a weight: its zeros (SparsityAttr).
inline constexpr llvm::StringLiteral kSparsityAttr = "nnopt.sparsity";
/// On a function, between `nnopt-sparsify` and who asked: a dictionary per product with a constant weight, of what it holds and how it is stored.
inline constexpr llvm::StringLiteral kSparsityReportAttr = "nnopt.sparsity_report";
/// On a product: what calibration measured of its input, as `nnopt.observe squares` or `gram` gives it, summed over all samples (elements attribute).
inline constexpr llvm::StringLiteral kObservedAttr = "nnopt.observed";
/// On a product, for `nnopt-quantize`: the least and the largest element of its input over all samples (tensor<2xf32>), and how many elements lie in
/// equal parts of this range, as `nnopt.observe histogram` counts them (elements attribute of i64).
inline constexpr llvm::StringLiteral kObservedRangeAttr = "nnopt.observed_range";
inline constexpr llvm::StringLiteral kObservedHistogramAttr = "nnopt.observed_histogram";
/// On a function, between `nnopt-quantize` and who asked: a dictionary per quantized product, of its scales and what they cost.
inline constexpr llvm::StringLiteral kQuantizationReportAttr = "nnopt.quantization_report";
/// Functions beside the entry: bytes of workspace, and extents of the outputs, from the symbols.
inline constexpr llvm::StringLiteral kWorkspaceName = "workspace";
inline constexpr llvm::StringLiteral kShapesName = "shapes";

/// Extent of a sliding window's result in one dimension; kDynamic if `input` is. `window` counts dilation:
/// (kernel - 1) * dilation + 1.
int64_t windowResult(int64_t input, int64_t window, int64_t stride, int64_t padBegin, int64_t padEnd, bool ceil);

} // namespace nnopt

#endif // NNOPT_DIALECT_NNOPT_IR_NNOPT_H
