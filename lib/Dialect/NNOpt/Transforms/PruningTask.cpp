//===- PruningTask.cpp - one weight under pruning -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "PruningTask.h"

#include "nnopt/Support/HostTensor.h"

#include <cmath>

using namespace mlir;
using namespace nnopt;

std::string nnopt::shortText(double number) { return llvm::formatv("{0}", llvm::format("%g", number)).str(); }

static double impliedSparsity(const SparsityPattern &pattern) { return 1 - static_cast<double>(pattern.kept) / pattern.group; }

llvm::Error nnopt::checkSparsity(double sparsity, const SparsityPattern &pattern) {
  bool isGiven = sparsity != -1;
  if (isGiven && !(sparsity >= 0 && sparsity <= 1))
    return llvm::createStringError("expects a sparsity of 0 to 1, got " + shortText(sparsity));
  if (pattern.kind != SparsityPattern::NM)
    return isGiven ? llvm::Error::success() : llvm::createStringError("expects a sparsity for pattern '" + pattern.str() + "'");
  double implied = impliedSparsity(pattern);
  if (isGiven && std::abs(sparsity - implied) > 1e-6)
    return llvm::createStringError("pattern '" + pattern.str() + "' makes a sparsity of " + shortText(implied) + ", got " + shortText(sparsity));
  return llvm::Error::success();
}

std::string LayerFilter::whyNot(const WeightLayer &layer, const std::optional<ConstantData> &data) const {
  SmallVector<StringRef> names = namesOf(layer.weight, layer.users);
  if (matchesAny(names, exclude) || (!only.empty() && !matchesAny(names, only)))
    return "left dense by its name";
  if (!isa<FloatType>(getElementTypeOrSelf(layer.weight.getType())))
    return llvm::formatv("the weight is {0}, no float", getElementTypeOrSelf(layer.weight.getType())).str();
  if (!data)
    return "the bytes of the weight are not here";
  if (layer.layout.size() == 0)
    return "the weight is empty";
  if (!llvm::all_of(layer.weight.getUsers(), [&](Operation *user) { return llvm::is_contained(layer.users, user); }))
    return "something that is no product reads the weight";
  if (!layer.sameLayout && pattern.kind != SparsityPattern::Unstructured)
    return "products read the weight in different layouts";
  for (Operation *user : layer.users)
    if (const char *role = spared(user))
      return role;
  return tooSmall(layer.layout);
}

/// What is left dense because of its place in the model.
const char *LayerFilter::spared(Operation *user) const {
  auto conv = dyn_cast<ConvOp>(user);
  if (!depthwise && conv && conv.isDepthwise())
    return "a depthwise convolution";
  if (!first && conv && comesFromInput(conv.getInput()))
    return "a convolution that reads an input of the model";
  return !last && reachesOutput(user) ? "makes an output of the model" : nullptr;
}

std::string LayerFilter::tooSmall(const WeightLayout &layout) const {
  if (layout.outputs < pattern.rows || layout.inputs < pattern.columns)
    return llvm::formatv("blocks of {0} need {1} outputs and {2} inputs, it has {3} and {4}", pattern.str(), pattern.rows, pattern.columns,
                         layout.outputs, layout.inputs).str();
  if (layout.inputs < pattern.group)
    return llvm::formatv("{0} needs {1} inputs, it has {2}", pattern.str(), pattern.group, layout.inputs).str();
  return "";
}

FailureOr<SmallVector<PruningTask>> nnopt::collectTasks(func::FuncOp function, ArrayRef<WeightLayer> layers, const LayerFilter &filter,
                                                        const remark::RemarkOpts &remark) {
  warnOfUnknownNames(function, layers, filter.exclude, filter.only);
  SmallVector<PruningTask> tasks;
  for (const WeightLayer &layer : layers) {
    std::optional<ConstantData> data = ConstantData::of(layer.weight);
    if (std::string obstacle = filter.whyNot(layer, data); !obstacle.empty())
      remark::missed(layer.users.front()->getLoc(), remark) << remark::reason("{0}", obstacle);
    else if (failed(checkNumbers(layer.users.front(), layer.weight, *data)))
      return failure();
    else
      tasks.push_back({&layer, *data, std::vector<bool>(data->size())});
  }
  if (tasks.empty() && !layers.empty())
    function.emitWarning("nothing is pruned: none of ")
        << layers.size() << (layers.size() == 1 ? " layer" : " layers") << " with constant weights can be";
  return tasks;
}

void nnopt::setTargets(MutableArrayRef<PruningTask> tasks, const SparsityPattern &pattern, double sparsity) {
  double part = pattern.kind == SparsityPattern::NM ? impliedSparsity(pattern) : sparsity;
  for (PruningTask &task : tasks)
    task.target = std::llround(part * task.data.size());
}

static std::string percent(int64_t part, const PruningTask &task) {
  return llvm::formatv("{0:f2} %", 100.0 * part / task.data.size()).str();
}

/// The elements that pruning corrected, rounded to the type of the weight.
static WeightOp createCorrected(OpBuilder &b, const PruningTask &task) {
  Value old = task.layer->weight;
  return createWeight(b, old.getLoc(), weightNameOf(old), task.data.type, [&](MutableArrayRef<char> bytes) {
    ElementType type = *elementTypeOf(task.data.type.getElementType());
    for (int64_t i = 0; i < task.data.size(); ++i)
      storeElement(type, bytes.data(), i, task.removed[i] ? 0 : task.values[i]);
  });
}

void nnopt::replaceWeight(const PruningTask &task, const SparsityPattern &pattern, const remark::RemarkOpts &remark) {
  Value old = task.layer->weight;
  auto isRemoved = [&](int64_t i) { return task.removed[i]; };
  Location loc = task.layer->users.front()->getLoc();
  // What is corrected makes good for what goes: nothing of the one without the other.
  if (llvm::none_of(llvm::seq(task.data.size()), [&](int64_t i) { return isRemoved(i) && task.data.at(i) != 0; })) {
    remark::missed(loc, remark) << remark::reason("{0} of {1} weights are zero already, {2} were to be", countZeros(task.data), task.data.size(),
                                                  task.target);
    return;
  }
  OpBuilder b(old.getDefiningOp());
  WeightOp weight = task.values.empty() ? createZeroed(b, old, task.data, isRemoved) : createCorrected(b, task);
  int64_t zeros = replaceBySparse(old, weight, SparsityOrigin::pruned, pattern.str()).getZeros();
  remark::passed(loc, remark) << remark::add("{0}: {1} of {2} weights are zero ({3}), asked {4} ({5})", pattern.str(), zeros, task.data.size(),
                                             percent(zeros, task), task.target, percent(task.target, task));
}
