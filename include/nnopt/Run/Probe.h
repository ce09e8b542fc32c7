//===- Probe.h - the first value that is computed differently ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The interpreter runs the model as it was imported, then after each later stage that still has tensors. Ops keep the
// name of the node they come from as their location (a fused one that of its last part), so values can be compared by
// name. What a stage lays out differently, channels last or with other groups of dimensions, is compared in the order
// of the import.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_RUN_PROBE_H
#define NNOPT_RUN_PROBE_H

#include "nnopt/Interpreter/Interpreter.h"
#include "nnopt/Run/Compare.h"
#include "nnopt/Run/Signature.h"

namespace nnopt {

struct ProbeOptions {
  std::string directory; ///< gets one .npy file per value, and values.txt, which lists them
  std::string onnxModel; ///< if not empty: compare with ONNX Runtime too
  double tolerance = 0;  ///< of every value
  bool adapts = true;    ///< whether a value that roundings move further is allowed more
};

/// One way to compute the values, compared with the imported model.
struct ProbeStage {
  std::string name;                ///< of the stage, or "ONNX Runtime"
  int64_t compared = 0;            ///< values that have the same name in both
  std::optional<Difference> first; ///< the first that differs
  std::string op;                  ///< the op that computes it in the imported model
};

/// Options that perturb every computed value.
InterpreterOptions perturbing();

/// Runs the probe on a module at stage `import`. Fails after one error diagnostic; a difference is no failure.
mlir::LogicalResult probe(mlir::ModuleOp module, const RunSignature &signature, llvm::ArrayRef<HostTensor> inputs,
                          const ProbeOptions &options, std::vector<ProbeStage> &stages);

} // namespace nnopt

#endif // NNOPT_RUN_PROBE_H
