//===- Indexing.cpp - operators that read by index ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Build.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::onnx;

/// Elements of a small known list, picked by known indices: how models take shapes apart.
static Tensor *gatherEntries(OpContext &c, Tensor *data, Tensor *indices) {
  const Extents *entries = data->rank() == 1 ? c.entries(data) : nullptr, *places = entries ? c.entries(indices) : nullptr;
  if (!places)
    return nullptr;
  Extents picked;
  for (OpFoldResult place : *places) {
    std::optional<int64_t> at = ShapeMath::get(place);
    if (!at)
      return nullptr;
    if (*at < -data->dim(0) || *at >= data->dim(0)) {
      c.error("reads element {0} of {1}", *at, data->dim(0));
      return indices;
    }
    picked.push_back((*entries)[*at < 0 ? *at + data->dim(0) : *at]);
  }
  return c.fromEntries(indices->shape(), data->elementType(), picked);
}

/// Constant indices are checked while importing; others are clamped when the model runs.
static void checkConstantIndices(OpContext &c, Tensor *indices, int64_t extent) {
  const Extents *places = indices->constant && !ShapedType::isDynamic(extent) ? c.entries(indices) : nullptr;
  for (OpFoldResult place : places ? ExtentsRef(*places) : ExtentsRef())
    if (int64_t at = ShapeMath::get(place).value_or(0); at < -extent || at >= extent)
      return c.error("reads element {0} of {1}", at, extent);
}

static void importGather(OpContext &c) {
  Tensor *data = c.in(0), *indices = c.in(1);
  if (data->rank() == 0)
    return c.error("reads a tensor without dimensions");
  int64_t axis = c.axis(c.attr("axis", int64_t(0)), data->rank());
  expectIndices(c, 1);
  if (c.failed())
    return;
  if (Tensor *known = gatherEntries(c, data, indices))
    return c.set(0, known);
  checkConstantIndices(c, indices, data->dim(axis));
  c.set(0, c.structured<GatherOp>(data->elementType(), data->rank() + indices->rank() - 1, c.value(data), c.value(indices),
                                  Value(), axis));
}

static void importGatherElements(OpContext &c) {
  Tensor *data = c.in(0), *indices = c.in(1);
  int64_t axis = c.axis(c.attr("axis", int64_t(0)), data->rank());
  expectIndices(c, 1);
  if (data->rank() == 0 || data->rank() != indices->rank())
    c.error("has data of type {0} and indices of type {1}", data->type, indices->type);
  for (int64_t d = 0; d < data->rank() && !c.failed(); ++d)
    if (d != axis && data->type.hasStaticShape() && indices->type.hasStaticShape() && indices->dim(d) > data->dim(d))
      c.error("reads extent {0} of {1} in dimension {2}", indices->dim(d), data->dim(d), d);
  if (c.failed())
    return;
  Value source = c.value(data), places = c.value(indices), extent = c.shapes.asValue(data->extents[axis]);
  c.set(0, generate(c, indices->extents, data->elementType(), [&](Scalar &s, ValueRange at) {
          SmallVector<Value> from(at);
          from[axis] = safeIndex(s, readElement(s, places, at), indices->elementType(), extent);
          return readElement(s, source, from);
        }));
}

/// The last dimension of the indices names a place in the first dimensions of the data, behind `batch_dims`.
static void importGatherND(OpContext &c) {
  Tensor *data = c.in(0), *indices = c.in(1);
  int64_t batch = c.attr("batch_dims", int64_t(0));
  expectIndices(c, 1);
  if (indices->rank() == 0 || data->rank() == 0 || indices->type.isDynamicDim(indices->rank() - 1))
    return c.error("has data of type {0} and indices of type {1}", data->type, indices->type);
  int64_t depth = indices->dim(indices->rank() - 1), rest = batch + depth;
  if (batch < 0 || batch >= indices->rank() || rest > data->rank() || c.failed())
    return c.error("names {0} dimensions behind {1} of {2}", depth, batch, data->type);
  int64_t outer = indices->rank() - 1;
  Extents extents(ExtentsRef(indices->extents).drop_back());
  llvm::append_range(extents, ExtentsRef(data->extents).drop_front(rest));
  Value source = c.value(data), places = c.value(indices);
  SmallVector<Value> sizes = llvm::map_to_vector(data->extents, [&](OpFoldResult extent) { return c.shapes.asValue(extent); });
  c.set(0, generate(c, extents, data->elementType(), [&](Scalar &s, ValueRange at) {
          SmallVector<Value> from(at.take_front(batch)), where(at.take_front(outer));
          where.push_back({});
          for (int64_t k = 0; k < depth; ++k) {
            where.back() = s.as(s.b.getIndexType()).constant(double(k));
            from.push_back(safeIndex(s, readElement(s, places, where), indices->elementType(), sizes[batch + k]));
          }
          llvm::append_range(from, at.drop_front(outer));
          return readElement(s, source, from);
        }));
}

static void importTrilu(OpContext &c) {
  Tensor *x = c.in(0);
  bool upper = c.attr("upper", int64_t(1)) != 0;
  Extents diagonal = c.hasInput(1) ? c.indices(1, "a diagonal") : Extents{c.shapes.constant(0)};
  if (x->rank() < 2 || diagonal.size() != 1)
    c.error("has an operand of type {0}", x->type);
  if (c.failed())
    return;
  Value k = c.shapes.asValue(diagonal[0]), source = c.value(x);
  c.set(0, generate(c, x->extents, x->elementType(), [&](Scalar &s, ValueRange at) {
          Scalar index = s.as(s.b.getIndexType());
          Value row = index.add(at[at.size() - 2], k), column = at.back();
          Value keeps = index.compare(upper ? Scalar::GE : Scalar::LE, column, row);
          return s.select(keeps, readElement(s, source, at), s.constant(0));
        }));
}

static constexpr Operator kOperators[] = {
    {"Gather", 1, 2, 2, importGather},
    {"GatherElements", 11, 2, 2, importGatherElements},
    {"GatherND", 11, 2, 2, importGatherND},
    {"Trilu", 14, 1, 2, importTrilu},
};

ArrayRef<Operator> nnopt::onnx::indexingOperators() { return kOperators; }
