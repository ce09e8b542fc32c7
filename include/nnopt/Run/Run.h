//===- Run.h - run a model and check its answer -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_RUN_RUN_H
#define NNOPT_RUN_RUN_H

#include "nnopt/Driver/Load.h"
#include "nnopt/Run/Compare.h"
#include "nnopt/Run/Measure.h"
#include "nnopt/Run/Probe.h"
#include "nnopt/Run/Signature.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace nnopt {

/// What computes.
enum class Engine { Compiled, Reference, OnnxRuntime };

struct RunOptions {
  std::string model;                ///< .onnx, .mlir, .mlirbc, or a compiled .so
  std::string input, output;        ///< .npz files; empty: made inputs, no file written
  Engine engine = Engine::Compiled; ///< Compiled or Reference
  std::optional<Engine> check;      ///< what the answer is compared with
  std::vector<std::string> isas;    ///< to compile for
  int32_t threads = -1;             ///< 0: none; -1: as the OpenMP runtime is set
  std::string probe;                ///< directory for every intermediate value; empty: no probe
  bool bench = false;
  std::optional<double> tolerance; ///< instead of the derived one
  InputOptions inputs;
  LoadOptions load;
  llvm::function_ref<void(llvm::StringRef step)> stepStarted; ///< may be null
};

struct RunReport {
  RunSignature signature;
  std::vector<HostTensor> outputs;
  std::string isa;                     ///< which ran; "interpreter" for the reference
  int32_t threads = 0;                 ///< that the model was told to use; 0: as the runtime is set
  std::optional<Timing> timing;        ///< with `bench`
  std::vector<Difference> differences; ///< with `check`: one per output
  std::vector<ProbeStage> probe;       ///< with `probe`: one per stage, and ONNX Runtime for an ONNX model
  bool unsupported = false;            ///< after a failure: the model uses something that nnopt does not have
};

/// Does what the options say. Fails after one error diagnostic.
mlir::LogicalResult runModel(const RunOptions &options, mlir::MLIRContext &context, RunReport &report);

} // namespace nnopt

#endif // NNOPT_RUN_RUN_H
