//===- CodeGen.cpp - LLVM IR to machine code ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "CodeGen.h"

#include "nnopt/Target/ModelCode.h"

#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"

#include <mutex>

using namespace llvm;
using namespace nnopt;

static constexpr unsigned char kGlueX86[] = {
#include "glue-x86_64.inc"
};
static constexpr unsigned char kGlueAArch64[] = {
#include "glue-aarch64.inc"
};

StringRef nnopt::glueBitcode(const Triple &triple) {
  auto text = [](ArrayRef<unsigned char> bytes) { return StringRef(reinterpret_cast<const char *>(bytes.data()), bytes.size()); };
  switch (triple.getArch()) {
  case Triple::x86_64:
    return text(kGlueX86);
  case Triple::aarch64:
    return text(kGlueAArch64);
  default:
    return {};
  }
}

/// Makes the code generators known to LLVM's registry.
static void initializeTargets() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser(); // inline assembly of the glue code
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
    LLVMInitializeAArch64AsmParser();
  });
}

Error nnopt::checkTarget(const Triple &triple) {
  if (glueBitcode(triple).empty())
    return createStringError(inconvertibleErrorCode(), "no code generator for target '" + triple.str() +
                                                           "', expected x86_64 or aarch64, for instance aarch64-linux-gnu");
  if (!triple.isOSBinFormatELF())
    return createStringError(inconvertibleErrorCode(), "target '" + triple.str() + "' does not use ELF objects");
  return Error::success();
}

Expected<std::unique_ptr<TargetMachine>> nnopt::createTargetMachine(const Triple &triple) {
  initializeTargets();
  if (Error error = checkTarget(triple))
    return error;
  std::string message;
  const llvm::Target *target = TargetRegistry::lookupTarget(triple, message);
  if (!target)
    return createStringError(inconvertibleErrorCode(), message);
  StringRef cpu = triple.getArch() == Triple::x86_64 ? "x86-64" : "generic";
  std::unique_ptr<TargetMachine> machine(target->createTargetMachine(triple, cpu, /*Features=*/"", TargetOptions(), Reloc::PIC_,
                                                                     CodeModel::Small, CodeGenOptLevel::Default));
  if (!machine)
    return createStringError(inconvertibleErrorCode(), "no code generator for target '" + triple.str() + "'");
  return machine;
}

void nnopt::optimize(Module &module, TargetMachine &machine) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager sccs;
  ModuleAnalysisManager modules;
  PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O2).run(module, modules);
}

Error nnopt::emit(Module &module, TargetMachine &machine, CodeGenFileType type, SmallVectorImpl<char> &out) {
  raw_svector_ostream os(out);
  legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, os, /*DwoOut=*/nullptr, type))
    return createStringError(inconvertibleErrorCode(), "the code generator cannot write this kind of file");
  passes.run(module);
  return Error::success();
}
