//===- Nest.cpp - loops of elementwise ops and reductions -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Nest.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace nnopt;

Value NestAccess::at(KernelBuilder &k, ArrayRef<Value> steps) const {
  if (isScalar)
    return pointer;
  Value offset = k.index(0);
  for (auto [step, stride] : llvm::zip(steps, strides))
    offset = k.add(offset, k.mul(step, stride));
  return k.at(pointer, element, offset);
}

static MemRefType bufferType(Value value) { return dyn_cast<MemRefType>(value.getType()); }

static int64_t staticStride(MemRefType type, int64_t dim) { return type.getStridesAndOffset().first[dim]; }

/// True if a step along `outer` is as long as all steps along `inner`, where `outer` < `inner`.
static bool isContiguous(MemRefType type, int64_t outer, int64_t inner) {
  if (type.getLayout().isIdentity()) {
    ArrayRef<int64_t> between = type.getShape().slice(outer + 1, inner - outer - 1);
    return llvm::all_of(between, [](int64_t extent) { return extent == 1; });
  }
  int64_t outerStride = staticStride(type, outer), innerStride = staticStride(type, inner);
  return !ShapedType::isDynamic(outerStride) && !ShapedType::isDynamic(innerStride) && !type.isDynamicDim(inner) &&
         outerStride == innerStride * type.getDimSize(inner);
}

LogicalResult Nest::addOperand(Value value, AffineMap map) {
  Operand operand{value, SmallVector<int64_t>(map.getNumDims(), -1), {}};
  if (MemRefType type = bufferType(value)) {
    if (map.getNumResults() != static_cast<unsigned>(type.getRank()))
      return failure();
    for (auto [dim, result] : llvm::enumerate(map.getResults())) {
      if (auto constant = dyn_cast<AffineConstantExpr>(result)) {
        operand.fixed.push_back({dim, constant.getValue()});
        continue;
      }
      auto loop = dyn_cast<AffineDimExpr>(result);
      if (!loop || operand.dims[loop.getPosition()] != -1)
        return failure();
      operand.dims[loop.getPosition()] = dim;
    }
  } else if (!value.getType().isSignlessIntOrFloat()) {
    return failure();
  }
  operands.push_back(std::move(operand));
  return success();
}

int64_t Nest::staticExtent(unsigned loop) const {
  for (const Operand &operand : operands)
    if (int64_t dim = operand.dims[loop]; dim >= 0 && !bufferType(operand.value).isDynamicDim(dim))
      return bufferType(operand.value).getDimSize(dim);
  return ShapedType::kDynamic;
}

bool Nest::join(unsigned outer, unsigned inner) const {
  return llvm::all_of(operands, [&](const Operand &operand) {
    int64_t outerDim = operand.dims[outer], innerDim = operand.dims[inner];
    if (outerDim < 0 || innerDim < 0)
      return outerDim == innerDim;
    return outerDim < innerDim && isContiguous(bufferType(operand.value), outerDim, innerDim);
  });
}

void Nest::addAxes(ArrayRef<unsigned> loops) {
  bool isFirst = true;
  for (unsigned loop : loops) {
    if (staticExtent(loop) == 1)
      continue;
    if (!isFirst && join(axes.back().back(), loop))
      axes.back().push_back(loop);
    else
      axes.push_back({loop});
    isFirst = false;
  }
}

FailureOr<Nest> Nest::of(Operation *operation) {
  auto op = dyn_cast<linalg::LinalgOp>(operation);
  if (!op || op->getNumResults() != 0 || op.getNumDpsInits() == 0 || op->getNumRegions() != 1)
    return failure();
  Nest nest;
  nest.outputs = op.getNumDpsInits();
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  for (auto [operand, map] : llvm::zip(op->getOperands(), maps))
    if (failed(nest.addOperand(operand, map)))
      return failure();
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  // Outputs are walked in memory order; loops of the result that the first output lacks do not exist.
  SmallVector<unsigned> parallel, reduction;
  auto addLoops = [&](AffineMap map, utils::IteratorType type, SmallVector<unsigned> &loops) {
    for (AffineExpr result : map.getResults())
      if (auto dim = dyn_cast<AffineDimExpr>(result))
        if (iterators[dim.getPosition()] == type && !llvm::is_contained(loops, dim.getPosition()))
          loops.push_back(dim.getPosition());
  };
  addLoops(maps[op.getNumDpsInputs()], utils::IteratorType::parallel, parallel);
  for (AffineMap map : maps)
    addLoops(map, utils::IteratorType::reduction, reduction);
  if (parallel.size() + reduction.size() != iterators.size())
    return failure();
  nest.addAxes(parallel);
  nest.parallel = nest.size();
  nest.addAxes(reduction);
  return nest;
}

Nest Nest::ofCopy(Value source, Value target) {
  Nest nest;
  unsigned rank = bufferType(source).getRank();
  AffineMap identity = AffineMap::getMultiDimIdentityMap(rank, source.getContext());
  (void)nest.addOperand(source, identity);
  (void)nest.addOperand(target, identity);
  nest.addAxes(llvm::to_vector(llvm::seq<unsigned>(0, rank)));
  nest.parallel = nest.size();
  return nest;
}

Type Nest::element(unsigned operand) const {
  return withoutSign(getElementTypeOrSelf(operands[operand].value.getType()));
}

bool Nest::isScalar(unsigned operand) const { return !bufferType(operands[operand].value); }

Motion Nest::motion(unsigned operand, unsigned axis) const {
  int64_t d = dim(operand, axis);
  if (d < 0)
    return Motion::absent;
  return staticStride(bufferType(operands[operand].value), d) == 1 ? Motion::unit : Motion::strided;
}

SmallVector<Value> Nest::extents(KernelBuilder &k) const {
  SmallVector<Value> result;
  for (ArrayRef<unsigned> loops : axes) {
    Value extent = k.index(1);
    for (unsigned loop : loops) {
      int64_t known = staticExtent(loop);
      const Operand *walker = llvm::find_if(operands, [&](const Operand &operand) { return operand.dims[loop] >= 0; });
      extent = k.mul(extent, ShapedType::isDynamic(known)
                                 ? Value(memref::DimOp::create(k.b, k.loc, walker->value, walker->dims[loop]))
                                 : k.index(known));
    }
    result.push_back(extent);
  }
  return result;
}

SmallVector<NestAccess> Nest::accesses(KernelBuilder &k) const {
  SmallVector<NestAccess> result;
  for (auto [i, operand] : llvm::enumerate(operands)) {
    NestAccess access;
    access.element = element(i);
    access.isScalar = isScalar(i);
    access.strides.assign(size(), k.index(0));
    access.pointer = operand.value;
    if (!access.isScalar) {
      Buffer buffer = k.buffer(operand.value);
      SmallVector<Value> origin(buffer.rank(), k.index(0));
      for (auto [d, position] : operand.fixed)
        origin[d] = k.index(position);
      access.pointer = k.at(buffer, origin);
      for (unsigned axis = 0; axis < size(); ++axis)
        if (int64_t d = dim(i, axis); d >= 0)
          access.strides[axis] = buffer.strides[d];
    }
    result.push_back(std::move(access));
  }
  return result;
}
