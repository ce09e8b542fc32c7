//===- Signature.h - what a model takes and gives ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The signature as it is after stage `threads`, where the module carries it as attributes. The header, the descriptor and the reports are
// written from it.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_TARGET_SIGNATURE_H
#define NNOPT_TARGET_SIGNATURE_H

#include "nnopt/Target/Isa.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"

namespace nnopt {

/// One input or output.
struct ModelArgument {
  std::string name;              ///< the model's own
  mlir::RankedTensorType type;
  int32_t dtype;                 ///< ONNX's number of the element type
  std::vector<std::string> dims; ///< per dimension: the extent, or the name of a dynamic one ("?" if it has none)
  std::vector<int32_t> symbols;  ///< per dimension: number of the symbol, or -1
};

/// What the code relies on: a symbol between two bounds, or equal to another.
struct Requirement {
  int32_t symbol;
  int32_t equals = -1; ///< number of the other symbol, or -1
  int64_t least = 0, most = std::numeric_limits<int64_t>::max();
};

struct Signature {
  std::vector<ModelArgument> inputs, outputs;
  std::vector<std::string> symbols;
  std::vector<Requirement> requirements;
  std::vector<const Isa *> isas; ///< the variants in the module, in ascending rank
};

/// Reads the signature from the attributes of a module that has passed stage `threads`. Fails with a diagnostic if
/// they are missing, or if an argument has a type that the C interface cannot express.
mlir::FailureOr<Signature> readSignature(mlir::ModuleOp module);

/// ONNX's number of an element type, as the C interface uses it; nothing for types that it has not.
std::optional<int32_t> dtypeNumber(mlir::Type elementType);

/// "float32", "int64", ... for a number that dtypeNumber gives.
llvm::StringRef dtypeName(int32_t dtype);

/// `text` as a C identifier: what C does not allow becomes `_`.
std::string cIdentifier(llvm::StringRef text);

} // namespace nnopt

#endif // NNOPT_TARGET_SIGNATURE_H
