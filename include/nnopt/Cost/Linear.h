//===- Linear.h - estimated time of products with weights -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_COST_LINEAR_H
#define NNOPT_COST_LINEAR_H

#include "nnopt/Target/Isa.h"

namespace nnopt {

/// `rows` inputs times a weight of `outputs` sums of `depth` products.
struct LinearSize {
  int64_t rows, outputs, depth;
};

/// How a pruned weight is stored: `blocks` blocks of `blockRows` outputs in `lists` lists, in strips of `strip` outputs (`#nnopt.sparse_pack`).
struct SparseSize {
  int64_t blockRows, blocks, lists, strip;
};

/// Bytes of sums that a work item of a sparse product may have: they lie on the stack.
inline constexpr int64_t kSparseScratchBytes = 32 * 1024;

/// Outputs of a block whose sums are in registers at once: blocks of 8 take two turns where there are but 16 registers, so that
/// two vectors of rows share a weight.
int64_t sparseTurnRows(const Isa &isa, int64_t blockRows);

/// Vectors of rows in a work item of a sparse product: as many as registers and the sums allow, 4 at most; 0 if there is no such item.
int64_t sparseTileVectors(const Isa &isa, int64_t blockRows, int64_t strip);

/// Estimated microseconds on one core. A dense product is taken at its best, a sparse one as measured, so that what is chosen by
/// comparing them is not slower than dense.
double denseMicroseconds(const Isa &isa, const LinearSize &size);
/// Elements of a sum of 8-bit integers that kernels read at once, next to each other in packed weights.
inline constexpr int64_t kIntegerRun = 4;
/// How many dense products of 8-bit integers take as long as one of f32.
double integerGain(const Isa &isa);
double sparseMicroseconds(const Isa &isa, const LinearSize &size, const SparseSize &sparse);

/// With single outputs as straight-line code (StraightLine.h); infinity if the instruction set has none.
double straightMicroseconds(const Isa &isa, const LinearSize &size, double products);

/// Outputs of a block or slot of weights that are multiplied along the outputs, and the rows of input up to which that is chosen.
inline constexpr int64_t kPanelRows = 16, kMostPanelInputs = 15;
/// Elements of the window that a slot reads through: a vector of the widest instruction set.
inline constexpr int64_t kPanelWindow = 16;

/// The time of a product with so many blocks of `kPanelRows` outputs, or slots that read through windows.
double panelMicroseconds(const Isa &isa, const LinearSize &size, double blocks, bool hasWindow);

/// What a convolution over planes goes through besides: positions that are computed, and elements of planes.
struct PlanesSize {
  double positions, elements;
};
/// Of a convolution over planes, with the making of the planes; the strip does not count.
double planesMicroseconds(const Isa &isa, const LinearSize &size, const PlanesSize &planes, const SparseSize &sparse);
double straightPlanesMicroseconds(const Isa &isa, const LinearSize &size, const PlanesSize &planes, double products);

} // namespace nnopt

#endif // NNOPT_COST_LINEAR_H
