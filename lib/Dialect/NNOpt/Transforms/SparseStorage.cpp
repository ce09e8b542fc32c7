//===- SparseStorage.cpp - code that reads sparse values ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is checked is what upstream's loops rely on: they walk sparse coordinates and dense ones together, and without order would run past
// the end of either.
//===----------------------------------------------------------------------===//

#include "SparseStorage.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SparseTensor/IR/SparseTensorType.h"

using namespace mlir;
using namespace nnopt;
using arith::CmpIPredicate;

static Value constant(OpBuilder &b, Location loc, int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }

static Value truth(OpBuilder &b, Location loc, bool value) { return arith::ConstantIntOp::create(b, loc, value, 1); }

static Value compare(OpBuilder &b, Location loc, CmpIPredicate predicate, Value x, Value y) {
  return arith::CmpIOp::create(b, loc, predicate, x, y);
}

static Value both(OpBuilder &b, Location loc, Value x, Value y) { return arith::AndIOp::create(b, loc, x, y); }

/// True if `test` gives true for all of [begin, end).
static Value forAll(OpBuilder &b, Location loc, Value begin, Value end, function_ref<Value(OpBuilder &, Value)> test) {
  auto loop = scf::ForOp::create(b, loc, begin, end, constant(b, loc, 1), truth(b, loc, true),
                                 [&](OpBuilder &inner, Location, Value i, ValueRange carried) {
                                   Value holds = test(inner, i);
                                   scf::YieldOp::create(inner, loc, both(inner, loc, carried[0], holds));
                                 });
  return loop.getResult(0);
}

/// `test` where `condition` holds, else false.
static Value andThen(OpBuilder &b, Location loc, Value condition, function_ref<Value(OpBuilder &)> test) {
  auto branch = scf::IfOp::create(
      b, loc, condition, [&](OpBuilder &inner, Location) { scf::YieldOp::create(inner, loc, test(inner)); },
      [&](OpBuilder &inner, Location) { scf::YieldOp::create(inner, loc, truth(inner, loc, false)); });
  return branch.getResult(0);
}

SparseStorage::SparseStorage(sparse_tensor::AssembleOp op, ArrayRef<SparseLevel> levels, const IRMapping &mapping)
    : op(op), loc(op.getLoc()), levels(levels), values(mapping.lookup(op.getValues())) {
  for (Value level : op.getLevels())
    buffers.push_back(mapping.lookup(level));
}

/// Positions and coordinates have no sign.
Value SparseStorage::load(OpBuilder &b, Value buffer, ValueRange at) {
  Value element = memref::LoadOp::create(b, loc, buffer, at);
  return element.getType().isIndex() ? element : arith::IndexCastUIOp::create(b, loc, b.getIndexType(), element);
}

Value SparseStorage::position(OpBuilder &b, size_t level, Value entry) { return load(b, buffers[levels[level].positions], entry); }

Value SparseStorage::coordinate(OpBuilder &b, size_t level, Value entry) {
  Value buffer = buffers[levels[level].coordinates];
  SmallVector<Value> at{entry};
  if (cast<MemRefType>(buffer.getType()).getRank() == 2)
    at.push_back(constant(b, loc, levels[level].offset));
  return load(b, buffer, at);
}

Value SparseStorage::hasCoordinates(OpBuilder &b, size_t first, size_t chain, Value entries) {
  Value all = truth(b, loc, true);
  for (const SparseLevel &level : levels.slice(first, chain)) {
    Value count = memref::DimOp::create(b, loc, buffers[level.coordinates], 0);
    all = both(b, loc, all, compare(b, loc, CmpIPredicate::ule, entries, count));
  }
  return all;
}

Value SparseStorage::areInside(OpBuilder &b, size_t first, size_t chain, Value begin, Value end) {
  return forAll(b, loc, begin, end, [&](OpBuilder &inner, Value entry) {
    Value all;
    for (size_t l = first; l < first + chain; ++l) {
      Value inside = compare(inner, loc, CmpIPredicate::ult, coordinate(inner, l, entry), constant(inner, loc, levels[l].size));
      all = all ? both(inner, loc, all, inside) : inside;
    }
    return all;
  });
}

/// Lexicographic; equal coordinates are in order where they need not be unique.
Value SparseStorage::isBefore(OpBuilder &b, size_t first, size_t chain, Value one, Value other) {
  Value before = truth(b, loc, !levels[first + chain - 1].isUnique);
  for (size_t l = first + chain; l-- > first;) {
    if (!levels[l].isOrdered) {
      before = truth(b, loc, true);
      continue;
    }
    Value x = coordinate(b, l, one), y = coordinate(b, l, other);
    Value equal = both(b, loc, compare(b, loc, CmpIPredicate::eq, x, y), before);
    before = arith::OrIOp::create(b, loc, compare(b, loc, CmpIPredicate::ult, x, y), equal);
  }
  return before;
}

Value SparseStorage::areOrdered(OpBuilder &b, size_t first, size_t chain, Value entries) {
  if (!levels[first].isOrdered)
    return truth(b, loc, true);
  return forAll(b, loc, constant(b, loc, 0), entries, [&](OpBuilder &outer, Value entry) {
    Value one = constant(outer, loc, 1);
    Value begin = arith::AddIOp::create(outer, loc, position(outer, first, entry), one);
    Value end = position(outer, first, arith::AddIOp::create(outer, loc, entry, one));
    return forAll(outer, loc, begin, end, [&](OpBuilder &inner, Value p) {
      return isBefore(inner, first, chain, arith::SubIOp::create(inner, loc, p, one), p);
    });
  });
}

Value SparseStorage::arePositionsOrdered(OpBuilder &b, size_t level, Value entries) {
  return forAll(b, loc, constant(b, loc, 0), entries, [&](OpBuilder &inner, Value entry) {
    Value next = arith::AddIOp::create(inner, loc, entry, constant(inner, loc, 1));
    return compare(inner, loc, CmpIPredicate::ule, position(inner, level, entry), position(inner, level, next));
  });
}

Value SparseStorage::emitCheck(OpBuilder &b) {
  Value valid = truth(b, loc, true), entries = constant(b, loc, 1);
  for (size_t l = 0; l < levels.size(); ++l) {
    if (levels[l].kind == SparseLevel::Kind::Dense) {
      entries = arith::MulIOp::create(b, loc, entries, constant(b, loc, levels[l].size));
      continue;
    }
    size_t chain = countChain(levels, l);
    if (levels[l].kind == SparseLevel::Kind::Singleton) {
      valid = both(b, loc, valid, hasCoordinates(b, l, chain, entries));
      valid = andThen(b, loc, valid, [&](OpBuilder &inner) { return areInside(inner, l, chain, constant(inner, loc, 0), entries); });
      l += chain - 1;
      continue;
    }
    Value count = memref::DimOp::create(b, loc, buffers[levels[l].positions], 0);
    valid = both(b, loc, valid, compare(b, loc, CmpIPredicate::ult, entries, count));
    // Each test relies on the one before.
    valid = andThen(b, loc, valid, [&](OpBuilder &inner) {
      return both(inner, loc, arePositionsOrdered(inner, l, entries), hasCoordinates(inner, l, chain, position(inner, l, entries)));
    });
    valid = andThen(b, loc, valid, [&](OpBuilder &inner) {
      Value inside = areInside(inner, l, chain, position(inner, l, constant(inner, loc, 0)), position(inner, l, entries));
      return both(inner, loc, inside, areOrdered(inner, l, chain, entries));
    });
    auto known = scf::IfOp::create(
        b, loc, valid, [&](OpBuilder &inner, Location) { scf::YieldOp::create(inner, loc, position(inner, l, entries)); },
        [&](OpBuilder &inner, Location) { scf::YieldOp::create(inner, loc, constant(inner, loc, 0)); });
    entries = known.getResult(0);
    l += chain - 1;
  }
  Value count = memref::DimOp::create(b, loc, values, 0);
  return both(b, loc, valid, compare(b, loc, CmpIPredicate::ule, entries, count));
}

void SparseStorage::store(OpBuilder &b, Value entry, ArrayRef<Value> at, Value target) {
  sparse_tensor::SparseTensorType type(cast<RankedTensorType>(op.getResult().getType()));
  Value value = memref::LoadOp::create(b, loc, values, entry);
  if (type.isIdentity()) {
    memref::StoreOp::create(b, loc, value, target, at);
    return;
  }
  AffineMap toDims = levelsToDims(type.getEncoding());
  SmallVector<OpFoldResult> operands(at.begin(), at.end());
  SmallVector<Value> dims;
  Value inside;
  for (auto [i, extent] : llvm::enumerate(type.getDimShape())) {
    dims.push_back(getValueOrCreateConstantIndexOp(b, loc, affine::makeComposedFoldedAffineApply(b, loc, toDims.getSubMap(i), operands)));
    if (type.isPermutation())
      continue;
    Value fits = compare(b, loc, CmpIPredicate::ult, dims.back(), constant(b, loc, extent));
    inside = inside ? both(b, loc, inside, fits) : fits;
  }
  if (!inside) {
    memref::StoreOp::create(b, loc, value, target, dims);
    return;
  }
  // Blocks at the border may reach outside.
  scf::IfOp::create(b, loc, inside, [&](OpBuilder &inner, Location) {
    memref::StoreOp::create(inner, loc, value, target, dims);
    scf::YieldOp::create(inner, loc);
  });
}

void SparseStorage::scatter(OpBuilder &b, Value entry, SmallVectorImpl<Value> &at, Value target) {
  size_t l = at.size();
  if (l == levels.size())
    return store(b, entry, at, target);
  auto descend = [&](OpBuilder &inner, Value coordinate, Value next) {
    at.push_back(coordinate);
    scatter(inner, next, at, target);
    at.pop_back();
  };
  if (levels[l].kind == SparseLevel::Kind::Singleton)
    return descend(b, coordinate(b, l, entry), entry);
  bool isDense = levels[l].kind == SparseLevel::Kind::Dense;
  Value one = constant(b, loc, 1), size = constant(b, loc, levels[l].size);
  Value begin = isDense ? constant(b, loc, 0) : position(b, l, entry);
  Value end = isDense ? size : position(b, l, arith::AddIOp::create(b, loc, entry, one));
  scf::ForOp::create(b, loc, begin, end, one, ValueRange{}, [&](OpBuilder &inner, Location, Value i, ValueRange) {
    if (isDense)
      descend(inner, i, arith::AddIOp::create(inner, loc, arith::MulIOp::create(inner, loc, entry, size), i));
    else
      descend(inner, coordinate(inner, l, i), i);
    scf::YieldOp::create(inner, loc);
  });
}

void SparseStorage::emitScatter(OpBuilder &b, Value target) {
  SmallVector<Value> at;
  scatter(b, constant(b, loc, 0), at, target);
}
