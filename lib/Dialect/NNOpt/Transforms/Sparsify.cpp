//===- Sparsify.cpp - pruned weights without their zeros ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "PermutedWeight.h"

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

static SparsePackAttr packOf(MLIRContext *context, const LinearSize &product, int64_t blockRows) {
  SparseCut cut = sparseCut(product, blockRows);
  return SparsePackAttr::get(context, product.outputs, product.depth, blockRows, cut.strip, cut.chunk);
}

// Elements of the window of a slot: a vector of the widest instruction set.
static constexpr int64_t kWindow = 16;

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

  /// Are there this many rows at most, whatever the extents?
  bool hasFewRows(int64_t most) const {
    return llvm::none_of(cast<ShapedType>(input->get().getType()).getShape().drop_back(), ShapedType::isDynamic) && leastRows() <= most;
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
  llvm::DenseMap<std::pair<Value, Attribute>, SmallVector<Value>> stored;
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
    bool fewRows = candidate.hasFewRows(kMostPanelInputs);
    for (const WeightSparsity::Blocks &blocks : sparsity.blocks)
      if (blocks.rows != kPanelRows || fewRows)
        forms.push_back({blocks.rows, static_cast<double>(blocks.count)});
    std::optional<PermutedWeight> permuted;
    PermutePackAttr permutePack;
    if (fewRows && weight.depth >= kWindow) {
      permutePack = PermutePackAttr::get(&getContext(), weight.outputs, weight.depth, kPanelRows, kWindow);
      permuted.emplace(weight, permutePack);
      forms.push_back({kPanelRows, static_cast<double>(permuted->slots()), kWindow});
    }
    LinearSize product{candidate.leastRows(), weight.outputs, weight.depth};
    FormChoice best = chooseForm(targets, {product}, forms);
    std::string found = llvm::formatv("{0:f1} % zeros, {1}", 100 * sparsity.zeroShare(), sparsity.pattern());
    std::string compared = llvm::formatv("{0}; {1} of {2} products for {3} rows or more: {4:f1} us sparse in {5} of {6}, {7:f1} us dense", found,
                                         sparsity.nonzeros, sparsity.elements, candidate.leastRows(), best.sparse.microseconds,
                                         best.blocks.window > 1 ? "slots" : "blocks", best.blocks.rows, best.dense.microseconds);
    if (!best.gains()) {
      remark::missed(candidate.op->getLoc(), kRemark("sparsify")) << remark::reason("{0}", compared);
      return;
    }
    remark::passed(candidate.op->getLoc(), kRemark("sparsify")) << remark::add("{0}", compared);
    if (best.blocks.window > 1)
      replace(candidate, *permuted, permutePack);
    else
      replace(candidate, weight, packOf(&getContext(), product, best.blocks.rows));
    ++sparseOps;
  }

  /// A constant that holds part of a weight.
  struct Part {
    StringRef suffix;
    SmallVector<int64_t> shape;
    Type element;
    ArrayRef<char> bytes;
  };
  template <typename T>
  static ArrayRef<char> bytesOf(const std::vector<T> &vector) {
    return ArrayRef(reinterpret_cast<const char *>(vector.data()), vector.size() * sizeof(T));
  }

  /// What holds the weight of `candidate` as `pack` says, shared by all ops that store it so; empty if there is nothing yet.
  SmallVector<Value> &partsOf(const Candidate &candidate, Attribute pack) {
    Attribute key = ArrayAttr::get(&getContext(), {pack, BoolAttr::get(&getContext(), candidate.isKn)});
    return stored[{candidate.weight->get(), key}];
  }

  SmallVector<Value> createParts(Value original, ArrayRef<Part> parts) {
    OpBuilder b = OpBuilder::atBlockBegin(&getOperation().front());
    StringAttr name = weightNameOf(original);
    return llvm::map_to_vector(parts, [&](const Part &part) -> Value {
      StringAttr full = b.getStringAttr((name ? name.getValue() : "sparse") + part.suffix);
      return createWeight(b, original.getLoc(), full, RankedTensorType::get(part.shape, part.element),
                          [&](MutableArrayRef<char> to) { llvm::copy(part.bytes, to.begin()); });
    });
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
    SmallVector<Value> &parts = partsOf(candidate, pack);
    if (parts.empty()) {
      SparseWeight sparse(weight, pack);
      int64_t blocks = sparse.columns.size(), lists = sparse.starts.size();
      Type f32 = Float32Type::get(&getContext()), i32 = IntegerType::get(&getContext(), 32);
      parts = createParts(candidate.weight->get(), {{".values", {blocks, pack.getRows()}, f32, bytesOf(sparse.values)},
                                                    {".columns", {blocks}, i32, bytesOf(sparse.columns)},
                                                    {".starts", {lists}, i32, bytesOf(sparse.starts)}});
    }
    // Kernels of blocks of 16 outputs read the rows as they lie.
    Value rows = candidate.input->get();
    bool isTiled = pack.getRows() != kPanelRows;
    Value input = isTiled ? tilesOf(rows) : rows;
    replaceBy<SparseLinearOp>(candidate, [&](OpBuilder &b, auto op) {
      SmallVector<Value> extents;
      for (auto [d, extent] : llvm::enumerate(cast<ShapedType>(rows.getType()).getShape().drop_back()))
        if (isTiled && ShapedType::isDynamic(extent))
          extents.push_back(tensor::DimOp::create(b, op.getLoc(), rows, d));
      return SparseLinearOp::create(b, op.getLoc(), op.getResult().getType(), input, parts[0], parts[1], parts[2], extents, op.getBias(),
                                    op.getEpilogueOperands(), /*init=*/Value(), pack, isTiled, op.getEpilogueMapsAttr());
    });
  }

  void replace(const Candidate &candidate, const PermutedWeight &weight, PermutePackAttr pack) {
    SmallVector<Value> &parts = partsOf(candidate, pack);
    if (parts.empty()) {
      int64_t slots = weight.slots(), lists = weight.starts.size();
      Type f32 = Float32Type::get(&getContext()), i32 = IntegerType::get(&getContext(), 32), i8 = IntegerType::get(&getContext(), 8);
      parts = createParts(candidate.weight->get(), {{".values", {slots, pack.getRows()}, f32, bytesOf(weight.values)},
                                                    {".indices", {slots, pack.getRows()}, i8, bytesOf(weight.indices)},
                                                    {".columns", {slots}, i32, bytesOf(weight.columns)},
                                                    {".starts", {lists}, i32, bytesOf(weight.starts)}});
    }
    replaceBy<PermuteLinearOp>(candidate, [&](OpBuilder &b, auto op) {
      return PermuteLinearOp::create(b, op.getLoc(), op.getResult().getType(), op.getInput(), parts[0], parts[1], parts[2], parts[3], op.getBias(),
                                     op.getEpilogueOperands(), /*init=*/Value(), pack, op.getEpilogueMapsAttr());
    });
  }

  /// Puts the op that `create` makes in the place of the candidate's.
  template <typename Op, typename Create>
  static void replaceBy(const Candidate &candidate, Create create) {
    OpBuilder b(candidate.op);
    llvm::TypeSwitch<Operation *>(candidate.op).Case<LinearOp, ConvOp>([&](auto op) {
      Op sparse = create(b, op);
      sparse.getEpilogue().takeBody(op.getEpilogue());
      op.getResult().replaceAllUsesWith(sparse.getResult());
      op->erase();
    });
  }
};

} // namespace
