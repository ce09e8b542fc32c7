//===- ModelCode.cpp - a model as machine code ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Target/ModelCode.h"

#include "CodeGen.h"
#include "Descriptor.h"
#include "ElfObject.h"
#include "Header.h"
#include "OverflowCheck.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"

#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using namespace nnopt;

/// Names in the glue code, and in generated code, that the model's name replaces in the object.
static constexpr StringLiteral kPublic[] = {"run", "plan", "info"};
static constexpr StringLiteral kParallelFor = "nnopt_parallel_for";

namespace {
/// Turns errors of LLVM's into diagnostics.
struct LLVMErrors : llvm::DiagnosticHandler {
  explicit LLVMErrors(ModuleOp module) : module(module) {}

  bool handleDiagnostics(const llvm::DiagnosticInfo &info) override {
    if (info.getSeverity() != llvm::DS_Error)
      return true; // remarks and warnings are about our own code
    std::string text;
    llvm::raw_string_ostream os(text);
    llvm::DiagnosticPrinterRawOStream printer(os);
    info.print(printer);
    module.emitError("code generation: ") << text;
    return true;
  }

  ModuleOp module;
};
} // namespace

struct ModelCode::Impl {
  Impl(ModuleOp module, const CodeOptions &options) : module(module), options(options) {
    context.setDiagnosticHandler(std::make_unique<LLVMErrors>(module));
  }

  ModuleOp module;
  CodeOptions options;
  Signature signature;
  WeightTable weights;
  std::optional<int64_t> workspaceBytes;
  bool usesThreads = false;
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> llvmModule;
  std::unique_ptr<llvm::TargetMachine> machine;

  LogicalResult fail(llvm::Error error) { return module.emitError(llvm::toString(std::move(error))); }

  LogicalResult build();
  LogicalResult translate();
  LogicalResult checkFunctions();
  LogicalResult linkGlue();
  void nameSymbols();
  LogicalResult generate(llvm::CodeGenFileType type, SmallVectorImpl<char> &out);
  std::string weightPrefix() const { return options.name + "."; }
};

LogicalResult ModelCode::Impl::build() {
  FailureOr<Signature> read = readSignature(module);
  FailureOr<WeightTable> collected = WeightTable::collect(module, weightPrefix());
  if (failed(read) || failed(collected))
    return failure();
  signature = std::move(*read);
  weights = std::move(*collected);
  weights.layOut([](const Weight &) { return true; });
  llvm::Expected<std::unique_ptr<llvm::TargetMachine>> created = createTargetMachine(options.triple);
  if (!created)
    return fail(created.takeError());
  machine = std::move(*created);
  if (failed(translate()) || failed(checkFunctions()) || failed(linkGlue()))
    return failure();
  optimize(*llvmModule, *machine);
  weights.layOut([&](const Weight &weight) {
    llvm::GlobalVariable *global = llvmModule->getNamedGlobal(weight.symbol);
    return global && !global->use_empty();
  });
  return success();
}

LogicalResult ModelCode::Impl::translate() {
  DialectRegistry registry;
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  module.getContext()->appendDialectRegistry(registry);
  llvmModule = translateModuleToLLVMIR(module, context, options.name);
  if (!llvmModule)
    return module.emitError("cannot be translated to LLVM IR");
  llvmModule->setTargetTriple(machine->getTargetTriple());
  llvmModule->setDataLayout(machine->createDataLayout());
  return success();
}

/// What the glue code calls must be there, for the architecture of the target.
LogicalResult ModelCode::Impl::checkFunctions() {
  for (const Isa *isa : signature.isas)
    if (isa->arch != options.triple.getArchName())
      return module.emitError("has code for '") << isa->name << "', which '" << options.triple.str() << "' cannot run";
  for (StringRef name : {StringRef(kWorkspaceName), StringRef(kShapesName)}) {
    llvm::Function *function = llvmModule->getFunction(name);
    if (!function || function->isDeclaration())
      return module.emitError("has no function '@") << name << "'";
  }
  // Translation folds constants, so a size that is static is one.
  llvm::Function &workspace = *llvmModule->getFunction(kWorkspaceName);
  if (auto *ret = dyn_cast<llvm::ReturnInst>(workspace.back().getTerminator()))
    if (auto *bytes = dyn_cast_or_null<llvm::ConstantInt>(ret->getReturnValue()))
      workspaceBytes = bytes->getSExtValue();
  returnMinusOneOnOverflow(workspace);
  usesThreads = llvmModule->getFunction(kParallelFor) && !llvmModule->getFunction(kParallelFor)->use_empty();
  return success();
}

LogicalResult ModelCode::Impl::linkGlue() {
  llvm::MemoryBufferRef bitcode(glueBitcode(options.triple), "glue");
  llvm::Expected<std::unique_ptr<llvm::Module>> glue = llvm::parseBitcodeFile(bitcode, context);
  if (!glue)
    return fail(glue.takeError());
  (*glue)->setTargetTriple(llvmModule->getTargetTriple());
  (*glue)->setDataLayout(llvmModule->getDataLayout());
  if (llvm::Linker::linkModules(*llvmModule, std::move(*glue)))
    return failure(); // a diagnostic came through the context
  DescriptorFacts facts{weights.bytes(), workspaceBytes, usesThreads};
  if (llvm::Error error = defineDescriptor(*llvmModule, signature, options, facts))
    return fail(std::move(error));
  nameSymbols();
  return success();
}

/// Only the three functions of the interface can be seen from outside, so that any number of models link into one program.
void ModelCode::Impl::nameSymbols() {
  for (llvm::Function &function : *llvmModule)
    if (!function.isDeclaration())
      function.setLinkage(llvm::GlobalValue::InternalLinkage);
  for (llvm::GlobalVariable &global : llvmModule->globals())
    if (!global.isDeclaration() && !global.hasPrivateLinkage())
      global.setLinkage(llvm::GlobalValue::InternalLinkage);
  for (StringRef name : kPublic) {
    llvm::Function *function = llvmModule->getFunction(("nnopt_this_" + name).str());
    function->setName(options.name + "_" + name);
    function->setLinkage(llvm::GlobalValue::ExternalLinkage);
  }
  for (const Weight &weight : weights.weights())
    if (llvm::GlobalVariable *global = llvmModule->getNamedGlobal(StringRef(weight.symbol).drop_front(weightPrefix().size())))
      global->setName(weight.symbol);
}

LogicalResult ModelCode::Impl::generate(llvm::CodeGenFileType type, SmallVectorImpl<char> &out) {
  if (llvm::Error error = emit(*llvmModule, *machine, type, out))
    return fail(std::move(error));
  return success();
}

ModelCode::ModelCode(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
ModelCode::ModelCode(ModelCode &&) = default;
ModelCode::~ModelCode() = default;

FailureOr<ModelCode> ModelCode::create(ModuleOp module, const CodeOptions &options) {
  auto impl = std::make_unique<Impl>(module, options);
  if (failed(impl->build()))
    return failure();
  return ModelCode(std::move(impl));
}

const Signature &ModelCode::signature() const { return impl->signature; }
const CodeOptions &ModelCode::options() const { return impl->options; }
uint64_t ModelCode::weightBytes() const { return impl->weights.bytes(); }
std::optional<int64_t> ModelCode::workspaceBytes() const { return impl->workspaceBytes; }
bool ModelCode::usesThreads() const { return impl->usesThreads; }

LogicalResult ModelCode::writeObject(raw_ostream &os) {
  SmallVector<char, 0> code;
  if (failed(impl->generate(llvm::CodeGenFileType::ObjectFile, code)))
    return failure();
  if (llvm::Error error = writeObjectWithWeights(StringRef(code.data(), code.size()), impl->weights, os))
    return impl->fail(std::move(error));
  return success();
}

LogicalResult ModelCode::writeAssembly(raw_ostream &os) {
  SmallVector<char, 0> text;
  if (failed(impl->generate(llvm::CodeGenFileType::AssemblyFile, text)))
    return failure();
  os << text;
  for (bool isCode : {false, true}) {
    uint64_t bytes = impl->weights.bytes(isCode);
    if (bytes == 0)
      continue;
    os << "\n# The bytes of section " << (isCode ? kCodeSection : kWeightSection) << " (" << bytes << " bytes) are only in the object; it defines these symbols:\n";
    for (const Weight &weight : impl->weights.weights())
      if (weight.isCode == isCode)
        os << "# " << weight.symbol << ": offset " << weight.offset << ", " << weight.bytes << " bytes\n";
  }
  return success();
}

void ModelCode::writeLLVM(raw_ostream &os) const { os << *impl->llvmModule; }

void ModelCode::writeHeader(raw_ostream &os) const {
  writeModelHeader(os, impl->signature, impl->options, impl->usesThreads);
}
