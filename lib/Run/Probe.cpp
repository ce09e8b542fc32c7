//===- Probe.cpp - the first value that is computed differently -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Run/Probe.h"

#include "OnnxRuntime.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Interpreter/Interpreter.h"
#include "nnopt/Pipelines/Stages.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <cmath>

using namespace mlir;
using namespace nnopt;

namespace {
/// One value of the model: the last that an op of this name yields.
struct ProbedValue {
  std::string op;
  HostTensor tensor;
};
/// By name, in the order of first computation.
using ProbedValues = llvm::MapVector<StringRef, ProbedValue>;
} // namespace

/// Stages are run up to here, where tensors end.
static constexpr StringLiteral kFirstBufferStage = "bufferize";

/// The name that a location carries: of a fused op, that of its last part.
static StringRef nameOf(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName().getValue();
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : llvm::reverse(fused.getLocations()))
      if (StringRef name = nameOf(part); !name.empty())
        return name;
  return "";
}

static FailureOr<ProbedValues> interpretAll(ModuleOp module, ArrayRef<HostTensor> inputs,
                                            InterpreterOptions options = {}) {
  ProbedValues values;
  options.observe = [&](OpResult result, const HostTensor &tensor) {
    Operation *op = result.getOwner();
    StringRef name = nameOf(op->getLoc());
    // Constants are not computed; what an empty tensor holds does not matter.
    if (name.empty() || result.getResultNumber() != 0 || op->hasTrait<OpTrait::ConstantLike>() ||
        isa<tensor::EmptyOp>(op))
      return;
    values[name] = {op->getName().getStringRef().str(), tensor};
  };
  if (failed(interpret(module.lookupSymbol<func::FuncOp>(kEntryName), inputs, options)))
    return failure();
  return values;
}

InterpreterOptions nnopt::perturbing() {
  InterpreterOptions options;
  options.alter = [random = std::mt19937_64(1)](OpResult result, HostTensor &tensor) mutable {
    if (!result.getOwner()->hasTrait<OpTrait::ConstantLike>())
      perturb(tensor, random);
  };
  return options;
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

/// A name as a part of a file name.
static std::string fileName(size_t number, StringRef name) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%04zu-", number);
  for (char c : name.take_back(100))
    text += llvm::isAlnum(c) || StringRef("._-").contains(c) ? c : '_';
  return text + ".npy";
}

static llvm::Error writeFile(const llvm::Twine &path, StringRef bytes) {
  std::error_code code;
  llvm::raw_fd_ostream file(path.str(), code);
  if (!code) {
    file << bytes;
    file.close();
    code = file.error();
    file.clear_error();
  }
  return code ? runError("cannot write '" + path + "': " + code.message()) : llvm::Error::success();
}

static llvm::Error writeValues(StringRef directory, const ProbedValues &values) {
  if (std::error_code code = llvm::sys::fs::create_directories(directory))
    return runError("cannot create '" + directory + "': " + code.message());
  std::string list;
  for (auto [i, entry] : llvm::enumerate(values)) {
    const auto &[name, value] = entry;
    std::string file = fileName(i, name);
    list += file + "\t" + name.str() + "\t" + value.op + "\t" + value.tensor.typeText() + "\n";
    if (llvm::Error error = writeFile(directory + "/" + file, formatNpy(value.tensor)))
      return error;
  }
  return writeFile(directory + "/values.txt", list);
}

//===----------------------------------------------------------------------===//
// Comparison
//===----------------------------------------------------------------------===//

/// `tensor` with dimension 1 moved to the end.
static HostTensor channelsLast(const HostTensor &tensor) {
  SmallVector<int64_t> shape(tensor.shape());
  std::rotate(shape.begin() + 1, shape.begin() + 2, shape.end());
  std::optional<HostTensor> result = HostTensor::allocate(tensor.type(), shape);
  if (!result)
    return tensor;
  int64_t channels = tensor.shape()[1], width = byteWidth(tensor.type());
  int64_t spatial = channels == 0 || tensor.shape()[0] == 0 ? 0 : tensor.size() / tensor.shape()[0] / channels;
  char *bytes = result->mutableBytes();
  for (int64_t n = 0; n < tensor.shape()[0]; ++n)
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t i = 0; i < spatial; ++i)
        std::memcpy(bytes + ((n * spatial + i) * channels + c) * width,
                    tensor.bytes() + ((n * channels + c) * spatial + i) * width, width);
  return *result;
}

/// Whether both hold the same numbers, in whatever order.
static bool sameNumbers(const HostTensor &got, const HostTensor &expected, double tolerance) {
  HostTensor sorted[] = {got, expected};
  for (HostTensor &tensor : sorted) {
    std::vector<double> values(tensor.size());
    for (int64_t i = 0; i < tensor.size(); ++i)
      values[i] = loadElement(tensor.type(), tensor.bytes(), i);
    llvm::sort(values, [](double x, double y) { return x < y || (std::isnan(y) && !std::isnan(x)); });
    char *bytes = tensor.mutableBytes();
    for (int64_t i = 0; i < tensor.size(); ++i)
      storeElement(tensor.type(), bytes, i, values[i]);
  }
  return compare("", sorted[0], sorted[1].reshaped(got.shape()), tolerance).agrees;
}

/// Compares a value with the imported one. Nothing if they cannot be compared: another type, or an unknown layout.
static std::optional<Difference> compareValues(StringRef name, const HostTensor &got, const HostTensor &expected,
                                               double tolerance) {
  if (got.type() != expected.type() || got.size() != expected.size())
    return std::nullopt;
  Difference inOrder = compare(name, got, expected.reshaped(got.shape()), tolerance);
  if (inOrder.agrees)
    return inOrder;
  if (expected.rank() >= 3) {
    HostTensor last = channelsLast(expected);
    Difference moved = compare(name, got.reshaped(last.shape()), last, tolerance);
    if (moved.agrees)
      return moved;
    if (got.shape() == last.shape() && got.shape() != expected.shape())
      return moved;
  }
  // A stage may order the elements as it likes, if their readers follow: the same numbers are no difference.
  if (got.shape() != expected.shape() || sameNumbers(got, expected, tolerance))
    return std::nullopt;
  return inOrder;
}

namespace {
/// What all stages are compared with.
class ImportedValues {
public:
  ImportedValues(ModuleOp module, ArrayRef<HostTensor> inputs, const ProbeOptions &options)
      : module(module), inputs(inputs), options(options) {}

  LogicalResult compute() {
    FailureOr<ProbedValues> computed = interpretAll(module, inputs);
    if (succeeded(computed))
      values = std::move(*computed);
    return computed;
  }
  const ProbedValues &get() const { return values; }

  ProbeStage compareAll(StringRef stage, llvm::function_ref<const HostTensor *(StringRef)> find) {
    ProbeStage result;
    result.name = stage.str();
    for (const auto &[name, value] : values) {
      const HostTensor *got = find(name);
      std::optional<Difference> difference =
          got ? compareValues(name, *got, value.tensor, options.tolerance) : std::nullopt;
      if (difference && !difference->agrees && !result.first)
        difference = compareValues(name, *got, value.tensor, adaptedTolerance(name, value.tensor));
      if (!difference)
        continue;
      ++result.compared;
      if (!difference->agrees && !result.first) {
        result.first = *difference;
        result.op = value.op;
      }
    }
    return result;
  }

private:
  double adaptedTolerance(StringRef name, const HostTensor &plain) {
    if (!options.adapts)
      return options.tolerance;
    if (!perturbed) { // most probes need it not
      FailureOr<ProbedValues> computed = interpretAll(module, inputs, perturbing());
      perturbed = succeeded(computed) ? std::move(*computed) : ProbedValues();
    }
    auto found = perturbed->find(name);
    bool fits = found != perturbed->end() && found->second.tensor.shape() == plain.shape();
    return fits ? toleranceFor(plain, found->second.tensor, options.tolerance) : options.tolerance;
  }

  ModuleOp module;
  ArrayRef<HostTensor> inputs;
  const ProbeOptions &options;
  ProbedValues values;
  std::optional<ProbedValues> perturbed;
};
} // namespace

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

LogicalResult nnopt::probe(ModuleOp module, const RunSignature &signature, ArrayRef<HostTensor> inputs,
                           const ProbeOptions &options, std::vector<ProbeStage> &stages) {
  auto fail = [&](llvm::Error error) {
    return emitError(UnknownLoc::get(module.getContext())) << llvm::toString(std::move(error));
  };
  ImportedValues expected(module, inputs, options);
  if (failed(expected.compute()))
    return failure();
  if (llvm::Error error = writeValues(options.directory, expected.get()))
    return fail(std::move(error));

  OwningOpRef<ModuleOp> copy = module.clone();
  for (const Stage *stage = nnopt::stages().begin(); stage->name != kFirstBufferStage; ++stage) {
    if (!stage->build)
      continue;
    StageRun run;
    run.startAt = run.stopAfter = stage->name;
    if (failed(runStages(*copy, PipelineOptions(), run)))
      return failure();
    FailureOr<ProbedValues> got = interpretAll(*copy, inputs);
    if (failed(got))
      return failure();
    auto find = [&](StringRef name) -> const HostTensor * {
      auto found = got->find(name);
      return found == got->end() ? nullptr : &found->second.tensor;
    };
    stages.push_back(expected.compareAll(stage->name, find));
  }
  if (options.onnxModel.empty())
    return success();
  llvm::Expected<NamedTensors> nodes = runOnnxRuntimeNodes(options.onnxModel, signature, inputs);
  if (!nodes)
    return fail(nodes.takeError());
  auto find = [&](StringRef name) -> const HostTensor * {
    auto found = llvm::find_if(*nodes, [&](const auto &node) { return node.first == name; });
    return found == nodes->end() ? nullptr : &found->second;
  };
  stages.push_back(expected.compareAll("ONNX Runtime", find));
  return success();
}
