//===- Calibrate.h - run a model over data before pruning -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The model is compiled for this machine with one more output per input of a layer that will be pruned: the second moments of a batch. It runs over the
// data, and the moments are added up in double precision.
//
// Memory: the sums of as many inputs at a time as fit in `memoryLimit` (one at least), each with the batch's statistic in single precision and what the
// model's workspace needs for it; more inputs take more passes over the data. Finished sums are kept in single precision. A Gram matrix of K inputs has
// K^2 elements.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_CALIBRATE_CALIBRATE_H
#define NNOPT_CALIBRATE_CALIBRATE_H

#include "nnopt/Pipelines/Prune.h"

#include "mlir/IR/BuiltinOps.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <string>

namespace nnopt {

struct CalibrationOptions {
  std::string data;    ///< .npz file, or folder of them: arrays by the names of the inputs, the first axis counts samples
  std::string mask;    ///< as in CompileOptions; applied here, and not to be applied again
  PruneRequest prune;  ///< a pass that needs calibration
  int64_t memoryLimit = int64_t(1) << 30;            ///< bytes of sums at a time
  llvm::function_ref<void(llvm::StringRef)> started; ///< called with what is done next; may be null
};

/// Brings `module`, at stage `import`, into the form that is pruned, and attaches to its products what the pass needs. Fails after one error diagnostic.
mlir::LogicalResult calibrate(mlir::ModuleOp module, const CalibrationOptions &options);

} // namespace nnopt

#endif // NNOPT_CALIBRATE_CALIBRATE_H
