//===- Calibrate.h - what data make of a model's layers ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The model is compiled for this machine with more outputs, and runs over the data. For pruning these are the second moments of the inputs of layers that will be
// pruned, which are added up in double precision; for quantization the least and the largest element of the inputs of those that will be quantized, in a
// second run the counts of a histogram if the method needs it. What is quantized is measured after pruning: calibration prunes too then.
//
// Memory: the sums of as many inputs at a time as fit in `memoryLimit` (one at least), each with the batch's statistic in single precision and what the
// model's workspace needs for it; more inputs take more passes over the data. Finished sums are kept in single precision. A Gram matrix of K inputs has
// K^2 elements. Ranges and histograms are small and measured together.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_CALIBRATE_CALIBRATE_H
#define NNOPT_CALIBRATE_CALIBRATE_H

#include "nnopt/Pipelines/Stages.h"

#include "mlir/IR/BuiltinOps.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <string>

namespace nnopt {

struct CalibrationOptions {
  std::string data;          ///< .npz file, or folder of them: arrays by the names of the inputs, the first axis counts samples
  PipelineOptions pipeline;  ///< what `compress` will do; a pass in it needs calibration
  int64_t memoryLimit = int64_t(1) << 30;            ///< bytes of sums at a time
  llvm::function_ref<void(llvm::StringRef)> started; ///< called with what is done next; may be null
};

/// Brings `module`, at stage `import`, into the form that is pruned and quantized, and attaches to its products what the passes need. Masks are applied then,
/// and what will be quantized is pruned: neither is to be done again. Fails after one error diagnostic.
mlir::LogicalResult calibrate(mlir::ModuleOp module, const CalibrationOptions &options);

} // namespace nnopt

#endif // NNOPT_CALIBRATE_CALIBRATE_H
