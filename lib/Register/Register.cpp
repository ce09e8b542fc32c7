//===- Register.cpp - what nnopt adds to MLIR, in one place ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Register/Register.h"

#include "nnopt/Conversion/Passes.h"
#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/BranchShapes.h"
#include "nnopt/Dialect/NNOpt/Transforms/BufferizableOpInterfaceImpl.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"
#include "nnopt/Pipelines/Stages.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"

#include "llvm/Support/CommandLine.h"

void nnopt::registerDialects(mlir::DialectRegistry &registry) {
  registry.insert<NNOptDialect>();
  registerBufferizableOpInterfaceExternalModels(registry);
  registerBranchShapes(registry);
}

void nnopt::registerPasses() {
  registerNNOptPasses();
  registerNNOptConversionPasses();
  registerNNOptPipelines();
}

void nnopt::registerEverything(mlir::DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllPasses();
  registerDialects(registry);
  registerPasses();
}

void nnopt::hideLLVMOptions() {
  for (auto &entry : llvm::cl::getRegisteredOptions())
    if (entry.first != "help" && entry.first != "version")
      entry.second->setHiddenFlag(llvm::cl::ReallyHidden);
}
