//===- CompiledWorkload.cpp - a layer compiled and ready to run -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Bench/CompiledWorkload.h"

#include "nnopt/Driver/Compile.h"
#include "nnopt/Interpreter/Interpreter.h"
#include "nnopt/Run/Compare.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/TargetParser/Host.h"

#include <cmath>

using namespace mlir;
using namespace nnopt;

static llvm::Error errorIn(const Workload &workload, const llvm::Twine &what) {
  return llvm::createStringError(workload.name + ": " + what);
}

/// Compiles `module` to a shared library in `folder`, and loads it.
static llvm::Expected<Artefact> compileAndLoad(ModuleOp module, StringRef folder, const Isa &isa, int threads,
                                               const SparsifyOptions &sparsify) {
  CompileOptions compile;
  compile.output = (folder + "/layer.so").str();
  compile.emit = EmitKind::Shared;
  compile.triple = llvm::Triple(llvm::sys::getDefaultTargetTriple());
  compile.isas = {isa.name.str()};
  compile.threads = threads == 1 ? 0 : -1;
  compile.sparsify = sparsify;
  if (failed(compileModel(module, compile)))
    return llvm::createStringError("compilation failed");
  return Artefact::open(compile.output);
}

/// Numbers in [-1, 1), or indices of a table of 10000 rows or more.
static llvm::Expected<HostTensor> makeInput(const RunArgument &argument, uint64_t seed) {
  std::optional<HostTensor> tensor = HostTensor::allocate(argument.type, argument.shape);
  if (!tensor)
    return llvm::createStringError("no memory for input " + argument.name);
  std::vector<float> values = randomFloats(tensor->size(), 1.0f, seed);
  if (argument.type == ElementType::F32)
    std::copy(values.begin(), values.end(), reinterpret_cast<float *>(tensor->mutableBytes()));
  else
    std::transform(values.begin(), values.end(), reinterpret_cast<int64_t *>(tensor->mutableBytes()),
                   [](float value) { return int64_t(std::abs(value) * 10000); });
  return *tensor;
}

llvm::Expected<CompiledWorkload> CompiledWorkload::create(const Workload &workload, const Isa &isa, int threads, MLIRContext &context,
                                                            const SparsifyOptions &sparsify) {
  OwningOpRef<ModuleOp> module = buildWorkload(workload, context);
  if (!module)
    return errorIn(workload, "the module does not parse");
  SmallString<128> folder;
  if (std::error_code error = llvm::sys::fs::createUniqueDirectory("nnopt-bench", folder))
    return errorIn(workload, "cannot make a temporary folder: " + error.message());
  llvm::Expected<Artefact> artefact = compileAndLoad(*module, folder, isa, threads, sparsify);
  llvm::sys::fs::remove_directories(folder); // the library stays loaded
  if (!artefact)
    return errorIn(workload, llvm::toString(artefact.takeError()));
  if (artefact->isa() != isa.name)
    return errorIn(workload, "this machine does not have the instruction set " + isa.name);
  std::vector<HostTensor> inputs;
  for (const RunArgument &argument : artefact->signature().inputs) {
    llvm::Expected<HostTensor> input = makeInput(argument, 100 + inputs.size());
    if (!input)
      return errorIn(workload, llvm::toString(input.takeError()));
    inputs.push_back(std::move(*input));
  }
  llvm::Expected<Artefact::Call> call = artefact->prepare(inputs, threads);
  if (!call)
    return errorIn(workload, llvm::toString(call.takeError()));
  return CompiledWorkload(workload, std::move(*artefact), std::move(inputs), std::move(*call));
}

llvm::Error CompiledWorkload::check(MLIRContext &context) {
  if (llvm::Error error = run())
    return errorIn(source, llvm::toString(std::move(error)));
  OwningOpRef<ModuleOp> module = buildWorkload(source, context);
  FailureOr<SmallVector<HostTensor>> expected = interpret(*module->getOps<func::FuncOp>().begin(), inputs);
  if (failed(expected))
    return errorIn(source, "the interpreter failed");
  Difference difference = compare("y", call.outputs()[0], (*expected)[0], derivedTolerance(*module));
  return difference.agrees ? llvm::Error::success() : errorIn(source, difference.problem);
}
