//===- Weights.cpp - weights in their plain layouts -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Weights.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::interpreter;

/// A tensor of `shape` whose element i is element `source(i)` of `from`.
static FailureOr<HostTensor> rearranged(OpCall &call, const HostTensor &from, ArrayRef<int64_t> shape,
                                        llvm::function_ref<int64_t(int64_t)> source) {
  FailureOr<HostTensor> to = call.allocate(from.type(), shape);
  if (failed(to))
    return failure();
  int64_t width = byteWidth(from.type());
  char *bytes = to->mutableBytes();
  for (int64_t i = 0; i < to->size(); ++i)
    std::memcpy(bytes + i * width, from.bytes() + source(i) * width, width);
  return to;
}

/// Position in panels of output `o` of all groups and element `k` of
/// its sum.
static int64_t panelPosition(PackAttr pack, int64_t o, int64_t k) {
  int64_t panels = llvm::divideCeil(pack.getOutputs(), pack.getPanel());
  return pack.position(o / pack.getOutputs() * panels, o % pack.getOutputs(), k);
}

FailureOr<HostTensor> interpreter::linearWeight(LinearOp op, OpCall &call) {
  const HostTensor &weight = call.tensor(op.getWeight());
  if (auto pack = op.getPack()) {
    int64_t depth = pack->getDepth();
    if (pack->getPanel() <= 0 || depth <= 0 || pack->getOutputs() <= 0) {
      op.emitOpError("has a packing of ") << pack->getOutputs() << " outputs in panels of " << pack->getPanel();
      return failure();
    }
    return rearranged(call, weight, {pack->getOutputs(), depth},
                      [&](int64_t i) { return panelPosition(*pack, i / depth, i % depth); });
  }
  if (!op.getWeightKn())
    return weight;
  int64_t depth = weight.shape()[0], outputs = weight.shape()[1];
  return rearranged(call, weight, {outputs, depth}, [&](int64_t i) { return i % depth * outputs + i / depth; });
}

LogicalResult interpreter::sparseTerms(Operation *op, SparsePackAttr pack, const HostTensor &values, const HostTensor &columns,
                                       const HostTensor &starts, int64_t span, std::vector<std::vector<SparseTerm>> &terms) {
  auto integer = [](const HostTensor &tensor, int64_t i) {
    int32_t value;
    std::memcpy(&value, tensor.bytes() + i * sizeof(value), sizeof(value));
    return static_cast<int64_t>(value);
  };
  int64_t blocks = values.shape()[0], rows = pack.getRows();
  terms.resize(pack.getOutputs());
  for (int64_t list = 0; list < pack.lists(); ++list) {
    int64_t begin = integer(starts, list), end = integer(starts, list + 1), first = pack.firstOutput(list);
    if (begin < 0 || end > blocks)
      return op->emitOpError("has blocks ") << begin << " to " << end << " in list " << list << ", but there are " << blocks;
    for (int64_t block = begin; block < end; ++block) {
      int64_t element = integer(columns, block);
      if (element < 0 || element + span > pack.getDepth())
        return op->emitOpError("has a block at element ") << element << " of a sum of " << pack.getDepth();
      for (int64_t row = 0; row < rows && first + row < pack.getOutputs(); ++row)
        terms[first + row].push_back({element, block * rows + row});
    }
  }
  return success();
}

FailureOr<HostTensor> interpreter::sparseWeight(SparseLinearOp op, OpCall &call) {
  const HostTensor &values = call.tensor(op.getValues());
  SparsePackAttr pack = op.getPack();
  std::vector<std::vector<SparseTerm>> terms;
  FailureOr<HostTensor> weight = call.allocate(values.type(), {pack.getOutputs(), pack.getDepth()});
  if (failed(weight) || failed(sparseTerms(op, pack, values, call.tensor(op.getColumns()), call.tensor(op.getStarts()), 1, terms)))
    return failure();
  int64_t width = byteWidth(values.type());
  std::memset(weight->mutableBytes(), 0, weight->size() * width);
  for (auto [n, list] : llvm::enumerate(terms))
    for (const SparseTerm &term : list)
      std::memcpy(weight->mutableBytes() + (n * pack.getDepth() + term.element) * width, values.bytes() + term.value * width, width);
  return weight;
}

FailureOr<HostTensor> interpreter::permuteWeight(PermuteLinearOp op, OpCall &call) {
  const HostTensor &values = call.tensor(op.getValues()), &indices = call.tensor(op.getIndices());
  const HostTensor &columns = call.tensor(op.getColumns()), &starts = call.tensor(op.getStarts());
  PermutePackAttr pack = op.getPack();
  FailureOr<HostTensor> weight = call.allocate(values.type(), {pack.getOutputs(), pack.getDepth()});
  if (failed(weight))
    return failure();
  int64_t width = byteWidth(values.type()), slots = values.shape()[0], rows = pack.getRows();
  std::memset(weight->mutableBytes(), 0, weight->size() * width);
  auto integer = [](const HostTensor &tensor, int64_t i) {
    int32_t value;
    std::memcpy(&value, tensor.bytes() + i * sizeof(value), sizeof(value));
    return static_cast<int64_t>(value);
  };
  for (int64_t list = 0; list < pack.lists(); ++list) {
    int64_t begin = integer(starts, list), end = integer(starts, list + 1);
    if (begin < 0 || end > slots)
      return op.emitOpError("has slots ") << begin << " to " << end << " in list " << list << ", but there are " << slots;
    for (int64_t slot = begin; slot < end; ++slot)
      for (int64_t row = 0; row < rows && list * rows + row < pack.getOutputs(); ++row) {
        const char *value = values.bytes() + (slot * rows + row) * width;
        int64_t inWindow = static_cast<int8_t>(indices.bytes()[slot * rows + row]), k = integer(columns, slot) + inWindow;
        if (inWindow < 0 || inWindow >= pack.getWindow() || k < inWindow || k >= pack.getDepth())
          return op.emitOpError("has element ") << inWindow << " of a window of " << pack.getWindow() << " that begins at "
                                                << k - inWindow << " of a sum of " << pack.getDepth();
        // What fills a slot up must not hide an element of the same place in another slot.
        if (std::any_of(value, value + width, [](char byte) { return byte != 0; }))
          std::memcpy(weight->mutableBytes() + ((list * rows + row) * pack.getDepth() + k) * width, value, width);
      }
  }
  return weight;
}

FailureOr<HostTensor> interpreter::convWeight(ConvOp op, OpCall &call) {
  const HostTensor &weight = call.tensor(op.getWeight());
  int64_t taps = countOf(op.getKernelShape());
  auto pack = op.getPack();
  if (!pack)
    return weight.reshaped({weight.shape()[0], weight.shape()[1], countOf(weight.shape().drop_front(2))});
  if (pack->getPanel() == 0) // depthwise: [taps][channels]
    return rearranged(call, weight, {pack->getOutputs(), 1, taps},
                      [&](int64_t i) { return i % taps * pack->getOutputs() + i / taps; });
  int64_t depth = pack->getDepth(), channels = depth / std::max<int64_t>(taps, 1);
  if (pack->getPanel() < 0 || taps <= 0 || channels * taps != depth || pack->getOutputs() <= 0) {
    op.emitOpError("has a packing of depth ") << depth << ", which is not a multiple of " << taps << " taps";
    return failure();
  }
  // Taps outside, channels inside.
  return rearranged(call, weight, {pack->getOutputs() * static_cast<int64_t>(op.getGroups()), channels, taps},
                    [&](int64_t i) {
                      int64_t o = i / depth, c = i % depth / taps, tap = i % taps;
                      return panelPosition(*pack, o, tap * channels + c);
                    });
}
