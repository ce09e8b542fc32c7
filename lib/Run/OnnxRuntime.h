//===- OnnxRuntime.h - the answer of ONNX Runtime ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_RUN_ONNXRUNTIME_H
#define NNOPT_LIB_RUN_ONNXRUNTIME_H

#include "nnopt/Run/Signature.h"

namespace nnopt {

/// Runs an ONNX model in ONNX Runtime, in a Python process of its own: $NNOPT_PYTHON, or else python3. Fails with its
/// message, for instance if the module onnxruntime is missing.
llvm::Expected<std::vector<HostTensor>> runOnnxRuntime(llvm::StringRef model, const RunSignature &signature,
                                                       llvm::ArrayRef<HostTensor> inputs);

/// The same for the first output of every node, by the node's name, or the output's if it has none. What ONNX Runtime
/// cannot hand out is left out.
llvm::Expected<NamedTensors> runOnnxRuntimeNodes(llvm::StringRef model, const RunSignature &signature,
                                                 llvm::ArrayRef<HostTensor> inputs);

} // namespace nnopt

#endif // NNOPT_LIB_RUN_ONNXRUNTIME_H
