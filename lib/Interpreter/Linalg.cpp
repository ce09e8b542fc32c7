//===- Linalg.cpp - linalg ops by their interface -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Frame.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::interpreter;

namespace {
/// How one operand is reached from the loops.
struct Access {
  bool isScalar = false;
  Scalar scalar{};
  HostTensor tensor;
  char *writable = nullptr; ///< for outputs
  AffineMap map;
  /// For maps that are sums of multiples of the loops: the offset at 0 and what each loop adds.
  bool isLinear = true;
  int64_t base = 0;
  SmallVector<int64_t> steps;
  int64_t position = 0;
};

class LinalgRun {
public:
  LinalgRun(Frame &frame, OpCall &call) : frame(frame), call(call), op(cast<linalg::LinalgOp>(call.op)) {}

  LogicalResult run() {
    return failure(failed(bind()) || failed(findExtents()) || failed(checkAccesses()) || failed(loop()) ||
                   failed(finish()));
  }

private:
  LogicalResult bind();
  LogicalResult findExtents();
  LogicalResult checkAccesses();
  LogicalResult checkAccess(Access &access, size_t number);
  LogicalResult loop();
  LogicalResult position(Access &access, ArrayRef<int64_t> at);
  LogicalResult finish();

  Frame &frame;
  OpCall &call;
  linalg::LinalgOp op;
  std::vector<Access> accesses;
  SmallVector<int64_t> extents;
};
} // namespace

/// Adds `factor` times the linear form of `expression` to `base` and `steps`; false if it has none.
static bool addLinear(AffineExpr expression, int64_t factor, int64_t &base, MutableArrayRef<int64_t> steps) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expression)) {
    base += factor * constant.getValue();
    return true;
  }
  if (auto dim = dyn_cast<AffineDimExpr>(expression)) {
    steps[dim.getPosition()] += factor;
    return true;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expression);
  if (!binary)
    return false;
  if (binary.getKind() == AffineExprKind::Add)
    return addLinear(binary.getLHS(), factor, base, steps) && addLinear(binary.getRHS(), factor, base, steps);
  auto constant = dyn_cast<AffineConstantExpr>(binary.getRHS());
  return binary.getKind() == AffineExprKind::Mul && constant &&
         addLinear(binary.getLHS(), factor * constant.getValue(), base, steps);
}

LogicalResult LinalgRun::bind() {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  for (auto [i, operand] : llvm::enumerate(op->getOpOperands())) {
    Access access;
    access.map = maps[i];
    access.isScalar = !isa<ShapedType>(operand.get().getType());
    access.scalar = call.operands[i].scalar;
    access.tensor = std::move(call.operands[i].tensor);
    if (isa<MemRefType>(operand.get().getType()))
      return op.emitOpError("works on buffers; the interpreter runs the stages before bufferize");
    if (access.map.getNumSymbols())
      return op.emitOpError("has an indexing map with symbols");
    accesses.push_back(std::move(access));
  }
  for (OpOperand &output : op.getDpsInitsMutable()) {
    Access &access = accesses[output.getOperandNumber()];
    if (!(access.writable = access.tensor.mutableBytes()))
      return op.emitOpError("finds no memory for ") << access.tensor.typeText();
  }
  return success();
}

/// Extents of the loops, from the operands that are indexed by one loop alone.
LogicalResult LinalgRun::findExtents() {
  extents.assign(op.getNumLoops(), -1);
  SmallVector<int64_t> from(extents.size(), -1);
  for (auto [i, access] : llvm::enumerate(accesses)) {
    if (access.isScalar)
      continue;
    for (auto [d, result] : llvm::enumerate(access.map.getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(result);
      if (!dim)
        continue;
      int64_t &extent = extents[dim.getPosition()], got = access.tensor.shape()[d];
      if (extent >= 0 && extent != got)
        return op.emitOpError("loop ") << dim.getPosition() << " has extent " << extent << " by operand #"
                                       << from[dim.getPosition()] << " and " << got << " by operand #" << i;
      extent = got;
      from[dim.getPosition()] = i;
    }
  }
  if (auto *unknown = llvm::find(extents, -1); unknown != extents.end())
    return op.emitOpError("has no operand that gives the extent of loop ") << unknown - extents.begin();
  return success();
}

LogicalResult LinalgRun::checkAccess(Access &access, size_t number) {
  SmallVector<int64_t> strides = stridesOf(access.tensor.shape());
  access.steps.assign(extents.size(), 0);
  for (auto [d, result] : llvm::enumerate(access.map.getResults())) {
    int64_t base = 0;
    SmallVector<int64_t> steps(extents.size(), 0);
    access.isLinear &= addLinear(result, 1, base, steps);
    if (!access.isLinear)
      return success(); // checked element by element
    int64_t least = base, greatest = base;
    for (auto [step, extent] : llvm::zip_equal(steps, extents))
      (step < 0 ? least : greatest) += step * (extent - 1);
    if (least < 0 || greatest >= access.tensor.shape()[d])
      return op.emitOpError("reaches elements ")
             << least << " to " << greatest << " of dimension " << d << " of operand #" << number << ", which has "
             << access.tensor.shape()[d];
    access.base += base * strides[d];
    for (auto [total, step] : llvm::zip_equal(access.steps, steps))
      total += step * strides[d];
  }
  return success();
}

LogicalResult LinalgRun::checkAccesses() {
  if (llvm::is_contained(extents, 0))
    return success();
  for (auto [i, access] : llvm::enumerate(accesses))
    if (!access.isScalar && failed(checkAccess(access, i)))
      return failure();
  return success();
}

LogicalResult LinalgRun::position(Access &access, ArrayRef<int64_t> at) {
  SmallVector<int64_t, 6> element;
  for (AffineExpr result : access.map.getResults())
    element.push_back(evaluate(result, at, {}).value_or(-1));
  std::optional<int64_t> position = linearPosition(element, access.tensor.shape());
  if (!position) {
    InFlightDiagnostic diag = op.emitOpError("reaches element [");
    llvm::interleaveComma(element, diag);
    return diag << "] of " << access.tensor.typeText();
  }
  access.position = *position;
  return success();
}

LogicalResult LinalgRun::loop() {
  FailureOr<Program> program = frame.compile(*op.getBlock());
  if (failed(program))
    return failure();
  size_t inputs = op.getNumDpsInputs();
  SmallVector<bool> used;
  for (Value argument : op.getBlock()->getArguments())
    used.push_back(!argument.use_empty());
  for (Access &access : accesses)
    access.position = access.base;
  SmallVector<int64_t> last(extents.size(), 0);
  return forEachIndex(extents, [&](ArrayRef<int64_t> at) -> LogicalResult {
    for (auto [i, access] : llvm::enumerate(accesses)) {
      if (access.isScalar) {
        program->setArgument(i, access.scalar);
        continue;
      }
      if (!access.isLinear) {
        if (failed(position(access, at)))
          return failure();
      } else {
        for (size_t d = 0; d < at.size(); ++d)
          access.position += (at[d] - last[d]) * access.steps[d];
      }
      if (used[i])
        program->setArgument(i, loadScalar(access.tensor.type(), access.tensor.bytes(), access.position));
    }
    last.assign(at.begin(), at.end());
    program->setPosition(at);
    if (failed(program->run()))
      return failure();
    for (size_t i = inputs; i < accesses.size(); ++i)
      storeScalar(accesses[i].tensor.type(), accesses[i].writable, accesses[i].position, program->result(i - inputs));
    return success();
  });
}

LogicalResult LinalgRun::finish() {
  for (size_t i = op.getNumDpsInputs(); i < accesses.size(); ++i)
    if (failed(call.yield(std::move(accesses[i].tensor))))
      return failure();
  return success();
}

LogicalResult interpreter::runLinalg(Frame &frame, OpCall &call) { return LinalgRun(frame, call).run(); }
