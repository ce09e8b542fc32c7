//===- Sparsify.cpp - pruned weights without their zeros ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "BranchOnRows.h"
#include "ConvPlanes.h"
#include "LayerTimes.h"
#include "PermutedWeight.h"
#include "PlaneChains.h"
#include "SparsityReport.h"

#include "nnopt/Cost/Kernels.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
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

// With so many rows every kernel works in whole tiles.
static constexpr int64_t kManyRows = 128;

static SparsePackAttr packOf(MLIRContext *context, const LinearSize &product, int64_t blockRows) {
  SparseCut cut = sparseCut(product, blockRows);
  return SparsePackAttr::get(context, product.outputs, product.depth, blockRows, cut.strip, cut.chunk);
}

namespace {

/// A product whose rows all meet one constant weight.
struct Candidate {
  Operation *op;
  unsigned inputNumber, weightNumber; // of operands: a candidate before this one may be replaced
  int64_t outputs, depth;
  bool isKn;

  static std::optional<Candidate> of(Operation *op) {
    if (auto linear = dyn_cast<LinearOp>(op); linear && !linear.getPack() && !linear.getInit()) {
      ArrayRef<int64_t> shape = cast<ShapedType>(linear.getWeight().getType()).getShape();
      bool isKn = linear.getWeightKn();
      return Candidate{op, linear.getInputMutable().getOperandNumber(), linear.getWeightMutable().getOperandNumber(), shape[isKn], shape[!isKn], isKn};
    }
    auto conv = dyn_cast<ConvOp>(op);
    if (!conv || conv.getPack() || conv.getInit() || !conv.getChannelsLast())
      return std::nullopt;
    ArrayRef<int64_t> shape = cast<ShapedType>(conv.getWeight().getType()).getShape();
    int64_t depth = ShapedType::getNumElements(shape.drop_front());
    return Candidate{op, conv.getInputMutable().getOperandNumber(), conv.getWeightMutable().getOperandNumber(), shape[0], depth, false};
  }

  /// The op if it is a convolution that is more than a linear layer over positions, as one of a single tap is.
  ConvOp conv() const {
    auto conv = dyn_cast<ConvOp>(op);
    return conv && isPointwise(conv) ? ConvOp() : conv;
  }

  Value input() const { return op->getOperand(inputNumber); }
  Value weight() const { return op->getOperand(weightNumber); }
  ArrayRef<int64_t> rowExtents() const { return cast<ShapedType>(op->getResult(0).getType()).getShape().drop_back(); }
  bool hasUnknownRows() const { return llvm::any_of(rowExtents(), ShapedType::isDynamic); }

  /// The fewest rows there can be.
  int64_t leastRows() const { return leastElements(rowExtents()); }

  /// Are there this many rows at most, whatever the extents?
  bool hasFewRows(int64_t most) const { return !hasUnknownRows() && leastRows() <= most; }
};

/// A stored form, and the fewest rows that it is used for.
struct Decision {
  FormChoice form;
  int64_t fromRows = 1;
};

/// A candidate that gains.
struct Gain {
  Candidate candidate;
  BlockCount blocks;
  int64_t rows, fromRows;
  std::optional<ConvPlanes> planes; ///< of a convolution that is more than a linear layer over positions, or is in a chain
  std::optional<ChainLink> link;

  bool branches() const { return fromRows > rows; }
};

class Sparsify : public nnopt::impl::SparsifyBase<Sparsify> {
public:
  using SparsifyBase::SparsifyBase;

  LogicalResult initialize(MLIRContext *context) override {
    if (failed(findTargets(context, getArgument(), isas, targets)))
      return failure();
    if (blocks < 0 || expectedRows < 0 || !(maxGrowth >= 0))
      return emitError(UnknownLoc::get(context)) << getArgument() << ": expects blocks, expected-rows and max-growth of 0 or more, got "
                                                 << blocks.getValue() << ", " << expectedRows.getValue() << " and " << maxGrowth.getValue();
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
    // All decisions come before the first change, as what neighbours do matters.
    std::vector<Gain> gains;
    for (const Candidate &candidate : candidates)
      if (std::optional<Gain> gain = decide(candidate))
        gains.push_back(std::move(*gain));
    PlaneChains chains = link(gains);
    for (const Gain &gain : gains)
      replace(gain, chains);
    if (!report)
      return;
    table.addOthers(getOperation());
    table.attach(getOperation());
  }

private:
  SmallVector<const Isa *> targets;
  llvm::DenseMap<std::pair<Value, Attribute>, SmallVector<Value>> stored;
  SparsityReport table;
  llvm::DenseMap<Value, Value> tiled;

  static WeightMatrix weightOf(const Candidate &candidate, const ConstantData &data) {
    return WeightMatrix::of(data, candidate.outputs, candidate.depth, candidate.isKn);
  }

  std::optional<Gain> decide(const Candidate &candidate) {
    std::optional<ConstantData> data = ConstantData::of(candidate.weight());
    if (!data || !data->type.getElementType().isF32() || data->size() == 0)
      return std::nullopt; // nnopt-pack-weights says why
    WeightMatrix weight = weightOf(candidate, *data);
    WeightSparsity sparsity(weight);
    if (sparsity.nonzeros == sparsity.elements)
      return std::nullopt;
    std::string found = llvm::formatv("{0:f1} % zeros, {1}", 100 * sparsity.zeroShare(), sparsity.pattern());
    bool isOpen = candidate.hasUnknownRows() && expectedRows == 0;
    int64_t rows = candidate.hasUnknownRows() && expectedRows > 0 ? expectedRows : candidate.leastRows();
    LayerSize layer{{rows, weight.outputs, weight.depth}};
    std::optional<ConvPlanes> planes;
    if (ConvOp conv = candidate.conv()) {
      llvm::Expected<ConvPlanes> made = ConvPlanes::of(conv);
      if (!made) {
        remark::missed(candidate.op->getLoc(), kRemark("sparsify")) << remark::reason("{0}; {1}", found, llvm::toString(made.takeError()));
        return std::nullopt;
      }
      planes = std::move(*made);
      planes->describe(layer);
      isOpen = false; // an image has many positions
    }
    auto [best, fromRows] = choose(layer, formsOf(candidate, weight, sparsity), sparsity.elements, isOpen);
    std::string compared = llvm::formatv("{0}; {1} of {2} products for {3} rows or more: {4:f1} us sparse in {5} of {6}, {7:f1} us dense", found,
                                         sparsity.nonzeros, sparsity.elements, std::max(rows, fromRows), best.sparse.microseconds,
                                         best.blocks.window > 1 ? "slots" : "blocks", best.blocks.rows, best.dense.microseconds);
    bool staysDense = !best.sparse.kernel || (blocks == 0 && !best.gains());
    if (report) {
      std::string form = best.blocks.window > 1 ? "slots" : llvm::formatv("{0}x1 blocks", best.blocks.rows).str();
      table.add(candidate.op, candidate.weight(), sparsity,
                SparsityReport::Decision{staysDense ? "dense" : form, std::max(rows, fromRows), best.dense.microseconds, best.sparse.microseconds});
    }
    if (staysDense) {
      remark::missed(candidate.op->getLoc(), kRemark("sparsify")) << remark::reason("{0}", compared);
      return std::nullopt;
    }
    if (fromRows > rows)
      compared += ", which is kept for fewer";
    remark::passed(candidate.op->getLoc(), kRemark("sparsify")) << remark::add("{0}", compared);
    ++sparseOps;
    return Gain{candidate, best.blocks, rows, fromRows, planes, std::nullopt};
  }

  /// Lets convolutions that follow each other hand planes on.
  static PlaneChains link(MutableArrayRef<Gain> gains) {
    SmallVector<ConvOp> convs;
    auto convOf = [](const Gain &gain) { return gain.branches() || gain.blocks.rows == kPanelRows ? ConvOp() : dyn_cast<ConvOp>(gain.candidate.op); };
    for (const Gain &gain : gains) {
      ConvOp conv = convOf(gain);
      if (!conv)
        continue;
      llvm::Expected<ConvPlanes> planes = ConvPlanes::of(conv);
      // Those of a chain may be somewhat larger.
      if (planes && planes->perChannel() < std::numeric_limits<int32_t>::max() / 4 / planes->channels)
        convs.push_back(conv);
      llvm::consumeError(planes.takeError());
    }
    PlaneChains chains(convs);
    for (Gain &gain : gains) {
      ConvOp conv = convOf(gain);
      gain.link = conv ? chains.linkOf(conv) : std::nullopt;
      if (gain.link)
        gain.planes = gain.link->readsPlanes ? ConvPlanes::in(conv, gain.link->frame) : llvm::cantFail(ConvPlanes::of(conv, gain.link->frame.pitch));
    }
    return chains;
  }

  void replace(const Gain &gain, const PlaneChains &chains) {
    Candidate candidate = gain.candidate;
    WeightMatrix weight = weightOf(candidate, *ConstantData::of(candidate.weight()));
    LinearSize product{std::max(gain.rows, gain.fromRows), weight.outputs, weight.depth};
    if (gain.branches())
      candidate.op = branchOnRows(candidate.op, candidate.input(), gain.fromRows);
    if (gain.planes)
      return replaceByConv(gain, weight, chains);
    if (gain.blocks.window == 1)
      return replace(candidate, weight, packOf(&getContext(), product, gain.blocks.rows));
    PermutePackAttr pack = panelPack(&getContext(), weight.outputs, weight.depth);
    replace(candidate, PermutedWeight(weight, pack), pack);
  }

  /// The ways to store the weight of a candidate.
  SmallVector<BlockCount> formsOf(const Candidate &candidate, const WeightMatrix &weight, const WeightSparsity &sparsity) {
    SmallVector<BlockCount> forms;
    bool fewRows = !candidate.conv() && candidate.hasFewRows(kMostPanelInputs);
    for (const WeightSparsity::Blocks &found : sparsity.blocks)
      if ((blocks == 0 || (found.rows == blocks && window <= 1)) && (found.rows != kPanelRows || fewRows))
        forms.push_back({found.rows, static_cast<double>(found.count)});
    if (fewRows && weight.depth >= kPanelWindow && (blocks == 0 || (blocks == kPanelRows && window > 1))) {
      PermutedWeight permuted(weight, panelPack(&getContext(), weight.outputs, weight.depth));
      forms.push_back({kPanelRows, static_cast<double>(permuted.slots()), kPanelWindow});
    }
    return forms;
  }

  /// How to store a weight. If it gains only with more rows than there may be, there is a second way: to keep the dense one too.
  Decision choose(LayerSize layer, ArrayRef<BlockCount> forms, int64_t elements, bool isOpen) const {
    Decision decision{chooseForm(targets, layer, forms)};
    if (decision.form.gains() || blocks != 0 || !isOpen)
      return decision;
    layer.product.rows = std::max(layer.product.rows, kManyRows);
    FormChoice many = chooseForm(targets, layer, forms);
    std::optional<int64_t> from = breakEvenRows(targets, layer, many.blocks);
    if (!from || 1 + many.blocks.count * (many.blocks.rows + 1) / elements > maxGrowth)
      return decision;
    layer.product.rows = *from;
    return {chooseForm(targets, layer, many.blocks), *from};
  }

  /// What holds the weight of `candidate` as `pack` says, shared by all ops that store it so; `weight` makes it.
  template <typename Weight, typename Pack>
  SmallVector<Value> partsOf(const Candidate &candidate, Pack pack, llvm::function_ref<Weight()> weight, ArrayRef<int64_t> columnOf = {}) {
    Builder b(&getContext());
    Attribute key = b.getArrayAttr({pack, b.getBoolAttr(candidate.isKn), b.getDenseI64ArrayAttr(columnOf)});
    SmallVector<Value> &parts = stored[{candidate.weight(), key}];
    if (parts.empty()) {
      OpBuilder begin = OpBuilder::atBlockBegin(&getOperation().front());
      parts = weight().create(begin, candidate.weight(), pack);
    }
    return parts;
  }

  /// The tiles of an input, shared by all products that read it, but for those that run only with many rows: few rows are not to be tiled for them.
  Value tilesOf(Value rows, Operation *reader) {
    if (Value tiles = tiled.lookup(rows))
      return tiles;
    OpBuilder b(reader);
    bool isShared = reader->getParentOp() == getOperation();
    if (isShared)
      b.setInsertionPointAfterValue(rows);
    auto type = cast<RankedTensorType>(rows.getType());
    auto result = RankedTensorType::get(TileRowsOp::tiledShape(type.getShape()), type.getElementType());
    Value tiles = TileRowsOp::create(b, rows.getLoc(), result, rows, /*init=*/Value()).getResult();
    if (isShared)
      tiled[rows] = tiles;
    return tiles;
  }

  void replace(const Candidate &candidate, const WeightMatrix &weight, SparsePackAttr pack) {
    SmallVector<Value> parts = partsOf<SparseWeight>(candidate, pack, [&] { return SparseWeight(weight, pack); });
    // Kernels of blocks of 16 outputs read the rows as they lie.
    Value rows = candidate.input();
    bool isTiled = pack.getRows() != kPanelRows;
    Value input = isTiled ? tilesOf(rows, candidate.op) : rows;
    replaceBy<SparseLinearOp>(candidate, [&](OpBuilder &b, auto op) {
      SmallVector<Value> extents;
      for (auto [d, extent] : llvm::enumerate(candidate.rowExtents()))
        if (isTiled && ShapedType::isDynamic(extent))
          extents.push_back(tensor::DimOp::create(b, op.getLoc(), rows, d));
      return SparseLinearOp::create(b, op.getLoc(), op.getResult().getType(), input, parts[0], parts[1], parts[2], extents, op.getBias(),
                                    op.getEpilogueOperands(), op.getInit(), pack, isTiled, op.getEpilogueMapsAttr());
    });
  }

  void replaceByConv(const Gain &gain, const WeightMatrix &weight, const PlaneChains &chains) {
    const Candidate &candidate = gain.candidate;
    const ConvPlanes &planes = *gain.planes;
    bool readsPlanes = gain.link && gain.link->readsPlanes, writesPlanes = gain.link && gain.link->writesPlanes;
    SparsePackAttr pack = planes.pack(&getContext(), weight.outputs, gain.blocks.rows);
    std::vector<int64_t> columnOf = planes.columns();
    auto make = [&] { return SparseWeight(weight, pack, columnOf); };
    SmallVector<Value> parts = partsOf<SparseWeight>(candidate, pack, make, columnOf);
    SmallVector<OpOperand *> rowUses; // of ops that come later, and are as they were
    for (OpOperand &use : candidate.op->getResult(0).getUses())
      if (writesPlanes && !chains.readsPlanes(use))
        rowUses.push_back(&use);
    Operation *sparse = replaceBy<SparseConvOp>(candidate, [&](OpBuilder &b, auto op) {
      Type result = op.getResult().getType();
      int64_t batch = cast<ShapedType>(result).getDimSize(0);
      auto planesType = [&](int64_t channels, int64_t phases, int64_t size) {
        return RankedTensorType::get({batch, channels, phases, size}, b.getF32Type());
      };
      Value images = op.getInput();
      if (!readsPlanes)
        images = ImagePlanesOp::create(b, op.getLoc(), planesType(planes.channels, planes.phases[0] * planes.phases[1], planes.size), images,
                                       /*init=*/Value(), planes.strides, planes.phases, planes.pads, planes.lines, planes.pitch, planes.size)
                     .getResult();
      DenseI64ArrayAttr frame = writesPlanes ? b.getDenseI64ArrayAttr({gain.link->frame.lead, gain.link->frame.size}) : DenseI64ArrayAttr();
      return SparseConvOp::create(b, op.getLoc(), writesPlanes ? planesType(weight.outputs, 1, gain.link->frame.size) : result, images, parts[0], parts[1],
                                  parts[2], op.getBias(), op.getEpilogueOperands(), op.getInit(), b.getDenseI64ArrayAttr(planes.extents),
                                  b.getI64IntegerAttr(planes.pitch), pack, frame, op.getEpilogueMapsAttr());
    });
    if (rowUses.empty())
      return;
    OpBuilder b(&getContext());
    b.setInsertionPointAfter(sparse);
    Value rows = createRows(b, sparse->getResult(0), gain.link->frame, planes.extents);
    for (OpOperand *use : rowUses)
      use->set(rows);
  }

  void replace(const Candidate &candidate, const PermutedWeight &weight, PermutePackAttr pack) {
    SmallVector<Value> parts = partsOf<PermutedWeight>(candidate, pack, [&] { return weight; });
    replaceBy<PermuteLinearOp>(candidate, [&](OpBuilder &b, auto op) {
      return PermuteLinearOp::create(b, op.getLoc(), op.getResult().getType(), op.getInput(), parts[0], parts[1], parts[2], parts[3], op.getBias(),
                                     op.getEpilogueOperands(), op.getInit(), pack, op.getEpilogueMapsAttr());
    });
  }

  /// Puts the op that `create` makes in the place of the candidate's.
  template <typename Op, typename Create>
  static Op replaceBy(const Candidate &candidate, Create create) {
    OpBuilder b(candidate.op);
    return llvm::TypeSwitch<Operation *, Op>(candidate.op).template Case<LinearOp, ConvOp>([&](auto op) {
      Op sparse = create(b, op);
      sparse.getEpilogue().takeBody(op.getEpilogue());
      op.getResult().replaceAllUsesWith(sparse.getResult());
      op->erase();
      return sparse;
    });
  }
};

} // namespace
