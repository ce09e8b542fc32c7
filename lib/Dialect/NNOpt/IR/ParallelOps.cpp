//===- ParallelOps.cpp - work split over threads --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "OpSupport.h"

using namespace mlir;
using namespace nnopt;

LogicalResult ParallelForOp::verify() {
  Block &block = getBody().front();
  if (block.getNumArguments() != 2 ||
      !llvm::all_of(block.getArgumentTypes(), [](Type type) { return isa<IndexType>(type); }))
    return emitOpError("expects two arguments of type index, the begin and the end of a range");
  return success();
}
