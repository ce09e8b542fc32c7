//===- VectorLoop.cpp - loops over the vectors of a row -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "VectorLoop.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"

using namespace mlir;
using namespace nnopt;

/// [from, to) split so that the first part is a multiple of `step`. No loop is emitted for a part known to be empty.
static Value wholeSteps(KernelBuilder &k, Value from, Value to, int64_t step) {
  Value length = k.sub(to, from);
  return k.add(from, k.mul(k.div(length, k.index(step)), k.index(step)));
}

static bool isEmpty(Value from, Value to) {
  auto first = KernelBuilder::constantOf(from), last = KernelBuilder::constantOf(to);
  return from == to || (first && last && *first >= *last);
}

/// The value of a loop that is known to run once is its start.
static bool runsOnce(Value from, Value to, int64_t step) {
  auto first = KernelBuilder::constantOf(from), last = KernelBuilder::constantOf(to);
  return first && last && *last - *first == step;
}

SmallVector<Value> nnopt::foldVectors(KernelBuilder &k, Value count, int64_t lanes, ArrayRef<Value> initial,
                                      VectorFold fold) {
  SmallVector<Value> running(initial);
  int64_t unroll = running.size();
  auto run = [&](Value from, Value to, int64_t vectors) {
    auto body = [&](Value i, ValueRange carried) {
      SmallVector<Value> next(carried);
      for (int64_t u = 0; u < vectors; ++u)
        next[u] = fold(carried[u], k.add(i, k.index(u * lanes)), nullptr);
      return next;
    };
    if (isEmpty(from, to))
      return;
    if (runsOnce(from, to, vectors * lanes))
      running = body(from, SmallVector<Value>(running));
    else
      running = k.loop(from, to, vectors * lanes, running, body);
  };
  Value unrolled = wholeSteps(k, k.index(0), count, unroll * lanes);
  run(k.index(0), unrolled, unroll);
  Value whole = wholeSteps(k, unrolled, count, lanes);
  if (unroll > 1)
    run(unrolled, whole, 1);
  if (auto known = k.constantOf(count); known && *known % lanes == 0)
    return running;
  auto tail = [&](Value i, ValueRange carried) {
    SmallVector<Value> next(carried);
    next[0] = fold(carried[0], i, k.laneMask(lanes, k.sub(count, i)));
    return next;
  };
  if (k.constantOf(count))
    return tail(whole, SmallVector<Value>(running));
  return k.loop(whole, count, lanes, running, tail);
}

void nnopt::forVectors(KernelBuilder &k, Value count, int64_t lanes, int64_t unroll, VectorBody body) {
  auto run = [&](Value from, Value to, int64_t vectors) {
    auto step = [&](Value i) {
      SmallVector<Value> starts;
      for (int64_t u = 0; u < vectors; ++u)
        starts.push_back(k.add(i, k.index(u * lanes)));
      body(starts, nullptr);
    };
    if (isEmpty(from, to))
      return;
    if (runsOnce(from, to, vectors * lanes))
      step(from);
    else
      k.loop(from, to, vectors * lanes, step);
  };
  Value unrolled = wholeSteps(k, k.index(0), count, unroll * lanes);
  run(k.index(0), unrolled, unroll);
  Value whole = wholeSteps(k, unrolled, count, lanes);
  if (unroll > 1)
    run(unrolled, whole, 1);
  if (auto known = k.constantOf(count); known && *known % lanes == 0)
    return;
  k.when(k.less(whole, count), [&] { body({whole}, k.laneMask(lanes, k.sub(count, whole))); });
}

static Type inMemory(KernelBuilder &k, Type element) { return element.isInteger(1) ? k.b.getI8Type() : element; }

static Value fromMemory(KernelBuilder &k, Type element, Value value) {
  if (!element.isInteger(1))
    return value;
  return arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::ne, value, k.zero(value.getType()));
}

Value nnopt::loadElements(KernelBuilder &k, Type element, int64_t lanes, Value pointer, Value mask) {
  VectorType type = k.vectorType(inMemory(k, element), lanes);
  return fromMemory(k, element, mask ? k.loadMasked(type, pointer, mask) : k.load(type, pointer));
}

Value nnopt::loadElement(KernelBuilder &k, Type element, Value pointer) {
  return fromMemory(k, element, k.load(inMemory(k, element), pointer));
}

void nnopt::storeElements(KernelBuilder &k, Value value, Value pointer, Value mask) {
  auto type = cast<VectorType>(value.getType());
  if (type.getElementType().isInteger(1))
    value = arith::ExtUIOp::create(k.b, k.loc, type.clone(k.b.getI8Type()), value);
  mask ? k.storeMasked(value, pointer, mask) : k.store(value, pointer);
}

bool nnopt::isVectorElement(const Isa &isa, Type element) {
  if (auto integer = dyn_cast<IntegerType>(element))
    return llvm::is_contained({1u, 8u, 16u, 32u, 64u}, integer.getWidth());
  // Half precision needs instructions that come with FMA; else each element is a library call.
  return element.isF32() || element.isF64() || (isa.fma && isa.arch == "x86_64" && element.isF16());
}

Value nnopt::combine(KernelBuilder &k, vector::CombiningKind kind, Value x, Value y) {
  return vector::makeArithReduction(k.b, k.loc, kind, x, y);
}

Value nnopt::larger(KernelBuilder &k, Value x, Value y) {
  return arith::SelectOp::create(k.b, k.loc, arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OGT, x, y), x, y);
}

Value nnopt::neutral(KernelBuilder &k, vector::CombiningKind kind, Type type) {
  using Kind = vector::CombiningKind;
  Type element = getElementTypeOrSelf(type);
  TypedAttr value;
  if (isa<FloatType>(element)) {
    double infinity = std::numeric_limits<double>::infinity();
    bool isMax = kind == Kind::MAXIMUMF || kind == Kind::MAXNUMF, isMin = kind == Kind::MINIMUMF || kind == Kind::MINNUMF;
    value = k.b.getFloatAttr(element, isMax ? -infinity : isMin ? infinity : kind == Kind::MUL ? 1.0 : 0.0);
  } else {
    unsigned width = element.getIntOrFloatBitWidth();
    APInt bits = kind == Kind::MAXSI   ? APInt::getSignedMinValue(width)
                 : kind == Kind::MINSI ? APInt::getSignedMaxValue(width)
                 : kind == Kind::MINUI || kind == Kind::AND ? APInt::getAllOnes(width)
                                                            : APInt(width, kind == Kind::MUL ? 1 : 0);
    value = k.b.getIntegerAttr(element, bits);
  }
  if (auto vector = dyn_cast<VectorType>(type))
    value = DenseElementsAttr::get(vector, Attribute(value));
  return arith::ConstantOp::create(k.b, k.loc, value);
}

Value nnopt::combineLanes(KernelBuilder &k, vector::CombiningKind kind, ValueRange vectors) {
  Value all = vectors.front();
  for (Value vector : vectors.drop_front())
    all = combine(k, kind, all, vector);
  // Halves are folded together: the order of a sum is as free as in the loop, and takes log(lanes) steps.
  for (int64_t lanes = cast<VectorType>(all.getType()).getDimSize(0); lanes > 1; lanes /= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < lanes / 2; ++i)
      low.push_back(i), high.push_back(lanes / 2 + i);
    Value a = vector::ShuffleOp::create(k.b, k.loc, all, all, low);
    Value b = vector::ShuffleOp::create(k.b, k.loc, all, all, high);
    all = combine(k, kind, a, b);
  }
  return vector::ExtractOp::create(k.b, k.loc, all, 0);
}

int64_t nnopt::rowsPerItem(Value row, int64_t grain) {
  auto known = KernelBuilder::constantOf(row);
  return known ? std::max<int64_t>(1, grain / std::max<int64_t>(1, *known)) : 1;
}

void nnopt::parallelChunks(KernelBuilder &k, ArrayRef<Value> outer, int64_t chunk,
                           llvm::function_ref<void(ArrayRef<Value>, Value)> body) {
  SmallVector<Value> items(outer);
  Value last = outer.back();
  items.back() = k.ceilDiv(last, chunk);
  k.parallel(k.product(items), [&](Value item) {
    SmallVector<Value> first = k.delinearize(item, items);
    first.back() = k.mul(first.back(), k.index(chunk));
    auto known = k.constantOf(last);
    bool isWhole = known && *known % chunk == 0;
    Value count = isWhole ? k.index(chunk) : k.min(k.index(chunk), k.sub(last, first.back()));
    if (known && *known <= chunk)
      first.back() = k.index(0), count = last;
    body(first, count);
  });
}
