//===- SparseTensorOps.cpp - values that are sparse at run time -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "OpSupport.h"
#include "nnopt/Dialect/NNOpt/IR/SparseLevels.h"

#include "mlir/Dialect/SparseTensor/IR/SparseTensorType.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::detail;

MutableOperandRange SparseComputeOp::getDpsInitsMutable() { return getInitMutable(); }

LogicalResult SparseComputeOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(dimsOf(builder, getLoc(), getInit()));
  return success();
}

LogicalResult SparseComputeOp::inferReturnTypes(MLIRContext *, std::optional<Location>, ValueRange operands, DictionaryAttr, OpaqueProperties,
                                                RegionRange, SmallVectorImpl<Type> &types) {
  types.push_back(operands.back().getType()); // init
  return success();
}

/// True if `argument` is `operand`'s type, or, on buffers, that of a buffer of its shape.
static bool fits(Type argument, Type operand) {
  auto tensor = dyn_cast<RankedTensorType>(operand);
  auto buffer = dyn_cast<MemRefType>(argument);
  if (!tensor || !buffer)
    return argument == operand;
  return buffer.getShape() == tensor.getShape() && buffer.getElementType() == tensor.getElementType();
}

LogicalResult SparseComputeOp::verify() {
  Block &block = getBody().front();
  if (block.getNumArguments() != getNumOperands()) // c1
    return emitOpError("expects a body with ") << getNumOperands() << " arguments, got " << block.getNumArguments();
  for (auto [i, argument, operand] : llvm::enumerate(block.getArgumentTypes(), getOperandTypes()))
    if (!fits(argument, operand))
      return emitOpError("expects argument ") << i << " of its body to be a " << operand << " or a buffer of its shape, got " << argument;
  if (isa<RankedTensorType>(block.getArguments().back().getType())) { // c2
    auto yield = block.empty() ? YieldOp() : dyn_cast<YieldOp>(block.back());
    if (!yield || yield.getValue().getType() != getResult().getType())
      return emitOpError("expects a body that ends in nnopt.yield of a ") << getResult().getType();
  }
  for (auto assemble : block.getOps<sparse_tensor::AssembleOp>()) // c3
    if (!llvm::all_of(assemble->getOperands(), [](Value value) { return isa<BlockArgument>(value); }))
      return assemble.emitOpError("expects arguments of the body around it as operands");
  return success();
}

//===----------------------------------------------------------------------===//
// Levels
//===----------------------------------------------------------------------===//

std::optional<SmallVector<SparseLevel>> nnopt::sparseLevels(sparse_tensor::AssembleOp op) {
  sparse_tensor::SparseTensorType type(cast<RankedTensorType>(op.getResult().getType()));
  if (!type.hasStaticDimShape() || !levelsToDims(type.getEncoding()))
    return std::nullopt;
  int64_t rank = type.getLvlRank(), listStart = type.getAoSCOOStart(); // from here on all coordinates are in one buffer
  SmallVector<int64_t> shape = type.getLvlShape();
  SmallVector<SparseLevel> levels;
  unsigned next = 0;
  for (int64_t l = 0; l < rank; ++l) {
    SparseLevel level{SparseLevel::Kind::Dense, shape[l], type.isOrderedLvl(l), type.isUniqueLvl(l)};
    if (type.isCompressedLvl(l))
      level.kind = SparseLevel::Kind::Compressed;
    else if (type.isSingletonLvl(l))
      level.kind = SparseLevel::Kind::Singleton;
    else if (!type.isDenseLvl(l))
      return std::nullopt;
    if (type.isWithPos(l))
      level.positions = next++;
    if (l > listStart) {
      level.coordinates = levels.back().coordinates;
    } else if (type.isWithCrd(l)) {
      level.coordinates = next++;
    }
    if (l >= listStart) {
      level.stride = rank - listStart;
      level.offset = l - listStart;
    }
    levels.push_back(level);
  }
  return levels;
}

AffineMap nnopt::levelsToDims(sparse_tensor::SparseTensorEncodingAttr encoding) {
  MLIRContext *context = encoding.getContext();
  AffineMap toLevels = encoding.getDimToLvl();
  if (!toLevels)
    return AffineMap::getMultiDimIdentityMap(encoding.getLvlRank(), context);
  SmallVector<AffineExpr> blocks(toLevels.getNumDims()), rests(toLevels.getNumDims()), dims;
  for (auto [l, expression] : llvm::enumerate(toLevels.getResults())) {
    AffineExpr level = getAffineDimExpr(l, context);
    auto binary = dyn_cast<AffineBinaryOpExpr>(expression);
    auto dim = dyn_cast<AffineDimExpr>(binary ? binary.getLHS() : expression);
    if (!dim || (binary && expression.getKind() != AffineExprKind::FloorDiv && expression.getKind() != AffineExprKind::Mod))
      return {};
    bool isRest = binary && expression.getKind() == AffineExprKind::Mod;
    AffineExpr &place = (isRest ? rests : blocks)[dim.getPosition()];
    if (place)
      return {};
    place = binary && !isRest ? level * binary.getRHS() : level;
  }
  for (auto [block, rest] : llvm::zip_equal(blocks, rests)) {
    if (!block)
      return {};
    dims.push_back(rest ? block + rest : block);
  }
  return AffineMap::get(toLevels.getNumResults(), 0, dims, context);
}

size_t nnopt::countChain(ArrayRef<SparseLevel> levels, size_t first) {
  size_t last = first + 1;
  while (last < levels.size() && levels[last].kind == SparseLevel::Kind::Singleton)
    ++last;
  return last - first;
}

bool nnopt::isSparse(Type type) { return static_cast<bool>(sparse_tensor::getSparseTensorEncoding(type)); }

RankedTensorType nnopt::withoutEncoding(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return RankedTensorType::get(tensor.getShape(), tensor.getElementType());
}
