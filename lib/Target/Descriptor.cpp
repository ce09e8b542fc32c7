//===- Descriptor.cpp - what the glue code knows of a model ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Descriptor.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Target/March.h"

#include "llvm/IR/Constants.h"
#include "llvm/IR/DerivedTypes.h"

using namespace llvm;
using namespace nnopt;

namespace {

/// Builds constant data. Fields are given in the order of the C structures; the natural layout of LLVM's structures is C's.
struct DescriptorBuilder {
  explicit DescriptorBuilder(Module &module) : module(module), context(module.getContext()) {}

  Module &module;
  LLVMContext &context;
  Type *pointer = PointerType::getUnqual(context);
  Constant *null = ConstantPointerNull::get(PointerType::getUnqual(context));

  Constant *i32(int64_t value) { return ConstantInt::getSigned(Type::getInt32Ty(context), value); }
  Constant *i64(int64_t value) { return ConstantInt::getSigned(Type::getInt64Ty(context), value); }

  /// The address of private constant data.
  Constant *address(Constant *data) {
    auto *global = new GlobalVariable(module, data->getType(), /*isConstant=*/true, GlobalValue::PrivateLinkage, data,
                                      "nnopt.descriptor");
    global->setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
    return global;
  }
  Constant *string(StringRef text) { return address(ConstantDataArray::getString(context, text)); }
  Constant *fields(ArrayRef<Constant *> values) { return ConstantStruct::getAnon(context, values); }
  Constant *array(ArrayRef<Constant *> values) {
    if (values.empty())
      return null;
    return address(ConstantArray::get(ArrayType::get(values.front()->getType(), values.size()), values));
  }
  template <typename Range, typename Function>
  Constant *arrayOf(const Range &range, Function function) {
    return array(map_to_vector(range, function));
  }

  /// nnopt_argument
  Constant *argument(const ModelArgument &argument) {
    auto extent = [&](int64_t size) { return i64(mlir::ShapedType::isDynamic(size) ? -1 : size); };
    return fields({string(argument.name), i32(argument.dtype), i32(argument.type.getRank()),
                   arrayOf(argument.type.getShape(), extent),
                   arrayOf(argument.dims, [&](const std::string &dim) { return string(dim); })});
  }

  Constant *symbols(const ModelArgument &argument) {
    return arrayOf(argument.symbols, [&](int32_t symbol) { return i32(symbol); });
  }
};

} // namespace

Error nnopt::defineDescriptor(Module &module, const Signature &signature, const CodeOptions &options,
                              const DescriptorFacts &facts) {
  DescriptorBuilder b(module);
  auto argument = [&](const ModelArgument &row) { return b.argument(row); };
  Constant *inputs = b.arrayOf(signature.inputs, argument), *outputs = b.arrayOf(signature.outputs, argument);
  Constant *name = b.string(options.name), *stamp = b.string(options.stamp);
  Constant *isas = b.arrayOf(signature.isas, [&](const Isa *isa) { return b.string(isa->name); });

  auto info = [&](StringRef isa) { // nnopt_info
    return b.address(b.fields({name, stamp, b.string(isa), isas, b.i32(signature.isas.size()),
                               b.i32(signature.inputs.size()), b.i32(signature.outputs.size()),
                               b.i32(facts.usesThreads), inputs, outputs, b.i64(facts.workspaceBytes.value_or(-1)),
                               b.i64(facts.weightBytes)}));
  };
  SmallVector<Constant *> variants; // nnopt_variant
  for (const Isa *isa : reverse(signature.isas)) {
    Expected<uint64_t> required = requiredCpuFeatures(*isa);
    if (!required)
      return required.takeError();
    Function *main = module.getFunction((kEntryName + "_" + isa->name).str());
    variants.push_back(b.fields({info(isa->name), main, b.i64(*required)}));
  }
  variants.push_back(b.fields({info("none"), b.null, b.i64(0)}));

  auto requirement = [&](const Requirement &row) -> Constant * { // nnopt_requirement
    return b.fields({b.i32(row.symbol), b.i32(row.equals), b.i64(row.least), b.i64(row.most)});
  };
  int64_t extents = 0;
  for (const ModelArgument &output : signature.outputs)
    extents += output.type.getRank();
  Constant *model = b.fields( // nnopt_model
      {b.i32(signature.symbols.size()), b.i32(extents), b.i32(options.defaultThreads), b.i32(signature.inputs.size()),
       b.i32(signature.outputs.size()), b.arrayOf(signature.inputs, [&](const ModelArgument &row) { return b.symbols(row); }),
       inputs, outputs, b.array(variants), b.arrayOf(signature.requirements, requirement),
       b.i64(signature.requirements.size()), module.getFunction(kWorkspaceName), module.getFunction(kShapesName)});

  GlobalVariable *declared = module.getNamedGlobal("nnopt_this_model");
  auto *defined = new GlobalVariable(module, model->getType(), /*isConstant=*/true, GlobalValue::InternalLinkage, model);
  declared->replaceAllUsesWith(defined);
  defined->takeName(declared);
  declared->eraseFromParent();
  return Error::success();
}
