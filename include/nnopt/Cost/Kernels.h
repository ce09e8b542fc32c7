//===- Kernels.h - kernels for constant weights, and their times *- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A table has one row per kernel. What chooses how a weight is stored (nnopt-sparsify), which weights get zeros (nnopt-prune-auto), how channels are
// ordered (nnopt-permute-weights) and which kernel runs reads these rows, so that all choices agree.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_COST_KERNELS_H
#define NNOPT_COST_KERNELS_H

#include "nnopt/Cost/Linear.h"

#include "llvm/ADT/SmallVector.h"

#include <optional>

namespace nnopt {

/// A layer with a constant weight as kernels see it. Of a convolution, rows are the positions of its result, and depth counts channels times taps.
struct LayerSize {
  LinearSize product;
  int64_t taps = 1, stride = 1;
  /// Of a convolution over planes: positions computed, with those between two lines; elements of the planes; pieces that sums are cut in. 0 if
  /// not known.
  double positions = 0, planeElements = 0, chunks = 0;
};

/// The zeros of a weight, seen in blocks of `rows` consecutive outputs at one element of the sum: so many blocks are not all zero. With a window
/// of several elements these are slots (`#nnopt.permute_pack`).
struct BlockCount {
  int64_t rows;
  double count;
  int64_t window = 1;
};

/// Where `nnopt-sparsify` cuts a weight stored in blocks of `blockRows` outputs (`#nnopt.sparse_pack`) for so many rows.
struct SparseCut {
  int64_t strip, chunk;
};
SparseCut sparseCut(const LinearSize &product, int64_t blockRows);

/// One kernel.
struct KernelRow {
  llvm::StringLiteral name;
  bool isDense;
  /// Estimated microseconds on one core; infinity for what the kernel does not take. Dense kernels do not look at the blocks.
  double (*microseconds)(const Isa &isa, const LayerSize &layer, const BlockCount &blocks);
};
llvm::ArrayRef<KernelRow> kernelRows();

/// A kernel and its time; without a kernel the time is infinite.
struct KernelTime {
  const KernelRow *kernel = nullptr;
  double microseconds = 0;
};
KernelTime bestDense(const Isa &isa, const LayerSize &layer);
/// For a weight that is stored in such blocks.
KernelTime bestSparse(const Isa &isa, const LayerSize &layer, const BlockCount &blocks);

/// Is `kernel` the row of bestSparse? Where several kernels take an op, this chooses.
bool isFastestSparse(llvm::StringRef kernel, const Isa &isa, const LayerSize &layer, const BlockCount &blocks);

/// A way to store a weight, with the times on the instruction set where it gains least.
struct FormChoice {
  BlockCount blocks{0, 0};
  const Isa *isa = nullptr;
  KernelTime sparse, dense;
  double ratio() const { return sparse.microseconds / dense.microseconds; }
  bool gains() const { return isa && ratio() < 1; }
};
/// Of `forms`, the one with the least time against dense on the instruction set where it gains least.
FormChoice chooseForm(llvm::ArrayRef<const Isa *> isas, const LayerSize &layer, llvm::ArrayRef<BlockCount> forms);

/// The fewest rows from which on a weight stored in such blocks is faster than dense with any number of rows, or nothing.
std::optional<int64_t> breakEvenRows(llvm::ArrayRef<const Isa *> isas, LayerSize layer, const BlockCount &blocks);

/// The blocks of all sizes that kernels know, as expected of a weight of which `density` is kept in blocks of `rows` outputs, chosen anyhow.
llvm::SmallVector<BlockCount> expectedBlocks(const LinearSize &product, int64_t rows, double density);

} // namespace nnopt

#endif // NNOPT_COST_KERNELS_H
