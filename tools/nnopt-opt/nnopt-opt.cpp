//===- nnopt-opt.cpp - run nnopt and upstream passes on IR ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Conversion/Passes.h"
#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/BufferizableOpInterfaceImpl.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"
#include "nnopt/Pipelines/Stages.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<nnopt::NNOptDialect>();
  nnopt::registerBufferizableOpInterfaceExternalModels(registry);
  mlir::registerAllPasses();
  nnopt::registerNNOptPasses();
  nnopt::registerNNOptConversionPasses();
  nnopt::registerNNOptPipelines();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "nnopt optimizer driver\n", registry));
}
