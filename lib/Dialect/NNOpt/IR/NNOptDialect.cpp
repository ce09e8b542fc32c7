//===- NNOptDialect.cpp - registration of the nnopt dialect ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

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

Operation *NNOptDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type, Location loc) {
  if (auto elements = dyn_cast<ElementsAttr>(value); elements && isa<RankedTensorType>(type))
    return WeightOp::create(builder, loc, type, /*sym_name=*/StringAttr(), elements);
  return arith::ConstantOp::materialize(builder, value, type, loc);
}
