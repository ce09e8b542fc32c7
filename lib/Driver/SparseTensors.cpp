//===- SparseTensors.cpp - sparse constants of MLIR models ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "SparseTensors.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/IR/SparseLevels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SparseTensor/IR/SparseTensor.h"
#include "mlir/Dialect/SparseTensor/IR/SparseTensorType.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace nnopt;

/// Dense forms larger than this are refused: the file's size does not bound them.
static constexpr int64_t kLargestExpanded = int64_t(1) << 28;

namespace {

/// Writes what positions, coordinates and values describe into a dense tensor.
class Expansion {
public:
  explicit Expansion(sparse_tensor::AssembleOp op)
      : op(op), type(cast<RankedTensorType>(op.getResult().getType())), levels(type.getLvlRank()) {}

  /// The dense elements, or null after an error.
  DenseElementsAttr run() {
    RankedTensorType dense = withoutEncoding(op.getResult().getType());
    ElementsAttr elements;
    if (!matchPattern(op.getValues(), m_Constant(&elements)) || !readLevels())
      return fail("is made of positions, coordinates or values that are no constants");
    if (!levelsToDims(type.getEncoding())) {
      unsupported = true;
      return fail("has levels that are no dimensions and no blocks of them");
    }
    if (!dense.hasStaticShape() || dense.getNumElements() > kLargestExpanded)
      return fail("has a shape that is not known or too large");
    for (Attribute value : elements.getValues<Attribute>())
      values.push_back(value);
    result.assign(dense.getNumElements(), Builder(op.getContext()).getZeroAttr(dense.getElementType()));
    return walk(0, 0) ? DenseElementsAttr::get(dense, result) : DenseElementsAttr();
  }

  bool isUnsupported() const { return unsupported; }

private:
  sparse_tensor::AssembleOp op;
  sparse_tensor::SparseTensorType type;
  int64_t levels;
  SmallVector<std::vector<int64_t>> positions, coordinates; ///< per level; of a list of coordinates all are in its first level
  std::vector<Attribute> values, result;
  SmallVector<int64_t> at;
  bool unsupported = false;

  DenseElementsAttr fail(const Twine &why) {
    op.emitOpError() << why;
    return {};
  }

  static bool read(Value value, std::vector<int64_t> &to) {
    ElementsAttr elements;
    if (!matchPattern(value, m_Constant(&elements)))
      return false;
    for (APInt element : elements.getValues<APInt>())
      to.push_back(element.getSExtValue());
    return true;
  }

  /// Buffers come level by level, positions before coordinates.
  bool readLevels() {
    positions.resize(levels);
    coordinates.resize(levels);
    auto next = op.getLevels().begin(), end = op.getLevels().end();
    for (int64_t l = 0; l < levels; ++l) {
      if (type.isWithPos(l) && (next == end || !read(*next++, positions[l])))
        return false;
      if (type.isWithCrd(l) && l <= static_cast<int64_t>(type.getAoSCOOStart()) && (next == end || !read(*next++, coordinates[l])))
        return false;
    }
    return next == end;
  }

  /// Coordinate of entry `entry` of level `l`.
  std::optional<int64_t> coordinate(int64_t l, int64_t entry) {
    int64_t first = type.getAoSCOOStart(), list = l, index = entry;
    if (l >= first)
      list = first, index = entry * (levels - first) + l - first;
    if (index < 0 || index >= static_cast<int64_t>(coordinates[list].size()))
      return std::nullopt;
    int64_t found = coordinates[list][index];
    return found >= 0 && found < type.getLvlShape()[l] ? std::optional(found) : std::nullopt;
  }

  bool step(int64_t l, int64_t entry) {
    std::optional<int64_t> found = coordinate(l, entry);
    if (!found)
      return op.emitOpError() << "has no valid coordinate at entry " << entry << " of level " << l, false;
    return descend(l, *found, entry);
  }

  bool descend(int64_t l, int64_t coordinate, int64_t entry) {
    at.push_back(coordinate);
    bool done = walk(l + 1, entry);
    at.pop_back();
    return done;
  }

  bool walk(int64_t l, int64_t entry) {
    if (l == levels)
      return store(entry);
    if (type.isDenseLvl(l)) {
      int64_t size = type.getLvlShape()[l];
      for (int64_t c = 0; c < size; ++c)
        if (!descend(l, c, entry * size + c))
          return false;
      return true;
    }
    if (type.isSingletonLvl(l))
      return step(l, entry);
    if (!type.isCompressedLvl(l)) {
      unsupported = true;
      return op.emitOpError() << "has level " << l << " in a format that nnopt does not support", false;
    }
    const std::vector<int64_t> &starts = positions[l];
    if (entry < 0 || entry + 1 >= static_cast<int64_t>(starts.size()))
      return op.emitOpError() << "has " << starts.size() << " positions in level " << l << ", too few for entry " << entry, false;
    for (int64_t p = starts[entry]; p < starts[entry + 1]; ++p)
      if (!step(l, p))
        return false;
    return true;
  }

  bool store(int64_t entry) {
    if (entry < 0 || entry >= static_cast<int64_t>(values.size()))
      return op.emitOpError() << "has " << values.size() << " values, but reads number " << entry, false;
    SmallVector<int64_t> dims = type.isIdentity() ? at : levelsToDims(type.getEncoding()).compose(at);
    int64_t linear = 0;
    for (auto [index, extent] : llvm::zip_equal(dims, type.getDimShape())) {
      if (index >= extent) // the rest of a block at the border
        return true;
      linear = linear * extent + index;
    }
    result[linear] = values[entry];
    return true;
  }
};

} // namespace

/// The dense elements of a constant with a sparse type; null if it is none, or after an error.
static DenseElementsAttr denseOf(Operation *op, bool &unsupported) {
  if (auto assemble = dyn_cast<sparse_tensor::AssembleOp>(op)) {
    Expansion expansion(assemble);
    DenseElementsAttr dense = expansion.run();
    unsupported = expansion.isUnsupported();
    return dense;
  }
  auto convert = dyn_cast<sparse_tensor::ConvertOp>(op);
  Value source = op->getResult(0);
  if (convert)
    source = convert.getSource();
  ElementsAttr elements;
  if (!matchPattern(source, m_Constant(&elements)) || elements.getNumElements() > kLargestExpanded)
    return {};
  SmallVector<Attribute> values(elements.getValues<Attribute>());
  return DenseElementsAttr::get(withoutEncoding(op->getResult(0).getType()), values);
}

static WeightOp createDense(Operation *op, DenseElementsAttr elements) {
  OpBuilder b(op);
  auto weight = WeightOp::create(b, op->getLoc(), cast<RankedTensorType>(elements.getType()), /*sym_name=*/StringAttr(), elements);
  int64_t zeros = llvm::count_if(elements.getValues<Attribute>(), [](Attribute value) { return matchPattern(value, m_Zero()) || matchPattern(value, m_AnyZeroFloat()); });
  weight->setAttr(kSparsityAttr, SparsityAttr::get(op->getContext(), SparsityOrigin::imported, "unstructured", zeros));
  return weight;
}

/// Erases `op` and what only it reads.
static void eraseWithSources(Operation *op) {
  SmallVector<Value> operands(op->getOperands());
  op->erase();
  for (Value operand : operands)
    if (Operation *source = operand.getDefiningOp(); source && operand.use_empty() && source->hasTrait<OpTrait::ConstantLike>())
      source->erase();
}

/// A product of computed rows and a constant that can be `nnopt.linear`, added to zeros.
static void makeLinear(linalg::LinalgOp op) {
  if (!linalg::isaContractionOpInterface(op) || op.getNumDpsInputs() != 2 || op->getNumResults() != 1)
    return;
  Value init = op.getDpsInitOperand(0)->get();
  auto fill = init.getDefiningOp<linalg::FillOp>();
  if (!(fill && matchPattern(fill.getInputs()[0], m_AnyZeroFloat())) && !matchPattern(init, m_AnyZeroFloat()))
    return;
  for (int64_t w : {1, 0}) {
    OpOperand *weight = op.getDpsInputOperand(w), *input = op.getDpsInputOperand(1 - w);
    ArrayRef<AffineExpr> stored = op.getMatchingIndexingMap(weight).getResults(), rows = op.getMatchingIndexingMap(input).getResults();
    ArrayRef<AffineExpr> out = op.getMatchingIndexingMap(op.getDpsInitOperand(0)).getResults();
    if (!weight->get().getDefiningOp<WeightOp>() || stored.size() != 2 || rows.empty() || out.size() != rows.size() ||
        rows.drop_back() != out.drop_back() || !llvm::is_contained(stored, rows.back()) || !llvm::is_contained(stored, out.back()))
      continue;
    OpBuilder b(op);
    auto linear = LinearOp::create(b, op.getLoc(), op->getResult(0).getType(), input->get(), weight->get(), /*bias=*/Value(), ValueRange(),
                                   /*init=*/Value(), /*weight_kn=*/stored[0] == rows.back(), PackAttr(), ArrayAttr());
    op->getResult(0).replaceAllUsesWith(linear.getResult());
    op->erase();
    return;
  }
}

/// True unless the value is made of something that the model computes or is given.
static bool isConstant(Operation *op) {
  auto assemble = dyn_cast<sparse_tensor::AssembleOp>(op);
  return !assemble || llvm::all_of(op->getOperands(), [](Value value) { return matchPattern(value, m_Constant()); });
}

LogicalResult nnopt::importSparseTensors(ModuleOp module, bool &unsupported) {
  SmallVector<Operation *> constants;
  module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op->getNumResults() == 1 && isSparse(op->getResult(0).getType()) &&
        (isa<sparse_tensor::AssembleOp, sparse_tensor::ConvertOp>(op) || op->hasTrait<OpTrait::ConstantLike>()) && isConstant(op))
      constants.push_back(op);
  });
  if (constants.empty())
    return importComputedSparseTensors(module, unsupported);
  module.getContext()->loadDialect<NNOptDialect>(); // the file may have none of its ops
  for (Operation *op : constants) {
    if (op->getResult(0).use_empty())
      continue;
    DenseElementsAttr elements = denseOf(op, unsupported);
    if (!elements && isa<sparse_tensor::AssembleOp>(op))
      return failure();
    if (!elements)
      continue; // not constant
    WeightOp weight = createDense(op, elements);
    op->getResult(0).replaceUsesWithIf(weight.getResult(), [](OpOperand &use) { return isa<linalg::LinalgOp>(use.getOwner()); });
    for (Operation *user : llvm::make_early_inc_range(op->getResult(0).getUsers()))
      if (auto back = dyn_cast<sparse_tensor::ConvertOp>(user); back && back.getType() == weight.getType()) {
        back.getResult().replaceAllUsesWith(weight.getResult());
        back.erase();
      }
  }
  for (Operation *op : llvm::reverse(constants))
    if (op->use_empty())
      eraseWithSources(op);
  SmallVector<linalg::LinalgOp> products;
  module.walk([&](linalg::LinalgOp op) { products.push_back(op); });
  for (linalg::LinalgOp op : products)
    makeLinear(op);
  return importComputedSparseTensors(module, unsupported);
}
