//===- PlanMemory.cpp - all buffers in one workspace ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A buffer's size is a constant times a product of extents that are known when the model is called. Buffers with the same product form a
// group; within a group offsets are constants times that product, so one static plan serves every call.
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "llvm/Support/MathExtras.h"

namespace nnopt {
#define GEN_PASS_DEF_PLANMEMORY
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

static constexpr int64_t kAlignment = 64;

namespace {

/// One allocation: when it is alive (positions of ops in the entry block, both ends included) and how large it is.
struct BufferRange {
  memref::AllocOp alloc;
  int64_t first, last;
  int64_t bytes;      ///< times the product of the group's extents
  int64_t offset = 0; ///< in the same unit

  bool overlaps(const BufferRange &other) const { return first <= other.last && other.first <= last; }
};

/// Buffers whose sizes are multiples of the product of `extents`.
struct Group {
  SmallVector<Value> extents;
  SmallVector<BufferRange> buffers;
  int64_t bytes = 0;

  /// Largest first, each at the lowest offset that is free while it is alive.
  void place() {
    SmallVector<BufferRange *> order;
    for (BufferRange &buffer : buffers)
      order.push_back(&buffer);
    llvm::sort(order, [](BufferRange *a, BufferRange *b) {
      return std::tuple(-a->bytes, a->first, a->last) < std::tuple(-b->bytes, b->first, b->last);
    });
    for (auto [i, buffer] : llvm::enumerate(order)) {
      SmallVector<std::pair<int64_t, int64_t>> taken;
      for (BufferRange *other : ArrayRef(order).take_front(i))
        if (buffer->overlaps(*other))
          taken.push_back({other->offset, other->offset + other->bytes});
      llvm::sort(taken);
      for (auto [begin, end] : taken) {
        if (buffer->offset + buffer->bytes <= begin)
          break;
        buffer->offset = std::max(buffer->offset, end);
      }
      bytes = std::max(bytes, buffer->offset + buffer->bytes);
    }
  }

  int64_t allBytes() const {
    int64_t sum = 0;
    for (const BufferRange &buffer : buffers)
      sum += buffer.bytes;
    return sum;
  }

  int64_t mostAlive() const {
    int64_t most = 0;
    for (const BufferRange &at : buffers) {
      int64_t alive = 0;
      for (const BufferRange &buffer : buffers)
        alive += buffer.first <= at.first && at.first <= buffer.last ? buffer.bytes : 0;
      most = std::max(most, alive);
    }
    return most;
  }
};

/// The plan of one entry function.
class Planner {
public:
  explicit Planner(func::FuncOp entry) : entry(entry) {}

  int64_t plannedBytes = 0, liveBytes = 0; ///< of buffers whose size is static

  LogicalResult run() {
    collectSymbols();
    if (failed(useSymbols()) || failed(collectBuffers()))
      return failure();
    llvm::for_each(groups, [](Group &group) { group.place(); });
    Value total = placeBuffers();
    addQuery(kWorkspaceName, {total});
    addQuery(kShapesName, SmallVector<Value>(entry.front().getTerminator()->getOperands()));
    dropResults();
    return success();
  }

private:
  func::FuncOp entry;
  SmallVector<Value> symbols; ///< the trailing index arguments
  SmallVector<Group> groups;
  Operation *hoisted = nullptr; ///< the last op of the size arithmetic at the start of the function

  void collectSymbols() {
    for (BlockArgument argument : entry.getArguments())
      if (argument.getType().isIndex())
        symbols.push_back(argument);
  }

  /// Extents of inputs are symbols.
  LogicalResult useSymbols() {
    auto names = entry->getParentOp()->getAttrOfType<ArrayAttr>(kSymbolsAttr);
    WalkResult result = entry.walk([&](memref::DimOp op) {
      auto argument = dyn_cast<BlockArgument>(op.getSource());
      std::optional<int64_t> d = op.getConstantIndex();
      if (!argument || argument.getOwner() != &entry.front() || !d || entry.getArgAttr(argument.getArgNumber(), kOutputAttr))
        return WalkResult::advance();
      auto dims = entry.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), kDimsAttr);
      auto found = names && dims ? llvm::find(names, dims[*d]) : nullptr;
      size_t position = names && dims ? std::distance(names.begin(), found) : symbols.size();
      if (position >= symbols.size()) {
        op.emitOpError("asks for dimension ") << *d << " of an input, which has no symbol";
        return WalkResult::interrupt();
      }
      op.replaceAllUsesWith(symbols[position]);
      op.erase();
      return WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  /// Adds to `slice`, operands first, the arithmetic that computes `value` from symbols; fails if there is anything else.
  LogicalResult arithmeticOf(Value value, llvm::SetVector<Operation *> &slice) {
    Operation *def = value.getDefiningOp();
    if (!def)
      return success(cast<BlockArgument>(value).getOwner() == &entry.front() && value.getType().isIndex());
    if (slice.contains(def))
      return success();
    if (!isMemoryEffectFree(def) || def->getNumRegions() != 0)
      return failure();
    for (Value operand : def->getOperands())
      if (failed(arithmeticOf(operand, slice)))
        return failure();
    slice.insert(def);
    return success();
  }

  /// Moves what computes `value` to the start of the function.
  LogicalResult hoist(Value value, Operation *user, StringRef what) {
    llvm::SetVector<Operation *> slice;
    if (failed(arithmeticOf(value, slice)))
      return user->emitOpError("has ") << what << " that depends on data, which is not supported";
    for (Operation *op : slice) {
      if (hoisted && (op == hoisted || (op->getBlock() == &entry.front() && op->isBeforeInBlock(hoisted))))
        continue;
      hoisted ? op->moveAfter(hoisted) : op->moveBefore(&entry.front(), entry.front().begin());
      hoisted = op;
    }
    return success();
  }

  LogicalResult collectBuffers() {
    for (Value extent : entry.front().getTerminator()->getOperands())
      if (failed(hoist(extent, entry, "an output with an extent")))
        return failure();
    SmallVector<memref::AllocOp> allocs;
    entry.walk([&](memref::AllocOp op) { allocs.push_back(op); });
    for (memref::AllocOp alloc : allocs)
      for (Value extent : alloc.getDynamicSizes())
        if (failed(hoist(extent, alloc, "an extent")))
          return failure();

    llvm::DenseMap<Operation *, int64_t> positions;
    for (auto [i, op] : llvm::enumerate(entry.front()))
      positions[&op] = i;
    BufferViewFlowAnalysis aliases(entry);
    for (memref::AllocOp alloc : allocs) {
      MemRefType type = alloc.getType();
      if (!type.getLayout().isIdentity())
        return alloc.emitOpError("has a layout, which the workspace does not support");
      BufferRange range{alloc, std::numeric_limits<int64_t>::max(), -1, elementBytes(type)};
      for (int64_t extent : type.getShape()) {
        bool overflow = !ShapedType::isDynamic(extent) && llvm::MulOverflow(range.bytes, extent, range.bytes);
        if (overflow || range.bytes > std::numeric_limits<int64_t>::max() - kAlignment)
          return alloc.emitOpError("needs more bytes than an address can count");
      }
      range.bytes = llvm::alignTo(range.bytes, kAlignment);
      for (Value alias : aliases.resolve(alloc))
        for (Operation *user : alias.getUsers()) {
          int64_t at = positions.lookup(entry.front().findAncestorOpInBlock(*user));
          range.first = std::min(range.first, at), range.last = std::max(range.last, at);
        }
      if (range.last < 0)
        range.first = range.last = positions.lookup(entry.front().findAncestorOpInBlock(*alloc));
      groupOf(alloc).buffers.push_back(range);
    }
    return success();
  }

  static int64_t elementBytes(MemRefType type) {
    Type element = type.getElementType();
    return element.isIndex() ? 8 : llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
  }

  Group &groupOf(memref::AllocOp alloc) {
    SmallVector<Value> extents(alloc.getDynamicSizes());
    // The order of the factors does not matter.
    llvm::sort(extents, [](Value a, Value b) { return a.getAsOpaquePointer() < b.getAsOpaquePointer(); });
    for (Group &group : groups)
      if (group.extents == extents)
        return group;
    groups.emplace_back();
    groups.back().extents = extents;
    return groups.back();
  }

  /// Replaces the allocations by views and returns the size of the workspace.
  Value placeBuffers() {
    OpBuilder b(entry.getContext());
    hoisted ? b.setInsertionPointAfter(hoisted) : b.setInsertionPointToStart(&entry.front());
    Location loc = entry.getLoc();
    unsigned position = entry.getNumArguments() - symbols.size();
    auto type = MemRefType::get({ShapedType::kDynamic}, b.getI8Type());
    (void)entry.insertArgument(position, type, {}, loc);
    Value workspace = entry.getArgument(position);
    if (!groups.empty())
      workspace = memref::AssumeAlignmentOp::create(b, loc, workspace, kAlignment);
    Value base = arith::ConstantIndexOp::create(b, loc, 0);
    for (Group &group : groups) {
      Value unit = arith::ConstantIndexOp::create(b, loc, 1);
      for (Value extent : group.extents)
        unit = b.createOrFold<arith::MulIOp>(loc, unit, extent);
      auto scaled = [&](int64_t bytes) {
        return b.createOrFold<arith::MulIOp>(loc, unit, arith::ConstantIndexOp::create(b, loc, bytes));
      };
      for (BufferRange &buffer : group.buffers) {
        Value offset = b.createOrFold<arith::AddIOp>(loc, base, scaled(buffer.offset));
        Value view = memref::ViewOp::create(b, buffer.alloc.getLoc(), buffer.alloc.getType(), workspace, offset,
                                            buffer.alloc.getDynamicSizes());
        buffer.alloc.replaceAllUsesWith(view);
      }
      int64_t alive = group.mostAlive();
      StringRef times = group.extents.empty() ? "" : ", times their varying extents";
      remark::analysis(entry.getLoc(), remark::RemarkOpts::name("workspace").category("nnopt-plan-memory"))
          << remark::add("{0} buffers of {1} bytes in {2} bytes{3}; {4} bytes are alive at once", group.buffers.size(),
                         group.allBytes(), group.bytes, times, alive);
      if (group.extents.empty()) {
        plannedBytes += group.bytes;
        liveBytes += alive;
      }
      base = b.createOrFold<arith::AddIOp>(loc, base, scaled(group.bytes));
    }
    // Not before: the builder may stand in front of one of them.
    for (Group &group : groups)
      for (BufferRange &buffer : group.buffers)
        buffer.alloc.erase();
    return base;
  }

  /// Adds a function of the symbols that computes `values`.
  void addQuery(StringRef name, ArrayRef<Value> values) {
    OpBuilder b(entry.getContext());
    b.setInsertionPointAfter(entry);
    SmallVector<Type> inputs(symbols.size(), b.getIndexType()), results(values.size(), b.getIndexType());
    auto query = func::FuncOp::create(b, entry.getLoc(), name, b.getFunctionType(inputs, results));
    b.setInsertionPointToStart(query.addEntryBlock());
    IRMapping mapping;
    mapping.map(symbols, query.getArguments());
    llvm::SetVector<Operation *> slice;
    for (Value value : values)
      (void)arithmeticOf(value, slice); // succeeded when it was hoisted
    for (Operation *op : slice)
      b.clone(*op, mapping);
    func::ReturnOp::create(b, entry.getLoc(), llvm::map_to_vector(values, [&](Value v) { return mapping.lookupOrDefault(v); }));
  }

  void dropResults() {
    entry.front().getTerminator()->setOperands({});
    entry.setType(FunctionType::get(entry.getContext(), entry.front().getArgumentTypes(), {}));
  }
};

class PlanMemory : public nnopt::impl::PlanMemoryBase<PlanMemory> {
public:
  using PlanMemoryBase::PlanMemoryBase;

  void runOnOperation() override {
    auto entry = getOperation().lookupSymbol<func::FuncOp>(kEntryName);
    if (!entry || !llvm::hasSingleElement(entry.getBody())) {
      getOperation().emitError("has no function @") << kEntryName << " of one block to plan memory for";
      return signalPassFailure();
    }
    Planner planner(entry);
    if (failed(planner.run()))
      return signalPassFailure();
    plannedBytes += planner.plannedBytes;
    liveBytes += planner.liveBytes;
  }
};

} // namespace
