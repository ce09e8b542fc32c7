//===- Signature.cpp - what a model takes and gives -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Target/Signature.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace nnopt;

static constexpr int64_t kMaxRank = 8; // NNOPT_MAX_RANK of lib/Target/Runtime/Interface.h

namespace {
struct Dtype {
  int32_t number;
  StringLiteral name;
  bool (*is)(Type);
};
} // namespace

static bool isInteger(Type type, unsigned width, bool isUnsigned) {
  auto integer = dyn_cast<IntegerType>(type);
  return integer && integer.getWidth() == width && integer.isUnsigned() == isUnsigned;
}

static constexpr Dtype kDtypes[] = {
    {1, "float32", [](Type t) { return t.isF32(); }},
    {2, "uint8", [](Type t) { return isInteger(t, 8, true); }},
    {3, "int8", [](Type t) { return isInteger(t, 8, false); }},
    {4, "uint16", [](Type t) { return isInteger(t, 16, true); }},
    {5, "int16", [](Type t) { return isInteger(t, 16, false); }},
    {6, "int32", [](Type t) { return isInteger(t, 32, false); }},
    {7, "int64", [](Type t) { return isInteger(t, 64, false); }},
    {9, "bool", [](Type t) { return isInteger(t, 1, false); }},
    {10, "float16", [](Type t) { return t.isF16(); }},
    {11, "float64", [](Type t) { return t.isF64(); }},
    {12, "uint32", [](Type t) { return isInteger(t, 32, true); }},
    {13, "uint64", [](Type t) { return isInteger(t, 64, true); }},
    {16, "bfloat16", [](Type t) { return t.isBF16(); }},
};

std::optional<int32_t> nnopt::dtypeNumber(Type elementType) {
  for (const Dtype &row : kDtypes)
    if (row.is(elementType))
      return row.number;
  return std::nullopt;
}

StringRef nnopt::dtypeName(int32_t dtype) {
  const Dtype *row = llvm::find_if(kDtypes, [&](const Dtype &row) { return row.number == dtype; });
  return row == std::end(kDtypes) ? StringRef("unknown") : StringRef(row->name);
}

std::string nnopt::cIdentifier(StringRef text) {
  std::string result;
  for (char c : text)
    if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) // one character of UTF-8, one underscore
      result += llvm::isAlnum(c) ? c : '_';
  if (result.empty() || llvm::isDigit(result.front()))
    result.insert(result.begin(), '_');
  return result;
}

static FailureOr<ModelArgument> readArgument(ModuleOp module, Attribute attribute, ArrayRef<std::string> symbols) {
  auto row = dyn_cast<DictionaryAttr>(attribute);
  auto name = row ? row.getAs<StringAttr>("name") : nullptr;
  auto typeAttr = row ? row.getAs<TypeAttr>("type") : nullptr;
  auto type = typeAttr ? dyn_cast<RankedTensorType>(typeAttr.getValue()) : nullptr;
  if (!name || !type)
    return module.emitError("has an argument description without 'name' and 'type': ") << attribute;
  std::optional<int32_t> dtype = dtypeNumber(type.getElementType());
  if (!dtype)
    return module.emitError("argument '") << name.getValue() << "' has elements of type " << type.getElementType()
                                          << ", which the C interface does not have";
  if (type.getRank() > kMaxRank)
    return module.emitError("argument '") << name.getValue() << "' has " << type.getRank()
                                          << " dimensions, the C interface has at most " << kMaxRank;
  ModelArgument argument{name.str(), type, *dtype, {}, {}};
  auto dims = row.getAs<ArrayAttr>("dims");
  for (int64_t d = 0; d < type.getRank(); ++d) {
    auto dim = dims && d < static_cast<int64_t>(dims.size()) ? dyn_cast<StringAttr>(dims[d]) : nullptr;
    bool isDynamic = type.isDynamicDim(d);
    argument.dims.push_back(!isDynamic ? std::to_string(type.getDimSize(d)) : dim ? dim.str() : "?");
    const auto *found = isDynamic ? llvm::find(symbols, argument.dims.back()) : symbols.end();
    argument.symbols.push_back(found == symbols.end() ? -1 : static_cast<int32_t>(found - symbols.begin()));
  }
  return argument;
}

static LogicalResult readRequirements(ModuleOp module, Signature &signature) {
  auto rows = module->getAttrOfType<ArrayAttr>(kRequirementsAttr);
  if (!rows)
    return success();
  auto number = [&](StringAttr name) -> int32_t {
    auto found = name ? llvm::find(signature.symbols, name.getValue()) : signature.symbols.end();
    return found == signature.symbols.end() ? -1 : static_cast<int32_t>(found - signature.symbols.begin());
  };
  for (Attribute attribute : rows) {
    auto row = dyn_cast<DictionaryAttr>(attribute);
    Requirement requirement{row ? number(row.getAs<StringAttr>("symbol")) : -1};
    auto equals = row ? row.getAs<StringAttr>("equals") : nullptr;
    if (equals)
      requirement.equals = number(equals);
    if (requirement.symbol < 0 || (equals && requirement.equals < 0))
      return module.emitError("has a requirement on a symbol that no input has: ") << attribute;
    if (auto least = row.getAs<IntegerAttr>("least"))
      requirement.least = least.getInt();
    if (auto most = row.getAs<IntegerAttr>("most"))
      requirement.most = most.getInt();
    signature.requirements.push_back(requirement);
  }
  return success();
}

FailureOr<Signature> nnopt::readSignature(ModuleOp module) {
  Signature signature;
  auto inputs = module->getAttrOfType<ArrayAttr>(kInputsAttr), outputs = module->getAttrOfType<ArrayAttr>(kOutputsAttr);
  if (!inputs || !outputs)
    return module.emitError("does not carry '") << kInputsAttr << "' and '" << kOutputsAttr
                                                << "'; has it passed the stage 'threads'?";
  if (auto symbols = module->getAttrOfType<ArrayAttr>(kSymbolsAttr))
    for (auto symbol : symbols.getAsRange<StringAttr>())
      signature.symbols.push_back(symbol.str());
  if (failed(readRequirements(module, signature)))
    return failure();
  for (auto [attributes, arguments] : {std::pair(inputs, &signature.inputs), std::pair(outputs, &signature.outputs)})
    for (Attribute attribute : attributes) {
      FailureOr<ModelArgument> argument = readArgument(module, attribute, signature.symbols);
      if (failed(argument))
        return failure();
      arguments->push_back(*argument);
    }
  for (const ModelArgument &input : signature.inputs)
    for (auto [d, symbol] : llvm::enumerate(input.symbols))
      if (input.type.isDynamicDim(d) && symbol < 0)
        return module.emitError("dimension ") << d << " of input '" << input.name << "' has no symbol";
  for (const Isa &isa : isaTable())
    if (module.lookupSymbol((kEntryName + "_" + isa.name).str()))
      signature.isas.push_back(&isa);
  if (signature.isas.empty())
    return module.emitError("has no function '@") << kEntryName << "_<isa>'";
  llvm::stable_sort(signature.isas, [](const Isa *a, const Isa *b) { return a->rank < b->rank; });
  return signature;
}
