//===- ShapeMath.cpp - arithmetic on extents ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "ShapeMath.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/OperationSupport.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nnopt::onnx;

Extents ShapeMath::constants(ArrayRef<int64_t> values) const {
  return llvm::map_to_vector(values, [&](int64_t value) { return constant(value); });
}

std::optional<int64_t> ShapeMath::get(OpFoldResult x) {
  auto attr = dyn_cast_if_present<Attribute>(x);
  if (auto integer = dyn_cast_or_null<IntegerAttr>(attr))
    return integer.getType().isInteger(1) ? int64_t(integer.getValue().getBoolValue()) : integer.getInt();
  return std::nullopt;
}

SmallVector<int64_t> ShapeMath::staticShape(ExtentsRef extents) {
  return llvm::map_to_vector(extents, [](OpFoldResult x) { return get(x).value_or(ShapedType::kDynamic); });
}

//===----------------------------------------------------------------------===//
// Placing and sharing
//===----------------------------------------------------------------------===//

OpBuilder ShapeMath::builderAfter(ExtentsRef operands) {
  Operation *last = anchor;
  for (OpFoldResult operand : operands) {
    auto value = dyn_cast_if_present<Value>(operand);
    Operation *def = value ? value.getDefiningOp() : nullptr;
    if (def && def->getBlock() == last->getBlock() && last->isBeforeInBlock(def))
      last = def;
  }
  OpBuilder b(ctx);
  b.setInsertionPointAfter(last);
  return b;
}

Value ShapeMath::share(Value value) {
  Operation *op = value.getDefiningOp();
  for (Operation *known : emitted) {
    if (known == op)
      return value;
    if (known->getNumResults() == 1 &&
        OperationEquivalence::isEquivalentTo(known, op, OperationEquivalence::IgnoreLocations)) {
      op->erase();
      return known->getResult(0);
    }
  }
  emitted.push_back(op);
  return value;
}

Value ShapeMath::asValue(OpFoldResult x) {
  if (auto value = dyn_cast<Value>(x))
    return value;
  OpBuilder b = builderAfter({});
  return share(arith::ConstantOp::create(b, loc(), cast<TypedAttr>(cast<Attribute>(x))));
}

//===----------------------------------------------------------------------===//
// Requirements
//===----------------------------------------------------------------------===//

/// The least constant among the results of an affine.min whose other result is its only operand, `symbol`.
static std::optional<int64_t> limitOf(OpFoldResult x, Value symbol) {
  auto value = dyn_cast<Value>(x);
  auto min = value ? value.getDefiningOp<affine::AffineMinOp>() : nullptr;
  if (!min || min->getNumOperands() != 1 || min->getOperand(0) != symbol)
    return std::nullopt;
  std::optional<int64_t> limit;
  for (AffineExpr expr : min.getMap().getResults()) {
    auto constant = dyn_cast<AffineConstantExpr>(expr);
    if (!constant && !isa<AffineDimExpr, AffineSymbolExpr>(expr))
      return std::nullopt;
    if (constant)
      limit = std::min(limit.value_or(constant.getValue()), constant.getValue());
  }
  return limit;
}

void ShapeMath::requireEqual(OpFoldResult x, OpFoldResult y) {
  if (!isSymbol(x))
    std::swap(x, y);
  if (x == y || !isSymbol(x))
    return;
  Requirement requirement;
  requirement.symbol = cast<Value>(x);
  if (auto known = get(y))
    requirement.least = requirement.most = *known;
  else if (isSymbol(y))
    requirement.equals = cast<Value>(y);
  else if (auto limit = limitOf(y, requirement.symbol))
    requirement.most = *limit;
  else
    return;
  required.push_back(requirement);
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

OpFoldResult ShapeMath::apply(AffineMap map, ExtentsRef operands) {
  OpBuilder b = builderAfter(operands);
  OpFoldResult result = affine::makeComposedFoldedAffineApply(b, loc(), map, operands);
  auto value = dyn_cast<Value>(result);
  return value && value.getDefiningOp() && isa<affine::AffineApplyOp>(value.getDefiningOp()) ? share(value) : result;
}

OpFoldResult ShapeMath::affineMin(AffineMap map, ExtentsRef operands) {
  OpBuilder b = builderAfter(operands);
  OpFoldResult result = affine::makeComposedFoldedAffineMin(b, loc(), map, operands);
  auto value = dyn_cast<Value>(result);
  return value && value.getDefiningOp() && isa<affine::AffineMinOp>(value.getDefiningOp()) ? share(value) : result;
}

OpFoldResult ShapeMath::add(OpFoldResult x, OpFoldResult y) {
  int64_t sum;
  if (auto a = get(x), b = get(y); a && b)
    return constant(llvm::AddOverflow(*a, *b, sum) ? 0 : sum);
  return apply(getAffineDimExpr(0, ctx) + getAffineDimExpr(1, ctx), {x, y});
}

OpFoldResult ShapeMath::sub(OpFoldResult x, OpFoldResult y) {
  int64_t difference;
  if (auto a = get(x), b = get(y); a && b)
    return constant(llvm::SubOverflow(*a, *b, difference) ? 0 : difference);
  return apply(getAffineDimExpr(0, ctx) - getAffineDimExpr(1, ctx), {x, y});
}

OpFoldResult ShapeMath::mul(OpFoldResult x, OpFoldResult y) {
  auto a = get(x), b = get(y);
  if (a && b) {
    int64_t result;
    // An extent beyond 64 bits: refused where a tensor of it would be made.
    return constant(llvm::MulOverflow(*a, *b, result) ? std::numeric_limits<int64_t>::max() : result);
  }
  if (a)
    return *a == 1 ? y : apply(getAffineDimExpr(0, ctx) * *a, {y});
  if (b)
    return *b == 1 ? x : apply(getAffineDimExpr(0, ctx) * *b, {x});
  OpBuilder builder = builderAfter({x, y});
  return share(arith::MulIOp::create(builder, loc(), cast<Value>(x), cast<Value>(y)));
}

OpFoldResult ShapeMath::floorDiv(OpFoldResult x, OpFoldResult y) {
  auto a = get(x), b = get(y);
  if (b && *b == 0)
    return constant(0);
  if (a && b)
    return *a == std::numeric_limits<int64_t>::min() ? constant(0) : constant(llvm::divideFloorSigned(*a, *b));
  if (b && *b > 0)
    return apply(getAffineDimExpr(0, ctx).floorDiv(*b), {x});
  OpBuilder builder = builderAfter({x, y});
  return share(arith::FloorDivSIOp::create(builder, loc(), asValue(x), asValue(y)));
}

OpFoldResult ShapeMath::ceilDiv(OpFoldResult x, OpFoldResult y) {
  return sub(constant(0), floorDiv(sub(constant(0), x), y));
}

OpFoldResult ShapeMath::min(OpFoldResult x, OpFoldResult y) {
  if (x == y)
    return x;
  if (auto a = get(x), b = get(y); a && b)
    return constant(std::min(*a, *b));
  AffineMap both = AffineMap::get(2, 0, {getAffineDimExpr(0, ctx), getAffineDimExpr(1, ctx)}, ctx);
  return affineMin(both, {x, y});
}

OpFoldResult ShapeMath::max(OpFoldResult x, OpFoldResult y) {
  if (x == y)
    return x;
  auto a = get(x), b = get(y);
  if (a && b)
    return constant(std::max(*a, *b));
  if (b && *b <= 0 && isNonNegative(x))
    return x;
  if (a && *a <= 0 && isNonNegative(y))
    return y;
  Value left = asValue(x), right = asValue(y);
  OpBuilder builder = builderAfter({left, right});
  return share(arith::MaxSIOp::create(builder, loc(), left, right));
}

OpFoldResult ShapeMath::fromEnd(OpFoldResult x, OpFoldResult extent) {
  if (auto known = get(x))
    return *known < 0 ? add(x, extent) : x;
  if (isNonNegative(x))
    return x;
  Value value = asValue(x), shifted = asValue(add(x, extent)), zero = asValue(constant(0));
  OpBuilder builder = builderAfter({value, shifted, zero});
  Value negative = share(arith::CmpIOp::create(builder, loc(), arith::CmpIPredicate::slt, value, zero));
  builder = builderAfter({negative, value, shifted});
  return share(arith::SelectOp::create(builder, loc(), negative, shifted, value));
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

ShapeMath::Monomial ShapeMath::monomial(ExtentsRef extents) const {
  Monomial result;
  for (OpFoldResult extent : extents) {
    if (auto known = get(extent)) {
      if (llvm::MulOverflow(result.factor, *known, result.factor))
        result.factor = std::numeric_limits<int64_t>::max();
      continue;
    }
    Value value = cast<Value>(extent);
    if (auto product = products.find(value); product != products.end()) {
      result.factor *= product->second.factor;
      llvm::append_range(result.values, product->second.values);
    } else {
      result.values.push_back(value);
    }
  }
  llvm::sort(result.values, [](Value a, Value b) { return a.getAsOpaquePointer() < b.getAsOpaquePointer(); });
  return result;
}

OpFoldResult ShapeMath::product(ExtentsRef extents) {
  OpFoldResult result = constant(1);
  for (OpFoldResult extent : extents)
    result = mul(result, extent);
  if (auto value = dyn_cast<Value>(result); value && extents.size() > 1 && !isSymbol(value)) {
    Monomial parts = monomial(extents);
    if (parts.factor != 1 || parts.values.size() > 1)
      products.try_emplace(value, parts);
  }
  return result;
}

OpFoldResult ShapeMath::quotient(ExtentsRef total, ExtentsRef part) {
  Monomial left = monomial(total), right = monomial(part);
  // Common factors go away exactly; what stays is divided when the model runs.
  SmallVector<Value> rest;
  for (Value value : right.values) {
    auto common = llvm::find(left.values, value);
    if (common != left.values.end())
      left.values.erase(common);
    else
      rest.push_back(value);
  }
  int64_t common = right.factor == 0 ? 0 : int64_t(std::gcd(left.factor, right.factor));
  if (common != 0) {
    left.factor /= common;
    right.factor /= common;
  }
  Extents above = {constant(left.factor)}, below = {constant(right.factor)};
  llvm::append_range(above, left.values);
  llvm::append_range(below, rest);
  OpFoldResult divisor = product(below);
  return is(divisor, 1) ? product(above) : floorDiv(product(above), divisor);
}

//===----------------------------------------------------------------------===//
// What is known of values
//===----------------------------------------------------------------------===//

bool ShapeMath::isSymbol(OpFoldResult x) const {
  auto value = dyn_cast_if_present<Value>(x);
  return value && symbols.contains(value);
}

void ShapeMath::addExtents(ExtentsRef extents) {
  for (OpFoldResult extent : extents)
    if (auto value = dyn_cast<Value>(extent))
      nonNegative.insert(value);
}

static bool isNonNegativeExpr(AffineExpr expr) {
  if (auto known = dyn_cast<AffineConstantExpr>(expr))
    return known.getValue() >= 0;
  if (auto binary = dyn_cast<AffineBinaryOpExpr>(expr))
    return isNonNegativeExpr(binary.getLHS()) && isNonNegativeExpr(binary.getRHS());
  return true; // an operand, asked about by the caller
}

bool ShapeMath::isNonNegative(OpFoldResult x) const {
  if (auto known = get(x))
    return *known >= 0;
  auto value = dyn_cast_if_present<Value>(x);
  if (!value)
    return false;
  if (symbols.contains(value) || nonNegative.contains(value))
    return true;
  auto all = [&](ValueRange operands) { return llvm::all_of(operands, [&](Value v) { return isNonNegative(v); }); };
  Operation *op = value.getDefiningOp();
  if (auto apply = dyn_cast_or_null<affine::AffineApplyOp>(op))
    return isNonNegativeExpr(apply.getAffineMap().getResult(0)) && all(op->getOperands());
  if (auto min = dyn_cast_or_null<affine::AffineMinOp>(op))
    return llvm::all_of(min.getMap().getResults(), isNonNegativeExpr) && all(op->getOperands());
  if (isa_and_nonnull<arith::MaxSIOp>(op))
    return llvm::any_of(op->getOperands(), [&](Value v) { return isNonNegative(v); });
  if (auto constant = dyn_cast_or_null<arith::ConstantIndexOp>(op))
    return constant.value() >= 0;
  return isa_and_nonnull<arith::MulIOp, arith::AddIOp, arith::MinSIOp>(op) && all(op->getOperands());
}

//===----------------------------------------------------------------------===//
// Lifting scalar ops
//===----------------------------------------------------------------------===//

/// A constant rounded to a narrower type, which the folder of arith.truncf refuses if it is not exact. Null for other ops.
static Attribute roundConstant(Operation *op, ArrayRef<OpFoldResult> operands) {
  auto truncate = dyn_cast<arith::TruncFOp>(op);
  auto known = truncate ? dyn_cast_if_present<FloatAttr>(dyn_cast<Attribute>(operands[0])) : FloatAttr();
  if (!known)
    return {};
  auto type = cast<FloatType>(truncate.getType());
  APFloat value = known.getValue();
  bool lost;
  value.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven, &lost);
  return FloatAttr::get(type, value);
}

OpFoldResult ShapeMath::lift(Operation *op, ArrayRef<OpFoldResult> given) {
  llvm::SmallDenseMap<Value, OpFoldResult> byOperand;
  for (auto [operand, value] : llvm::zip_equal(op->getOperands(), given))
    byOperand[operand] = value;
  SmallVector<OpFoldResult> operands(given), results;
  auto attributes = [&] {
    return llvm::map_to_vector(operands, [](OpFoldResult operand) { return dyn_cast<Attribute>(operand); });
  };
  if (Attribute rounded = roundConstant(op, operands))
    return rounded;
  bool folded = succeeded(op->fold(attributes(), results));
  if (folded && results.empty()) { // in place: constants may have changed sides
    operands = llvm::map_to_vector(op->getOperands(), [&](Value operand) { return byOperand.lookup(operand); });
    folded = succeeded(op->fold(attributes(), results));
  }
  if (folded && results.size() == 1) {
    auto value = dyn_cast<Value>(results[0]);
    if (!value)
      return results[0];
    if (OpFoldResult known = byOperand.lookup(value))
      return known;
  }
  // On extents, affine arithmetic composes: equal formulas become equal values.
  if (op->getNumResults() == 1 && op->getResult(0).getType().isIndex() && operands.size() == 2) {
    if (isa<arith::AddIOp>(op))
      return add(operands[0], operands[1]);
    if (isa<arith::SubIOp>(op))
      return sub(operands[0], operands[1]);
    if (isa<arith::MulIOp>(op))
      return product({operands[0], operands[1]});
    if (isa<arith::DivSIOp>(op) && get(operands[1]).value_or(0) > 0 && isNonNegative(operands[0]))
      return quotient({operands[0]}, {operands[1]});
  }
  SmallVector<OpFoldResult> values;
  for (OpFoldResult operand : operands)
    values.push_back(asValue(operand));
  OpBuilder b = builderAfter(values);
  Operation *copy = b.clone(*op);
  for (auto [i, value] : llvm::enumerate(values))
    copy->setOperand(i, cast<Value>(value));
  return share(copy->getResult(0));
}
