//===- Scatter.cpp - operators that write by index ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Build.h"

#include <algorithm>

using namespace mlir;
using namespace nnopt;
using namespace nnopt::onnx;

/// How an update and the element before it combine.
static Value combine(Scalar &s, StringRef reduction, Value old, Value update) {
  return reduction == "add" ? s.add(old, update) : reduction == "mul" ? s.mul(old, update) : reduction == "min" ? s.min(old, update)
         : reduction == "max" ? s.max(old, update) : update;
}

static StringRef readReduction(OpContext &c) {
  StringRef reduction = c.attr("reduction", "none");
  static constexpr StringLiteral kReductions[] = {"none", "add", "mul", "min", "max"};
  if (!llvm::is_contained(kReductions, reduction))
    c.error("has reduction '{0}', expected none, add, mul, min or max", reduction);
  return reduction;
}

/// Reads the element of `result` at `to`, combines it with `update` and writes it back.
static Value update(Scalar &s, StringRef reduction, Value result, ValueRange to, Value update) {
  Value next = reduction == "none" ? update : combine(s, reduction, readElement(s, result, to), update);
  return tensor::InsertOp::create(s.b, s.loc, withSign(s.b, s.loc, next, s.type), result, to);
}

static SmallVector<Value> extentValues(OpContext &c, Tensor *tensor) {
  return llvm::map_to_vector(tensor->extents, [&](OpFoldResult extent) { return c.shapes.asValue(extent); });
}

static void importScatterElements(OpContext &c) {
  Tensor *data = c.in(0), *indices = c.in(1), *updates = c.in(2);
  int64_t axis = c.axis(c.attr("axis", int64_t(0)), data->rank());
  StringRef reduction = readReduction(c);
  expectIndices(c, 1);
  expectSameTypes(c, {data, updates});
  if (data->rank() == 0 || data->rank() != indices->rank() || indices->shape() != updates->shape())
    c.error("has data of type {0}, indices of type {1} and updates of type {2}", data->type, indices->type, updates->type);
  for (int64_t d = 0; d < data->rank() && !c.failed(); ++d)
    if (d != axis && data->type.hasStaticShape() && indices->type.hasStaticShape() && indices->dim(d) > data->dim(d))
      c.error("writes extent {0} of {1} in dimension {2}", indices->dim(d), data->dim(d), d);
  if (c.failed())
    return;
  Value places = c.value(indices), source = c.value(updates), extent = c.shapes.asValue(data->extents[axis]);
  c.set(0, inOrder(c, indices->extents, data, [&](Scalar &s, ValueRange at, Value result) {
          SmallVector<Value> to(at);
          to[axis] = safeIndex(s, readElement(s, places, at), indices->elementType(), extent);
          return update(s, reduction, result, to, readElement(s, source, at));
        }));
}

/// The last dimension of the indices names a place in the first dimensions of the data.
static void importScatterND(OpContext &c) {
  Tensor *data = c.in(0), *indices = c.in(1), *updates = c.in(2);
  StringRef reduction = readReduction(c);
  expectIndices(c, 1);
  expectSameTypes(c, {data, updates});
  if (c.failed())
    return;
  if (indices->rank() == 0 || data->rank() == 0 || indices->type.isDynamicDim(indices->rank() - 1))
    return c.error("has data of type {0} and indices of type {1}", data->type, indices->type);
  int64_t depth = indices->dim(indices->rank() - 1), outer = indices->rank() - 1;
  if (depth > data->rank() || updates->rank() != outer + data->rank() - depth)
    return c.error("names {0} dimensions of {1} for updates of type {2}", depth, data->type, updates->type);
  for (int64_t d = 0; d < updates->rank(); ++d) {
    auto got = ShapeMath::get(updates->extents[d]), expected = ShapeMath::get(d < outer ? indices->extents[d] : data->extents[depth + d - outer]);
    if (got && expected && *got != *expected)
      return c.error("has updates of extent {0} in dimension {1}, expected {2}", *got, d, *expected);
  }
  Value places = c.value(indices), source = c.value(updates);
  SmallVector<Value> sizes = extentValues(c, data);
  c.set(0, inOrder(c, updates->extents, data, [&](Scalar &s, ValueRange at, Value result) {
          SmallVector<Value> to, where(at.take_front(outer));
          where.push_back({});
          for (int64_t k = 0; k < depth; ++k) {
            where.back() = s.as(s.b.getIndexType()).constant(double(k));
            to.push_back(safeIndex(s, readElement(s, places, where), indices->elementType(), sizes[k]));
          }
          llvm::append_range(to, at.drop_front(outer));
          return update(s, reduction, result, to, readElement(s, source, at));
        }));
}

/// Sums or products along an axis, each of all elements up to here.
template <bool isProduct>
static void importCumulative(OpContext &c) {
  Tensor *x = c.in(0);
  SmallVector<int64_t> axes = c.integers(1, "an axis");
  bool isExclusive = c.attr("exclusive", int64_t(0)) != 0, isReverse = c.attr("reverse", int64_t(0)) != 0;
  if (!c.failed() && axes.size() != 1)
    c.error("has {0} axes, expected 1", axes.size());
  int64_t axis = c.failed() ? 0 : c.axis(axes[0], x->rank());
  if (c.failed())
    return;
  Value source = c.value(x), last = c.shapes.asValue(c.shapes.sub(x->extents[axis], c.shapes.constant(1)));
  // The axis outermost: the inner loops then run over memory in order.
  Extents loops(x->extents);
  std::rotate(loops.begin(), loops.begin() + axis, loops.begin() + axis + 1);
  Tensor *init = c.tensor(tensor::EmptyOp::create(c.b, c.loc, x->extents, x->elementType()), x->extents);
  c.set(0, inOrder(c, loops, init, [&](Scalar &s, ValueRange at, Value result) {
          Scalar index = s.as(s.b.getIndexType());
          SmallVector<Value> here(at);
          std::rotate(here.begin(), here.begin() + 1, here.begin() + axis + 1);
          Value step = here[axis], isFirst = index.compare(Scalar::EQ, step, index.constant(0));
          Value stepBefore = index.max(index.constant(0), index.sub(step, index.constant(1)));
          auto place = [&](Value i) { return isReverse ? index.sub(last, i) : i; };
          SmallVector<Value> before(here);
          here[axis] = place(step);
          before[axis] = place(stepBefore);
          Value sum = s.select(isFirst, s.constant(isProduct ? 1 : 0), readElement(s, result, before));
          Value added = readElement(s, source, isExclusive ? before : here);
          if (isExclusive)
            added = s.select(isFirst, s.constant(isProduct ? 1 : 0), added);
          Value next = isProduct ? s.mul(sum, added) : s.add(sum, added);
          return Value(tensor::InsertOp::create(s.b, s.loc, withSign(s.b, s.loc, next, s.type), result, here));
        }));
}

static void importOneHot(OpContext &c) {
  Tensor *indices = c.in(0), *values = c.in(2);
  // Some models give the depth as a float.
  Extents depth = c.in(1)->isFloat() ? Extents{c.shapes.constant(int64_t(std::clamp(c.number(1, 0, "depth"), -1.0, 0x1p40)))}
                                     : c.indices(1, "a depth");
  int64_t axis = c.axis(c.attr("axis", int64_t(-1)), indices->rank() + 1);
  if (!c.failed() && (depth.size() != 1 || values->rank() != 1 || values->dim(0) != 2))
    c.error("has a depth of {0} elements and values of type {1}", depth.size(), values->type);
  if (!c.failed() && ShapeMath::get(depth[0]).value_or(0) < 0)
    c.error("has a depth of {0}", *ShapeMath::get(depth[0]));
  if (c.failed())
    return;
  Extents extents(indices->extents);
  extents.insert(extents.begin() + axis, depth[0]);
  if (ShapeMath::get(depth[0]) && !countElements(ShapeMath::staticShape({depth[0]})))
    return c.error("has a depth of {0}", *ShapeMath::get(depth[0]));
  Value places = c.value(indices), offOn = c.value(values), count = c.shapes.asValue(depth[0]);
  c.set(0, generate(c, extents, values->elementType(), [&](Scalar &s, ValueRange at) {
          Scalar index = s.as(s.b.getIndexType());
          SmallVector<Value> from(at);
          from.erase(from.begin() + axis);
          Value hot = s.as(indices->elementType()).cast(readElement(s, places, from), s.b.getIndexType());
          hot = index.select(index.compare(Scalar::LT, hot, index.constant(0)), index.add(hot, count), hot);
          return s.select(index.compare(Scalar::EQ, hot, at[axis]), readElement(s, offOn, index.constant(1)),
                          readElement(s, offOn, index.constant(0)));
        }));
}

/// How many elements along `axis` come before each one in sorted order; equal ones keep theirs, and NaN comes first of the largest.
static Tensor *sortedPlaces(OpContext &c, Tensor *x, int64_t axis, bool largest) {
  Value source = c.value(x);
  Type place = c.b.getI64Type();
  return accumulate(c, x->extents, {x->extents[axis]}, place, c.b.getI64IntegerAttr(0),
                    [&](Scalar &s, ValueRange at, ValueRange otherAt, Value sum) {
                      Scalar index = s.as(s.b.getIndexType()), element = s.as(x->elementType()), flag = s.as(s.b.getI1Type());
                      SmallVector<Value> there(at);
                      there[axis] = otherAt[0];
                      Value mine = readElement(s, source, at), other = readElement(s, source, there);
                      Value wins = element.compare(largest ? Scalar::GT : Scalar::LT, other, mine);
                      Value ties = element.compare(Scalar::EQ, other, mine);
                      if (element.isFloat()) {
                        auto isNaN = [&](Value v) { return element.compare(Scalar::NE, v, v); };
                        Value mineIs = isNaN(mine), otherIs = isNaN(other);
                        Value decides = largest ? arith::AndIOp::create(s.b, s.loc, otherIs, flag.logicalNot(mineIs)).getResult()
                                                : arith::AndIOp::create(s.b, s.loc, mineIs, flag.logicalNot(otherIs)).getResult();
                        wins = arith::OrIOp::create(s.b, s.loc, wins, decides);
                        ties = arith::OrIOp::create(s.b, s.loc, ties, arith::AndIOp::create(s.b, s.loc, mineIs, otherIs));
                      }
                      Value isEarlier = index.compare(Scalar::LT, otherAt[0], at[axis]);
                      Value before = arith::OrIOp::create(s.b, s.loc, wins, arith::AndIOp::create(s.b, s.loc, ties, isEarlier));
                      return s.select(before, s.add(sum, s.constant(1)), sum);
                    });
}

/// Elements are ranked by comparing all pairs, which parallelises; then each output takes the element of its rank.
static void importTopK(OpContext &c) {
  Tensor *x = c.in(0);
  int64_t axis = c.axis(c.attr("axis", int64_t(-1)), x->rank());
  bool largest = c.attr("largest", int64_t(1)) != 0;
  c.ignoreAttr("sorted"); // sorted is one of the orders that unsorted allows
  Extents count = c.opset < 10 ? c.shapes.constants({c.attr("k", int64_t(-1))}) : c.indices(1, "a number of elements");
  if (c.failed())
    return;
  if (count.size() != 1)
    return c.error("has {0} numbers of elements, expected 1", count.size());
  auto k = ShapeMath::get(count[0]), length = ShapeMath::get(x->extents[axis]);
  if (k && (*k < 0 || (length && *k > *length)))
    return c.error("takes {0} elements of {1}", *k, length.value_or(-1));
  Tensor *places = sortedPlaces(c, x, axis, largest);
  Extents extents(x->extents);
  extents[axis] = count[0];
  Value ranks = c.value(places);
  Tensor *chosen = accumulate(c, extents, {x->extents[axis]}, c.b.getI64Type(), c.b.getI64IntegerAttr(0),
                              [&](Scalar &s, ValueRange at, ValueRange from, Value sum) {
                                SmallVector<Value> there(at);
                                there[axis] = from[0];
                                Value isMine = s.compare(Scalar::EQ, readElement(s, ranks, there), s.fromIndex(at[axis]));
                                return s.select(isMine, s.fromIndex(from[0]), sum);
                              });
  if (c.failed())
    return;
  Value indices = c.value(chosen), source = c.value(x);
  c.set(0, generate(c, extents, x->elementType(), [&](Scalar &s, ValueRange at) {
          SmallVector<Value> from(at);
          from[axis] = s.as(s.b.getI64Type()).cast(readElement(s, indices, at), s.b.getIndexType());
          return readElement(s, source, from);
        }));
  c.set(1, chosen);
}

static void importReverseSequence(OpContext &c) {
  Tensor *x = c.in(0), *lengths = c.in(1);
  int64_t batch = c.axis(c.attr("batch_axis", int64_t(1)), x->rank()), time = c.axis(c.attr("time_axis", int64_t(0)), x->rank());
  expectIndices(c, 1);
  if (batch == time || lengths->rank() != 1)
    c.error("reverses axis {0} in batches along {1}, with lengths of type {2}", time, batch, lengths->type);
  if (c.failed())
    return;
  Value source = c.value(x), counts = c.value(lengths), extent = c.shapes.asValue(x->extents[time]);
  c.set(0, generate(c, x->extents, x->elementType(), [&](Scalar &s, ValueRange at) {
          Scalar index = s.as(s.b.getIndexType());
          Value length = s.as(lengths->elementType()).cast(readElement(s, counts, at[batch]), s.b.getIndexType());
          length = index.min(length, extent);
          Value mirrored = index.sub(index.sub(length, index.constant(1)), at[time]);
          SmallVector<Value> from(at);
          from[time] = index.select(index.compare(Scalar::LT, at[time], length), mirrored, at[time]);
          return readElement(s, source, from);
        }));
}

static constexpr Operator kOperators[] = {
    {"ScatterElements", 11, 3, 3, importScatterElements},
    {"Scatter", 9, 3, 3, importScatterElements, "", 10},
    {"ScatterND", 11, 3, 3, importScatterND},
    {"CumSum", 11, 2, 2, importCumulative<false>, "an axis that depends on data"},
    {"CumProd", 26, 2, 2, importCumulative<true>, "an axis that depends on data"},
    {"OneHot", 9, 3, 3, importOneHot, "a depth that depends on data"},
    {"TopK", 1, 1, 2, importTopK, "a number that depends on data"},
    {"ReverseSequence", 10, 2, 2, importReverseSequence},
};

ArrayRef<Operator> nnopt::onnx::scatterOperators() { return kOperators; }
