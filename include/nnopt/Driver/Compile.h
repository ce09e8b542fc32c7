//===- Compile.h - from a module to files -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_DRIVER_COMPILE_H
#define NNOPT_DRIVER_COMPILE_H

#include "nnopt/Pipelines/Stages.h"

#include "mlir/IR/BuiltinOps.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/TargetParser/Triple.h"

#include <optional>
#include <string>
#include <vector>

namespace nnopt {

/// What is written.
enum class EmitKind {
  Object,   ///< relocatable object and header
  Archive,  ///< static library and header
  Shared,   ///< shared library and header
  Assembly, ///< text without the weights, and header
  LLVM,     ///< optimised LLVM IR
  MLIR,     ///< the module after the last stage, as text or (suffix .mlirbc) bytecode
};

/// What the suffix of a file name asks for; Object if it says nothing.
EmitKind emitKindOf(llvm::StringRef output);

struct CompileOptions {
  std::string output;            ///< file to write; the header goes beside it. "-": standard output, for text
  EmitKind emit = EmitKind::Object;
  llvm::Triple triple;           ///< processor that runs the model
  std::vector<std::string> isas; ///< rows of nnopt/Target/Isa.h, of the triple's architecture
  int64_t threads = -1;          ///< 0: none; positive: how many when the caller does not say; -1: as the OpenMP runtime is set
  std::string mask;              ///< file of masks for weights, by name; empty: none
  std::optional<PruneRequest> prune; ///< which weights become zero or go, if any
  std::optional<QuantizeOptions> quantize; ///< which products become 8-bit integers, if any
  SparsifyOptions sparsify;      ///< how pruned weights are stored; its `isas` are those above
  std::string startAt = "import";///< first stage
  std::string stopAfter;         ///< last stage; if not empty the module is written, as with EmitKind::MLIR
  std::string dumpDirectory;     ///< if not empty: DIR/NN-STAGE.mlir after every stage
  bool dumpWeights = false;      ///< dumps hold large constants too
  std::string crashReproducer;   ///< if not empty: where a crashing pass leaves its input
  bool timing = false;           ///< prints the time of every pass to standard error
  llvm::function_ref<void(llvm::StringRef stage)> stageStarted; ///< may be null
};

/// The zeros of one weight.
struct PrunedWeight {
  std::string name, pattern;
  std::string origin; ///< pruned or imported
  int64_t elements = 0, zeros = 0;
};

/// A product with a constant weight: the zeros of the weight, and the form in which it is stored.
struct SparsityRow {
  std::string layer, weight, pattern, format;
  std::vector<int64_t> shape;
  int64_t elements = 0, zeros = 0;
  struct Times {
    int64_t rows; ///< that there are at least
    double dense, sparse;
  };
  std::optional<Times> microseconds; ///< as estimated; nothing if there was no choice
};

/// A quantized product: how its input and its weight become integers, and what that costs.
struct QuantizedRow {
  std::string layer, weight;
  double scale = 0;                          ///< of the input
  int64_t zeroPoint = 0;
  std::pair<double, double> seen, range;     ///< what calibration saw of the input, and what of it is kept
  std::pair<double, double> weightScales;    ///< least and largest
  double maxError = 0;                       ///< of a weight
  std::optional<double> decibels;            ///< signal to noise of the weight; nothing if it is exact
};

/// What a compilation took and gave.
struct CompileReport {
  std::vector<std::pair<std::string, double>> seconds; ///< per stage
  std::string header;                                  ///< its path, empty if none was written
  uint64_t outputBytes = 0, weightBytes = 0;
  std::vector<PrunedWeight> pruned;                  ///< by the compression stage
  std::vector<QuantizedRow> quantized;               ///< by the compression stage
  std::vector<SparsityRow> sparsity;                 ///< if stage `pack` ran
  std::optional<int64_t> workspaceBytes;               ///< if it does not depend on the inputs' shapes
};

/// What of `options` the stages read.
PipelineOptions pipelineOf(const CompileOptions &options);

/// Runs the stages on `module`, which is changed, and writes the output. After a failure, which left a diagnostic,
/// no output file exists that was not there before.
mlir::FailureOr<CompileReport> compileModel(mlir::ModuleOp module, const CompileOptions &options);

} // namespace nnopt

#endif // NNOPT_DRIVER_COMPILE_H
