//===- KernelBuilder.cpp - a small language for writing kernels -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace nnopt;

//===----------------------------------------------------------------------===//
// Index arithmetic
//===----------------------------------------------------------------------===//

Value KernelBuilder::index(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }

std::optional<int64_t> KernelBuilder::constantOf(Value value) { return getConstantIntValue(value); }

Value KernelBuilder::add(Value x, Value y) { return b.createOrFold<arith::AddIOp>(loc, x, y); }
Value KernelBuilder::sub(Value x, Value y) { return b.createOrFold<arith::SubIOp>(loc, x, y); }
Value KernelBuilder::mul(Value x, Value y) { return b.createOrFold<arith::MulIOp>(loc, x, y); }
Value KernelBuilder::div(Value x, Value y) { return b.createOrFold<arith::DivUIOp>(loc, x, y); }
Value KernelBuilder::rem(Value x, Value y) { return b.createOrFold<arith::RemUIOp>(loc, x, y); }
Value KernelBuilder::min(Value x, Value y) { return b.createOrFold<arith::MinSIOp>(loc, x, y); }
Value KernelBuilder::max(Value x, Value y) { return b.createOrFold<arith::MaxSIOp>(loc, x, y); }
Value KernelBuilder::ceilDiv(Value x, int64_t y) { return div(add(x, index(y - 1)), index(y)); }
Value KernelBuilder::less(Value x, Value y) {
  return b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, x, y);
}

Value KernelBuilder::product(ArrayRef<Value> values) {
  Value result = index(1);
  for (Value value : values)
    result = mul(result, value);
  return result;
}

SmallVector<Value> KernelBuilder::delinearize(Value i, ArrayRef<Value> sizes) {
  SmallVector<Value> coordinates(sizes.size());
  for (size_t d = sizes.size(); d-- > 1;) {
    coordinates[d] = rem(i, sizes[d]);
    i = div(i, sizes[d]);
  }
  if (!sizes.empty())
    coordinates[0] = i;
  return coordinates;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Type nnopt::withoutSign(Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  return integer ? IntegerType::get(type.getContext(), integer.getWidth()) : type;
}

std::optional<ArrayRef<char>> nnopt::constantBytes(Value memref) {
  auto get = memref.getDefiningOp<memref::GetGlobalOp>();
  auto global = get ? SymbolTable::lookupNearestSymbolFrom<memref::GlobalOp>(get, get.getNameAttr()) : memref::GlobalOp();
  Attribute value = global ? global->getAttr(kValueAttr) : Attribute();
  if (auto resource = dyn_cast_or_null<DenseResourceElementsAttr>(value)) {
    const AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    return blob ? std::optional(blob->getData()) : std::nullopt;
  }
  auto dense = dyn_cast_or_null<DenseElementsAttr>(value);
  if (!dense || (dense.isSplat() && dense.getNumElements() != 1))
    return std::nullopt;
  return dense.getRawData();
}

Buffer KernelBuilder::buffer(Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  auto metadata = memref::ExtractStridedMetadataOp::create(b, loc, memref);
  auto [staticStrides, staticOffset] = type.getStridesAndOffset();
  auto pick = [&](int64_t known, Value dynamic) { return ShapedType::isDynamic(known) ? dynamic : index(known); };
  Buffer result;
  result.element = withoutSign(type.getElementType());
  for (int64_t d = 0; d < type.getRank(); ++d) {
    result.extents.push_back(pick(type.getDimSize(d), metadata.getSizes()[d]));
    result.strides.push_back(pick(staticStrides[d], metadata.getStrides()[d]));
  }
  // The aligned pointer, through the descriptor that the memref becomes in the LLVM dialect.
  LLVMTypeConverter converter(b.getContext());
  Type descriptorType = converter.convertType(type);
  Value descriptor = UnrealizedConversionCastOp::create(b, loc, descriptorType, memref).getResult(0);
  Value base = LLVM::ExtractValueOp::create(b, loc, descriptor, ArrayRef<int64_t>{1});
  result.pointer = at(base, result.element, pick(staticOffset, metadata.getOffset()));
  return result;
}

Value KernelBuilder::at(Value pointer, Type element, Value offset) {
  if (constantOf(offset) == 0)
    return pointer;
  auto pointerType = LLVM::LLVMPointerType::get(b.getContext());
  // Booleans occupy a byte.
  Type stored = element.isInteger(1) ? b.getI8Type() : element;
  Value i = b.createOrFold<arith::IndexCastOp>(loc, b.getI64Type(), offset);
  return LLVM::GEPOp::create(b, loc, pointerType, stored, pointer, ValueRange{i}, LLVM::GEPNoWrapFlags::inbounds);
}

Value KernelBuilder::at(const Buffer &buffer, ArrayRef<Value> coordinates) {
  Value offset = index(0);
  for (auto [coordinate, stride] : llvm::zip(coordinates, buffer.strides))
    offset = add(offset, mul(coordinate, stride));
  return at(buffer.pointer, buffer.element, offset);
}

static unsigned elementAlignment(Type type) {
  Type element = getElementTypeOrSelf(type);
  return std::max(1u, element.isIntOrFloat() ? element.getIntOrFloatBitWidth() / 8 : 8u);
}

Value KernelBuilder::load(Type type, Value pointer) {
  return LLVM::LoadOp::create(b, loc, type, pointer, elementAlignment(type));
}

void KernelBuilder::store(Value value, Value pointer) {
  LLVM::StoreOp::create(b, loc, value, pointer, elementAlignment(value.getType()));
}

Value KernelBuilder::loadMasked(VectorType type, Value pointer, Value mask) {
  return LLVM::MaskedLoadOp::create(b, loc, type, pointer, mask, zero(type),
                                    b.getI32IntegerAttr(elementAlignment(type)), /*nontemporal=*/nullptr);
}

void KernelBuilder::storeMasked(Value value, Value pointer, Value mask) {
  LLVM::MaskedStoreOp::create(b, loc, value, pointer, mask, elementAlignment(value.getType()));
}

Value KernelBuilder::laneMask(int64_t lanes, Value count) {
  return vector::CreateMaskOp::create(b, loc, vectorType(b.getI1Type(), lanes), ValueRange{count});
}

Value KernelBuilder::stackArray(Type element, int64_t count) {
  // At the top of the function: an alloca in a loop would grow the stack.
  OpBuilder::InsertionGuard guard(b);
  Operation *scope = b.getInsertionBlock()->getParentOp();
  while (!llvm::isa<func::FuncOp, ParallelForOp>(scope))
    scope = scope->getParentOp();
  b.setInsertionPointToStart(&scope->getRegion(0).front());
  Value size = LLVM::ConstantOp::create(b, loc, b.getI64Type(), b.getI64IntegerAttr(count));
  return LLVM::AllocaOp::create(b, loc, LLVM::LLVMPointerType::get(b.getContext()), element, size, /*alignment=*/64);
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

Value KernelBuilder::splat(Value scalar, VectorType type) {
  return vector::BroadcastOp::create(b, loc, type, scalar);
}

Value KernelBuilder::zero(Type type) { return arith::ConstantOp::create(b, loc, b.getZeroAttr(type)); }

Value KernelBuilder::constant(Type type, double value) {
  Attribute scalar = b.getFloatAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vector, scalar));
  return arith::ConstantOp::create(b, loc, cast<TypedAttr>(scalar));
}

Value KernelBuilder::fma(Value x, Value y, Value z) {
  if (isa.fma)
    return math::FmaOp::create(b, loc, x, y, z);
  return arith::AddFOp::create(b, loc, arith::MulFOp::create(b, loc, x, y), z);
}

// exp(x) = 2^n * exp(r), n = round(x / ln 2), |r| <= ln(2) / 2. The polynomial is a minimax fit of (exp(r) - 1 - r) / r^2, relative
// error 6e-9 before rounding; ln 2 is split in two so that n * ln2High is exact (Cody and Waite). Adding 1.5 * 2^23 rounds to an integer and
// leaves it in the low bits, from where a shift takes it to the exponent.
Value KernelBuilder::expNonPositive(Value x) {
  auto type = cast<VectorType>(x.getType());
  auto bits = type.clone(b.getI32Type());
  auto integer = [&](int32_t value) {
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(bits, b.getI32IntegerAttr(value))).getResult();
  };
  constexpr double kLeast = -87.3365447505531, kRounder = 12582912.0, kLn2High = 0.693359375, kLn2Low = -2.12194440e-4;
  constexpr double kPolynomial[] = {0.00138141741, 0.00836891965, 0.0416684078, 0.16666519, 0.499999933, 1.0, 1.0};
  Value least = constant(type, kLeast), rounder = constant(type, kRounder);
  Value isTiny = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, least);
  Value clamped = arith::SelectOp::create(b, loc, isTiny, least, x);
  Value shifted = fma(clamped, constant(type, 1.44269504088896341), rounder);
  Value n = arith::SubFOp::create(b, loc, shifted, rounder);
  Value r = fma(n, constant(type, -kLn2Low), fma(n, constant(type, -kLn2High), clamped));
  Value y = constant(type, kPolynomial[0]);
  for (double coefficient : llvm::drop_begin(kPolynomial))
    y = fma(y, r, constant(type, coefficient));
  Value exponent = arith::ShLIOp::create(b, loc, arith::BitcastOp::create(b, loc, bits, shifted), integer(23));
  Value power = arith::BitcastOp::create(b, loc, type, arith::AddIOp::create(b, loc, exponent, integer(0x3f800000)));
  return arith::SelectOp::create(b, loc, isTiny, zero(type), arith::MulFOp::create(b, loc, y, power));
}

void KernelBuilder::transposeSquare(MutableArrayRef<Value> rows) {
  // Interleaving each row with the one half the square below moves the bits of (row, lane) one place round; after as many rounds as
  // there are bits in a lane number, row and lane have changed places.
  int64_t n = rows.size();
  auto interleave = [&](Value x, Value y, int64_t from) {
    SmallVector<int64_t> lanes;
    for (int64_t i = from; i < from + n / 2; ++i)
      lanes.append({i, n + i});
    return vector::ShuffleOp::create(b, loc, x, y, lanes);
  };
  for (int64_t round = 1; round < n; round *= 2) {
    SmallVector<Value> next;
    for (int64_t i = 0; i < n / 2; ++i)
      for (int64_t half = 0; half < 2; ++half)
        next.push_back(interleave(rows[i], rows[i + n / 2], half * n / 2));
    llvm::copy(next, rows.begin());
  }
}

void KernelBuilder::transposeQuads(MutableArrayRef<Value> rows) {
  int64_t n = cast<VectorType>(rows[0].getType()).getDimSize(0);
  auto pick = [&](Value x, Value y, ArrayRef<int64_t> quad) {
    SmallVector<int64_t> lanes;
    for (int64_t first = 0; first < n; first += 4)
      for (int64_t lane : quad)
        lanes.push_back(first + (lane < 4 ? lane : n + lane - 4));
    return vector::ShuffleOp::create(b, loc, x, y, lanes);
  };
  // The first two lanes of each square, then the last two: pairs of rows, and of those the rows of the result.
  SmallVector<Value> results;
  for (std::array<int64_t, 4> interleaved : {std::array<int64_t, 4>{0, 4, 1, 5}, std::array<int64_t, 4>{2, 6, 3, 7}}) {
    Value upper = pick(rows[0], rows[1], interleaved), lower = pick(rows[2], rows[3], interleaved);
    results.append({pick(upper, lower, {0, 1, 4, 5}), pick(upper, lower, {2, 3, 6, 7})});
  }
  llvm::copy(results, rows.begin());
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

// Bodies are filled after their op is in place, so that code in them can find the function around it.

void KernelBuilder::loop(Value from, Value to, int64_t step, LoopBody body) {
  auto op = scf::ForOp::create(b, loc, from, to, index(step));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(op.getBody()->getTerminator());
  body(op.getInductionVar());
}

SmallVector<Value> KernelBuilder::loop(Value from, Value to, int64_t step, ValueRange carried, CarryBody body) {
  auto op = scf::ForOp::create(b, loc, from, to, index(step), carried);
  OpBuilder::InsertionGuard guard(b);
  if (!carried.empty()) {
    b.setInsertionPointToEnd(op.getBody());
    SmallVector<Value> next = body(op.getInductionVar(), op.getRegionIterArgs());
    scf::YieldOp::create(b, loc, next);
  } else {
    b.setInsertionPoint(op.getBody()->getTerminator());
    body(op.getInductionVar(), {});
  }
  return SmallVector<Value>(op.getResults());
}

void KernelBuilder::when(Value condition, llvm::function_ref<void()> then, llvm::function_ref<void()> otherwise) {
  if (auto known = constantOf(condition)) {
    if (*known)
      then();
    else if (otherwise)
      otherwise();
    return;
  }
  auto branch = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/static_cast<bool>(otherwise));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  then();
  if (otherwise) {
    b.setInsertionPointToStart(branch.elseBlock());
    otherwise();
  }
}

void KernelBuilder::parallel(Value count, LoopBody body) {
  parallelRange(count, [&](Value begin, Value end) { loop(begin, end, 1, body); });
}

void KernelBuilder::parallelRange(Value count, llvm::function_ref<void(Value, Value)> body) {
  auto op = ParallelForOp::create(b, loc, count);
  OpBuilder::InsertionGuard guard(b);
  Block *block = b.createBlock(&op.getBody(), {}, {b.getIndexType(), b.getIndexType()}, {loc, loc});
  body(block->getArgument(0), block->getArgument(1));
}

//===----------------------------------------------------------------------===//
// Elementwise code
//===----------------------------------------------------------------------===//

/// True if `op` only says whether an integer has a sign, which vectors do not know.
static bool isSignCast(Operation &op) {
  return isa<UnrealizedConversionCastOp>(op) && op.getNumOperands() == 1 && op.getNumResults() == 1 && isa<IntegerType>(op.getResult(0).getType()) &&
         withoutSign(op.getOperand(0).getType()) == withoutSign(op.getResult(0).getType());
}

static Type widened(Type type, int64_t lanes) {
  return lanes == 0 ? type : Type(VectorType::get({lanes}, type));
}

SmallVector<Value> nnopt::cloneElementwise(KernelBuilder &k, Block &block, ValueRange arguments, int64_t lanes) {
  IRMapping mapping;
  mapping.map(block.getArguments(), arguments);
  auto mapped = [&](Value value) -> Value {
    Value found = mapping.lookupOrDefault(value);
    if (auto constant = value.getDefiningOp<arith::ConstantOp>(); constant && found == value)
      found = k.b.clone(*constant)->getResult(0); // captured from outside
    if (lanes != 0 && !isa<VectorType>(found.getType()))
      found = k.splat(found, VectorType::get({lanes}, found.getType()));
    mapping.map(value, found);
    return found;
  };
  for (Operation &op : block.without_terminator()) {
    if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
      Value scalar = k.b.clone(*constant)->getResult(0);
      mapping.map(constant.getResult(), lanes == 0 ? scalar : k.splat(scalar, VectorType::get({lanes}, scalar.getType())));
      continue;
    }
    if (isSignCast(op)) {
      mapping.map(op.getResult(0), mapped(op.getOperand(0)));
      continue;
    }
    SmallVector<Value> operands = llvm::map_to_vector(op.getOperands(), mapped);
    SmallVector<Type> types = llvm::map_to_vector(op.getResultTypes(), [&](Type type) { return widened(type, lanes); });
    OperationState state(k.loc, op.getName(), operands, types, op.getAttrs());
    Operation *clone = k.b.create(state);
    mapping.map(op.getResults(), clone->getResults());
  }
  return llvm::map_to_vector(block.getTerminator()->getOperands(), mapped);
}

bool nnopt::isElementwise(Block &block) {
  auto widens = [&](Value value) {
    return value.getParentBlock() == &block || value.getDefiningOp<arith::ConstantOp>() != nullptr;
  };
  return llvm::all_of(block, [&](Operation &op) {
    if (!llvm::all_of(op.getOperands(), widens))
      return false;
    return op.hasTrait<OpTrait::IsTerminator>() || isa<arith::ConstantOp>(op) || isSignCast(op) ||
           (OpTrait::hasElementwiseMappableTraits(&op) && op.getNumRegions() == 0);
  });
}

bool nnopt::isExpensive(Block &block) {
  return llvm::any_of(block.without_terminator(), [](Operation &op) {
    return isa<math::MathDialect>(op.getDialect()) && !isa<math::AbsFOp, math::FmaOp, math::FloorOp, math::CeilOp>(op);
  });
}

//===----------------------------------------------------------------------===//
// Kernel functions
//===----------------------------------------------------------------------===//

unsigned KernelCall::parameter(Value value) {
  outer.push_back(value);
  constants.push_back(std::nullopt);
  return outer.size() - 1;
}

unsigned KernelCall::number(Value value) {
  unsigned handle = parameter(value);
  constants[handle] = KernelBuilder::constantOf(value);
  key(constants[handle] ? Twine(*constants[handle]) : Twine("?"));
  return handle;
}

void KernelCall::key(Region &region) {
  llvm::raw_string_ostream stream(keyText);
  // Values are numbered per block, so equal regions give equal keys.
  for (Block &block : region) {
    llvm::DenseMap<Value, unsigned> numbers;
    auto number = [&](Value value) {
      if (Operation *def = value.getDefiningOp(); def && !region.isAncestor(def->getParentRegion())) {
        def->getAttrDictionary().print(stream); // a captured constant
        return;
      }
      stream << numbers.try_emplace(value, numbers.size()).first->second << ',';
    };
    llvm::for_each(block.getArguments(), number);
    for (Operation &op : block) {
      stream << op.getName() << op.getAttrDictionary();
      llvm::for_each(op.getOperands(), number);
      llvm::for_each(op.getResults(), [&](Value value) { stream << value.getType(), number(value); });
    }
  }
}

void KernelCall::emit(llvm::function_ref<void(KernelBuilder &)> body) {
  SmallVector<Value> arguments;
  SmallVector<Type> types;
  for (auto [value, constant] : llvm::zip(outer, constants))
    if (!constant)
      arguments.push_back(value), types.push_back(value.getType());
  // 64 bits of a hash over some hundred kernels.
  std::string symbol = (Twine(name) + "_" + k.isa.name + "_" + llvm::utohexstr(llvm::xxh3_64bits(keyText), /*LowerCase=*/true)).str();

  auto module = anchor->getParentOfType<ModuleOp>();
  auto function = module.lookupSymbol<func::FuncOp>(symbol);
  if (!function) {
    OpBuilder b(anchor->getContext());
    b.setInsertionPointToEnd(module.getBody());
    function = func::FuncOp::create(b, anchor->getLoc(), symbol, b.getFunctionType(types, {}));
    function.setPrivate();
    function.setNoInline(true);
    function->setAttr(kIsaAttr, b.getStringAttr(k.isa.name));
    for (auto [i, type] : llvm::enumerate(types))
      if (noAlias && isa<LLVM::LLVMPointerType>(type))
        function.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(), b.getUnitAttr());
    b.setInsertionPointToStart(function.addEntryBlock());
    KernelBuilder kernel(b, anchor->getLoc(), k.isa);
    unsigned next = 0;
    for (auto constant : constants)
      inner.push_back(constant ? kernel.index(*constant) : Value(function.getArgument(next++)));
    body(kernel);
    func::ReturnOp::create(b, anchor->getLoc());
  }
  func::CallOp::create(k.b, k.loc, function, arguments);
}
