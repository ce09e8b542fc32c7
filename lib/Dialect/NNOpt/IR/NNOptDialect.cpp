//===- NNOptDialect.cpp - registration of the nnopt dialect ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Dialect/NNOpt/IR/SparsityPattern.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nnopt;

#include "nnopt/Dialect/NNOpt/IR/NNOptDialect.cpp.inc"
#include "nnopt/Dialect/NNOpt/IR/NNOptEnums.cpp.inc"
#include "nnopt/Dialect/NNOpt/IR/NNOptInterfaces.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "nnopt/Dialect/NNOpt/IR/NNOptAttrs.cpp.inc"

void NNOptDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "nnopt/Dialect/NNOpt/IR/NNOptOps.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "nnopt/Dialect/NNOpt/IR/NNOptAttrs.cpp.inc"
      >();
}

LogicalResult PackAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, int64_t outputs, int64_t depth,
                               int64_t panel, int64_t inner, ArrayRef<int64_t> kernel) {
  if (outputs < 1) // c1
    return emitError() << "expects outputs of at least 1, got " << outputs;
  if (depth < 1)
    return emitError() << "expects a depth of at least 1, got " << depth;
  if (panel < 0)
    return emitError() << "expects a panel of at least 0, got " << panel;
  int64_t padded, elements;
  if (llvm::AddOverflow(outputs, panel, padded) || llvm::MulOverflow(padded, depth, elements))
    return emitError() << "counts more elements than an index can: " << outputs << " outputs of depth " << depth;
  int64_t taps = 1;
  for (int64_t extent : kernel) {
    if (extent < 1)
      return emitError() << "expects kernel extents of at least 1, got " << extent;
    if (llvm::MulOverflow(taps, extent, taps))
      taps = 0;
  }
  if (taps == 0 || depth % taps != 0) // c2
    return emitError() << "expects a depth that is a multiple of the kernel's " << taps << " taps, got " << depth;
  if (inner < 1 || depth / taps % inner != 0 || (panel == 0 && inner != 1)) // c3
    return emitError() << "cannot store " << inner << " elements next to each other of a depth of " << depth << ", panels of " << panel << " and " << taps
                       << " taps";
  return success();
}

LogicalResult SparsePackAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, int64_t outputs, int64_t depth,
                                     int64_t rows, int64_t strip, int64_t chunk) {
  for (auto [name, value] : {std::pair("outputs", outputs), {"depth", depth}, {"rows", rows}, {"strip", strip}, {"chunk", chunk}})
    if (value < 1) // c1
      return emitError() << "expects " << name << " of at least 1, got " << value;
  if (strip % rows != 0)
    return emitError() << "expects a strip that is a multiple of the " << rows << " rows of a block, got " << strip;
  int64_t lists = (outputs - 1) / strip + 1;
  if (llvm::MulOverflow(lists, (depth - 1) / chunk + 1, lists) || llvm::MulOverflow(lists, strip / rows, lists) ||
      lists >= std::numeric_limits<int32_t>::max())
    return emitError() << "has more lists of blocks than an i32 can count: " << outputs << " outputs of depth " << depth;
  return success();
}

LogicalResult PermutePackAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, int64_t outputs, int64_t depth,
                                      int64_t rows, int64_t window) {
  for (auto [name, value] : {std::pair("outputs", outputs), {"depth", depth}, {"rows", rows}, {"window", window}})
    if (value < 1) // c1
      return emitError() << "expects " << name << " of at least 1, got " << value;
  int64_t most = std::min<int64_t>(depth, std::numeric_limits<int8_t>::max() + 1);
  if (window > most) // c2
    return emitError() << "expects a window of at most " << most << " elements, got " << window;
  return success();
}

LogicalResult SparsityAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, SparsityOrigin, StringRef pattern,
                                   int64_t zeros) {
  llvm::Expected<SparsityPattern> parsed = SparsityPattern::parse(pattern);
  if (!parsed) // c1
    return emitError() << llvm::toString(parsed.takeError());
  if (zeros < 0) // c2
    return emitError() << "expects at least 0 zeros, got " << zeros;
  return success();
}

Operation *NNOptDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type, Location loc) {
  if (auto elements = dyn_cast<ElementsAttr>(value); elements && isa<RankedTensorType>(type))
    return WeightOp::create(builder, loc, type, /*sym_name=*/StringAttr(), elements);
  return arith::ConstantOp::materialize(builder, value, type, loc);
}
