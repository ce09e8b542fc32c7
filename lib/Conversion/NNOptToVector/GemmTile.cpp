//===- GemmTile.cpp - the choice of a register tile -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The model counts cycles per step of the reduction on a core that does two vector FMAs and two loads in a cycle, with an FMA latency of
// four cycles. It only has to rank tiles.
//===----------------------------------------------------------------------===//

#include "Gemm.h"

using namespace nnopt;

static constexpr double kFmasPerCycle = 2, kLoadsPerCycle = 2, kFmaLatency = 4;
static constexpr int64_t kMaxVectors = 4;
// Cores that execute a vector of more lanes in two halves take half the time for one of so many; the others lose nothing.
static constexpr int64_t kNarrowLanes = 8;
// Rows whose distance is a multiple of this share one set of the first-level cache, which has 8 to 12 ways.
static constexpr int64_t kAliasingBytes = 4096, kAliasingRows = 8;

static bool fitsRegisters(const Isa &isa, int64_t rows, int64_t vectors) {
  return rows * vectors + vectors + 1 <= isa.registers;
}

/// `vectors`: of columns; a narrow one counts half.
static double cyclesPerStep(int64_t rows, double vectors) {
  double fmas = rows * vectors / kFmasPerCycle;
  double loads = (rows + vectors) / kLoadsPerCycle;
  // Short tiles keep several sets of sums, so the latency does not bound them fully.
  double latency = rows * vectors >= kFmaLatency * kFmasPerCycle ? 0 : kFmaLatency / 2;
  // B comes from the second level once per tile, A from the first.
  return std::max({fmas, loads, latency}) + 0.25 * vectors + 0.05 * rows + 0.5;
}

int64_t nnopt::narrowestVector(const Isa &isa, int64_t columns) {
  return columns <= kNarrowLanes ? std::min<int64_t>(isa.lanes, kNarrowLanes) : isa.lanes;
}

GemmTile nnopt::tileOf(const Isa &isa, int64_t rows, int64_t columns) {
  int64_t vectors = llvm::divideCeil(columns, isa.lanes);
  return {rows, vectors, narrowestVector(isa, columns - (vectors - 1) * isa.lanes)};
}

/// Cycles for `count` rows (or columns) cut into tiles of `size`: whole tiles and one rest.
template <typename Cost>
static double cut(std::optional<int64_t> count, int64_t size, Cost cost) {
  if (!count)
    return cost(size) / size;
  double rest = *count % size != 0 ? cost(*count % size) : 0;
  return ((*count / size) * cost(size) + rest) / std::max<int64_t>(*count, 1);
}

GemmTile nnopt::chooseGemmTile(const Isa &isa, std::optional<int64_t> rows, std::optional<int64_t> columns,
                               std::optional<int64_t> rowStride, bool packed) {
  int64_t panelVectors = std::max<int64_t>(1, kPanel / isa.lanes);
  bool aliasing = rowStride && *rowStride != 0 && *rowStride * 4 % kAliasingBytes == 0;
  GemmTile best = tileOf(isa, 1, (packed ? panelVectors : 1) * isa.lanes);
  double bestCost = std::numeric_limits<double>::infinity();
  int64_t step = packed ? panelVectors : 1;
  for (int64_t vectors = step; vectors <= std::max(kMaxVectors, panelVectors); vectors += step)
    for (int64_t size = 1; size <= (aliasing ? kAliasingRows : isa.registers); ++size) {
      if (!fitsRegisters(isa, size, vectors) || (rows && size > std::max<int64_t>(1, *rows)))
        continue;
      // A varying number of rows ends in tiles of 4, 2 and 1 (and 8): multiples of 2 waste least.
      if (!rows && size % 2 != 0)
        continue;
      auto overColumns = [&](int64_t tileRows) {
        return cut(columns, vectors * isa.lanes, [&](int64_t tileColumns) {
          GemmTile tile = tileOf(isa, tileRows, tileColumns);
          return cyclesPerStep(tileRows, tile.vectors - 1 + static_cast<double>(tile.lastWidth) / isa.lanes);
        });
      };
      double cost = cut(rows, size, overColumns);
      if (cost < bestCost)
        bestCost = cost, best = tileOf(isa, size, vectors * isa.lanes);
    }
  return best;
}
