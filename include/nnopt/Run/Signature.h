//===- Signature.h - what a run takes and gives -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_RUN_SIGNATURE_H
#define NNOPT_RUN_SIGNATURE_H

#include "nnopt/Support/Npz.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/StringMap.h"

namespace nnopt {

/// One input or output of a model, in IR or compiled.
struct RunArgument {
  std::string name;
  ElementType type;
  std::vector<int64_t> shape;    ///< -1 where the extent may differ from run to run
  std::vector<std::string> dims; ///< what the model calls each extent; empty or "?" if it has no name
};

struct RunSignature {
  std::vector<RunArgument> inputs, outputs;
};

/// From the types and attributes of `@main`. Fails with a diagnostic if an argument is not a tensor of a type known
/// here.
mlir::FailureOr<RunSignature> signatureOf(mlir::func::FuncOp entry);

/// How to make inputs.
struct InputOptions {
  uint64_t seed = 0;
  std::map<std::string, int64_t> dims;                ///< extents of named dimensions
  std::map<std::string, std::vector<int64_t>> shapes; ///< whole shapes, by input
};

/// Makes reproducible inputs: floats in [-1, 1), i8 and ui8 over their range, other integers in [0, 8); inputs whose
/// name speaks of a mask or a type are 0 or 1. A dimension that the model leaves open and `options` does not fix has
/// extent 1 if its name speaks of a batch or if it comes first and has no name, else 16. Fails if `options` contradicts
/// the signature.
llvm::Expected<std::vector<HostTensor>> makeInputs(const RunSignature &signature, const InputOptions &options);

/// The tensors of a .npz file by the signature's names, in its order. A .npy file serves a model with one input. Fails,
/// naming the input, if one is missing, unknown, or of another type or shape.
llvm::Expected<std::vector<HostTensor>> matchInputs(const RunSignature &signature, NamedTensors tensors);

/// `outputs` with the signature's names.
NamedTensors nameOutputs(const RunSignature &signature, llvm::ArrayRef<HostTensor> outputs);

/// An error with a message.
llvm::Error runError(const llvm::Twine &message);

} // namespace nnopt

#endif // NNOPT_RUN_SIGNATURE_H
