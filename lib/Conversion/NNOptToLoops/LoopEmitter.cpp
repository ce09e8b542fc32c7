//===- LoopEmitter.cpp - a small language for plain loops -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "LoopEmitter.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace nnopt;

Value LoopEmitter::extent(Value memref, int64_t dim) {
  int64_t known = cast<MemRefType>(memref.getType()).getDimSize(dim);
  return ShapedType::isDynamic(known) ? Value(memref::DimOp::create(b, loc, memref, dim)) : index(known);
}

SmallVector<Value> LoopEmitter::extents(Value memref) {
  SmallVector<Value> result;
  for (int64_t d = 0, e = cast<MemRefType>(memref.getType()).getRank(); d < e; ++d)
    result.push_back(extent(memref, d));
  return result;
}

Value LoopEmitter::flat(Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.hasStaticShape() || !type.getLayout().isIdentity() || type.getRank() == 0)
    return nullptr;
  if (type.getRank() == 1)
    return memref;
  ReassociationIndices all(llvm::to_vector(llvm::seq<int64_t>(0, type.getRank())));
  return memref::CollapseShapeOp::create(b, loc, memref, ArrayRef<ReassociationIndices>{all});
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

Type LoopEmitter::accumulatorType(Type element) {
  if (auto type = dyn_cast<FloatType>(element))
    return type.getWidth() < 32 ? b.getF32Type() : element;
  return b.getIntegerType(std::max(32u, element.getIntOrFloatBitWidth()));
}

Type LoopEmitter::accumulatorType(Region &epilogue, Value destination) {
  return accumulatorType(epilogue.empty() ? cast<MemRefType>(destination.getType()).getElementType() : epilogue.front().getArgument(0).getType());
}

Value LoopEmitter::positionInPanels(PackAttr pack, Value n, Value k) {
  Value panel = index(pack.getPanel()), inner = index(pack.getInner());
  Value start = mul(div(n, panel), index(pack.getDepth() * pack.getPanel()));
  Value lane = add(mul(rem(n, panel), inner), rem(k, inner));
  return add(add(start, lane), mul(div(k, inner), index(pack.getPanel() * pack.getInner())));
}

/// The type that arith computes on.
static Type signless(Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  return integer ? IntegerType::get(type.getContext(), integer.getWidth()) : type;
}

/// A boolean counts as 0 and 1.
static bool extendsByZero(Type element) { return element.isUnsignedInteger() || element.isInteger(1); }

Value LoopEmitter::convert(Value value, Type to, bool isUnsigned) {
  Type from = value.getType();
  if (from == to)
    return value;
  auto fromFloat = dyn_cast<FloatType>(from), toFloat = dyn_cast<FloatType>(to);
  if (fromFloat && toFloat) {
    if (fromFloat.getWidth() < toFloat.getWidth())
      return arith::ExtFOp::create(b, loc, to, value);
    if (fromFloat.getWidth() > toFloat.getWidth())
      return arith::TruncFOp::create(b, loc, to, value);
    // f16 and bf16: through f32.
    return arith::TruncFOp::create(b, loc, to, Value(arith::ExtFOp::create(b, loc, b.getF32Type(), value)));
  }
  if (fromFloat)
    return isUnsigned ? Value(arith::FPToUIOp::create(b, loc, to, value)) : Value(arith::FPToSIOp::create(b, loc, to, value));
  if (toFloat)
    return isUnsigned ? Value(arith::UIToFPOp::create(b, loc, to, value)) : Value(arith::SIToFPOp::create(b, loc, to, value));
  if (from.isIndex() || to.isIndex()) {
    if (isUnsigned)
      return arith::IndexCastUIOp::create(b, loc, to, value);
    return arith::IndexCastOp::create(b, loc, to, value);
  }
  if (from.getIntOrFloatBitWidth() > to.getIntOrFloatBitWidth())
    return arith::TruncIOp::create(b, loc, to, value);
  return isUnsigned ? Value(arith::ExtUIOp::create(b, loc, to, value)) : Value(arith::ExtSIOp::create(b, loc, to, value));
}

Value LoopEmitter::read(Value memref, Coordinates at, Type as) {
  Value value = memref::LoadOp::create(b, loc, memref, at);
  Type element = value.getType(), plain = signless(element);
  if (plain != element)
    value = UnrealizedConversionCastOp::create(b, loc, plain, value).getResult(0);
  return convert(value, signless(as), extendsByZero(element));
}

void LoopEmitter::write(Value value, Value memref, Coordinates at) {
  Type element = cast<MemRefType>(memref.getType()).getElementType(), plain = signless(element);
  if (value.getType() != element)
    value = convert(value, plain, element.isUnsignedInteger());
  if (value.getType() != element)
    value = UnrealizedConversionCastOp::create(b, loc, element, value).getResult(0);
  memref::StoreOp::create(b, loc, value, memref, at);
}

Value LoopEmitter::multiplyAdd(Value x, Value y, Value sum) {
  if (llvm::isa<FloatType>(sum.getType()))
    return fma(x, y, sum);
  return arith::AddIOp::create(b, loc, sum, Value(arith::MulIOp::create(b, loc, x, y)));
}

Value LoopEmitter::plus(Value x, Value y) {
  if (llvm::isa<FloatType>(x.getType()))
    return arith::AddFOp::create(b, loc, x, y);
  return arith::AddIOp::create(b, loc, x, y);
}

Value LoopEmitter::maximum(Value x, Value y, bool isUnsigned) {
  if (llvm::isa<FloatType>(x.getType()))
    return arith::MaximumFOp::create(b, loc, x, y);
  if (isUnsigned)
    return arith::MaxUIOp::create(b, loc, x, y);
  return arith::MaxSIOp::create(b, loc, x, y);
}

Value LoopEmitter::exp(Value x) { return math::ExpOp::create(b, loc, x); }

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

void LoopEmitter::nest(ArrayRef<Value> extents, SmallVector<Value> &at, llvm::function_ref<void(Coordinates)> body) {
  if (at.size() == extents.size())
    return body(at);
  loop(index(0), extents[at.size()], 1, [&](Value i) {
    at.push_back(i);
    nest(extents, at, body);
    at.pop_back();
  });
}

void LoopEmitter::nest(ArrayRef<Value> extents, llvm::function_ref<void(Coordinates)> body) {
  SmallVector<Value> at;
  nest(extents, at, body);
}

SmallVector<Value> LoopEmitter::fold(ArrayRef<Value> extents, ValueRange initial, SmallVector<Value> &at,
                                     FoldBody body) {
  if (at.size() == extents.size())
    return body(at, initial);
  return loop(index(0), extents[at.size()], 1, initial, [&](Value i, ValueRange carried) {
    at.push_back(i);
    SmallVector<Value> result = fold(extents, carried, at, body);
    at.pop_back();
    return result;
  });
}

SmallVector<Value> LoopEmitter::fold(ArrayRef<Value> extents, ValueRange initial, FoldBody body) {
  SmallVector<Value> at;
  return fold(extents, initial, at, body);
}

Value LoopEmitter::fold(ArrayRef<Value> extents, Value initial, llvm::function_ref<Value(Coordinates, Value)> body) {
  return fold(extents, ValueRange(initial), [&](Coordinates at, ValueRange carried) {
    return SmallVector<Value>{body(at, carried[0])};
  })[0];
}

void LoopEmitter::forEach(ArrayRef<Value> extents, llvm::function_ref<void(Coordinates)> body) {
  // Items are rows, so that dividing a number into coordinates costs little; single elements if there is one row only.
  bool byElement = extents.size() < 2 || constantOf(product(extents.drop_back())) == 1;
  ArrayRef<Value> outer = byElement ? extents : extents.drop_back();
  parallel(product(outer), [&](Value item) {
    SmallVector<Value> at = delinearize(item, outer);
    if (byElement)
      return body(at);
    loop(index(0), extents.back(), 1, [&](Value i) {
      at.push_back(i);
      body(at);
      at.pop_back();
    });
  });
}

Value LoopEmitter::foldBlocks(const SparseConstants &lists, Value n, Value initial, llvm::function_ref<Value(Value)> read) {
  SparsePackAttr pack = lists.pack;
  Type sumType = initial.getType();
  auto integer = [&](Value memref, Value at) { return convert(this->read(memref, {at}, b.getI32Type()), b.getIndexType()); };
  Value strip = index(pack.getStrip()), rows = index(pack.getRows()), perChunk = index(pack.listsPerChunk());
  Value inStrip = rem(n, strip), row = rem(inStrip, rows);
  Value firstList = add(mul(div(n, strip), index(pack.chunks() * pack.listsPerChunk())), div(inStrip, rows));
  return fold({index(pack.chunks())}, initial, [&](Coordinates chunk, Value partial) {
    Value list = add(firstList, mul(chunk[0], perChunk));
    Value begin = integer(lists.starts, list), end = integer(lists.starts, add(list, index(1)));
    return fold({sub(end, begin)}, partial, [&](Coordinates i, Value running) {
      Value block = add(begin, i[0]);
      return multiplyAdd(read(integer(lists.columns, block)), this->read(lists.values, {block, row}, sumType), running);
    });
  });
}

SmallVector<Value> LoopEmitter::guarded(Value condition, ValueRange otherwise,
                                        llvm::function_ref<SmallVector<Value>()> then) {
  if (auto known = constantOf(condition))
    return *known ? then() : SmallVector<Value>(otherwise);
  auto branch = scf::IfOp::create(b, loc, otherwise.getTypes(), condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  SmallVector<Value> results = then();
  scf::YieldOp::create(b, loc, results);
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, loc, otherwise);
  return SmallVector<Value>(branch.getResults());
}

Value LoopEmitter::both(Value x, Value y) { return b.createOrFold<arith::AndIOp>(loc, x, y); }

Value LoopEmitter::inside(Value position, Value extent) {
  // One unsigned comparison: a negative position is larger than any extent.
  return b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::ult, position, extent);
}

//===----------------------------------------------------------------------===//
// Epilogues
//===----------------------------------------------------------------------===//

void LoopEmitter::finish(Value sum, Region &epilogue, ValueRange operands, std::optional<ArrayAttr> maps,
                         Value destination, Coordinates at) {
  if (epilogue.empty())
    return write(sum, destination, at);
  Block &block = epilogue.front();
  IRMapping mapping;
  mapping.map(block.getArgument(0), convert(sum, block.getArgument(0).getType()));
  for (auto [i, operand] : llvm::enumerate(operands)) {
    SmallVector<Value> from;
    for (AffineExpr result : cast<AffineMapAttr>((*maps)[i]).getValue().getResults()) {
      auto dim = dyn_cast<AffineDimExpr>(result);
      from.push_back(dim ? at[dim.getPosition()] : index(0));
    }
    mapping.map(block.getArgument(i + 1), Value(memref::LoadOp::create(b, loc, operand, from)));
  }
  for (Operation &op : block.without_terminator())
    b.clone(op, mapping);
  write(mapping.lookupOrDefault(block.getTerminator()->getOperand(0)), destination, at);
}
