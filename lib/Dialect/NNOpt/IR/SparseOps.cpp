//===- SparseOps.cpp - products with pruned weights -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "OpSupport.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::detail;

NNOPT_STRUCTURED_OP_METHODS(TileRowsOp)
NNOPT_STRUCTURED_OP_METHODS(SparseLinearOp)

/// Tiles that hold all rows, if their number is static.
static int64_t tilesOf(ArrayRef<int64_t> rows) {
  int64_t count = 1;
  for (int64_t extent : rows)
    if (ShapedType::isDynamic(extent) || llvm::MulOverflow(count, extent, count))
      return ShapedType::kDynamic;
  return llvm::divideCeilSigned(count, TileRowsOp::kRows);
}

//===----------------------------------------------------------------------===//
// TileRowsOp
//===----------------------------------------------------------------------===//

LogicalResult TileRowsOp::verify() {
  if (shapeOf(getInput()).empty()) // c1
    return emitOpError("expects an input of rank 1 or more, got 0");
  return success();
}

SmallVector<int64_t> TileRowsOp::tiledShape(ArrayRef<int64_t> input) { return {tilesOf(input.drop_back()), input.back(), kRows}; }

SmallVector<int64_t> TileRowsOp::inferStaticShape() { return tiledShape(shapeOf(getInput())); }

SmallVector<OpFoldResult> TileRowsOp::inferResultShape(OpBuilder &builder) {
  SmallVector<OpFoldResult> input = dimsOf(builder, getLoc(), getInput());
  AffineExpr rows = builder.getAffineConstantExpr(1);
  for (unsigned d = 0; d + 1 < input.size(); ++d)
    rows = rows * builder.getAffineSymbolExpr(d);
  AffineMap tiles = AffineMap::get(0, input.size() - 1, rows.ceilDiv(kRows));
  return {affine::makeComposedFoldedAffineApply(builder, getLoc(), tiles, ArrayRef(input).drop_back()), input.back(),
          builder.getIndexAttr(kRows)};
}

//===----------------------------------------------------------------------===//
// SparseLinearOp
//===----------------------------------------------------------------------===//

/// The tensor or buffer whose type says what the rows are.
static Value rowsOf(SparseLinearOp op) {
  if (!op.getTiled())
    return op.getInput();
  return op.getInit() ? op.getInit() : op.getResult();
}

static LogicalResult verifyInput(SparseLinearOp op) {
  ArrayRef<int64_t> input = shapeOf(op.getInput());
  int64_t depth = op.getPack().getDepth();
  if (!op.getTiled()) {
    if (input.empty())
      return op.emitOpError("expects an input of rank 1 or more, got 0");
    if (!compatible(input.back(), depth)) // c1
      return op.emitOpError("expects ") << depth << " input features (the weight's), got " << input.back();
    if (!op.getRowExtents().empty()) // c5
      return op.emitOpError("has ") << op.getRowExtents().size() << " extents of rows, but its input is not tiled";
    return success();
  }
  if (input.size() != 3 || !compatible(input[1], depth) || !compatible(input[2], TileRowsOp::kRows)) // c1
    return op.emitOpError("expects an input of tiles x ") << depth << " x " << TileRowsOp::kRows << ", got type " << op.getInput().getType();
  Value rowsValue = rowsOf(op);
  ArrayRef<int64_t> shape = rowsValue ? shapeOf(rowsValue) : ArrayRef<int64_t>();
  if (shape.empty())
    return op.emitOpError("expects a result of rank 1 or more, got ") << shape.size();
  ArrayRef<int64_t> rows = shape.drop_back();
  if (int64_t tiles = tilesOf(rows); !compatible(tiles, input[0])) // c5
    return op.emitOpError("expects ") << tiles << " tiles of rows, got " << input[0];
  int64_t dynamic = llvm::count_if(rows, ShapedType::isDynamic);
  if (op.getResult() && dynamic != static_cast<int64_t>(op.getRowExtents().size()))
    return op.emitOpError("expects ") << dynamic << " extents of rows, got " << op.getRowExtents().size();
  return success();
}

LogicalResult SparseLinearOp::verify() {
  SparsePackAttr pack = getPack();
  if (failed(verifyInput(*this)))
    return failure();
  if (failed(verifySparsePack(*this, getValues(), getColumns(), getStarts(), pack))) // c2
    return failure();
  if (failed(verifyBias(*this, getBias(), pack.getOutputs()))) // c3
    return failure();
  return verifyEpilogue(*this, getEpilogue(), getEpilogueOperands(), getEpilogueMaps(), shapeOf(rowsOf(*this)).size()); // c4
}

SmallVector<int64_t> SparseLinearOp::inferStaticShape() {
  SmallVector<int64_t> shape(shapeOf(rowsOf(*this)));
  shape.back() = getPack().getOutputs();
  return shape;
}

SmallVector<OpFoldResult> SparseLinearOp::inferResultShape(OpBuilder &builder) {
  SmallVector<OpFoldResult> shape;
  if (getTiled())
    shape = getMixedValues(shapeOf(rowsOf(*this)), getRowExtents(), builder);
  else
    shape = dimsOf(builder, getLoc(), getInput());
  shape.back() = builder.getIndexAttr(getPack().getOutputs());
  return shape;
}
