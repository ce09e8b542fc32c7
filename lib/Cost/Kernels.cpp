//===- Kernels.cpp - kernels for constant weights, and their times --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Cost/Kernels.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <limits>

using namespace llvm;
using namespace nnopt;

static constexpr double kNever = std::numeric_limits<double>::infinity();

// Strips and chunks are filled up to whole vectors of the widest instruction set.
static constexpr int64_t kUnit = 16;
// A block of several outputs reads an input vector once for all of them, so all of a sum can be done at once. Single outputs need most of the
// chunk of the tiles in the first-level cache, and long strips to pay for fetching it, whose sums are 32 KiB; but a short chunk has short
// lists, each of which costs a misprediction. 768->3072 at 90 % zeros, 128 rows, chunks of 192, 384, 768: 1.00, 1.10, 1.14 ms on AVX-512,
// 1.12, 1.17, 1.30 ms on AVX2. Up to 32 rows a chunk of 384 lies in the cache. Long strips also let rows of the result be written in long runs
// (emitFinish): 4x1 blocks at 95 % zeros, strips of 16 and 128: 414, 379 us on AVX2.
static constexpr int64_t kChunk = 192, kChunkOfFewRows = 384, kFewRows = 32, kStrip = 128;

// Elements of a sum whose planes, for 64 positions of a 3x3 filter, are in the first-level cache.
static constexpr int64_t kPlaneChunk = 256;

// The kernels hold the sums of a block in registers.
static constexpr int64_t kBlockRows[] = {1, 4, 8};

/// `count` cut into equal pieces of `size` at most, in multiples of `unit`.
static int64_t evenPiece(int64_t count, int64_t size, int64_t unit) {
  int64_t pieces = divideCeil(count, size);
  return alignTo(divideCeil(count, pieces), unit);
}

SparseCut nnopt::sparseCut(const LinearSize &product, int64_t blockRows) {
  int64_t strip = evenPiece(product.outputs, kStrip, kUnit);
  if (blockRows > 1)
    return {blockRows < kPanelRows ? strip : kPanelRows, product.depth};
  int64_t chunk = product.rows <= kFewRows ? kChunkOfFewRows : kChunk;
  return {strip, evenPiece(product.depth, chunk, 1)};
}

/// A convolution that is no product of rows.
static bool isOverPlanes(const LayerSize &layer) { return layer.taps != 1 || layer.stride != 1 || layer.positions != 0; }

static double denseTiles(const Isa &isa, const LayerSize &layer, const BlockCount &) { return denseMicroseconds(isa, layer.product); }

static double sparseLoop(const Isa &isa, const LayerSize &layer, const BlockCount &blocks) {
  if (isOverPlanes(layer))
    return kNever;
  const LinearSize &size = layer.product;
  SparseCut cut = sparseCut(size, blocks.rows);
  int64_t strips = divideCeil(size.outputs, cut.strip), chunks = divideCeil(size.depth, cut.chunk);
  int64_t lists = strips * chunks * (cut.strip / blocks.rows);
  return sparseMicroseconds(isa, size, {blocks.rows, std::llround(blocks.count), lists, cut.strip});
}

static double sparseRows(const Isa &isa, const LayerSize &layer, const BlockCount &blocks) {
  return blocks.rows == 1 ? sparseLoop(isa, layer, blocks) : kNever;
}

static double sparseBlocks(const Isa &isa, const LayerSize &layer, const BlockCount &blocks) {
  return blocks.rows > 1 && is_contained(kBlockRows, blocks.rows) ? sparseLoop(isa, layer, blocks) : kNever;
}

static double sparsePanels(const Isa &isa, const LayerSize &layer, const BlockCount &blocks) {
  if (blocks.rows != kPanelRows || isOverPlanes(layer) || layer.product.rows > kMostPanelInputs)
    return kNever;
  return panelMicroseconds(isa, layer.product, blocks.count, blocks.window > 1);
}

static PlanesSize planesOf(const LayerSize &layer) {
  const LinearSize &size = layer.product;
  // Where the image is not known, a quarter more: lines are about as much longer than those of the result.
  double positions = layer.positions > 0 ? layer.positions : 1.25 * size.rows;
  return {positions, layer.planeElements > 0 ? layer.planeElements : positions * layer.stride * layer.stride * size.depth / layer.taps};
}

static double sparsePlanes(const Isa &isa, const LayerSize &layer, const BlockCount &blocks) {
  if (!isOverPlanes(layer) || !is_contained(kBlockRows, blocks.rows))
    return kNever;
  const LinearSize &size = layer.product;
  int64_t chunks = layer.chunks > 0 ? std::llround(layer.chunks) : divideCeil(size.depth, kPlaneChunk);
  int64_t lists = chunks * static_cast<int64_t>(divideCeil(size.outputs, blocks.rows));
  return planesMicroseconds(isa, size, planesOf(layer), {blocks.rows, std::llround(blocks.count), lists, 0});
}

static double sparseStraight(const Isa &isa, const LayerSize &layer, const BlockCount &blocks) {
  return blocks.rows == 1 && !isOverPlanes(layer) ? straightMicroseconds(isa, layer.product, blocks.count) : kNever;
}

static double straightPlanes(const Isa &isa, const LayerSize &layer, const BlockCount &blocks) {
  return blocks.rows == 1 && isOverPlanes(layer) ? straightPlanesMicroseconds(isa, layer.product, planesOf(layer), blocks.count) : kNever;
}

static constexpr KernelRow kRows[] = {
    {"dense-tiles", true, denseTiles},
    {"sparse-rows", false, sparseRows},
    {"sparse-blocks", false, sparseBlocks},
    {"sparse-panels", false, sparsePanels},
    {"sparse-planes", false, sparsePlanes},
    {"sparse-straight", false, sparseStraight},
    {"sparse-planes-straight", false, straightPlanes},
};

ArrayRef<KernelRow> nnopt::kernelRows() { return kRows; }

static KernelTime best(const Isa &isa, const LayerSize &layer, const BlockCount &blocks, bool isDense) {
  KernelTime best{nullptr, kNever};
  for (const KernelRow &row : kRows) {
    double microseconds = row.isDense == isDense ? row.microseconds(isa, layer, blocks) : kNever;
    if (microseconds < best.microseconds)
      best = {&row, microseconds};
  }
  return best;
}

KernelTime nnopt::bestDense(const Isa &isa, const LayerSize &layer) { return best(isa, layer, {1, 0}, /*isDense=*/true); }

KernelTime nnopt::bestSparse(const Isa &isa, const LayerSize &layer, const BlockCount &blocks) {
  return best(isa, layer, blocks, /*isDense=*/false);
}

bool nnopt::isFastestSparse(StringRef kernel, const Isa &isa, const LayerSize &layer, const BlockCount &blocks) {
  KernelTime best = bestSparse(isa, layer, blocks);
  return best.kernel && best.kernel->name == kernel;
}

/// The times of one form where it gains least.
static FormChoice worstOf(ArrayRef<const Isa *> isas, const LayerSize &layer, const BlockCount &blocks) {
  FormChoice worst;
  for (const Isa *isa : isas) {
    FormChoice here{blocks, isa, bestSparse(*isa, layer, blocks), bestDense(*isa, layer)};
    if (!worst.isa || here.ratio() > worst.ratio())
      worst = here;
  }
  return worst;
}

FormChoice nnopt::chooseForm(ArrayRef<const Isa *> isas, const LayerSize &layer, ArrayRef<BlockCount> forms) {
  FormChoice best;
  for (const BlockCount &blocks : forms) {
    FormChoice worst = worstOf(isas, layer, blocks);
    if (!best.isa || worst.ratio() < best.ratio())
      best = worst;
  }
  return best;
}

std::optional<int64_t> nnopt::breakEvenRows(ArrayRef<const Isa *> isas, LayerSize layer, const BlockCount &blocks) {
  // Beyond, both times grow with the rows: what a call costs once no longer counts, nor what part of a tile is empty.
  constexpr int64_t kMany = 512;
  int64_t least = kMany;
  for (; least >= 1; --least) {
    layer.product.rows = least;
    if (!worstOf(isas, layer, blocks).gains())
      break;
  }
  return least == kMany ? std::nullopt : std::optional(least + 1);
}

SmallVector<BlockCount> nnopt::expectedBlocks(const LinearSize &product, int64_t rows, double density) {
  SmallVector<BlockCount> forms;
  for (int64_t seen : kBlockRows) {
    // A block that is seen covers so many blocks that were kept or not.
    double covered = static_cast<double>(divideCeil(seen, rows)), kept = 1 - std::pow(1 - density, covered);
    forms.push_back({seen, kept * divideCeil(product.outputs, seen) * product.depth});
  }
  if (product.rows <= kMostPanelInputs) {
    double panels = divideCeil(product.outputs, kPanelRows), lanes = static_cast<double>(divideCeil(kPanelRows, rows));
    forms.push_back({kPanelRows, panels * product.depth * (1 - std::pow(1 - density, lanes))});
    // An output gives an element per slot until the windows of the panel's outputs have drifted apart. Counted on weights with zeros in no order,
    // the slots beyond are within a tenth of this from 2 % density on.
    double drift = 0.1 * (1 - density) * std::min(1.0, 1.25 * std::pow(density, 0.22));
    forms.push_back({kPanelRows, panels * product.depth * (density + drift), kPanelWindow});
  }
  return forms;
}
