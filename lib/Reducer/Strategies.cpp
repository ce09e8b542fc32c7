//===- Strategies.cpp - ways to make a module smaller ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Reducer/Reducer.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;
using namespace nnopt;

//===----------------------------------------------------------------------===//
// Items: lists that come out the same on every clone of a module.
//===----------------------------------------------------------------------===//

template <typename Predicate>
static SmallVector<Operation *> collect(ModuleOp module, Predicate &&accept) {
  SmallVector<Operation *> ops;
  module->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (accept(op))
      ops.push_back(op);
  });
  return ops;
}

static SmallVector<Operation *> symbols(ModuleOp module) {
  return llvm::map_to_vector(module.getOps<SymbolOpInterface>(), [](SymbolOpInterface op) { return op.getOperation(); });
}

static SmallVector<Operation *> bodyOperations(ModuleOp module) {
  return collect(module, [](Operation *op) {
    return op->getParentOfType<FunctionOpInterface>() && !op->hasTrait<OpTrait::IsTerminator>();
  });
}

static SmallVector<Operation *> decorated(ModuleOp module) {
  return collect(module, [](Operation *op) {
    auto function = dyn_cast<FunctionOpInterface>(op);
    return !op->getDiscardableAttrDictionary().empty() ||
           (function && (function.getArgAttrsAttr() || function.getResAttrsAttr()));
  });
}

static bool isLongConstant(NamedAttribute attribute) {
  auto elements = dyn_cast<ElementsAttr>(attribute.getValue());
  return elements && !elements.isSplat() && elements.getElementType().isIntOrIndexOrFloat();
}

static SmallVector<Operation *> longConstants(ModuleOp module) {
  return collect(module, [](Operation *op) { return llvm::any_of(op->getAttrs(), isLongConstant); });
}

/// Operands of terminators that leave a function, and arguments of functions.
static SmallVector<std::pair<FunctionOpInterface, unsigned>> returnedValues(ModuleOp module) {
  SmallVector<std::pair<FunctionOpInterface, unsigned>> items;
  for (auto function : module.getOps<FunctionOpInterface>())
    for (unsigned i = 0; !function.isExternal() && i < function.getNumResults(); ++i)
      items.push_back({function, i});
  return items;
}

static SmallVector<std::pair<FunctionOpInterface, unsigned>> arguments(ModuleOp module) {
  SmallVector<std::pair<FunctionOpInterface, unsigned>> items;
  for (auto function : module.getOps<FunctionOpInterface>())
    for (unsigned i = 0; !function.isExternal() && i < function.getNumArguments(); ++i)
      items.push_back({function, i});
  return items;
}

/// Operands of ops in functions. Terminators belong to the strategy "results".
static SmallVector<std::pair<Operation *, unsigned>> operands(ModuleOp module) {
  SmallVector<std::pair<Operation *, unsigned>> items;
  for (Operation *op : bodyOperations(module))
    for (unsigned i = 0; i < op->getNumOperands(); ++i)
      items.push_back({op, i});
  return items;
}

template <auto List>
static size_t count(ModuleOp module) {
  return List(module).size();
}

/// The items `begin` to `end`, last first: users before what they use, high indices before low ones.
template <auto List>
static auto chunk(ModuleOp module, size_t begin, size_t end) {
  auto items = List(module);
  auto taken = llvm::to_vector(ArrayRef(items).slice(begin, end - begin));
  std::reverse(taken.begin(), taken.end());
  return taken;
}

//===----------------------------------------------------------------------===//
// What taking items away means.
//===----------------------------------------------------------------------===//

static bool zeroConstants(ModuleOp module, size_t begin, size_t end) {
  for (Operation *op : chunk<longConstants>(module, begin, end))
    for (NamedAttribute attribute : op->getAttrs())
      if (isLongConstant(attribute)) {
        auto type = cast<ElementsAttr>(attribute.getValue()).getShapedType();
        op->setAttr(attribute.getName(), DenseElementsAttr::get(type, Builder(op).getZeroAttr(type.getElementType())));
      }
  return true;
}

static bool eraseSymbols(ModuleOp module, size_t begin, size_t end) {
  bool changed = false;
  for (Operation *op : chunk<symbols>(module, begin, end))
    if (SymbolTable::symbolKnownUseEmpty(op, module)) {
      op->erase();
      changed = true;
    }
  return changed;
}

/// Ends the function after the first item and returns its results. Only for ops directly in the body of a function of one block.
static bool returnEarly(ModuleOp module, size_t begin, size_t end) {
  Operation *last = bodyOperations(module)[begin];
  auto function = dyn_cast<FunctionOpInterface>(last->getParentOp());
  if (!function || !function.getFunctionBody().hasOneBlock() || last->getNumResults() == 0)
    return false;
  Operation *terminator = last->getBlock()->getTerminator();
  if (last->getNextNode() == terminator) // nothing to erase; the strategy "results" returns less
    return false;
  terminator->setOperands(last->getResults());
  function.setType(function.cloneTypeWith(function.getArgumentTypes(), last->getResultTypes()));
  function.removeResAttrsAttr();
  while (terminator->getPrevNode() != last) {
    terminator->getPrevNode()->dropAllDefinedValueUses();
    terminator->getPrevNode()->erase();
  }
  return true;
}

static bool eraseResults(ModuleOp module, size_t begin, size_t end) {
  bool changed = false;
  for (auto [function, index] : chunk<returnedValues>(module, begin, end)) {
    if (!SymbolTable::symbolKnownUseEmpty(function, module))
      continue;
    BitVector erased(function.getNumResults());
    erased.set(index);
    for (Block &block : function.getFunctionBody())
      if (block.getTerminator()->hasTrait<OpTrait::ReturnLike>())
        block.getTerminator()->eraseOperand(index);
    changed |= succeeded(function.eraseResults(erased));
  }
  return changed;
}

static bool eraseArguments(ModuleOp module, size_t begin, size_t end) {
  bool changed = false;
  for (auto [function, index] : chunk<arguments>(module, begin, end))
    if (function.getArgument(index).use_empty() && SymbolTable::symbolKnownUseEmpty(function, module))
      changed |= succeeded(function.eraseArgument(index));
  return changed;
}

/// A value of the wanted type that `op` uses, or null.
static Value operandOfType(Operation *op, Type type) {
  auto found = llvm::find_if(op->getOperands(), [&](Value operand) { return operand.getType() == type; });
  return found == op->operand_end() ? Value() : *found;
}

/// A new last argument of the function around `op`, or null.
static Value newArgument(Operation *op, Type type) {
  auto function = op->getParentOfType<FunctionOpInterface>();
  unsigned index = function.getNumArguments();
  if (failed(function.insertArgument(index, type, DictionaryAttr(), op->getLoc())))
    return nullptr;
  return function.getArgument(index);
}

/// Erases the ops whose results in use `replacement` can replace.
template <Value (*Replacement)(Operation *, Type)>
static bool eraseOperations(ModuleOp module, size_t begin, size_t end) {
  bool changed = false;
  SmallVector<Operation *> ops = chunk<bodyOperations>(module, begin, end);
  llvm::SmallPtrSet<Operation *, 16> taken(ops.begin(), ops.end());
  for (Operation *op : ops) {
    if (taken.contains(op->getParentOp())) // goes with its parent, or in a smaller chunk
      continue;
    bool unused = true;
    for (Value result : op->getResults()) {
      if (result.use_empty())
        continue;
      if (Value other = Replacement(op, result.getType()))
        result.replaceAllUsesWith(other);
      else
        unused = false;
    }
    if (!unused)
      continue;
    op->erase();
    changed = true;
  }
  return changed;
}

/// Erases operands that an op can do without; the verifier tells which.
static bool eraseOperands(ModuleOp module, size_t begin, size_t end) {
  constexpr llvm::StringLiteral kSegments = "operandSegmentSizes";
  for (auto [op, index] : chunk<operands>(module, begin, end)) {
    op->eraseOperand(index);
    auto segments = dyn_cast_or_null<DenseI32ArrayAttr>(op->getInherentAttr(kSegments).value_or(Attribute()));
    if (!segments)
      continue;
    SmallVector<int32_t> sizes(segments.asArrayRef());
    unsigned segment = 0;
    for (unsigned first = 0; first + sizes[segment] <= index; ++segment)
      first += sizes[segment];
    --sizes[segment];
    op->setInherentAttr(StringAttr::get(module.getContext(), kSegments), DenseI32ArrayAttr::get(module.getContext(), sizes));
  }
  return true;
}

static bool eraseAttributes(ModuleOp module, size_t begin, size_t end) {
  for (Operation *op : chunk<decorated>(module, begin, end)) {
    op->setDiscardableAttrs(DictionaryAttr::get(module.getContext()));
    if (auto function = dyn_cast<FunctionOpInterface>(op)) {
      function.removeArgAttrsAttr();
      function.removeResAttrsAttr();
    }
  }
  return true;
}

static constexpr ReductionStrategy kStrategies[] = {
    {"constants", "replace constants by zeros of the same type", count<longConstants>, zeroConstants},
    {"symbols", "erase functions and globals that nothing uses", count<symbols>, eraseSymbols},
    {"return", "return from a function earlier", count<bodyOperations>, returnEarly},
    {"results", "return fewer values", count<returnedValues>, eraseResults},
    {"forward", "replace an op's results by operands of the same type", count<bodyOperations>, eraseOperations<operandOfType>},
    {"operations", "replace an op's results by arguments of the function", count<bodyOperations>, eraseOperations<newArgument>},
    {"operands", "erase operands that an op can do without", count<operands>, eraseOperands},
    {"arguments", "erase arguments that nothing uses", count<arguments>, eraseArguments},
    {"attributes", "erase attributes that ops do not need", count<decorated>, eraseAttributes},
};

ArrayRef<ReductionStrategy> nnopt::reductionStrategies() { return kStrategies; }
