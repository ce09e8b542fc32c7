//===- SparseTensors.cpp - values that are sparse at run time -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A sparse value is its dense elements here, so that every other op takes it as it is.
//===----------------------------------------------------------------------===//

#include "Frame.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/IR/SparseLevels.h"

#include "mlir/Dialect/SparseTensor/IR/SparseTensorType.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::interpreter;

namespace {

/// Positions, coordinates and values of one assembled value.
class Storage {
public:
  Storage(ArrayRef<SparseLevel> levels, ArrayRef<HostTensor> given, const HostTensor &values) : levels(levels), values(values) {
    for (const HostTensor &tensor : given)
      buffers.push_back(unsignedElements(tensor));
  }

  /// True if every position, coordinate and value that the levels ask for is there, and in the order of their type.
  bool isValid() const {
    uint64_t entries = 1;
    for (size_t l = 0; l < levels.size(); ++l) {
      if (levels[l].kind == SparseLevel::Kind::Dense) {
        entries *= levels[l].size;
        continue;
      }
      size_t chain = countChain(levels, l);
      if (levels[l].kind == SparseLevel::Kind::Compressed) {
        if (!arePositionsValid(l, chain, entries))
          return false;
        for (uint64_t e = 0; e < entries; ++e)
          for (uint64_t p = position(l, e); p < position(l, e + 1); ++p)
            if (!isInside(l, chain, p) || (p > position(l, e) && !isBefore(l, chain, p - 1, p)))
              return false;
        entries = position(l, entries);
      } else if (entries > countCoordinates(l, chain) ||
                 !llvm::all_of(llvm::seq<uint64_t>(0, entries), [&](uint64_t e) { return isInside(l, chain, e); })) {
        return false;
      }
      l += chain - 1;
    }
    return entries <= static_cast<uint64_t>(values.size());
  }

  using Store = function_ref<void(ArrayRef<int64_t> at, int64_t entry)>;

  /// Calls `store` with the place of every entry in the levels.
  void forEach(Store store) {
    SmallVector<int64_t> at;
    walk(at, 0, store);
  }

private:
  ArrayRef<SparseLevel> levels;
  const HostTensor &values;
  SmallVector<std::vector<uint64_t>> buffers;

  static std::vector<uint64_t> unsignedElements(const HostTensor &tensor) {
    uint64_t mask = byteWidth(tensor.type()) == 8 ? ~uint64_t(0) : (uint64_t(1) << (8 * byteWidth(tensor.type()))) - 1;
    std::vector<uint64_t> elements(tensor.size());
    for (int64_t i = 0; i < tensor.size(); ++i)
      elements[i] = static_cast<uint64_t>(loadInteger(tensor.type(), tensor.bytes(), i)) & mask;
    return elements;
  }

  uint64_t position(size_t l, uint64_t entry) const { return buffers[levels[l].positions][entry]; }
  uint64_t coordinate(size_t l, uint64_t entry) const { return buffers[levels[l].coordinates][entry * levels[l].stride + levels[l].offset]; }

  /// What all levels of the chain have.
  uint64_t countCoordinates(size_t first, size_t chain) const {
    uint64_t least = ~uint64_t(0);
    for (const SparseLevel &level : levels.slice(first, chain))
      least = std::min<uint64_t>(least, buffers[level.coordinates].size() / level.stride);
    return least;
  }

  bool arePositionsValid(size_t l, size_t chain, uint64_t entries) const {
    if (entries >= buffers[levels[l].positions].size() || position(l, entries) > countCoordinates(l, chain))
      return false;
    return llvm::all_of(llvm::seq<uint64_t>(0, entries), [&](uint64_t e) { return position(l, e) <= position(l, e + 1); });
  }

  bool isInside(size_t first, size_t chain, uint64_t entry) const {
    return llvm::all_of(llvm::seq(first, first + chain), [&](size_t l) { return coordinate(l, entry) < static_cast<uint64_t>(levels[l].size); });
  }

  /// Lexicographic; equal coordinates are in order where they need not be unique.
  bool isBefore(size_t first, size_t chain, uint64_t one, uint64_t other) const {
    for (size_t l = first; l < first + chain; ++l)
      if (!levels[l].isOrdered || coordinate(l, one) != coordinate(l, other))
        return !levels[l].isOrdered || coordinate(l, one) < coordinate(l, other);
    return !levels[first + chain - 1].isUnique;
  }

  void walk(SmallVectorImpl<int64_t> &at, uint64_t entry, Store store) {
    size_t l = at.size();
    if (l == levels.size())
      return store(at, entry);
    auto descend = [&](uint64_t coordinate, uint64_t next) {
      at.push_back(coordinate);
      walk(at, next, store);
      at.pop_back();
    };
    if (levels[l].kind == SparseLevel::Kind::Singleton)
      return descend(coordinate(l, entry), entry);
    bool isDense = levels[l].kind == SparseLevel::Kind::Dense;
    uint64_t begin = isDense ? entry * levels[l].size : position(l, entry), end = isDense ? begin + levels[l].size : position(l, entry + 1);
    for (uint64_t p = begin; p < end; ++p)
      descend(isDense ? p - begin : coordinate(l, p), p);
  }
};

} // namespace

static LogicalResult runAssemble(Frame &, sparse_tensor::AssembleOp op, OpCall &call) {
  std::optional<SmallVector<SparseLevel>> levels = sparseLevels(op);
  if (!levels)
    return op.emitOpError("has a type that the interpreter does not know");
  sparse_tensor::SparseTensorType type(cast<RankedTensorType>(op.getResult().getType()));
  SmallVector<HostTensor> buffers = llvm::map_to_vector(op.getLevels(), [&](Value level) { return call.tensor(level); });
  const HostTensor &values = call.tensor(op.getValues());
  Storage storage(*levels, buffers, values);
  if (!storage.isValid())
    return op.emitOpError("gets buffers that do not describe a value of its type");
  FailureOr<HostTensor> output = call.allocateResult(type.getDimShape());
  if (failed(output))
    return failure();
  char *bytes = output->mutableBytes();
  int64_t width = byteWidth(values.type());
  storage.forEach([&](ArrayRef<int64_t> at, int64_t entry) {
    SmallVector<int64_t> dims(at);
    if (!type.isIdentity())
      dims = levelsToDims(type.getEncoding()).compose(at);
    if (std::optional<int64_t> place = linearPosition(dims, type.getDimShape())) // else the rest of a block at the border
      std::memcpy(bytes + *place * width, values.bytes() + entry * width, width);
  });
  return call.yield(std::move(*output));
}

static LogicalResult runConvert(Frame &, sparse_tensor::ConvertOp op, OpCall &call) { return call.yield(call.take(op.getSource())); }

static bool isValid(sparse_tensor::AssembleOp op, const OpCall &call) {
  std::optional<SmallVector<SparseLevel>> levels = sparseLevels(op);
  auto operandOf = [&](Value value) { return call.operands[cast<BlockArgument>(value).getArgNumber()].tensor; };
  return levels && Storage(*levels, llvm::map_to_vector(op.getLevels(), operandOf), operandOf(op.getValues())).isValid();
}

/// All elements NaN, or zero where there is none.
static LogicalResult yieldNothing(SparseComputeOp op, OpCall &call) {
  FailureOr<HostTensor> output = call.allocateResult(call.tensor(op.getInit()).shape());
  if (failed(output))
    return failure();
  if (isFloat(output->type()))
    for (int64_t i = 0; i < output->size(); ++i)
      storeElement(output->type(), output->mutableBytes(), i, std::numeric_limits<double>::quiet_NaN());
  return call.yield(std::move(*output));
}

static LogicalResult runSparseCompute(Frame &frame, SparseComputeOp op, OpCall &call) {
  Block &body = op.getBody().front();
  if (body.empty() || !isa<YieldOp>(body.back()))
    return op.emitOpError("is on buffers already, which the interpreter does not know");
  if (!llvm::all_of(body.getOps<sparse_tensor::AssembleOp>(), [&](auto assemble) { return isValid(assemble, call); }))
    return yieldNothing(op, call);
  FailureOr<Frame::Values> values = frame.run(body, Frame::Values(call.operands.begin(), call.operands.end()));
  return failed(values) ? failure() : call.yield(std::move(values->front().tensor));
}

void interpreter::addSparseTensors(HandlerTable &table) {
  table.add<sparse_tensor::AssembleOp, runAssemble>();
  table.add<sparse_tensor::ConvertOp, runConvert>();
  table.add<SparseComputeOp, runSparseCompute>();
}
