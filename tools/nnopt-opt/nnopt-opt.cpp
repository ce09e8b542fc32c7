//===- nnopt-opt.cpp - run nnopt and upstream passes on IR ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Register/Register.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  nnopt::hideLLVMOptions();
  mlir::DialectRegistry registry;
  nnopt::registerEverything(registry);
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "nnopt-opt runs passes and pipelines on an .mlir file, nnopt's and upstream's\n", registry));
}
