//===- Plugin.cpp - nnopt inside the stock mlir-opt -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   mlir-opt --load-dialect-plugin=NNOptPlugin.so --load-pass-plugin=NNOptPlugin.so --pass-pipeline='builtin.module(nnopt-graph)' in.mlir
//===----------------------------------------------------------------------===//

#include "nnopt/Register/Register.h"

#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

extern "C" LLVM_ATTRIBUTE_WEAK mlir::DialectPluginLibraryInfo mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "NNOpt", NNOPT_VERSION,
          [](mlir::DialectRegistry *registry) { nnopt::registerDialects(*registry); }};
}

extern "C" LLVM_ATTRIBUTE_WEAK mlir::PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "NNOpt", NNOPT_VERSION, [] { nnopt::registerPasses(); }};
}
