//===- IntegerKernel.cpp - register tiles of 8-bit integers ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A step takes four elements of each sum. All sums are exact, so all instruction sets give the same.
//
// PairsTile: elements are widened to 16 bits, in which a product is exact, and two products are added to each 32-bit sum; an output's two sums
// meet at the end. BytesTile: |x| times w with the sign of x. Two such products are at most 2 * 128 * 127 = 32512, so 16 bits hold them if no w is
// -128, and the instruction for unsigned and signed bytes never saturates.
//===----------------------------------------------------------------------===//

#include "GemmTileEmitter.h"

#include "nnopt/Cost/Linear.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace nnopt;

// Sums of an output that the elements read at once go to.
static constexpr int64_t kSumsPerOutput = 2;

namespace {

class PairsTile : public GemmTileEmitter {
public:
  using GemmTileEmitter::GemmTileEmitter;

protected:
  int64_t elementsPerStep() const override { return kIntegerRun; }
  int64_t sumsPerVector() const override { return kSumsPerOutput; }

  void step(Value aPointer, Value depth, int64_t offset, MutableArrayRef<Value> sums) override {
    int64_t perRow = vectors * kSumsPerOutput;
    SmallVector<Value> quads;
    for (int64_t m = 0; m < rows; ++m) {
      Value quad = k.load(k.b.getI32Type(), k.at(aPointer, i8(), k.add(k.mul(k.index(m), aRow), k.index(offset))));
      Value splat = k.splat(quad, k.vectorType(k.b.getI32Type(), k.isa.lanes / 2));
      quads.push_back(widened(vector::BitCastOp::create(k.b, k.loc, bytes(), splat)));
    }
    Value from = k.at(b, i8(), k.mul(k.add(depth, k.index(offset)), k.index(kPanel)));
    for (int64_t part = 0; part < perRow; ++part) {
      int64_t panels = part * k.isa.lanes / kSumsPerOutput / kPanel, inPanel = part * 2 * k.isa.lanes % (kPanel * kIntegerRun);
      Value weights = widened(k.load(bytes(), k.at(from, i8(), k.add(k.mul(k.index(panels), panelStride), k.index(inPanel)))));
      for (int64_t m = 0; m < rows; ++m)
        sums[m * perRow + part] = arith::AddIOp::create(k.b, k.loc, sums[m * perRow + part], pairSums(quads[m], weights));
    }
  }

  Value total(ArrayRef<Value> parts) override {
    return arith::AddIOp::create(k.b, k.loc, everySecond(0, parts[0], parts[1]), everySecond(1, parts[0], parts[1]));
  }

private:
  Type i8() const { return k.b.getI8Type(); }
  /// As many elements as make a vector of 16 bits each.
  VectorType bytes() const { return k.vectorType(i8(), 2 * k.isa.lanes); }
  Value widened(Value value) { return arith::ExtSIOp::create(k.b, k.loc, k.vectorType(k.b.getI16Type(), 2 * k.isa.lanes), value); }

  /// As many elements as a vector of sums has, every second one from `first` on, of x and then of y.
  Value everySecond(int64_t first, Value x, Value y) {
    SmallVector<int64_t> lanes;
    for (int64_t lane = 0; lane < k.isa.lanes; ++lane)
      lanes.push_back(2 * lane + first);
    return vector::ShuffleOp::create(k.b, k.loc, x, y, lanes);
  }

  /// x[2i] * y[2i] + x[2i + 1] * y[2i + 1].
  Value pairSums(Value x, Value y) {
    VectorType sums = k.vectorType(k.b.getI32Type());
    if (!k.isa.pairSums.empty())
      return LLVM::CallIntrinsicOp::create(k.b, k.loc, sums, k.b.getStringAttr(k.isa.pairSums), ValueRange{x, y}).getResult(0);
    // Products of two numbers of 8 bits fit in 16.
    Value products = arith::MulIOp::create(k.b, k.loc, x, y);
    auto wide = [&](int64_t first) { return arith::ExtSIOp::create(k.b, k.loc, sums, everySecond(first, products, products)); };
    return arith::AddIOp::create(k.b, k.loc, wide(0), wide(1));
  }
};

class BytesTile : public GemmTileEmitter {
public:
  using GemmTileEmitter::GemmTileEmitter;

protected:
  int64_t elementsPerStep() const override { return kIntegerRun; }
  int64_t sumsPerVector() const override { return 1; }

  void step(Value aPointer, Value depth, int64_t offset, MutableArrayRef<Value> sums) override {
    Type i8 = k.b.getI8Type(), i16 = k.b.getI16Type(), i32 = k.b.getI32Type();
    VectorType bytes = k.vectorType(i8, kIntegerRun * k.isa.lanes), halves = k.vectorType(i16, 2 * k.isa.lanes), words = k.vectorType(i32);
    SmallVector<Value> quads, magnitudes;
    for (int64_t m = 0; m < rows; ++m) {
      Value quad = k.load(i32, k.at(aPointer, i8, k.add(k.mul(k.index(m), aRow), k.index(offset))));
      quads.push_back(vector::BitCastOp::create(k.b, k.loc, bytes, k.splat(quad, words)));
      magnitudes.push_back(math::AbsIOp::create(k.b, k.loc, quads.back()));
    }
    auto call = [&](VectorType type, StringRef name, Value x, Value y) {
      return LLVM::CallIntrinsicOp::create(k.b, k.loc, type, k.b.getStringAttr(name), ValueRange{x, y}).getResult(0);
    };
    Value ones = arith::ConstantOp::create(k.b, k.loc, DenseElementsAttr::get(halves, k.b.getI16IntegerAttr(1)));
    Value from = k.at(b, i8, k.mul(k.add(depth, k.index(offset)), k.index(kPanel)));
    for (int64_t v = 0; v < vectors; ++v) {
      int64_t column = v * k.isa.lanes;
      Value panel = k.mul(k.index(column / kPanel), panelStride);
      Value weights = k.load(bytes, k.at(from, i8, k.add(panel, k.index(column % kPanel * kIntegerRun))));
      for (int64_t m = 0; m < rows; ++m) {
        Value products = call(halves, k.isa.byteSums, magnitudes[m], call(bytes, k.isa.negate, weights, quads[m]));
        Value &sum = sums[m * vectors + v];
        sum = arith::AddIOp::create(k.b, k.loc, sum, call(words, k.isa.pairSums, products, ones));
      }
    }
  }

  Value total(ArrayRef<Value> parts) override { return parts.front(); }
};

// Instructions for the elements of a row, and for a sum, per step; registers besides sums, per row and at all.
struct TileCost {
  double row, sum;
  int64_t rowRegisters, registers;
};
constexpr TileCost kPairs = {2, 2, 1, 2}, kBytes = {2, 4, 2, 3};

} // namespace

static bool takesBytes(const Isa &isa, bool isNarrow) { return isNarrow && !isa.byteSums.empty(); }

std::unique_ptr<GemmTileEmitter> nnopt::createIntegerTile(KernelBuilder &k, const GemmProblem &problem, GemmTile tile) {
  if (takesBytes(k.isa, problem.isNarrow))
    return std::make_unique<BytesTile>(k, problem, tile);
  return std::make_unique<PairsTile>(k, problem, tile);
}

GemmTile nnopt::integerTileOf(const Isa &isa, int64_t rows, int64_t columns) { return {rows, llvm::divideCeilSigned(columns, isa.lanes), isa.lanes}; }

GemmTile nnopt::chooseIntegerTile(const Isa &isa, std::optional<int64_t> rows, bool isNarrow) {
  bool bytes = takesBytes(isa, isNarrow);
  TileCost costs = bytes ? kBytes : kPairs;
  int64_t panelVectors = std::max<int64_t>(1, kPanel / isa.lanes), sumsPerVector = bytes ? 1 : kSumsPerOutput;
  GemmTile best = integerTileOf(isa, 1, kPanel);
  double least = std::numeric_limits<double>::infinity();
  for (int64_t vectors = panelVectors; vectors <= 2 * panelVectors; vectors += panelVectors)
    for (int64_t size = 1; size <= isa.registers; ++size) {
      int64_t sums = size * vectors * sumsPerVector;
      if (sums + size * costs.rowRegisters + costs.registers > isa.registers || (rows && size > std::max<int64_t>(1, *rows)) ||
          (!rows && size % 2 != 0 && size != 1))
        continue;
      double cost = (costs.sum * sums + costs.row * size + vectors * sumsPerVector) / sums;
      if (cost < least)
        least = cost, best = integerTileOf(isa, size, vectors * isa.lanes);
    }
  return best;
}
