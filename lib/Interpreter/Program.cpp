//===- Program.cpp - run a flat program -----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Program.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::interpreter;

std::optional<int64_t> interpreter::linearPosition(ArrayRef<int64_t> at, ArrayRef<int64_t> shape) {
  int64_t position = 0;
  for (auto [i, extent] : llvm::zip_equal(at, shape)) {
    if (i < 0 || i >= extent)
      return std::nullopt;
    position = position * extent + i;
  }
  return position;
}

std::optional<int64_t> interpreter::evaluate(AffineExpr expression, ArrayRef<int64_t> dims, ArrayRef<int64_t> symbols) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expression))
    return constant.getValue();
  if (auto dim = dyn_cast<AffineDimExpr>(expression))
    return dims[dim.getPosition()];
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expression))
    return symbols[symbol.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expression);
  std::optional<int64_t> x = evaluate(binary.getLHS(), dims, symbols), y = evaluate(binary.getRHS(), dims, symbols);
  if (!x || !y)
    return std::nullopt;
  if (binary.getKind() == AffineExprKind::Add)
    return static_cast<uint64_t>(*x) + static_cast<uint64_t>(*y);
  if (binary.getKind() == AffineExprKind::Mul)
    return static_cast<uint64_t>(*x) * static_cast<uint64_t>(*y);
  if (*y <= 0)
    return std::nullopt;
  int64_t quotient = *x / *y, rest = *x % *y;
  switch (binary.getKind()) {
  case AffineExprKind::Mod:
    return rest < 0 ? rest + *y : rest;
  case AffineExprKind::FloorDiv:
    return quotient - (rest < 0);
  default:
    return quotient + (rest > 0);
  }
}

LogicalResult Program::extract(const Step &step) {
  const HostTensor &tensor = tensors[step.immediate];
  SmallVector<int64_t, 4> at;
  for (unsigned slot : step.arguments)
    at.push_back(slots[slot].i);
  std::optional<int64_t> position = linearPosition(at, tensor.shape());
  if (!position)
    return step.op->emitOpError("reads element [")
           << llvm::join(llvm::map_range(at, [](int64_t i) { return std::to_string(i); }), ", ") << "] of "
           << tensor.typeText();
  slots[step.to] = loadScalar(tensor.type(), tensor.bytes(), *position);
  return success();
}

LogicalResult Program::apply(const Step &step) {
  const Apply &apply = maps[step.immediate];
  SmallVector<int64_t, 4> operands;
  for (unsigned slot : step.arguments)
    operands.push_back(slots[slot].i);
  ArrayRef<int64_t> dims = ArrayRef(operands).take_front(apply.map.getNumDims());
  ArrayRef<int64_t> symbols = ArrayRef(operands).drop_front(apply.map.getNumDims());
  std::optional<int64_t> chosen;
  for (AffineExpr expression : apply.map.getResults()) {
    std::optional<int64_t> value = evaluate(expression, dims, symbols);
    if (!value)
      return step.op->emitOpError("divides by a number that is not positive");
    if (!chosen || (apply.choice == Apply::Least && *value < *chosen) ||
        (apply.choice == Apply::Greatest && *value > *chosen))
      chosen = value;
  }
  slots[step.to] = fromInteger(chosen.value_or(0));
  return success();
}

LogicalResult Program::run() {
  for (size_t at = 0, end = steps.size(); at < end; ++at) {
    const Step &step = steps[at];
    switch (step.kind) {
    case Kind::Call:
      slots[step.to] = step.function({slots.data(), step.arguments.data(), step.type, step.from, step.immediate});
      break;
    case Kind::Move:
      slots[step.to] = slots[step.arguments[0]];
      break;
    case Kind::JumpUnless:
      if (slots[step.arguments[0]].i)
        break;
      [[fallthrough]];
    case Kind::Jump:
      at = static_cast<size_t>(step.to) - 1; // the loop adds one
      break;
    case Kind::Extract:
      if (failed(extract(step)))
        return failure();
      break;
    case Kind::Affine:
      if (failed(apply(step)))
        return failure();
      break;
    }
  }
  return success();
}
