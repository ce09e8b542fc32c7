//===- Reduce.cpp - sums, products, maxima over axes ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Over rows: vectors along the innermost reduced axis, their lanes combined at the end. Over columns: vectors along the innermost
// axis of the result, one running vector for each.
//===----------------------------------------------------------------------===//

#include "Rows.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace nnopt;

static std::optional<vector::CombiningKind> combiningKind(Operation *op) {
  using Kind = vector::CombiningKind;
  return llvm::TypeSwitch<Operation *, std::optional<Kind>>(op)
      .Case<arith::AddFOp, arith::AddIOp>([](auto) { return Kind::ADD; })
      .Case<arith::MulFOp, arith::MulIOp>([](auto) { return Kind::MUL; })
      .Case<arith::MaximumFOp>([](auto) { return Kind::MAXIMUMF; })
      .Case<arith::MinimumFOp>([](auto) { return Kind::MINIMUMF; })
      .Case<arith::MaxNumFOp>([](auto) { return Kind::MAXNUMF; })
      .Case<arith::MinNumFOp>([](auto) { return Kind::MINNUMF; })
      .Case<arith::MaxSIOp>([](auto) { return Kind::MAXSI; })
      .Case<arith::MinSIOp>([](auto) { return Kind::MINSI; })
      .Case<arith::MaxUIOp>([](auto) { return Kind::MAXUI; })
      .Case<arith::MinUIOp>([](auto) { return Kind::MINUI; })
      .Case<arith::AndIOp>([](auto) { return Kind::AND; })
      .Case<arith::OrIOp>([](auto) { return Kind::OR; })
      .Default([](auto) { return std::nullopt; });
}

namespace {

/// A reduction: the nest, and how two partial results are combined.
struct Reduction {
  NestProgram program;
  vector::CombiningKind kind;

  static FailureOr<Reduction> of(Operation *op, const Isa &isa);
  unsigned lastParallel() const { return program.nest.parallel - 1; }
  unsigned lastReduced() const { return program.nest.size() - 1; }
  /// Every input has its elements side by side along `axis`, or does not move.
  bool isVectorAxis(unsigned axis) const {
    return llvm::all_of(llvm::seq<unsigned>(0, program.inputs()), [&](unsigned i) {
      return program.nest.isScalar(i) || program.nest.motion(i, axis) != Motion::strided;
    });
  }
};

} // namespace

FailureOr<Reduction> Reduction::of(Operation *op, const Isa &isa) {
  FailureOr<NestProgram> program = NestProgram::of(op, isa);
  if (failed(program) || program->nest.outputs != 1 || program->nest.reductions() == 0 || !program->region)
    return failure();
  Block &block = program->region->front();
  Value running = block.getArguments().back();
  Operation *last = block.getTerminator()->getOperand(0).getDefiningOp();
  if (!last || !running.hasOneUse() || *running.user_begin() != last || last->getNumOperands() != 2)
    return failure();
  std::optional<vector::CombiningKind> kind = combiningKind(last);
  if (!kind)
    return failure();
  return Reduction{*program, *kind};
}

namespace {

/// What both kernels share: addresses at the item's start, extents and strides of all axes from `firstAxis` on.
struct ReductionItem {
  KernelBuilder &k;
  const Reduction &reduction;
  SmallVector<Value> reduced;        ///< extents
  SmallVector<NestAccess> operands; ///< strides: the item's parallel axis (if any), then the reduced axes
  Value count;                       ///< along the item's parallel axis

  int64_t lanes() const { return k.isa.lanes; }
  Type element() const { return operands.back().element; }
  VectorType vector() const { return k.vectorType(element()); }

  /// Runs `body` for all steps of the outer reduced axes, from `axis` on, and carries values through.
  using Body = llvm::function_ref<SmallVector<Value>(ArrayRef<Value>, SmallVector<Value>)>;
  SmallVector<Value> forReduced(SmallVector<Value> &at, unsigned axes, SmallVector<Value> running, Body body) {
    if (at.size() == axes)
      return body(at, std::move(running));
    return k.loop(k.index(0), reduced[at.size()], 1, running, [&](Value i, ValueRange carried) {
      at.push_back(i);
      SmallVector<Value> next = forReduced(at, axes, SmallVector<Value>(carried), body);
      at.pop_back();
      return next;
    });
  }

  /// One more step: `running` with the operands at `addresses`.
  Value step(ArrayRef<Value> addresses, ArrayRef<bool> along, Value running, Value mask) {
    SmallVector<Value> arguments;
    for (unsigned i = 0; i < reduction.program.inputs(); ++i) {
      const NestAccess &operand = operands[i];
      if (operand.isScalar || !along[i]) {
        Value scalar = operand.isScalar ? operand.pointer : loadElement(k, operand.element, addresses[i]);
        arguments.push_back(k.splat(scalar, k.vectorType(operand.element)));
      } else {
        arguments.push_back(loadElements(k, operand.element, lanes(), addresses[i], mask));
      }
    }
    arguments.push_back(running);
    Value next = reduction.program.compute(k, arguments, lanes()).front();
    return mask ? Value(arith::SelectOp::create(k.b, k.loc, mask, next, running)) : next;
  }

  void storeCombined(Value pointer, Value total, Value mask) {
    Value before = mask || isa<VectorType>(total.getType()) ? loadElements(k, element(), lanes(), pointer, mask)
                                                            : loadElement(k, element(), pointer);
    Value after = combine(k, reduction.kind, before, total);
    if (isa<VectorType>(after.getType()))
      return storeElements(k, after, pointer, mask);
    if (element().isInteger(1))
      after = arith::ExtUIOp::create(k.b, k.loc, k.b.getI8Type(), after);
    k.store(after, pointer);
  }
};

} // namespace

static void emitRows(ReductionItem &item) {
  KernelBuilder &k = item.k;
  const Reduction &reduction = item.reduction;
  SmallVector<bool> along;
  for (unsigned i = 0; i < reduction.program.inputs(); ++i)
    along.push_back(!item.operands[i].isScalar &&
                    reduction.program.nest.motion(i, reduction.lastReduced()) == Motion::unit);
  k.loop(k.index(0), item.count, 1, [&](Value row) {
    Value start = neutral(k, reduction.kind, item.vector());
    SmallVector<Value> outer;
    SmallVector<Value> total = item.forReduced(
        outer, item.reduced.size() - 1, SmallVector<Value>(4, start), [&](ArrayRef<Value> at, SmallVector<Value> running) {
          SmallVector<Value> steps{row}, bases;
          llvm::append_range(steps, at);
          for (NestAccess &operand : item.operands)
            bases.push_back(operand.at(k, steps));
          return foldVectors(k, item.reduced.back(), item.lanes(), running, [&](Value value, Value i, Value mask) {
            SmallVector<Value> addresses;
            for (auto [operand, isAlong, base] : llvm::zip(item.operands, along, bases))
              addresses.push_back(isAlong ? k.at(base, operand.element, i) : base);
            return item.step(addresses, along, value, mask);
          });
        });
    item.storeCombined(item.operands.back().at(k, {row}), combineLanes(k, reduction.kind, total), nullptr);
  });
}

static void emitColumns(ReductionItem &item) {
  KernelBuilder &k = item.k;
  const Reduction &reduction = item.reduction;
  SmallVector<bool> along;
  for (unsigned i = 0; i < reduction.program.inputs(); ++i)
    along.push_back(!item.operands[i].isScalar &&
                    reduction.program.nest.motion(i, reduction.lastParallel()) == Motion::unit);
  forVectors(k, item.count, item.lanes(), 4, [&](ArrayRef<Value> starts, Value mask) {
    Value start = neutral(k, reduction.kind, item.vector());
    SmallVector<Value> outer;
    SmallVector<Value> totals = item.forReduced(
        outer, item.reduced.size(), SmallVector<Value>(starts.size(), start),
        [&](ArrayRef<Value> at, SmallVector<Value> running) {
          for (auto [value, column] : llvm::zip(running, starts)) {
            SmallVector<Value> steps{column}, addresses;
            llvm::append_range(steps, at);
            for (NestAccess &operand : item.operands)
              addresses.push_back(operand.at(k, steps));
            value = item.step(addresses, along, value, mask);
          }
          return running;
        });
    for (auto [total, column] : llvm::zip(totals, starts))
      item.storeCombined(k.at(item.operands.back().pointer, item.element(), column), total, mask);
  });
}

/// Splits the parallel axes into items of `chunk` steps of the last one, and emits the call of the item's kernel.
static void emitItems(KernelBuilder &k, Operation *op, const Reduction &reduction, StringRef name, int64_t chunk,
                      ArrayRef<Value> extents, llvm::function_ref<void(ReductionItem &)> body) {
  SmallVector<NestAccess> operands = reduction.program.nest.accesses(k);
  unsigned parallel = reduction.program.nest.parallel;
  SmallVector<Value> outer(extents.take_front(parallel));
  if (outer.empty())
    outer.push_back(k.index(1));
  parallelChunks(k, outer, chunk, [&](ArrayRef<Value> first, Value count) {
    KernelCall call(k, op, name);
    reduction.program.addKeys(call);
    unsigned number = call.number(count);
    SmallVector<unsigned> reduced, pointers;
    SmallVector<SmallVector<unsigned>> strides;
    for (Value extent : extents.drop_front(parallel))
      reduced.push_back(call.number(extent));
    for (NestAccess &operand : operands) {
      ArrayRef<Value> steps = first.take_front(parallel);
      pointers.push_back(operand.isScalar ? call.scalar(operand.pointer) : call.pointer(operand.at(k, steps)));
      SmallVector<unsigned> &own = strides.emplace_back();
      own.push_back(call.number(parallel == 0 ? k.index(0) : operand.strides[parallel - 1]));
      for (Value stride : ArrayRef(operand.strides).drop_front(parallel))
        own.push_back(call.number(stride));
    }
    call.emit([&](KernelBuilder &inner) {
      auto get = [&](unsigned handle) { return call[handle]; };
      ReductionItem item{inner, reduction, {}, {}, get(number)};
      llvm::append_range(item.reduced, llvm::map_range(reduced, get));
      for (auto [i, operand] : llvm::enumerate(operands))
        item.operands.push_back({get(pointers[i]), operand.element, operand.isScalar,
                                 llvm::to_vector(llvm::map_range(strides[i], get))});
      body(item);
    });
  });
}

LogicalResult nnopt::emitReduceRows(Operation *op, KernelBuilder &k) {
  FailureOr<Reduction> reduction = Reduction::of(op, k.isa);
  if (failed(reduction) || !reduction->isVectorAxis(reduction->lastReduced()))
    return failure();
  SmallVector<Value> extents = reduction->program.nest.extents(k);
  Value length = k.product(ArrayRef(extents).drop_front(reduction->program.nest.parallel));
  emitItems(k, op, *reduction, "reduce_rows", rowsPerItem(length, kCheapGrain), extents, emitRows);
  return success();
}

LogicalResult nnopt::emitReduceColumns(Operation *op, KernelBuilder &k) {
  FailureOr<Reduction> reduction = Reduction::of(op, k.isa);
  if (failed(reduction) || reduction->program.nest.parallel == 0 || !reduction->isVectorAxis(reduction->lastParallel()) ||
      reduction->program.nest.motion(reduction->program.inputs(), reduction->lastParallel()) != Motion::unit)
    return failure();
  SmallVector<Value> extents = reduction->program.nest.extents(k);
  emitItems(k, op, *reduction, "reduce_columns", 4 * k.isa.lanes, extents, emitColumns);
  return success();
}
