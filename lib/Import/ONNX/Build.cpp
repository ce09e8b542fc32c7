//===- Build.cpp - ops that many operators are made of --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Build.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::onnx;

static SmallVector<utils::IteratorType> parallelLoops(int64_t rank) {
  return SmallVector<utils::IteratorType>(rank, utils::IteratorType::parallel);
}

static Value emptyTensor(OpContext &c, ExtentsRef extents, Type element) {
  return tensor::EmptyOp::create(c.b, c.loc, extents, element);
}

void nnopt::onnx::expectSameTypes(OpContext &c, ArrayRef<Tensor *> tensors) {
  for (Tensor *tensor : tensors)
    if (tensor && tensor->elementType() != tensors.front()->elementType())
      c.error("has operands with elements of type {0} and {1}", tensors.front()->elementType(), tensor->elementType());
}

void nnopt::onnx::expectFloat(OpContext &c, Tensor *tensor) {
  if (!tensor->isFloat())
    c.unsupported("has an operand with elements of type {0}, expected floating-point numbers", tensor->elementType());
}

void nnopt::onnx::expectIndices(OpContext &c, unsigned i) {
  Type element = c.elementType(i);
  if (!element.isInteger(32) && !element.isInteger(64))
    c.error("has indices with elements of type {0}, expected int32 or int64", element);
}

Value nnopt::onnx::safeIndex(Scalar &s, Value index, Type indexType, Value extent) {
  Scalar position = s.as(s.b.getIndexType());
  Value at = s.as(indexType).cast(index, s.b.getIndexType()), zero = position.constant(0);
  at = position.select(position.compare(Scalar::LT, at, zero), position.add(at, extent), at);
  return position.max(zero, position.min(at, position.sub(extent, position.constant(1))));
}

template <typename Bits>
static std::optional<int64_t> findNaN(ArrayRef<char> bytes, Bits infinity) {
  constexpr Bits kMagnitude = std::numeric_limits<Bits>::max() >> 1;
  for (size_t i = 0; i < bytes.size() / sizeof(Bits); ++i) {
    Bits bits;
    std::memcpy(&bits, bytes.data() + i * sizeof(Bits), sizeof(Bits)); // files do not align their tensors
    if ((bits & kMagnitude) > infinity)
      return i;
  }
  return std::nullopt;
}

void nnopt::onnx::expectNoNaN(OpContext &c, unsigned input) {
  if (!c.isConstant(input))
    return;
  const Constant &constant = *c.in(input)->constant;
  Type element = constant.type.getElementType();
  std::optional<int64_t> found;
  if (element.isF32())
    found = findNaN<uint32_t>(constant.bytes, 0x7f800000);
  else if (element.isF64())
    found = findNaN<uint64_t>(constant.bytes, 0x7ff0000000000000);
  else if (element.isF16())
    found = findNaN<uint16_t>(constant.bytes, 0x7c00);
  else if (element.isBF16())
    found = findNaN<uint16_t>(constant.bytes, 0x7f80);
  if (found)
    c.error("has a weight '{0}' with NaN at element {1} of {2}", c.node.inputs[input], *found, constant.size());
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

/// Of two extents of one dimension. Symbols are preferred: later shapes are more often equal to them.
static std::optional<OpFoldResult> broadcastExtent(ShapeMath &shapes, OpFoldResult x, OpFoldResult y) {
  if (x == y || ShapeMath::is(y, 1))
    return x;
  if (ShapeMath::is(x, 1))
    return y;
  bool knowsX = ShapeMath::get(x).has_value(), knowsY = ShapeMath::get(y).has_value();
  if (knowsX && knowsY)
    return std::nullopt;
  shapes.requireEqual(x, y);
  if (knowsX || knowsY)
    return knowsX ? x : y;
  return shapes.isSymbol(y) && !shapes.isSymbol(x) ? y : x;
}

Extents nnopt::onnx::broadcastExtents(OpContext &c, ArrayRef<ExtentsRef> shapes) {
  size_t rank = 0;
  for (ExtentsRef shape : shapes)
    rank = std::max(rank, shape.size());
  Extents result(rank, c.shapes.constant(1));
  for (ExtentsRef shape : shapes) {
    for (auto [i, extent] : llvm::enumerate(shape)) {
      OpFoldResult &target = result[rank - shape.size() + i];
      std::optional<OpFoldResult> both = broadcastExtent(c.shapes, target, extent);
      if (!both) {
        c.error("cannot broadcast extents {0} and {1}", *ShapeMath::get(target), *ShapeMath::get(extent));
        return result;
      }
      target = *both;
    }
  }
  return result;
}

/// Where an operand of these extents reads for each element of the result.
static AffineMap broadcastMap(OpContext &c, ExtentsRef operand, ExtentsRef result) {
  SmallVector<AffineExpr> exprs;
  size_t offset = result.size() - operand.size();
  for (auto [i, extent] : llvm::enumerate(operand)) {
    bool repeats = ShapeMath::is(extent, 1) && !ShapeMath::is(result[offset + i], 1);
    exprs.push_back(repeats ? c.b.getAffineConstantExpr(0) : c.b.getAffineDimExpr(offset + i));
  }
  return AffineMap::get(result.size(), 0, exprs, c.b.getContext());
}

/// The type in which the elements of `tensor` are followed: see Tensor::entries.
static Type entryType(OpContext &c, Type element) {
  return isa<FloatType>(element) || element.isInteger(1) ? element : c.b.getIndexType();
}

/// Runs `body` on known scalars: in a scratch block, whose ops are folded or moved to where shape arithmetic is.
static std::optional<OpFoldResult> evaluate(OpContext &c, Type type, Type resultType, ArrayRef<OpFoldResult> arguments,
                                            ScalarBody body) {
  Block scratch;
  llvm::DenseMap<Value, OpFoldResult> known;
  SmallVector<Value> values;
  for (OpFoldResult argument : arguments) {
    auto attr = dyn_cast<Attribute>(argument);
    Type argumentType = attr ? cast<TypedAttr>(attr).getType() : cast<Value>(argument).getType();
    values.push_back(scratch.addArgument(argumentType, c.loc));
    known[values.back()] = argument;
  }
  OpBuilder b(c.b.getContext());
  b.setInsertionPointToEnd(&scratch);
  Scalar s{b, c.loc, type};
  Value result = body(s, values);
  if (resultType.isIndex() && !result.getType().isIndex())
    result = s.as(result.getType()).cast(result, resultType);
  if (result.getType() != resultType)
    return std::nullopt;
  for (Operation &op : scratch) {
    if (op.getNumResults() != 1 || isa<UnrealizedConversionCastOp>(op))
      return std::nullopt;
    auto operands = llvm::map_to_vector(op.getOperands(), [&](Value operand) { return known.lookup(operand); });
    if (llvm::any_of(operands, [](OpFoldResult operand) { return operand.isNull(); }))
      return std::nullopt;
    known[op.getResult(0)] = c.shapes.lift(&op, operands);
  }
  return known.lookup(result);
}

static Tensor *evaluateElementwise(OpContext &c, ArrayRef<Tensor *> operands, ArrayRef<int64_t> shape, Type resultElement,
                                   ScalarBody body) {
  std::optional<int64_t> count = countElements(shape);
  if (resultElement.isUnsignedInteger() || !count || *count > kMostEntries)
    return nullptr;
  SmallVector<const Extents *> entries;
  for (Tensor *operand : operands) {
    entries.push_back(c.entries(operand));
    if (!entries.back())
      return nullptr;
  }
  Extents results;
  SmallVector<int64_t> at(shape.size(), 0);
  for (int64_t i = 0; i < *count; ++i) {
    int64_t rest = i;
    for (int64_t d = int64_t(shape.size()) - 1; d >= 0; --d)
      at[d] = rest % shape[d], rest /= shape[d];
    SmallVector<OpFoldResult> arguments;
    for (auto [operand, list] : llvm::zip_equal(operands, entries)) {
      int64_t linear = 0, offset = int64_t(shape.size()) - operand->rank();
      for (int64_t d = 0; d < operand->rank(); ++d)
        linear = linear * operand->dim(d) + (operand->dim(d) == 1 ? 0 : at[offset + d]);
      arguments.push_back((*list)[linear]);
    }
    std::optional<OpFoldResult> result = evaluate(c, entryType(c, operands.front()->elementType()),
                                                  entryType(c, resultElement), arguments, body);
    if (!result || result->isNull())
      return nullptr;
    results.push_back(*result);
  }
  return c.fromEntries(shape, resultElement, results);
}

Tensor *nnopt::onnx::elementwise(OpContext &c, ArrayRef<Tensor *> operands, Type resultElement, ScalarBody body) {
  Extents extents = broadcastExtents(
      c, llvm::map_to_vector(operands, [](Tensor *operand) { return ExtentsRef(operand->extents); }));
  if (c.failed())
    return c.scalar(resultElement, 0);
  if (Tensor *known = evaluateElementwise(c, operands, ShapeMath::staticShape(extents), resultElement, body))
    return known;
  // Constants of one element go into the body.
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  SmallVector<int> position;
  for (Tensor *operand : operands) {
    bool isInlined = operand->constant && operand->hasOneElement() && !operand->elementType().isUnsignedInteger();
    position.push_back(isInlined ? -1 : int(inputs.size()));
    if (isInlined)
      continue;
    inputs.push_back(c.value(operand));
    maps.push_back(broadcastMap(c, operand->extents, extents));
  }
  maps.push_back(c.b.getMultiDimIdentityMap(extents.size()));
  Type type = operands.front()->elementType();
  auto emit = [&](OpBuilder &b, Location loc, ValueRange args) {
    SmallVector<Value> values;
    for (auto [operand, at] : llvm::zip_equal(operands, position)) {
      if (at >= 0) {
        values.push_back(withSign(b, loc, args[at], signlessOf(args[at].getType())));
        continue;
      }
      Attribute element = operand->constant->at(0);
      if (auto integer = dyn_cast<IntegerAttr>(element))
        element = b.getIntegerAttr(operand->elementType(), integer.getValue().sextOrTrunc(operand->elementType().getIntOrFloatBitWidth()));
      values.push_back(arith::ConstantOp::create(b, loc, cast<TypedAttr>(element)));
    }
    Scalar s{b, loc, type};
    linalg::YieldOp::create(b, loc, withSign(b, loc, body(s, values), resultElement));
  };
  Value init = emptyTensor(c, extents, resultElement);
  auto op = linalg::GenericOp::create(c.b, c.loc, init.getType(), inputs, init, maps, parallelLoops(extents.size()), emit);
  return c.tensor(op.getResult(0), extents);
}

Tensor *nnopt::onnx::castTo(OpContext &c, Tensor *tensor, Type element) {
  if (tensor->elementType() == element)
    return tensor;
  // Known integers are followed as indices, which hold every wider type.
  bool isWide = isa<IntegerType>(element) && element.getIntOrFloatBitWidth() >= 32;
  return elementwise(c, {tensor}, element, [&](Scalar &s, ValueRange args) {
    return s.type.isIndex() && isWide ? args[0] : s.cast(args[0], element);
  });
}

Tensor *nnopt::onnx::activation(OpContext &c, Tensor *tensor, ActivationKind kind, std::optional<float> alpha,
                                std::optional<float> beta) {
  expectFloat(c, tensor);
  if (c.failed())
    return tensor;
  auto attr = [&](std::optional<float> value) { return value ? c.b.getF32FloatAttr(*value) : FloatAttr(); };
  Value input = c.value(tensor);
  auto op = ActivationOp::create(c.b, c.loc, input.getType(), kind, input, attr(alpha), attr(beta));
  return c.tensor(op.getResult(), tensor->extents);
}

//===----------------------------------------------------------------------===//
// Generators
//===----------------------------------------------------------------------===//

Tensor *nnopt::onnx::generate(OpContext &c, ExtentsRef extents, Type element, IndexBody body) {
  if (c.failed())
    return c.scalar(element, 0);
  Value init = emptyTensor(c, extents, element);
  int64_t rank = extents.size();
  auto emit = [&](OpBuilder &b, Location loc, ValueRange) {
    SmallVector<Value> coordinates;
    for (int64_t d = 0; d < rank; ++d)
      coordinates.push_back(linalg::IndexOp::create(b, loc, d));
    Scalar s{b, loc, element};
    linalg::YieldOp::create(b, loc, withSign(b, loc, body(s, coordinates), element));
  };
  auto op = linalg::GenericOp::create(c.b, c.loc, init.getType(), ValueRange{}, init,
                                      ArrayRef<AffineMap>{c.b.getMultiDimIdentityMap(rank)}, parallelLoops(rank), emit);
  return c.tensor(op.getResult(0), extents);
}

Value nnopt::onnx::readElement(Scalar &s, Value tensor, ValueRange coordinates) {
  Value element = tensor::ExtractOp::create(s.b, s.loc, tensor, coordinates);
  return withSign(s.b, s.loc, element, signlessOf(element.getType()));
}

Tensor *nnopt::onnx::filled(OpContext &c, ExtentsRef extents, Type element, TypedAttr value) {
  SmallVector<int64_t> shape = ShapeMath::staticShape(extents);
  std::optional<int64_t> count;
  if (!llvm::is_contained(shape, ShapedType::kDynamic))
    count = countElements(shape);
  if (count && *count <= kMostEntries)
    return c.constant(Constant::fromScalars(RankedTensorType::get(shape, element), SmallVector<Attribute>(*count, value)));
  if (c.failed())
    return c.scalar(element, 0);
  Value scalar = withSign(c.b, c.loc, arith::ConstantOp::create(c.b, c.loc, value), element);
  Value init = emptyTensor(c, extents, element);
  return c.tensor(linalg::FillOp::create(c.b, c.loc, scalar, init).getResult(0), extents);
}

Tensor *nnopt::onnx::filled(OpContext &c, ExtentsRef extents, Type element, double value) {
  return filled(c, extents, element, scalarAttr(element, value));
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

/// The same on known scalars.
static Tensor *evaluateReduction(OpContext &c, Tensor *tensor, ArrayRef<int64_t> axes, ArrayRef<int64_t> kept,
                                 const Reduction &reduction) {
  const Extents *entries = c.entries(tensor);
  if (!entries || tensor->elementType().isUnsignedInteger())
    return nullptr;
  Type type = entryType(c, tensor->elementType());
  Attribute neutral = reduction.neutral;
  if (type.isIndex())
    neutral = c.b.getIndexAttr(cast<IntegerAttr>(neutral).getValue().getSExtValue());
  Extents results(*countElements(kept), neutral);
  for (auto [i, entry] : llvm::enumerate(*entries)) {
    int64_t rest = i, target = 0, stride = 1;
    for (int64_t d = tensor->rank() - 1; d >= 0; --d) {
      int64_t at = rest % tensor->dim(d);
      rest /= tensor->dim(d);
      if (llvm::is_contained(axes, d))
        continue;
      target += at * stride;
      stride *= tensor->dim(d);
    }
    std::optional<OpFoldResult> sum =
        evaluate(c, type, type, {results[target], entry}, [&](Scalar &s, ValueRange args) {
          return reduction.combine(s, args[0], reduction.map ? reduction.map(s, args[1]) : args[1]);
        });
    if (!sum || sum->isNull())
      return nullptr;
    results[target] = *sum;
  }
  return c.fromEntries(kept, tensor->elementType(), results);
}

Tensor *nnopt::onnx::reduce(OpContext &c, Tensor *tensor, ArrayRef<int64_t> axes, bool keep, const Reduction &reduction) {
  if (c.failed())
    return tensor;
  Type element = tensor->elementType();
  Extents kept, result;
  SmallVector<AffineExpr> exprs;
  SmallVector<utils::IteratorType> loops;
  for (int64_t d = 0; d < tensor->rank(); ++d) {
    bool isReduced = llvm::is_contained(axes, d);
    loops.push_back(isReduced ? utils::IteratorType::reduction : utils::IteratorType::parallel);
    if (!isReduced) {
      kept.push_back(tensor->extents[d]);
      exprs.push_back(c.b.getAffineDimExpr(d));
    }
    if (!isReduced || keep)
      result.push_back(isReduced ? c.shapes.constant(1) : tensor->extents[d]);
  }
  if (tensor->type.hasStaticShape())
    if (Tensor *known = evaluateReduction(c, tensor, axes, ShapeMath::staticShape(kept), reduction))
      return reshape(c, known, result);
  Value neutral = withSign(c.b, c.loc, arith::ConstantOp::create(c.b, c.loc, reduction.neutral), element);
  Value init = linalg::FillOp::create(c.b, c.loc, neutral, emptyTensor(c, kept, element)).getResult(0);
  AffineMap maps[] = {c.b.getMultiDimIdentityMap(tensor->rank()),
                      AffineMap::get(tensor->rank(), 0, exprs, c.b.getContext())};
  auto emit = [&](OpBuilder &b, Location loc, ValueRange args) {
    Scalar s{b, loc, element};
    Value x = withSign(b, loc, args[0], signlessOf(element)), sum = withSign(b, loc, args[1], signlessOf(element));
    if (reduction.map)
      x = reduction.map(s, x);
    linalg::YieldOp::create(b, loc, withSign(b, loc, reduction.combine(s, sum, x), element));
  };
  auto op = linalg::GenericOp::create(c.b, c.loc, init.getType(), c.value(tensor), init, maps, loops, emit);
  return reshape(c, c.tensor(op.getResult(0), kept), result);
}

Tensor *nnopt::onnx::reduceSum(OpContext &c, Tensor *tensor, ArrayRef<int64_t> axes, bool keep) {
  auto add = [](Scalar &s, Value sum, Value x) { return s.add(sum, x); };
  return reduce(c, tensor, axes, keep, {scalarAttr(tensor->elementType(), 0), add});
}

Tensor *nnopt::onnx::reduceMean(OpContext &c, Tensor *tensor, ArrayRef<int64_t> axes, bool keep) {
  if (c.failed()) // then `tensor` may be a placeholder without these axes
    return tensor;
  Tensor *sum = reduceSum(c, tensor, axes, keep);
  OpFoldResult count = c.shapes.product(llvm::map_to_vector(axes, [&](int64_t d) { return tensor->extents[d]; }));
  Tensor *divisor = castTo(c, c.fromEntries({}, c.b.getI64Type(), {count}), tensor->elementType());
  return elementwise(c, {sum, divisor}, tensor->elementType(),
                     [](Scalar &s, ValueRange args) { return s.div(args[0], args[1]); });
}
