//===- Sparsify.cpp - pruned weights without their zeros ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "WeightSparsity.h"

#include "nnopt/Cost/Kernels.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"

namespace nnopt {
#define GEN_PASS_DEF_SPARSIFY
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

static constexpr auto kRemark = [](StringRef name) { return remark::RemarkOpts::name(name).category("nnopt-sparsify"); };

static SparsePackAttr packOf(MLIRContext *context, const WeightMatrix &weight, int64_t rows) {
  SparseCut cut = sparseCut(weight.outputs, weight.depth, rows);
  return SparsePackAttr::get(context, weight.outputs, weight.depth, rows, cut.strip, cut.chunk);
}

namespace {

/// The three constants that hold a pruned weight.
struct SparseWeight {
  std::vector<float> values;
  std::vector<int32_t> columns, starts;

  SparseWeight(const WeightMatrix &weight, SparsePackAttr pack) {
    for (int64_t list = 0; list < pack.lists(); ++list) {
      starts.push_back(columns.size());
      int64_t chunk = list / pack.listsPerChunk() % pack.chunks(), first = pack.firstOutput(list);
      for (int64_t k = chunk * pack.getChunk(); k < std::min((chunk + 1) * pack.getChunk(), weight.depth); ++k)
        if (weight.hasBlock(first, pack.getRows(), k))
          addBlock(weight, first, k, pack.getRows());
    }
    starts.push_back(columns.size());
    if (columns.empty()) // a constant is not empty
      addBlock(weight, 0, 0, pack.getRows());
  }

  void addBlock(const WeightMatrix &weight, int64_t first, int64_t k, int64_t rows) {
    columns.push_back(k);
    for (int64_t n = first; n < first + rows; ++n)
      values.push_back(n < weight.outputs ? weight.values[n * weight.depth + k] : 0.0f);
  }
};

/// A product whose rows all meet one constant weight.
struct Candidate {
  Operation *op;
  OpOperand *input, *weight; // not their values: a candidate before this one may be replaced
  int64_t outputs, depth;
  bool isKn;

  static std::optional<Candidate> of(Operation *op) {
    if (auto linear = dyn_cast<LinearOp>(op); linear && !linear.getPack() && !linear.getInit()) {
      ArrayRef<int64_t> shape = cast<ShapedType>(linear.getWeight().getType()).getShape();
      bool isKn = linear.getWeightKn();
      return Candidate{op, &linear.getInputMutable(), &linear.getWeightMutable(), shape[isKn], shape[!isKn], isKn};
    }
    // A filter of one tap is a linear layer over positions.
    auto conv = dyn_cast<ConvOp>(op);
    if (!conv || conv.getPack() || conv.getInit() || !conv.getChannelsLast() || conv.getGroups() != 1)
      return std::nullopt;
    ArrayRef<int64_t> shape = cast<ShapedType>(conv.getWeight().getType()).getShape();
    auto isOne = [](int64_t extent) { return extent == 1; };
    if (!llvm::all_of(shape.drop_front(2), isOne) || !llvm::all_of(conv.getStrides(), isOne) ||
        llvm::any_of(conv.getPads(), [](int64_t pad) { return pad != 0; }))
      return std::nullopt;
    return Candidate{op, &conv.getInputMutable(), &conv.getWeightMutable(), shape[0], shape[1], false};
  }

  /// The fewest rows there can be: an extent that is not known is at least 1.
  int64_t leastRows() const {
    int64_t rows = 1;
    for (int64_t extent : cast<ShapedType>(input->get().getType()).getShape().drop_back())
      if (!ShapedType::isDynamic(extent) && llvm::MulOverflow(rows, extent, rows))
        return std::numeric_limits<int32_t>::max();
    return rows;
  }
};

class Sparsify : public nnopt::impl::SparsifyBase<Sparsify> {
public:
  using SparsifyBase::SparsifyBase;

  LogicalResult initialize(MLIRContext *context) override {
    targets.clear();
    for (const std::string &name : isas) {
      const Isa *isa = findIsa(name);
      if (!isa)
        return emitError(UnknownLoc::get(context)) << getArgument() << ": unknown instruction set '" << name << "'";
      targets.push_back(isa);
    }
    if (targets.empty())
      targets.push_back(&isaTable().front());
    return success();
  }

  void runOnOperation() override {
    if (!enable)
      return;
    SmallVector<Candidate> candidates;
    getOperation().walk([&](Operation *op) {
      if (auto candidate = Candidate::of(op))
        candidates.push_back(*candidate);
    });
    for (const Candidate &candidate : candidates)
      decide(candidate);
  }

private:
  SmallVector<const Isa *> targets;
  llvm::DenseMap<std::pair<Value, Attribute>, std::array<Value, 3>> stored;
  llvm::DenseMap<Value, Value> tiled;

  void decide(const Candidate &candidate) {
    std::optional<ConstantData> data = ConstantData::of(candidate.weight->get());
    if (!data || !data->type.getElementType().isF32() || data->size() == 0)
      return; // nnopt-pack-weights says why
    WeightMatrix weight = WeightMatrix::of(*data, candidate.outputs, candidate.depth, candidate.isKn);
    WeightSparsity sparsity(weight);
    if (sparsity.nonzeros == sparsity.elements)
      return;
    SmallVector<BlockCount> forms;
    for (const WeightSparsity::Blocks &blocks : sparsity.blocks)
      forms.push_back({blocks.rows, static_cast<double>(blocks.count)});
    FormChoice best = chooseForm(targets, {{candidate.leastRows(), weight.outputs, weight.depth}}, forms);
    std::string found = llvm::formatv("{0:f1} % zeros, {1}", 100 * sparsity.zeroShare(), sparsity.pattern());
    std::string compared = llvm::formatv("{0}; {1} of {2} products for {3} rows or more: {4:f1} us sparse in blocks of {5}, {6:f1} us dense", found,
                                         sparsity.nonzeros, sparsity.elements, candidate.leastRows(), best.sparse.microseconds,
                                         best.blocks.rows, best.dense.microseconds);
    if (!best.gains()) {
      remark::missed(candidate.op->getLoc(), kRemark("sparsify")) << remark::reason("{0}", compared);
      return;
    }
    remark::passed(candidate.op->getLoc(), kRemark("sparsify")) << remark::add("{0}", compared);
    replace(candidate, weight, packOf(&getContext(), weight, best.blocks.rows));
    ++sparseOps;
  }

  /// The constants of `weight`, shared by all ops that store it so.
  std::array<Value, 3> constants(Value original, const WeightMatrix &weight, SparsePackAttr pack, bool isKn) {
    auto key = ArrayAttr::get(&getContext(), {pack, BoolAttr::get(&getContext(), isKn)});
    std::array<Value, 3> &values = stored[{original, key}];
    if (values[0])
      return values;
    SparseWeight sparse(weight, pack);
    OpBuilder b = OpBuilder::atBlockBegin(&getOperation().front());
    StringAttr name = weightNameOf(original);
    auto create = [&](StringRef suffix, ArrayRef<int64_t> shape, Type element, ArrayRef<char> bytes) -> Value {
      StringAttr full = name ? b.getStringAttr(name.getValue() + suffix) : b.getStringAttr("sparse" + suffix);
      return createWeight(b, original.getLoc(), full, RankedTensorType::get(shape, element),
                          [&](MutableArrayRef<char> to) { llvm::copy(bytes, to.begin()); });
    };
    auto bytesOf = [](const auto &vector) {
      return ArrayRef(reinterpret_cast<const char *>(vector.data()), vector.size() * sizeof(vector[0]));
    };
    int64_t blocks = sparse.columns.size(), lists = sparse.starts.size();
    values = {create(".values", {blocks, pack.getRows()}, b.getF32Type(), bytesOf(sparse.values)),
              create(".columns", {blocks}, b.getI32Type(), bytesOf(sparse.columns)),
              create(".starts", {lists}, b.getI32Type(), bytesOf(sparse.starts))};
    return values;
  }

  /// The tiles of an input, shared by all products that read it.
  Value tilesOf(Value rows) {
    Value &tiles = tiled[rows];
    if (tiles)
      return tiles;
    OpBuilder b(getOperation());
    b.setInsertionPointAfterValue(rows);
    auto type = cast<RankedTensorType>(rows.getType());
    auto result = RankedTensorType::get(TileRowsOp::tiledShape(type.getShape()), type.getElementType());
    return tiles = TileRowsOp::create(b, rows.getLoc(), result, rows, /*init=*/Value()).getResult();
  }

  void replace(const Candidate &candidate, const WeightMatrix &weight, SparsePackAttr pack) {
    Value original = candidate.weight->get();
    std::array<Value, 3> parts = constants(original, weight, pack, candidate.isKn);
    Value rows = candidate.input->get(), tiles = tilesOf(rows);
    OpBuilder b(candidate.op);
    SmallVector<Value> extents;
    for (auto [d, extent] : llvm::enumerate(cast<ShapedType>(rows.getType()).getShape().drop_back()))
      if (ShapedType::isDynamic(extent))
        extents.push_back(tensor::DimOp::create(b, candidate.op->getLoc(), rows, d));
    llvm::TypeSwitch<Operation *>(candidate.op).Case<LinearOp, ConvOp>([&](auto op) {
      auto sparse = SparseLinearOp::create(b, op.getLoc(), op.getResult().getType(), tiles, parts[0], parts[1], parts[2], extents, op.getBias(),
                                           op.getEpilogueOperands(), /*init=*/Value(), pack, /*tiled=*/true, op.getEpilogueMapsAttr());
      sparse.getEpilogue().takeBody(op.getEpilogue());
      op.getResult().replaceAllUsesWith(sparse.getResult());
      op->erase();
    });
  }
};

} // namespace
