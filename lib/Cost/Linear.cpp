//===- Linear.cpp - estimated time of products with weights ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The constants are cycles on one core of a Zen 4 (EPYC, 3.5 GHz under load), fitted to what `nnopt-bench --isa=ISA --filter=linear-768-3072`
// measured, rounded against the sparse kernels. The row with fused products in vectors of 4 (NEON) is taken from that of 8, not measured.
//===----------------------------------------------------------------------===//

#include "nnopt/Cost/Linear.h"

#include "nnopt/Target/StraightLine.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace nnopt;

static constexpr double kCyclesPerMicrosecond = 3500;
// Bytes of a dense weight that are read per cycle: from the first-level cache, and from the second level or beyond.
static constexpr double kNearBytes = 55, kFarBytes = 28, kNearSize = 32 * 1024;
// Vectors of rows that share the load of a weight.
static constexpr int64_t kMostVectors = 4;
// What the second turn of a block takes besides its products, against the first.
static constexpr double kFurtherTurn = 0.9;
// Calls and loops of a sparse product of any size.
static constexpr double kCallCycles = 300;

namespace {
/// Rates of an instruction set. A step is one block times one vector of rows; beyond its products it takes the cycles given here, by
/// the vectors of rows that share its weights.
struct Rates {
  int lanes;
  bool fma;
  double products;       ///< vectors of products per cycle at best
  double list;           ///< to begin and end a list, per vector of sums
  double turn;           ///< to turn a vector of inputs or of sums, with its loads and stores
  double single[3];      ///< a step with a block of one output: 4, 2 or 3, and 1 vectors of rows
  double block;          ///< a step with a block of several outputs
  double unaligned;      ///< a step whose vector of inputs lies anywhere
};
constexpr Rates kRates[] = {
    {4, false, 1.3, 3.5, 3.0, {0.30, 1.00, 2.50}, 0.50, 0.1},
    {4, true, 2.0, 2.5, 3.5, {0.65, 1.15, 2.00}, 0.30, 0.3},
    {8, true, 2.0, 2.5, 3.5, {0.50, 0.65, 1.50}, 0.30, 0.3},
    {16, true, 1.0, 3.0, 5.0, {0.50, 1.10, 1.10}, 0.20, 0.6},
};

/// Cycles of a step along the outputs: of one block or slot at least, which its bytes take, and for each row of input; and of a panel of outputs
/// besides its steps.
struct PanelRates {
  int lanes;
  bool fma;
  double block, blockRow, slot, slotRow, panel;
};
constexpr PanelRates kPanelRates[] = {
    {4, false, 3.8, 4.1, 25, 25, 30},
    {4, true, 3.8, 3.0, 25, 25, 30},
    {8, true, 2.8, 1.2, 8.6, 4.8, 30},
    {16, true, 2.6, 1.2, 3.6, 2.0, 30},
};

const PanelRates &panelRatesOf(const Isa &isa) {
  for (const PanelRates &rates : kPanelRates)
    if (rates.lanes == isa.lanes && rates.fma == isa.fma)
      return rates;
  return kPanelRates[0];
}

const Rates &ratesOf(const Isa &isa) {
  for (const Rates &rates : kRates)
    if (rates.lanes == isa.lanes && rates.fma == isa.fma)
      return rates;
  return kRates[0];
}
} // namespace

int64_t nnopt::sparseTurnRows(const Isa &isa, int64_t blockRows) {
  int64_t rows = std::min<int64_t>(blockRows, isa.registers / 4);
  while (blockRows % rows != 0)
    --rows;
  return rows;
}

int64_t nnopt::sparseTileVectors(const Isa &isa, int64_t blockRows, int64_t strip) {
  int64_t scratch = llvm::alignTo(strip, isa.lanes);
  for (int64_t vectors = kMostVectors; vectors >= 1; vectors /= 2) {
    bool fitsRegisters = sparseTurnRows(isa, blockRows) * vectors + vectors + 1 <= isa.registers;
    if (fitsRegisters && scratch <= kSparseScratchBytes / 4 / (vectors * isa.lanes))
      return vectors;
  }
  return 0;
}

double nnopt::panelMicroseconds(const Isa &isa, const LinearSize &size, double blocks, bool hasWindow) {
  const PanelRates &rates = panelRatesOf(isa);
  double step = hasWindow ? std::max(rates.slot, rates.slotRow * size.rows) : std::max(rates.block, rates.blockRow * size.rows);
  double panels = std::ceil(static_cast<double>(size.outputs) / kPanelRows) * rates.panel;
  return (blocks * step + panels + kCallCycles) / kCyclesPerMicrosecond;
}

double nnopt::denseMicroseconds(const Isa &isa, const LinearSize &size) {
  double elements = static_cast<double>(size.outputs) * size.depth, bytes = 4 * elements;
  double products = size.rows * elements / isa.lanes / ratesOf(isa).products;
  return std::max(products, bytes / (bytes <= kNearSize ? kNearBytes : kFarBytes)) / kCyclesPerMicrosecond;
}

// A product of 16-bit integers sums two numbers per lane of 32 bits, but needs a sum of its own.
double nnopt::integerGain(const Isa &isa) { return isa.fma && isa.lanes > 4 ? 1.7 : 1; }

double nnopt::sparseMicroseconds(const Isa &isa, const LinearSize &size, const SparseSize &sparse) {
  const Rates &rates = ratesOf(isa);
  double vectors = llvm::divideCeil(std::max<int64_t>(1, size.rows), isa.lanes);
  int64_t tile = std::min<int64_t>(vectors, sparseTileVectors(isa, sparse.blockRows, sparse.strip));
  if (tile == 0)
    return std::numeric_limits<double>::infinity();
  // A turn after the first finds the blocks near.
  double turns = static_cast<double>(sparse.blockRows) / sparseTurnRows(isa, sparse.blockRows), further = kFurtherTurn * (turns - 1);
  double beyond = sparse.blockRows > 1 ? (1 + further) * rates.block : rates.single[tile >= 4 ? 0 : tile >= 2 ? 1 : 2];
  double step = sparse.blockRows / rates.products + beyond;
  double lists = static_cast<double>(sparse.lists) * sparse.blockRows * rates.list;
  double turned = (static_cast<double>(size.depth) + size.outputs) * rates.turn;
  return (vectors * (sparse.blocks * step + lists + turned) + kCallCycles) / kCyclesPerMicrosecond;
}

double nnopt::planesMicroseconds(const Isa &isa, const LinearSize &size, const PlanesSize &planes, const SparseSize &sparse) {
  const Rates &rates = ratesOf(isa);
  double vectors = planes.positions / isa.lanes;
  // Most taps read across the lines of the cache.
  double step = sparse.blockRows / rates.products + (sparse.blockRows > 1 ? rates.block : rates.single[0]) + rates.unaligned;
  double lists = static_cast<double>(sparse.lists) * sparse.blockRows * rates.list, turns = static_cast<double>(size.outputs) * rates.turn;
  return (vectors * (sparse.blocks * step + lists + turns) + planes.elements / isa.lanes * rates.turn + kCallCycles) / kCyclesPerMicrosecond;
}

//===----------------------------------------------------------------------===//
// Straight-line code
//===----------------------------------------------------------------------===//

// Cycles of a product; of a vector of inputs, which one group of outputs loads: a load takes a unit as long as two products of other ports, more as
// less of the tile stays in the first-level cache; and of the end of a function for a tile, which stores its sums. Fitted to single outputs in
// 384->384, 768->3072 and 1024->256, 16 and 128 rows: 50 to 95 % zeros within 15 %, with fewer zeros rather too slow than too fast.
static constexpr double kStraightProduct = 1.08, kStraightLoads = 0.5, kStraightInput = 1.1, kStraightFarInput = 1.3, kStraightEnd = 60;
static constexpr double kNearTile = 24 * 1024, kFarTile = 64 * 1024;
// Most taps of a convolution read across the lines of the cache: fitted to the 3x3 layers of ResNet-50, 80 to 95 % zeros, within 13 %.
static constexpr double kUnalignedInput = 1.6;
// What a call reads first comes from far if all code and weights are large: cycles of a product, and of a group; and of a group if they are near.
// What is beyond a part of the last cache, which others use too, comes from memory: 768->3072, 16 rows, 10 and 50 % zeros, takes 2.1 and 1.2 to
// 1.5 cycles a product.
static constexpr double kFarProduct = 0.08, kFarGroup = 350, kNearGroup = 50, kMemoryProduct = 1;
static constexpr double kCodeBytes = 14, kNearCode = 512 * 1024, kFarCode = 8 * 1024 * 1024;
// Tiles of a call, as emitSparseStraight cuts them.
static constexpr double kCallTiles = 8;

/// Cycles of `tiles` vectors of rows, without their turning. An input lies anywhere if `unaligned` cycles are added for it.
static double straightCycles(const LinearSize &size, double tiles, double products, double tileBytes, double unaligned) {
  double groups = std::ceil(static_cast<double>(size.outputs) / kStraightSums), density = products / (static_cast<double>(size.outputs) * size.depth);
  double inputs = groups * size.depth * (1 - std::pow(1 - density, size.outputs / groups));
  double far = std::clamp((tileBytes - kNearTile) / (kFarTile - kNearTile), 0.0, 1.0);
  double functions = groups * std::ceil(std::max(1.0, products / groups / kStraightProducts));
  double loads = kStraightLoads * products + (kStraightInput + kStraightFarInput * far + unaligned) * inputs;
  double steady = std::max(kStraightProduct * products, loads) + functions * kStraightEnd;
  bool isNear = products * kCodeBytes <= kNearCode;
  double first = isNear ? groups * kNearGroup : products * kFarProduct + groups * kFarGroup;
  first += std::max(0.0, products - kFarCode / kCodeBytes) * kMemoryProduct;
  return tiles * steady + std::ceil(tiles / kCallTiles) * first;
}

double nnopt::straightMicroseconds(const Isa &isa, const LinearSize &size, double products) {
  if (!hasStraightLine(isa))
    return std::numeric_limits<double>::infinity();
  double tiles = llvm::divideCeil(std::max<int64_t>(1, size.rows), isa.lanes), turns = (static_cast<double>(size.depth) + size.outputs) * ratesOf(isa).turn;
  double cycles = straightCycles(size, tiles, products, 4.0 * isa.lanes * size.depth, /*unaligned=*/0) + tiles * turns;
  return (cycles + kCallCycles) / kCyclesPerMicrosecond;
}

double nnopt::straightPlanesMicroseconds(const Isa &isa, const LinearSize &size, const PlanesSize &planes, double products) {
  if (!hasStraightLine(isa))
    return std::numeric_limits<double>::infinity();
  double tiles = std::ceil(planes.positions / isa.lanes);
  // Taps next to each other share the lines of the cache: as few are far as of a short tile.
  double cycles = straightCycles(size, tiles, products, /*tileBytes=*/0, kUnalignedInput) + tiles * size.outputs * ratesOf(isa).turn;
  return (cycles + planes.elements / isa.lanes * ratesOf(isa).turn + kCallCycles) / kCyclesPerMicrosecond;
}
