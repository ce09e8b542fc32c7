//===- Elementwise.cpp - elementwise ops, copies and fills ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The innermost axis of the output is walked in vectors. Axes are taken into a work item from the inside until it is large enough;
// the outermost of them is cut into chunks.
//===----------------------------------------------------------------------===//

#include "Rows.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace nnopt;

FailureOr<NestProgram> NestProgram::of(Operation *op, const Isa &isa) {
  NestProgram program;
  if (auto copy = dyn_cast<memref::CopyOp>(op)) {
    if (!isa_and_nonnull<MemRefType>(copy.getSource().getType()) || !llvm::isa<MemRefType>(copy.getTarget().getType()))
      return failure();
    program.nest = Nest::ofCopy(copy.getSource(), copy.getTarget());
  } else {
    FailureOr<Nest> nest = Nest::of(op);
    if (failed(nest) || op->getRegion(0).empty() || !isElementwise(op->getRegion(0).front()))
      return failure();
    program.nest = *nest;
    program.region = &op->getRegion(0);
  }
  for (unsigned i = 0; i < program.nest.operandCount(); ++i)
    if (!isVectorElement(isa, program.nest.element(i)))
      return failure();
  return program;
}

void NestProgram::addKeys(KernelCall &call) const {
  for (unsigned i = 0; i < nest.operandCount(); ++i) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    stream << nest.element(i) << (nest.isScalar(i) ? "scalar" : "");
    for (unsigned axis = 0; axis < nest.size(); ++axis)
      stream << static_cast<int>(nest.motion(i, axis));
    call.key(text);
  }
  region ? call.key(*region) : call.key("copy");
}

SmallVector<Value> NestProgram::compute(KernelBuilder &k, ValueRange operands, int64_t lanes) const {
  if (!region)
    return {operands.front()};
  return cloneElementwise(k, region->front(), operands, lanes);
}

bool NestProgram::readsOutput(unsigned i) const {
  return region && !region->front().getArgument(inputs() + i).use_empty();
}

namespace {

/// The function of one work item: `extents` of the axes in it, operands at the item's first element.
class ElementwiseItem {
public:
  ElementwiseItem(KernelBuilder &k, const NestProgram &program) : k(k), program(program) {}

  KernelBuilder &k;
  const NestProgram &program;
  SmallVector<Value> extents;
  SmallVector<NestAccess> operands; ///< strides along `extents`

  void emit() {
    SmallVector<Value> at;
    emitAxis(at);
  }

private:
  void emitAxis(SmallVector<Value> &at) {
    if (at.size() + 1 >= extents.size())
      return emitRow(at);
    k.loop(k.index(0), extents[at.size()], 1, [&](Value i) {
      at.push_back(i);
      emitAxis(at);
      at.pop_back();
    });
  }

  bool isAlong(unsigned operand) const {
    const Nest &nest = program.nest;
    return !operands[operand].isScalar && (nest.parallel == 0 || nest.motion(operand, nest.parallel - 1) == Motion::unit);
  }

  void emitRow(ArrayRef<Value> at) {
    int64_t lanes = k.isa.lanes;
    unsigned inputs = program.inputs(), count = operands.size();
    SmallVector<Value> rows, splats(count);
    for (unsigned i = 0; i < count; ++i) {
      NestAccess &operand = operands[i];
      rows.push_back(operand.at(k, at));
      if (!isAlong(i)) {
        Value scalar = operand.isScalar ? operand.pointer : loadElement(k, operand.element, rows[i]);
        splats[i] = k.splat(scalar, k.vectorType(operand.element));
      }
    }
    forVectors(k, extents.back(), lanes, program.isExpensive() ? 2 : 4, [&](ArrayRef<Value> starts, Value mask) {
      // All loads before all stores: the addresses may alias as far as LLVM knows.
      SmallVector<SmallVector<Value>> values, results;
      for (Value start : starts) {
        SmallVector<Value> &arguments = values.emplace_back();
        for (unsigned i = 0; i < count; ++i) {
          Type element = operands[i].element;
          if (splats[i])
            arguments.push_back(splats[i]);
          else if (i < inputs || program.readsOutput(i - inputs))
            arguments.push_back(loadElements(k, element, lanes, k.at(rows[i], element, start), mask));
          else
            arguments.push_back(k.zero(k.vectorType(element)));
        }
      }
      for (ArrayRef<Value> arguments : values)
        results.push_back(program.compute(k, arguments, lanes));
      for (auto [start, stored] : llvm::zip(starts, results))
        for (auto [i, value] : llvm::enumerate(stored)) {
          NestAccess &output = operands[inputs + i];
          storeElements(k, value, k.at(rows[inputs + i], output.element, start), mask);
        }
    });
  }
};

} // namespace

/// The innermost axis of every output is along vectors; of every input along vectors or not at all.
static bool hasVectorRows(const Nest &nest) {
  if (nest.parallel == 0)
    return true;
  for (unsigned i = 0; i < nest.operandCount(); ++i) {
    Motion motion = nest.isScalar(i) ? Motion::absent : nest.motion(i, nest.parallel - 1);
    bool isOutput = i >= nest.operandCount() - nest.outputs;
    if (motion == Motion::strided || (isOutput && motion != Motion::unit))
      return false;
  }
  return true;
}

/// The axis that is cut, and the length of its pieces.
static std::pair<unsigned, int64_t> chooseCut(ArrayRef<Value> extents, int64_t grain) {
  int64_t inner = 1;
  for (unsigned axis = extents.size(); axis-- > 0;) {
    auto known = KernelBuilder::constantOf(extents[axis]);
    if (axis == 0 || !known || inner * *known > grain)
      return {axis, std::max<int64_t>(1, grain / inner)};
    inner *= std::max<int64_t>(1, *known);
  }
  return {0, grain};
}

LogicalResult nnopt::emitElementwise(Operation *op, KernelBuilder &k) {
  FailureOr<NestProgram> program = NestProgram::of(op, k.isa);
  if (failed(program) || program->nest.reductions() != 0 || !hasVectorRows(program->nest))
    return failure();
  SmallVector<Value> extents = program->nest.extents(k);
  SmallVector<NestAccess> operands = program->nest.accesses(k);
  if (extents.empty()) { // a single element
    extents.push_back(k.index(1));
    for (NestAccess &operand : operands)
      operand.strides.push_back(k.index(0));
  }
  auto [cut, chunk] = chooseCut(extents, program->isExpensive() ? kExpensiveGrain : kCheapGrain);

  unsigned cutAxis = cut;
  parallelChunks(k, ArrayRef(extents).take_front(cut + 1), chunk, [&](ArrayRef<Value> first, Value count) {
    KernelCall call(k, op, "elementwise");
    call.allowAliases();
    program->addKeys(call);
    SmallVector<unsigned> sizes{call.number(count)}, pointers;
    for (Value extent : ArrayRef(extents).drop_front(cutAxis + 1))
      sizes.push_back(call.number(extent));
    SmallVector<SmallVector<unsigned>> strides;
    for (NestAccess &operand : operands) {
      pointers.push_back(operand.isScalar ? call.scalar(operand.pointer) : call.pointer(operand.at(k, first)));
      SmallVector<unsigned> &own = strides.emplace_back();
      for (Value stride : ArrayRef(operand.strides).drop_front(cutAxis).drop_back())
        own.push_back(call.number(stride));
    }
    call.emit([&](KernelBuilder &inner) {
      auto get = [&](unsigned handle) { return call[handle]; };
      ElementwiseItem item(inner, *program);
      llvm::append_range(item.extents, llvm::map_range(sizes, get));
      for (auto [i, operand] : llvm::enumerate(operands)) {
        NestAccess &mine = item.operands.emplace_back();
        mine.element = operand.element, mine.isScalar = operand.isScalar, mine.pointer = get(pointers[i]);
        llvm::append_range(mine.strides, llvm::map_range(strides[i], get));
      }
      item.emit();
    });
  });
  return success();
}
