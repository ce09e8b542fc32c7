//===- Gather.cpp - rows of a table, chosen by index ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What lies behind the axis is one contiguous row of the table, copied in vectors.
//===----------------------------------------------------------------------===//

#include "Rows.h"

using namespace mlir;
using namespace nnopt;

// Rows with fewer elements are left to the loops: a vector copy of them would be a scalar one with overhead.
static constexpr int64_t kShortestRow = 4;

static bool isContiguousBuffer(Value memref) { return cast<MemRefType>(memref.getType()).getLayout().isIdentity(); }

/// The index as the table takes it: from the end if negative, then clamped.
static Value tableIndex(KernelBuilder &k, Type type, Value pointer, Value rows) {
  Value index = arith::IndexCastOp::create(k.b, k.loc, k.b.getIndexType(), k.load(type, pointer));
  Value wrapped = arith::SelectOp::create(k.b, k.loc, k.less(index, k.index(0)), k.add(index, rows), index);
  return k.max(k.index(0), k.min(wrapped, k.sub(rows, k.index(1))));
}

LogicalResult nnopt::emitGather(Operation *operation, KernelBuilder &k) {
  auto op = cast<GatherOp>(operation);
  auto data = cast<MemRefType>(op.getData().getType()), indices = cast<MemRefType>(op.getIndices().getType());
  int64_t axis = op.getAxis();
  ArrayRef<int64_t> row = data.getShape().drop_front(axis + 1);
  int64_t known = 1;
  for (int64_t extent : row)
    known = ShapedType::isDynamic(extent) || known == ShapedType::kDynamic ? ShapedType::kDynamic : known * extent;
  if (!op.getInit() || !isVectorElement(k.isa, data.getElementType()) || row.empty() ||
      (known != ShapedType::kDynamic && known < kShortestRow) || !isContiguousBuffer(op.getData()) ||
      !isContiguousBuffer(op.getIndices()) || !isContiguousBuffer(op.getInit()) ||
      !indices.getElementType().isInteger() || indices.getElementTypeBitWidth() < 8)
    return failure();

  Buffer table = k.buffer(op.getData()), index = k.buffer(op.getIndices()), output = k.buffer(op.getInit());
  Value tables = k.product(ArrayRef(table.extents).take_front(axis));
  Value rows = table.extents[axis], length = k.product(ArrayRef(table.extents).drop_front(axis + 1));
  Value count = k.product(index.extents);
  parallelChunks(k, {tables, count}, rowsPerItem(length, kCheapGrain), [&](ArrayRef<Value> first, Value number) {
    KernelCall call(k, op, "gather");
    Value tableStart = k.mul(k.mul(first[0], rows), length);
    Value outputStart = k.mul(k.add(k.mul(first[0], count), first[1]), length);
    unsigned from = call.pointer(k.at(table.pointer, table.element, tableStart));
    unsigned chosen = call.pointer(k.at(index.pointer, index.element, first[1]));
    unsigned to = call.pointer(k.at(output.pointer, output.element, outputStart));
    unsigned items = call.number(number), size = call.number(length), tableRows = call.number(rows);
    std::string types;
    llvm::raw_string_ostream(types) << table.element << index.element;
    call.key(types);
    call.emit([&](KernelBuilder &inner) {
      inner.loop(inner.index(0), call[items], 1, [&](Value i) {
        Value source = tableIndex(inner, index.element, inner.at(call[chosen], index.element, i), call[tableRows]);
        Value in = inner.at(call[from], table.element, inner.mul(source, call[size]));
        Value out = inner.at(call[to], table.element, inner.mul(i, call[size]));
        forVectors(inner, call[size], inner.isa.lanes, 4, [&](ArrayRef<Value> starts, Value mask) {
          for (Value start : starts)
            storeElements(inner, loadElements(inner, table.element, inner.isa.lanes, inner.at(in, table.element, start), mask),
                          inner.at(out, table.element, start), mask);
        });
      });
    });
  });
  return success();
}
