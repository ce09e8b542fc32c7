//===- PrunableLayers.cpp - weights that may get zeros --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "PrunableLayers.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

#include "llvm/Support/GlobPattern.h"

#include <cmath>

using namespace mlir;
using namespace nnopt;

static ArrayRef<int64_t> shapeOf(Value value) { return cast<ShapedType>(value.getType()).getShape(); }

/// Matrices stored one after the other; [outputs, inputs], or [inputs, outputs] if `inputsFirst`.
static WeightLayout matrixLayout(ArrayRef<int64_t> shape, bool inputsFirst) {
  WeightLayout layout;
  int64_t rows = shape.end()[-2], columns = shape.back();
  layout.taps = ShapedType::getNumElements(shape.drop_back(2)), layout.tapStride = rows * columns;
  layout.outputs = inputsFirst ? columns : rows, layout.inputs = inputsFirst ? rows : columns;
  layout.outputStride = inputsFirst ? 1 : columns, layout.inputStride = inputsFirst ? columns : 1;
  return layout;
}

/// A filter [leading, other, kernel...] whose groups part the leading dimension, which counts outputs, or inputs if it is transposed.
static WeightLayout filterLayout(ArrayRef<int64_t> shape, int64_t groups, bool isTransposed) {
  WeightLayout layout;
  ArrayRef<int64_t> kernel = shape.drop_front(2);
  layout.groups = groups, layout.taps = ShapedType::getNumElements(kernel), layout.tapStride = 1;
  int64_t leading = shape[0] / groups, leadingStride = shape[1] * layout.taps;
  layout.groupStride = leading * leadingStride;
  layout.outputs = isTransposed ? shape[1] : leading, layout.inputs = isTransposed ? leading : shape[1];
  layout.outputStride = isTransposed ? layout.taps : leadingStride, layout.inputStride = isTransposed ? leadingStride : layout.taps;
  for (int64_t extent : kernel)
    layout.kernelExtents += extent;
  return layout;
}

std::pair<Value, WeightLayout> nnopt::weightOf(Operation *op) {
  if (auto linear = dyn_cast<LinearOp>(op); linear && !linear.getPack())
    return {linear.getWeight(), matrixLayout(shapeOf(linear.getWeight()), linear.getWeightKn())};
  if (auto conv = dyn_cast<ConvOp>(op); conv && !conv.getPack())
    return {conv.getWeight(), filterLayout(shapeOf(conv.getWeight()), conv.getGroups(), /*isTransposed=*/false)};
  if (auto conv = dyn_cast<ConvTransposeOp>(op))
    return {conv.getWeight(), filterLayout(shapeOf(conv.getWeight()), conv.getGroups(), /*isTransposed=*/true)};
  auto matmul = dyn_cast<MatmulOp>(op);
  if (!matmul)
    return {};
  bool isRight = matchPattern(matmul.getRhs(), m_Constant());
  Value weight = isRight ? matmul.getRhs() : matmul.getLhs();
  if (shapeOf(weight).size() < 2)
    return {};
  return {weight, matrixLayout(shapeOf(weight), isRight ? !matmul.getTransposeRhs() : matmul.getTransposeLhs())};
}

SmallVector<WeightLayer> nnopt::findLayers(func::FuncOp function) {
  SmallVector<WeightLayer> layers;
  llvm::DenseMap<Value, size_t> known;
  function.walk([&](Operation *op) {
    auto [weight, layout] = weightOf(op);
    if (!weight || !matchPattern(weight, m_Constant()))
      return;
    auto [entry, isNew] = known.try_emplace(weight, layers.size());
    if (isNew)
      layers.push_back({weight, {}, layout});
    WeightLayer &layer = layers[entry->second];
    layer.users.push_back(op);
    layer.sameLayout &= layer.layout == layout;
  });
  return layers;
}

/// Changes elements one by one, or only where they are.
static bool isPointwise(Operation *op) {
  if (auto structured = dyn_cast<linalg::LinalgOp>(op))
    return structured.getNumParallelLoops() == structured.getNumLoops();
  return isa<ActivationOp, QuantizeOp, DequantizeOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp,
             tensor::ReshapeOp>(op);
}

bool nnopt::comesFromInput(Value value) {
  llvm::SmallDenseSet<Value> seen;
  SmallVector<Value> work{value};
  while (!work.empty()) {
    Value next = work.pop_back_val();
    if (!seen.insert(next).second)
      continue;
    Operation *op = next.getDefiningOp();
    if (!op && isa<func::FuncOp>(next.getParentBlock()->getParentOp()))
      return true;
    if (op && (isPointwise(op) || isa<tensor::PadOp>(op)))
      llvm::append_range(work, op->getOperands());
  }
  return false;
}

bool nnopt::reachesOutput(Operation *op) {
  llvm::SmallDenseSet<Operation *> seen;
  SmallVector<Operation *> work{op};
  while (!work.empty()) {
    for (Operation *user : work.pop_back_val()->getUsers()) {
      if (isa<func::ReturnOp>(user))
        return true;
      if ((isPointwise(user) || isa<SoftmaxOp>(user)) && seen.insert(user).second)
        work.push_back(user);
    }
  }
  return false;
}

SmallVector<StringRef> nnopt::namesOf(Value weight, ArrayRef<Operation *> users) {
  SmallVector<StringRef> names;
  if (StringAttr name = weightNameOf(weight))
    names.push_back(name);
  for (Operation *user : users)
    user->getLoc()->walk([&](Location loc) {
      if (auto name = dyn_cast<NameLoc>(loc))
        names.push_back(name.getName());
      return WalkResult::advance();
    });
  return names;
}

StringRef nnopt::layerName(Location loc) {
  StringRef found;
  loc->walk([&](Location inner) {
    auto name = dyn_cast<NameLoc>(inner);
    if (!name)
      return WalkResult::advance();
    found = name.getName();
    return WalkResult::interrupt();
  });
  return found;
}

bool nnopt::matchesAny(ArrayRef<StringRef> names, ArrayRef<std::string> patterns) {
  return llvm::any_of(patterns, [&](const std::string &pattern) {
    llvm::Expected<llvm::GlobPattern> glob = llvm::GlobPattern::create(pattern);
    if (!glob) {
      llvm::consumeError(glob.takeError()); // checked before
      return false;
    }
    return llvm::any_of(names, [&](StringRef name) { return glob->match(name); });
  });
}

llvm::Error nnopt::checkNamePatterns(ArrayRef<std::string> exclude, ArrayRef<std::string> only) {
  for (ArrayRef<std::string> names : {exclude, only})
    for (const std::string &name : names)
      if (llvm::Expected<llvm::GlobPattern> glob = llvm::GlobPattern::create(name); !glob)
        return llvm::createStringError("'" + name + "' is no name pattern: " + llvm::toString(glob.takeError()));
  return llvm::Error::success();
}

void nnopt::warnOfUnknownNames(func::FuncOp function, ArrayRef<WeightLayer> layers, ArrayRef<std::string> exclude,
                               ArrayRef<std::string> only) {
  for (const std::string &name : llvm::concat<const std::string>(exclude, only))
    if (llvm::none_of(layers, [&](const WeightLayer &layer) { return matchesAny(namesOf(layer.weight, layer.users), name); }))
      function.emitWarning("no layer with a constant weight is called '") << name << "'";
}

LogicalResult nnopt::checkNumbers(Operation *user, Value weight, const ConstantData &data) {
  for (int64_t i = 0; i < data.size(); ++i) {
    if (!std::isnan(data.at(i)))
      continue;
    InFlightDiagnostic diag = emitError(user->getLoc()) << "cannot be pruned: its weight ";
    if (StringAttr name = weightNameOf(weight))
      diag << "'" << name.getValue() << "' ";
    return diag << "of " << data.type << " has a NaN at element " << i;
  }
  return success();
}
