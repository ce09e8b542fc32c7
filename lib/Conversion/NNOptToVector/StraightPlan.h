//===- StraightPlan.h - sums of pruned weights as straight code -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Outputs are cut into strips, whose sums are finished together, and strips into groups whose sums fill the registers. A group's function
// (StraightLine.h) walks over the tiles of a work item. What has more products than the caches for instructions hold is cut along the sum: then all
// groups of a strip sum the first piece before they go on with the second, so that its inputs stay near.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_STRAIGHTPLAN_H
#define NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_STRAIGHTPLAN_H

#include "KernelBuilder.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"
#include "nnopt/Target/StraightLine.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace nnopt {

/// Rows of a tile: a vector.
inline constexpr int64_t kStraightRows = 16;

/// What the functions of a weight are.
struct StraightPlan {
  SparsePackAttr pack;
  int64_t strip; ///< outputs, a multiple of 16
  std::vector<StraightGroup> functions;
  std::vector<int32_t> firstSums;     ///< of each function: its first output in the strip
  std::vector<int32_t> firstFunctions; ///< of each strip, and the end

  /// `columnBytes`: from an element of the sum to the next in a tile. Nothing if the weight is not known.
  static std::optional<StraightPlan> of(const SparseConstants &weight, int64_t columnBytes, int64_t leastStrips);

  int64_t strips() const { return firstFunctions.size() - 1; }
};

/// Code, values and tables of a plan as constants of the module, and calls of its functions.
class StraightCalls {
public:
  /// `tileBytes`: from the inputs of a tile to those of the next; `tiles`: those of most calls. Fails if there is no code for the instruction set.
  static llvm::FailureOr<StraightCalls> create(KernelBuilder &k, const SparseConstants &weight, const StraightPlan &plan, int64_t tileBytes, int64_t tiles);

  /// Addresses, to be loaded once before the loops around the calls.
  void load();
  /// Sums one strip of `tiles` tiles at `x` to `sums`, `[tiles][strip][16]`.
  void emitStrip(mlir::Value strip, mlir::Value x, mlir::Value sums, mlir::Value tiles);

private:
  StraightCalls(KernelBuilder &k) : k(k) {}

  KernelBuilder &k;
  mlir::memref::GlobalOp code, values, table;
  /// Elements of the table where first values, first sums and the strips' first functions begin; entries come first.
  int64_t firstValues = 0, firstSums = 0, firstFunctions = 0;
  mlir::Value codeAddress, valuesAddress, tableAddress;

  mlir::Value address(mlir::memref::GlobalOp global);
  mlir::Value entry(int64_t first, mlir::Value i);
};

} // namespace nnopt

#endif // NNOPT_LIB_CONVERSION_NNOPTTOVECTOR_STRAIGHTPLAN_H
