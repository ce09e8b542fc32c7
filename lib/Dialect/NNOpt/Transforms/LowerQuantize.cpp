//===- LowerQuantize.cpp - quantization as elementwise linalg -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "ConstantData.h"

#include "nnopt/Support/HostTensor.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

namespace nnopt {
#define GEN_PASS_DEF_LOWERQUANTIZE
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h.inc"
} // namespace nnopt

using namespace mlir;
using namespace nnopt;

namespace {

Type elementOf(Value value) { return cast<RankedTensorType>(value.getType()).getElementType(); }

/// Scalar conversions of the bodies below; integers with a sign in their type are seen as signless ones.
struct Numbers {
  OpBuilder &b;
  Location loc;

  Value constant(Type type, double value) { return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, value)); }

  Value toFloat(Value value, Type to) {
    Type from = value.getType();
    if (from == to)
      return value;
    bool widens = from.getIntOrFloatBitWidth() < to.getIntOrFloatBitWidth();
    return widens ? Value(arith::ExtFOp::create(b, loc, to, value)) : Value(arith::TruncFOp::create(b, loc, to, value));
  }

  Value sign(Value value, Type to) {
    return value.getType() == to ? value : UnrealizedConversionCastOp::create(b, loc, to, value).getResult(0);
  }

  /// An integer element as a signless integer of `width` bits, which is more than it has, or as many.
  Value widened(Value value, unsigned width) {
    Type type = value.getType(), wide = b.getIntegerType(width);
    bool isUnsigned = type.isUnsignedInteger();
    value = sign(value, b.getIntegerType(type.getIntOrFloatBitWidth()));
    if (value.getType() == wide)
      return value;
    return isUnsigned ? Value(arith::ExtUIOp::create(b, loc, wide, value)) : Value(arith::ExtSIOp::create(b, loc, wide, value));
  }

  /// A zero point as a float: exact, as it has at most 32 bits and those of 32 are converted to f64.
  Value integerToFloat(Value value, Type to) {
    unsigned width = value.getType().getIntOrFloatBitWidth() > 16 ? 64 : 32;
    return arith::SIToFPOp::create(b, loc, to, widened(value, width));
  }

  /// The integer nearest to `value` that `type` has; `value` is integral.
  Value saturate(Value value, Type type) {
    unsigned bits = type.getIntOrFloatBitWidth();
    bool isUnsigned = type.isUnsignedInteger();
    double least = isUnsigned ? 0 : -std::ldexp(1.0, bits - 1), most = std::ldexp(1.0, isUnsigned ? bits : bits - 1) - 1;
    value = arith::MaximumFOp::create(b, loc, value, constant(value.getType(), least));
    value = arith::MinimumFOp::create(b, loc, value, constant(value.getType(), most));
    Type signless = b.getIntegerType(bits);
    value = isUnsigned ? Value(arith::FPToUIOp::create(b, loc, signless, value))
                       : Value(arith::FPToSIOp::create(b, loc, signless, value));
    return sign(value, type);
  }
};

/// The elementwise op of either direction, with what differs left to `body(numbers, element, scale, zero or null)`.
template <typename Op>
class QuantizeLowering {
public:
  explicit QuantizeLowering(Op op) : op(op), b(op), loc(op.getLoc()), type(cast<RankedTensorType>(op.getType())) {}

  template <typename Body>
  void run(Body body) {
    int64_t rank = type.getRank();
    SmallVector<Value> inputs{op.getInput()};
    SmallVector<AffineMap> maps{b.getMultiDimIdentityMap(rank)};
    SmallVector<TypedAttr> numbers;
    if (!op.getBlockSize()) {
      for (Value parameter : parameters()) {
        numbers.push_back(numberOf(parameter));
        if (numbers.back())
          continue;
        inputs.push_back(parameter);
        maps.push_back(parameterMap(cast<RankedTensorType>(parameter.getType()), rank));
      }
    }
    maps.push_back(maps.front());
    Value init = tensor::EmptyOp::create(b, loc, tensor::getMixedSizes(b, loc, op.getInput()), type.getElementType());
    SmallVector<utils::IteratorType> loops(rank, utils::IteratorType::parallel);
    auto emit = [&](OpBuilder &inner, Location loc, ValueRange args) {
      SmallVector<Value> elements;
      ValueRange given = args.drop_front().drop_back();
      if (op.getBlockSize())
        elements = readBlock(inner, rank);
      for (TypedAttr number : numbers) {
        elements.push_back(number ? Value(arith::ConstantOp::create(inner, loc, number)) : given.front());
        given = given.drop_front(number ? 0 : 1);
      }
      linalg::YieldOp::create(inner, loc, body(Numbers{inner, loc}, args[0], elements[0], elements.size() > 1 ? elements[1] : Value()));
    };
    auto generic = linalg::GenericOp::create(b, loc, TypeRange{type}, inputs, ValueRange{init}, maps, loops, emit);
    op.replaceAllUsesWith(generic.getResult(0));
    op.erase();
  }

private:
  Op op;
  OpBuilder b;
  Location loc;
  RankedTensorType type;

  SmallVector<Value> parameters() {
    SmallVector<Value> values{op.getScale()};
    if (op.getZeroPoint())
      values.push_back(op.getZeroPoint());
    return values;
  }

  /// The only element of a constant; integers of at least 32 bits, as signless ones that hold it.
  TypedAttr numberOf(Value parameter) {
    std::optional<ConstantData> data = ConstantData::of(parameter);
    if (!data || data->size() != 1)
      return {};
    Type element = data->type.getElementType();
    if (isa<FloatType>(element))
      return b.getFloatAttr(element, data->at(0));
    return b.getIntegerAttr(b.getIntegerType(element.getIntOrFloatBitWidth() > 16 ? 64 : 32), static_cast<int64_t>(data->at(0)));
  }

  AffineMap parameterMap(RankedTensorType parameter, int64_t rank) {
    bool isScalar = parameter.hasStaticShape() && parameter.getNumElements() == 1;
    SmallVector<AffineExpr> results(parameter.getRank(), b.getAffineConstantExpr(0));
    if (!isScalar)
      results[0] = b.getAffineDimExpr(*op.getAxis());
    return AffineMap::get(rank, 0, results, b.getContext());
  }

  /// The parameters of the block that the current element is in.
  SmallVector<Value> readBlock(OpBuilder &inner, int64_t rank) {
    SmallVector<Value> at, elements;
    for (int64_t d = 0; d < rank; ++d) {
      Value index = linalg::IndexOp::create(inner, loc, d);
      if (d == static_cast<int64_t>(*op.getAxis())) {
        Value block = arith::ConstantIndexOp::create(inner, loc, *op.getBlockSize());
        index = arith::DivUIOp::create(inner, loc, index, block);
      }
      at.push_back(index);
    }
    for (Value parameter : parameters())
      elements.push_back(tensor::ExtractOp::create(inner, loc, parameter, at));
    return elements;
  }
};

/// At least f32: half precision is widened.
Type computeType(Type element) { return element.isF64() ? element : Float32Type::get(element.getContext()); }

void lower(QuantizeOp op) {
  Type element = cast<RankedTensorType>(op.getType()).getElementType(), compute = computeType(elementOf(op.getInput()));
  QuantizeLowering<QuantizeOp>(op).run([&](Numbers n, Value x, Value scale, Value zero) -> Value {
    Value quotient = arith::DivFOp::create(n.b, n.loc, n.toFloat(x, compute), n.toFloat(scale, compute));
    Value rounded = math::RoundEvenOp::create(n.b, n.loc, quotient);
    Value isNaN = arith::CmpFOp::create(n.b, n.loc, arith::CmpFPredicate::UNO, rounded, rounded);
    rounded = arith::SelectOp::create(n.b, n.loc, isNaN, n.constant(compute, 0), rounded);
    // The sum and the bounds are exact in f32 where they matter, below 2^24; wider results need f64.
    if (element.getIntOrFloatBitWidth() > 16)
      rounded = n.toFloat(rounded, n.b.getF64Type());
    if (zero)
      rounded = arith::AddFOp::create(n.b, n.loc, rounded, n.integerToFloat(zero, rounded.getType()));
    return n.saturate(rounded, element);
  });
}

void lower(DequantizeOp op) {
  Type element = cast<RankedTensorType>(op.getType()).getElementType(), compute = computeType(element);
  unsigned width = elementOf(op.getInput()).getIntOrFloatBitWidth() > 16 ? 64 : 32;
  QuantizeLowering<DequantizeOp>(op).run([&](Numbers n, Value q, Value scale, Value zero) -> Value {
    Value difference = n.widened(q, width);
    if (zero)
      difference = arith::SubIOp::create(n.b, n.loc, difference, n.widened(zero, width));
    Value real = arith::SIToFPOp::create(n.b, n.loc, compute, difference);
    return n.toFloat(arith::MulFOp::create(n.b, n.loc, real, n.toFloat(scale, compute)), element);
  });
}

/// Replaces a constant of 4-bit integers by one of 8 bits; `value` otherwise.
Value unpacked(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  auto integer = dyn_cast<IntegerType>(type.getElementType());
  std::optional<ConstantData> data = integer && integer.getWidth() == 4 ? ConstantData::of(value) : std::nullopt;
  if (!data)
    return value;
  OpBuilder b(value.getDefiningOp());
  auto wide = RankedTensorType::get(type.getShape(), IntegerType::get(b.getContext(), 8, integer.getSignedness()));
  return createWeight(b, value.getLoc(), weightNameOf(value), wide, [&](MutableArrayRef<char> bytes) {
    for (int64_t i = 0; i < data->size(); ++i)
      bytes[i] = static_cast<char>(static_cast<int>(data->at(i)));
  });
}

/// Replaces constant zero points by those of a signless type: elementwise fusion makes scalars of them, and scalar constants have no sign.
Value signless(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  std::optional<ConstantData> data = type.getElementType().isUnsignedInteger() ? ConstantData::of(value) : std::nullopt;
  if (!data || type.getElementTypeBitWidth() > 32)
    return value;
  OpBuilder b(value.getDefiningOp());
  auto wide = RankedTensorType::get(type.getShape(), b.getIntegerType(2 * type.getElementTypeBitWidth()));
  ElementType element = *elementTypeOf(wide.getElementType());
  return createWeight(b, value.getLoc(), weightNameOf(value), wide, [&](MutableArrayRef<char> bytes) {
    for (int64_t i = 0; i < data->size(); ++i)
      storeElement(element, bytes.data(), i, data->at(i));
  });
}

/// Types that the lowering is exact for.
template <typename Op>
LogicalResult checkTypes(Op op, Type real, Type integer) {
  if (!isa<FloatType>(real) || !isa<FloatType>(elementOf(op.getScale())))
    return op.emitOpError("expects real numbers and scales of a floating-point type, got ") << real << " and " << elementOf(op.getScale());
  auto type = dyn_cast<IntegerType>(integer);
  if (!type || type.getWidth() < 8 || type.getWidth() > 32)
    return op.emitOpError("cannot be lowered for elements of type ") << integer << ", expected integers of 8 to 32 bits";
  if (op.getZeroPoint() && elementOf(op.getZeroPoint()).getIntOrFloatBitWidth() > 32)
    return op.emitOpError("has zero points of type ") << elementOf(op.getZeroPoint()) << ", expected at most 32 bits";
  return success();
}

struct LowerQuantize : nnopt::impl::LowerQuantizeBase<LowerQuantize> {
  void runOnOperation() override {
    SmallVector<QuantizeOp> quantizes;
    SmallVector<DequantizeOp> dequantizes;
    getOperation().walk([&](QuantizeOp op) { quantizes.push_back(op); });
    getOperation().walk([&](DequantizeOp op) { dequantizes.push_back(op); });
    for (DequantizeOp op : dequantizes) {
      op.getInputMutable().assign(unpacked(op.getInput()));
      if (op.getZeroPoint())
        op.getZeroPointMutable().assign(signless(unpacked(op.getZeroPoint())));
      if (failed(checkTypes(op, elementOf(op.getResult()), elementOf(op.getInput()))))
        return signalPassFailure();
      lower(op);
    }
    for (QuantizeOp op : quantizes) {
      if (op.getZeroPoint())
        op.getZeroPointMutable().assign(signless(unpacked(op.getZeroPoint())));
      if (failed(checkTypes(op, elementOf(op.getInput()), elementOf(op.getResult()))))
        return signalPassFailure();
      lower(op);
    }
  }
};

} // namespace
