//===- ConstantSlices.cpp - channels that hold one number -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "ConstantSlices.h"

#include "ConstantData.h"

#include "nnopt/Interpreter/Interpreter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;
using namespace nnopt;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }
static int64_t extentOf(Value value, int64_t dim) { return typeOf(value).getDimSize(dim); }

/// `number` as an element of `value` holds it.
static double rounded(Value value, double number) {
  auto type = cast<FloatType>(typeOf(value).getElementType());
  APFloat exact(number);
  bool losesInfo;
  exact.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
  exact.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
  return exact.convertToDouble();
}

ConstantSlices::ConstantSlices(func::FuncOp function) {
  for (Operation &op : function.getBody().front())
    visit(&op);
}

/// A constant's numbers are found when they are asked for.
ConstantSlices::Numbers &ConstantSlices::numbersOf(Value value) {
  auto [entry, isNew] = known.try_emplace(value);
  std::optional<ConstantData> data = isNew ? ConstantData::of(value) : std::nullopt;
  if (!data || !isa<FloatType>(data->type.getElementType()))
    return entry->second;
  entry->second.resize(data->type.getRank());
  for (auto [dim, extent] : llvm::enumerate(data->type.getShape())) {
    int64_t inner = ShapedType::getNumElements(data->type.getShape().drop_front(dim + 1));
    std::vector<double> numbers(extent, NAN);
    for (int64_t i = 0; i < extent; ++i)
      if (double first = data->at(i * inner); isSliceOf(*data, dim, i, first))
        numbers[i] = first;
    if (llvm::any_of(numbers, [](double number) { return !std::isnan(number); }))
      entry->second[dim] = numbers;
  }
  return entry->second;
}

std::optional<double> ConstantSlices::of(Value value, int64_t dim, int64_t index) {
  Numbers &numbers = numbersOf(value);
  if (dim >= static_cast<int64_t>(numbers.size()) || numbers[dim].empty() || !std::isfinite(numbers[dim][index]))
    return std::nullopt;
  return numbers[dim][index];
}

void ConstantSlices::note(Value value, int64_t dim, int64_t index, std::optional<double> number) {
  if (!number || !std::isfinite(*number))
    return;
  Numbers &numbers = known[value];
  numbers.resize(typeOf(value).getRank());
  if (numbers[dim].empty())
    numbers[dim].assign(extentOf(value, dim), NAN);
  numbers[dim][index] = *number;
}

void ConstantSlices::visit(Operation *op) {
  auto type = op->getNumResults() == 1 ? dyn_cast<RankedTensorType>(op->getResult(0).getType()) : RankedTensorType();
  if (!type || !isa<FloatType>(type.getElementType()) || matchPattern(op, m_Constant()))
    return;
  if (auto linear = dyn_cast<LinearOp>(op))
    visitLinear(linear);
  else if (auto conv = dyn_cast<ConvOp>(op)) {
    int64_t channels = conv.getChannelsLast() ? conv.getSpatialRank() + 1 : 1;
    bool isPadded = llvm::any_of(conv.getPads(), [](int64_t pad) { return pad != 0; });
    if (!conv.getPack() && conv.getEpilogue().empty())
      visitFilter(conv.getInput(), conv.getWeight(), conv.getBias(), conv.getResult(), conv.getGroups(), channels, isPadded);
  } else if (auto matmul = dyn_cast<MatmulOp>(op))
    visitMatmul(matmul);
  else if (auto attention = dyn_cast<AttentionOp>(op)) {
    int64_t heads = attention.getSequenceMajor() ? 2 : 1, count = extentOf(attention.getResult(), heads);
    int64_t valueHeads = extentOf(attention.getValue(), heads);
    for (int64_t i = 0; i < count && valueHeads > 0; ++i)
      if (of(attention.getValue(), heads, i * valueHeads / count) == 0.0)
        note(attention.getResult(), heads, i, 0);
  } else if (auto activation = dyn_cast<ActivationOp>(op))
    visitActivation(activation);
  else if (isa<linalg::LinalgOp>(op))
    visitLoops(op);
  else if (auto pool = dyn_cast<PoolOp>(op))
    visitPool(pool);
  else if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    visitReshape(expand.getResult(), expand.getSrc(), op);
  else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    visitReshape(collapse.getSrc(), collapse.getResult(), op);
  else
    visitPieces(op);
}

void ConstantSlices::visitFilter(Value input, Value weight, Value bias, Value result, int64_t groups, int64_t channels, bool isPadded) {
  std::optional<ConstantData> data = ConstantData::of(weight);
  if (!data || extentOf(result, channels) == 0)
    return;
  int64_t outputs = data->type.getDimSize(0), inputs = data->type.getDimSize(1), taps = data->size() / std::max<int64_t>(outputs * inputs, 1);
  auto outputOf = [&](int64_t o) -> std::optional<double> {
    std::optional<double> sum = bias ? of(bias, 0, o) : 0.0;
    for (int64_t i = 0; sum && i < inputs; ++i) {
      double weights = 0;
      bool isZero = true;
      for (int64_t t = 0; t < taps; ++t) {
        double element = data->at((o * inputs + i) * taps + t);
        weights += element, isZero &= element == 0;
      }
      if (isZero)
        continue;
      std::optional<double> number = of(input, channels, o / (outputs / groups) * inputs + i);
      // At the border the padding is zero, and the channel is not.
      if (!number || (isPadded && *number != 0))
        return std::nullopt;
      *sum += weights * *number;
    }
    return sum;
  };
  for (int64_t o = 0; o < outputs; ++o)
    if (std::optional<double> number = outputOf(o))
      note(result, channels, o, rounded(result, *number));
}

void ConstantSlices::visitLinear(LinearOp op) {
  std::optional<ConstantData> data = ConstantData::of(op.getWeight());
  if (!data || op.getPack() || !op.getEpilogue().empty())
    return;
  int64_t last = typeOf(op.getInput()).getRank() - 1, inputs = data->type.getDimSize(op.getWeightKn() ? 0 : 1);
  int64_t outputs = data->type.getDimSize(op.getWeightKn() ? 1 : 0);
  for (int64_t n = 0; n < outputs; ++n) {
    std::optional<double> sum = op.getBias() ? of(op.getBias(), 0, n) : 0.0;
    for (int64_t k = 0; sum && k < inputs; ++k) {
      double element = data->at(op.getWeightKn() ? k * outputs + n : n * inputs + k);
      if (element == 0)
        continue;
      std::optional<double> number = of(op.getInput(), last, k);
      sum = number ? std::optional(*sum + element * *number) : std::nullopt;
    }
    if (sum)
      note(op.getResult(), last, n, rounded(op.getResult(), *sum));
  }
}

/// Only zeros are seen through a product of computed tensors.
void ConstantSlices::visitMatmul(MatmulOp op) {
  if (!op.getEpilogue().empty())
    return;
  Value result = op.getResult();
  int64_t rank = typeOf(result).getRank();
  for (bool isRight : {false, true}) {
    Value value = isRight ? op.getRhs() : op.getLhs();
    int64_t own = typeOf(value).getRank(), swap = isRight ? op.getTransposeRhs() : op.getTransposeLhs();
    if (own < 2)
      continue;
    int64_t outer = isRight ? own - 1 - swap : own - 2 + swap;
    for (int64_t dim = 0; dim < own; ++dim) {
      if (dim >= own - 2 && dim != outer)
        continue;
      int64_t to = dim < own - 2 ? dim + rank - own : isRight ? rank - 1 : rank - 2;
      for (int64_t i = 0, extent = extentOf(value, dim); extent == extentOf(result, to) && i < extent; ++i)
        if (of(value, dim, i) == 0.0)
          note(result, to, i, 0);
    }
  }
}

void ConstantSlices::visitActivation(ActivationOp op) {
  Numbers numbers = numbersOf(op.getInput());
  for (auto [dim, slices] : llvm::enumerate(numbers)) {
    if (slices.empty())
      continue;
    // The same op on a vector of the numbers.
    std::optional<ElementType> element = elementTypeOf(op.getType().getElementType());
    std::optional<HostTensor> input = element ? HostTensor::allocate(*element, {static_cast<int64_t>(slices.size())}) : std::nullopt;
    if (!input)
      return;
    for (auto [i, number] : llvm::enumerate(slices))
      storeElement(*element, input->mutableBytes(), i, number);
    OpBuilder b(op.getContext());
    auto type = RankedTensorType::get({static_cast<int64_t>(slices.size())}, op.getType().getElementType());
    OwningOpRef<func::FuncOp> function = func::FuncOp::create(b, op.getLoc(), "slices", b.getFunctionType({type}, {type}));
    Block *body = function->addEntryBlock();
    b.setInsertionPointToStart(body);
    Operation *copy = b.clone(*op);
    copy->setOperand(0, body->getArgument(0));
    copy->getResult(0).setType(type);
    func::ReturnOp::create(b, op.getLoc(), copy->getResults());
    FailureOr<SmallVector<HostTensor>> results = interpret(*function, *input);
    if (failed(results))
      return;
    for (int64_t i = 0, e = slices.size(); i < e; ++i)
      if (!std::isnan(slices[i]))
        note(op.getResult(), dim, i, loadElement(*element, results->front().bytes(), i));
  }
}

/// What the body of a loop yields for `arguments`, which are null where they are not known; null if that is not known.
static FloatAttr evaluateBody(Block &body, ArrayRef<Attribute> arguments) {
  llvm::DenseMap<Value, Attribute> numbers;
  for (auto [argument, number] : llvm::zip_equal(body.getArguments(), arguments))
    numbers[argument] = number;
  auto numberOf = [&](Value value) {
    Attribute number = numbers.lookup(value);
    if (!number)
      matchPattern(value, m_Constant(&number));
    return number;
  };
  for (Operation &op : body.without_terminator()) {
    SmallVector<Attribute> operands = llvm::map_to_vector(op.getOperands(), numberOf);
    auto isZero = [](Attribute number) {
      auto floating = dyn_cast_or_null<FloatAttr>(number);
      return floating && floating.getValue().isZero();
    };
    SmallVector<OpFoldResult> results;
    if (isa<arith::MulFOp>(op) && llvm::any_of(operands, isZero))
      numbers[op.getResult(0)] = FloatAttr::get(op.getResult(0).getType(), 0.0);
    // With every operand known, folding changes nothing in place.
    else if (llvm::all_of(operands, [](Attribute number) { return number != nullptr; }) && succeeded(op.fold(operands, results)) &&
             results.size() == op.getNumResults())
      for (auto [result, folded] : llvm::zip_equal(op.getResults(), results))
        numbers[result] = isa<Attribute>(folded) ? cast<Attribute>(folded) : numberOf(cast<Value>(folded));
  }
  return dyn_cast_or_null<FloatAttr>(numberOf(body.getTerminator()->getOperand(0)));
}

void ConstantSlices::visitLoops(Operation *op) {
  auto linalg = cast<linalg::LinalgOp>(op);
  if (linalg.getNumDpsInits() != 1 || !linalg.hasPureTensorSemantics() || op->getRegion(0).walk([](linalg::IndexOp) {
        return WalkResult::interrupt();
      }).wasInterrupted())
    return;
  Block &body = op->getRegion(0).front();
  AffineMap resultMap = linalg.getMatchingIndexingMap(linalg.getDpsInitOperand(0));
  for (auto [dim, expr] : llvm::enumerate(resultMap.getResults())) {
    auto loop = dyn_cast<AffineDimExpr>(expr);
    if (!loop || ShapedType::isDynamic(extentOf(op->getResult(0), dim)))
      continue;
    for (int64_t i = 0, extent = extentOf(op->getResult(0), dim); i < extent; ++i) {
      bool isAnyKnown = false;
      SmallVector<Attribute> arguments;
      for (OpOperand &operand : op->getOpOperands()) {
        AffineMap map = linalg.getMatchingIndexingMap(&operand);
        Value value = operand.get();
        Attribute number;
        if (!isa<RankedTensorType>(value.getType())) {
          matchPattern(value, m_Constant(&number));
        } else if (auto type = dyn_cast<FloatType>(typeOf(value).getElementType())) {
          std::optional<unsigned> position = map.getResultPosition(expr);
          std::optional<double> found = position ? of(value, *position, i) : splatOf(value);
          isAnyKnown |= position && found;
          number = found ? FloatAttr::get(type, *found) : Attribute();
        }
        arguments.push_back(number);
      }
      if (!isAnyKnown && !isa<linalg::FillOp>(op))
        continue;
      FloatAttr yielded = evaluateBody(body, arguments);
      if (yielded && linalg.getNumReductionLoops() > 0) {
        // Known if one more step changes nothing.
        SmallVector<Attribute> again = arguments;
        again.back() = yielded;
        if (evaluateBody(body, again) != yielded)
          yielded = {};
      }
      if (yielded)
        note(op->getResult(0), dim, i, yielded.getValueAsDouble());
    }
  }
}

void ConstantSlices::visitPool(PoolOp op) {
  int64_t channels = op.getChannelsLast() ? typeOf(op.getInput()).getRank() - 1 : 1;
  bool isPadded = llvm::any_of(op.getPads(), [](int64_t pad) { return pad != 0; });
  for (int64_t i = 0, extent = extentOf(op.getInput(), channels); i < extent; ++i) {
    std::optional<double> number = of(op.getInput(), channels, i);
    // An average that counts padding mixes the number with zeros.
    if (number && (!op.getCountIncludePad() || !isPadded || *number == 0))
      note(op.getResult(), channels, i, number);
  }
}

/// The outermost dimension that is more than 1 against runs of the flat one.
void ConstantSlices::visitReshape(Value wide, Value flat, Operation *op) {
  auto reassociation = isa<tensor::ExpandShapeOp>(op) ? cast<tensor::ExpandShapeOp>(op).getReassociationIndices()
                                                      : cast<tensor::CollapseShapeOp>(op).getReassociationIndices();
  for (auto [flatDim, dims] : llvm::enumerate(reassociation)) {
    auto outer = llvm::find_if(dims, [&](int64_t dim) { return extentOf(wide, dim) != 1; });
    if (outer == dims.end() || ShapedType::isDynamic(extentOf(wide, *outer)) || ShapedType::isDynamic(extentOf(flat, flatDim)))
      continue;
    int64_t count = extentOf(wide, *outer), run = count ? extentOf(flat, flatDim) / count : 0;
    for (int64_t i = 0; i < count; ++i) {
      std::optional<double> number = isa<tensor::CollapseShapeOp>(op) ? of(wide, *outer, i) : of(flat, flatDim, i * run);
      for (int64_t j = 0; j < run; ++j)
        if (isa<tensor::CollapseShapeOp>(op))
          note(flat, flatDim, i * run + j, number);
        else if (of(flat, flatDim, i * run + j) != number)
          number.reset();
      if (isa<tensor::ExpandShapeOp>(op))
        note(wide, *outer, i, number);
    }
  }
}

/// Concatenations, slices and lookups.
void ConstantSlices::visitPieces(Operation *op) {
  Value result = op->getResult(0);
  if (auto concat = dyn_cast<tensor::ConcatOp>(op)) {
    int64_t along = concat.getDim(), offset = 0;
    if (ShapedType::isDynamic(extentOf(result, along)))
      return;
    for (Value input : concat.getInputs())
      for (int64_t i = 0, extent = extentOf(input, along); i < extent; ++i)
        note(result, along, offset++, of(input, along, i));
  } else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    if (typeOf(slice.getSource()).getRank() != typeOf(result).getRank())
      return;
    for (int64_t dim = 0, rank = typeOf(result).getRank(); dim < rank; ++dim) {
      int64_t offset = slice.getStaticOffsets()[dim], stride = slice.getStaticStrides()[dim];
      if (ShapedType::isDynamic(offset) || ShapedType::isDynamic(stride) || ShapedType::isDynamic(extentOf(slice.getSource(), dim)))
        continue;
      for (int64_t i = 0, extent = extentOf(result, dim); i < extent; ++i)
        note(result, dim, i, of(slice.getSource(), dim, offset + i * stride));
    }
  } else if (auto gather = dyn_cast<GatherOp>(op)) {
    int64_t axis = gather.getAxis(), indexRank = typeOf(gather.getIndices()).getRank();
    for (int64_t dim = 0, rank = typeOf(gather.getData()).getRank(); dim < rank; ++dim)
      for (int64_t i = 0, extent = extentOf(gather.getData(), dim); dim != axis && i < extent; ++i)
        note(result, dim < axis ? dim : dim - 1 + indexRank, i, of(gather.getData(), dim, i));
  }
}
