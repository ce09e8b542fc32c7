//===- CompiledWorkload.h - a layer compiled and ready to run ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_BENCH_COMPILEDWORKLOAD_H
#define NNOPT_BENCH_COMPILEDWORKLOAD_H

#include "nnopt/Bench/Workloads.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"
#include "nnopt/Run/Artefact.h"
#include "nnopt/Target/Isa.h"

namespace nnopt {

/// A workload as a shared library in this process, with inputs, outputs and workspace.
class CompiledWorkload {
public:
  /// Compiles for one instruction set, storing pruned weights as `sparsify` says. The error names the workload.
  static llvm::Expected<CompiledWorkload> create(const Workload &workload, const Isa &isa, int threads, mlir::MLIRContext &context,
                                                 const SparsifyOptions &sparsify = {});

  const Workload &workload() const { return source; }

  /// Runs once.
  llvm::Error run() { return call.run(); }

  /// Runs once and compares with the interpreter; the error names the first element that is too far off.
  llvm::Error check(mlir::MLIRContext &context);

private:
  CompiledWorkload(Workload source, Artefact artefact, std::vector<HostTensor> inputs, Artefact::Call call)
      : source(std::move(source)), artefact(std::move(artefact)), inputs(std::move(inputs)), call(std::move(call)) {}

  Workload source;
  Artefact artefact;
  std::vector<HostTensor> inputs;
  Artefact::Call call; // of `artefact`
};

} // namespace nnopt

#endif // NNOPT_BENCH_COMPILEDWORKLOAD_H
