//===- Transposing.cpp - elementwise ops with transposed operands ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Some inputs run along an axis `across` that is not the innermost one of the output. Squares of vectors are read along `across`,
// turned in registers, computed with and written along the innermost axis. A work item is a rectangle of squares, small enough that
// what is read of each cache line stays in the first-level cache until the whole line was used.
//===----------------------------------------------------------------------===//

#include "Rows.h"

using namespace mlir;
using namespace nnopt;

// Sides of a work item, in elements; the longer one if the other axis is short.
static constexpr int64_t kSide = 64, kLongSide = 2048;

namespace {

struct TransposingProgram {
  NestProgram program;
  unsigned across = 0; ///< axis

  static FailureOr<TransposingProgram> of(Operation *op, const Isa &isa);
  unsigned inner() const { return program.nest.parallel - 1; }
  bool isTurned(unsigned operand) const { return isStrided(program.nest, operand); }
  static bool isStrided(const Nest &nest, unsigned operand) {
    return !nest.isScalar(operand) && nest.motion(operand, nest.parallel - 1) == Motion::strided;
  }
};

} // namespace

FailureOr<TransposingProgram> TransposingProgram::of(Operation *op, const Isa &isa) {
  FailureOr<NestProgram> program = NestProgram::of(op, isa);
  if (failed(program) || program->nest.reductions() != 0 || program->nest.parallel < 2)
    return failure();
  const Nest &nest = program->nest;
  std::optional<unsigned> across;
  for (unsigned i = 0; i < nest.operandCount(); ++i) {
    bool isOutput = i >= program->inputs();
    if (isOutput && (nest.motion(i, nest.parallel - 1) != Motion::unit || program->readsOutput(i - program->inputs())))
      return failure();
    if (!isStrided(nest, i))
      continue;
    auto axes = llvm::seq<unsigned>(0, nest.parallel - 1);
    auto unit = llvm::find_if(axes, [&](unsigned axis) { return nest.motion(i, axis) == Motion::unit; });
    if (unit == axes.end() || (across && *across != *unit))
      return failure();
    across = *unit;
  }
  if (!across)
    return failure();
  return TransposingProgram{*program, *across};
}

namespace {

/// One work item: `rows` along `across`, `columns` along the innermost axis.
class Rectangle {
public:
  Rectangle(KernelBuilder &k, const TransposingProgram &program) : k(k), program(program), lanes(k.isa.lanes) {}

  KernelBuilder &k;
  const TransposingProgram &program;
  int64_t lanes;
  Value rows, columns;
  SmallVector<NestAccess> operands; ///< strides along `across` and along the innermost axis

  void emit() {
    forSquares(rows, [&](Value row, Value rowCount) {
      forSquares(columns, [&](Value column, Value columnCount) { emitSquare(row, rowCount, column, columnCount); });
    });
  }

private:
  /// `body(start, count)`; a null count is a whole square.
  void forSquares(Value extent, llvm::function_ref<void(Value, Value)> body) {
    Value whole = k.mul(k.div(extent, k.index(lanes)), k.index(lanes));
    auto known = k.constantOf(extent);
    if (!known || *known >= lanes)
      k.loop(k.index(0), whole, lanes, [&](Value start) { body(start, nullptr); });
    k.when(k.less(whole, extent), [&] { body(whole, k.sub(extent, whole)); });
  }

  Value address(const NestAccess &operand, Value row, Value column) { return operand.at(k, {row, column}); }

  /// Vectors along the innermost axis, one per row, of a transposed input.
  SmallVector<Value> turn(const NestAccess &operand, Value row, Value rowCount, Value column, Value columnCount) {
    SmallVector<Value> vectors;
    auto knownColumns = columnCount ? k.constantOf(columnCount) : std::nullopt;
    for (int64_t i = 0; i < lanes; ++i) {
      if (knownColumns && i >= *knownColumns) {
        vectors.push_back(k.zero(k.vectorType(operand.element)));
        continue;
      }
      Value mask, here = k.add(column, k.index(i));
      if (rowCount || (columnCount && !knownColumns)) {
        Value valid = rowCount ? rowCount : k.index(lanes);
        if (columnCount && !knownColumns) {
          Value present = k.less(k.index(i), columnCount);
          valid = arith::SelectOp::create(k.b, k.loc, present, valid, k.index(0));
        }
        mask = k.laneMask(lanes, valid);
      }
      vectors.push_back(loadElements(k, operand.element, lanes, address(operand, row, here), mask));
    }
    k.transposeSquare(vectors);
    return vectors;
  }

  void emitSquare(Value row, Value rowCount, Value column, Value columnCount) {
    Value mask = columnCount ? k.laneMask(lanes, columnCount) : Value();
    unsigned inputs = program.program.inputs();
    SmallVector<SmallVector<Value>> turned(inputs);
    for (unsigned i = 0; i < inputs; ++i)
      if (program.isTurned(i))
        turned[i] = turn(operands[i], row, rowCount, column, columnCount);
    for (int64_t r = 0; r < lanes; ++r)
      k.when(rowCount ? k.less(k.index(r), rowCount) : Value(arith::ConstantIntOp::create(k.b, k.loc, 1, 1)),
             [&] { emitRow(turned, r, k.add(row, k.index(r)), column, mask); });
  }

  void emitRow(ArrayRef<SmallVector<Value>> turned, int64_t r, Value row, Value column, Value mask) {
    const Nest &nest = program.program.nest;
    unsigned inputs = program.program.inputs();
    SmallVector<Value> arguments;
    for (auto [i, operand] : llvm::enumerate(operands)) {
      VectorType type = k.vectorType(operand.element);
      if (i >= inputs)
        arguments.push_back(k.zero(type));
      else if (!turned[i].empty())
        arguments.push_back(turned[i][r]);
      else if (operand.isScalar)
        arguments.push_back(k.splat(operand.pointer, type));
      else if (nest.motion(i, program.inner()) == Motion::absent)
        arguments.push_back(k.splat(loadElement(k, operand.element, address(operand, row, column)), type));
      else
        arguments.push_back(loadElements(k, operand.element, lanes, address(operand, row, column), mask));
    }
    SmallVector<Value> results = program.program.compute(k, arguments, lanes);
    for (auto [i, value] : llvm::enumerate(results))
      storeElements(k, value, address(operands[inputs + i], row, column), mask);
  }
};

} // namespace

/// Length of a work item along an axis, where the other axis is `other` long.
static int64_t side(Value other) {
  auto known = KernelBuilder::constantOf(other);
  return known && *known < kSide ? std::min(kLongSide, kSide * kSide / std::max<int64_t>(1, *known)) / kSide * kSide : kSide;
}

LogicalResult nnopt::emitTransposing(Operation *op, KernelBuilder &k) {
  FailureOr<TransposingProgram> found = TransposingProgram::of(op, k.isa);
  if (failed(found))
    return failure();
  const TransposingProgram &program = *found;
  const Nest &nest = program.program.nest;
  SmallVector<Value> extents = nest.extents(k);
  SmallVector<NestAccess> operands = nest.accesses(k);
  unsigned across = program.across, inner = program.inner();
  int64_t rowSide = side(extents[inner]), columnSide = side(extents[across]);

  SmallVector<Value> items(extents);
  items[across] = k.ceilDiv(extents[across], rowSide);
  items[inner] = k.ceilDiv(extents[inner], columnSide);
  k.parallel(k.product(items), [&](Value item) {
    SmallVector<Value> first = k.delinearize(item, items);
    first[across] = k.mul(first[across], k.index(rowSide));
    first[inner] = k.mul(first[inner], k.index(columnSide));
    auto clip = [&](unsigned axis, int64_t side) {
      auto known = k.constantOf(extents[axis]);
      if (known && *known % side == 0)
        return k.index(side);
      return known && *known < side ? extents[axis] : k.min(k.index(side), k.sub(extents[axis], first[axis]));
    };
    KernelCall call(k, op, "transposing");
    program.program.addKeys(call);
    unsigned rows = call.number(clip(across, rowSide)), columns = call.number(clip(inner, columnSide));
    SmallVector<std::array<unsigned, 3>> handles;
    for (NestAccess &operand : operands)
      handles.push_back({operand.isScalar ? call.scalar(operand.pointer) : call.pointer(operand.at(k, first)),
                         call.number(operand.strides[across]), call.number(operand.strides[inner])});
    call.emit([&](KernelBuilder &body) {
      Rectangle rectangle(body, program);
      rectangle.rows = call[rows], rectangle.columns = call[columns];
      for (auto [operand, handle] : llvm::zip(operands, handles))
        rectangle.operands.push_back(
            {call[handle[0]], operand.element, operand.isScalar, {call[handle[1]], call[handle[2]]}});
      rectangle.emit();
    });
  });
  return success();
}
