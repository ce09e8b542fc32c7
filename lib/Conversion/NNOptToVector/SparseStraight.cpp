//===- SparseStraight.cpp - products with pruned weights as straight code -===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Outputs are cut into groups whose sums fill the registers. A group's function (StraightLine.h) walks over the tiles of a work item and
// leaves their sums in scratch, from where the squares are turned back and finished; groups with more products than the instruction
// caches hold are cut along the sum. Work items are ranges of groups with equally many products, times blocks of tiles.
//===----------------------------------------------------------------------===//

#include "Products.h"
#include "Sparse.h"

#include "nnopt/Target/StraightLine.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace nnopt;

static constexpr int64_t kRows = TileRowsOp::kRows, kVectorBytes = kRows * sizeof(float);
// Bytes of a work item's tiles, which all groups read: half of a second-level cache; and tiles at least, to use code that was fetched.
static constexpr int64_t kSlabBytes = 512 * 1024, kLeastTiles = 4, kMostTiles = 16;
// Work items to have, so that threads get even shares.
static constexpr int64_t kItems = 8;

/// The bytes of a constant, or nothing if they are not known.
static std::optional<ArrayRef<char>> bytesOf(Value memref) {
  auto get = memref.getDefiningOp<memref::GetGlobalOp>();
  auto global = get ? SymbolTable::lookupNearestSymbolFrom<memref::GlobalOp>(get, get.getNameAttr()) : memref::GlobalOp();
  Attribute value = global ? global->getAttr(kValueAttr) : Attribute();
  if (auto resource = dyn_cast_or_null<DenseResourceElementsAttr>(value)) {
    const AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    return blob ? std::optional(blob->getData()) : std::nullopt;
  }
  auto dense = dyn_cast_or_null<DenseElementsAttr>(value);
  if (!dense || (dense.isSplat() && dense.getNumElements() != 1))
    return std::nullopt;
  return dense.getRawData();
}

template <typename T>
static T elementOf(ArrayRef<char> bytes, int64_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

namespace {

/// How the outputs are cut into groups, and the groups into functions.
struct StraightPlan {
  int64_t groups = 0, groupOutputs = 0;
  std::vector<StraightGroup> functions;
  std::vector<int32_t> firstFunction; ///< of each group, and the end
  std::vector<int64_t> products;      ///< of each group

  StraightPlan(SparsePackAttr pack, ArrayRef<char> values, ArrayRef<char> columns, ArrayRef<char> starts) {
    groups = llvm::divideCeil(pack.getOutputs(), kStraightSums);
    groupOutputs = llvm::divideCeil(pack.getOutputs(), groups);
    groups = llvm::divideCeil(pack.getOutputs(), groupOutputs);
    // Of each group, the products by element of the sum.
    std::vector<std::vector<StraightInput>> inputs(groups);
    for (std::vector<StraightInput> &group : inputs) {
      group.resize(pack.getDepth());
      for (auto [k, input] : llvm::enumerate(group))
        input.offset = k * kVectorBytes;
    }
    products.resize(groups);
    int64_t rows = pack.getRows();
    for (int64_t list = 0; list < pack.lists(); ++list)
      for (int32_t block = elementOf<int32_t>(starts, list), end = elementOf<int32_t>(starts, list + 1); block < end; ++block)
        for (int64_t row = 0; row < rows; ++row) {
          int64_t output = pack.firstOutput(list) + row, group = output / groupOutputs;
          float value = elementOf<float>(values, block * rows + row);
          if (output >= pack.getOutputs() || value == 0)
            continue;
          inputs[group][elementOf<int32_t>(columns, block)].products.push_back({static_cast<uint32_t>(output % groupOutputs), value});
          ++products[group];
        }
    for (int64_t group = 0; group < groups; ++group)
      addFunctions(inputs[group], products[group]);
    firstFunction.push_back(functions.size());
  }

  /// Begins of `parts` ranges of groups with about equally many products, and the end.
  std::vector<int32_t> split(int64_t parts) const {
    // A group also costs the finishing of its sums, as much as some products.
    constexpr int64_t kFinish = 150;
    int64_t total = 0, done = 0;
    for (int64_t count : products)
      total += count + kFinish;
    std::vector<int32_t> begins = {0};
    for (int64_t group = 0; group < groups; ++group) {
      done += products[group] + kFinish;
      while (static_cast<int64_t>(begins.size()) < parts && done * parts >= total * static_cast<int64_t>(begins.size()))
        begins.push_back(group + 1);
    }
    begins.resize(parts, groups);
    begins.push_back(groups);
    return begins;
  }

private:
  void addFunctions(std::vector<StraightInput> &inputs, int64_t count) {
    firstFunction.push_back(functions.size());
    int64_t pieces = std::max<int64_t>(1, llvm::divideCeil(count, kStraightProducts));
    StraightGroup function{static_cast<uint32_t>(groupOutputs), /*accumulates=*/false, {}};
    int64_t done = 0, piece = 1;
    for (StraightInput &input : inputs) {
      done += input.products.size();
      if (!input.products.empty())
        function.inputs.push_back(std::move(input));
      if (piece < pieces && done * pieces >= count * piece) {
        functions.push_back(std::move(function));
        function = {static_cast<uint32_t>(groupOutputs), /*accumulates=*/true, {}};
        ++piece;
      }
    }
    functions.push_back(std::move(function));
  }
};

/// The constants of the kernel: code, weights in the order of the code, and a table of functions.
struct StraightConstants {
  memref::GlobalOp code, values, table;
  /// Elements of the table where the functions' first values, the groups' first functions and the parts' first groups are; entries come first.
  int64_t firstValues = 0, firstFunctions = 0, parts = 0;
};

class StraightEmitter {
public:
  StraightEmitter(KernelBuilder &k, SparseLinearOp op, GemmProblem &problem, const StraightPlan &plan)
      : k(k), op(op), p(problem), plan(plan), pack(op.getPack()) {}

  LogicalResult emit() {
    joinRows(k, p);
    rowCount = k.product(p.rows);
    staticRows = k.constantOf(rowCount);
    int64_t depthBytes = pack.getDepth() * kVectorBytes;
    blockTiles = std::clamp(kSlabBytes / depthBytes, kLeastTiles, kMostTiles);
    int64_t blocks = 1;
    if (staticRows) {
      int64_t tiles = std::max<int64_t>(1, llvm::divideCeil(*staticRows, kRows));
      blocks = llvm::divideCeil(tiles, blockTiles);
      blockTiles = llvm::divideCeil(tiles, blocks);
    }
    parts = std::clamp<int64_t>(llvm::divideCeil(kItems, blocks), 1, plan.groups);
    if (failed(makeConstants()))
      return failure();
    Value tileCount = k.ceilDiv(rowCount, kRows);
    Value sizes[] = {k.ceilDiv(tileCount, blockTiles), k.index(parts)};
    x = k.buffer(op.getInput()).pointer;
    code = address(constants.code), values = address(constants.values), table = address(constants.table);
    k.parallel(k.product(sizes), [&](Value item) {
      SmallVector<Value> at = k.delinearize(item, sizes);
      Value tile = k.mul(at[0], k.index(blockTiles)), tiles = k.min(k.index(blockTiles), k.sub(tileCount, tile));
      sums = k.stackArray(k.b.getF32Type(), plan.groupOutputs * kRows * blockTiles);
      Value begin = entry(constants.parts, at[1]), end = entry(constants.parts, k.add(at[1], k.index(1)));
      emitGroups(tile, tiles, begin, end);
    });
    return success();
  }

private:
  KernelBuilder &k;
  SparseLinearOp op;
  GemmProblem &p;
  const StraightPlan &plan;
  SparsePackAttr pack;
  StraightConstants constants;
  Value rowCount, x, code, values, table, sums;
  std::optional<int64_t> staticRows;
  int64_t blockTiles = 0, parts = 0;

  LogicalResult makeConstants();
  memref::GlobalOp global(StringRef name, Type element, ArrayRef<char> bytes);

  Value address(memref::GlobalOp global) {
    return k.buffer(memref::GetGlobalOp::create(k.b, k.loc, global.getType(), global.getSymName())).pointer;
  }
  /// Element `first + i` of the table.
  Value entry(int64_t first, Value i) {
    Type i32 = k.b.getI32Type();
    return arith::IndexCastUIOp::create(k.b, k.loc, k.b.getIndexType(), k.load(i32, k.at(table, i32, k.add(k.index(first), i))));
  }

  void emitGroups(Value tile, Value tiles, Value begin, Value end) {
    int64_t whole = pack.getOutputs() / plan.groupOutputs, rest = pack.getOutputs() % plan.groupOutputs;
    k.loop(begin, k.min(end, k.index(whole)), 1,
           [&](Value group) { emitGroup(tile, tiles, group, k.index(plan.groupOutputs)); });
    if (rest != 0)
      k.when(k.less(k.index(whole), end), [&] { emitGroup(tile, tiles, k.index(whole), k.index(rest)); });
  }

  void emitGroup(Value tile, Value tiles, Value group, Value outputs) {
    Type f32 = k.b.getF32Type(), i64 = k.b.getI64Type(), pointer = LLVM::LLVMPointerType::get(k.b.getContext());
    auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(k.b.getContext()), {pointer, pointer, pointer, i64});
    Value from = k.at(x, f32, k.mul(tile, k.index(pack.getDepth() * kRows)));
    Value count = arith::IndexCastOp::create(k.b, k.loc, i64, tiles);
    k.loop(entry(constants.firstFunctions, group), entry(constants.firstFunctions, k.add(group, k.index(1))), 1, [&](Value function) {
      Value target = k.at(code, k.b.getI8Type(), entry(0, function));
      Value weights = k.at(values, f32, entry(constants.firstValues, function));
      LLVM::CallOp::create(k.b, k.loc, type, ValueRange{target, from, weights, sums, count});
    });
    Value column = k.mul(group, k.index(plan.groupOutputs));
    auto finish = [&](Value i, Value rows) {
      Value row = k.mul(k.add(tile, i), k.index(kRows));
      Value at = k.at(sums, f32, k.mul(i, k.index(plan.groupOutputs * kRows)));
      emitFinish(k, p, {1, kRows, rows}, finishOf(k, p, at, outputs, row, column));
    };
    // The tile that is not full is the last of all.
    Value full = k.min(tiles, k.sub(k.div(rowCount, k.index(kRows)), tile));
    k.loop(k.index(0), full, 1, [&](Value i) { finish(i, k.index(kRows)); });
    if (!staticRows || *staticRows % kRows != 0)
      k.when(k.less(full, tiles), [&] { finish(full, k.rem(rowCount, k.index(kRows))); });
  }
};

} // namespace

memref::GlobalOp StraightEmitter::global(StringRef name, Type element, ArrayRef<char> bytes) {
  OpBuilder b = OpBuilder::atBlockBegin(op->getParentOfType<ModuleOp>().getBody());
  int64_t count = bytes.size() / llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
  auto type = MemRefType::get({count}, element);
  auto global = memref::GlobalOp::create(b, op.getLoc(), name, b.getStringAttr("private"), type, /*initial_value=*/Attribute(),
                                         /*constant=*/true, b.getI64IntegerAttr(kVectorBytes));
  auto blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, kVectorBytes, /*dataIsMutable=*/false);
  auto tensor = RankedTensorType::get({count}, element);
  global->setAttr(kValueAttr, DenseResourceElementsAttr::get(tensor, name, std::move(blob)));
  return global;
}

LogicalResult StraightEmitter::makeConstants() {
  int64_t functions = plan.functions.size();
  constants.firstValues = functions, constants.firstFunctions = 2 * functions, constants.parts = 2 * functions + plan.groups + 1;
  // Ops with one weight share the code; the parts depend on the rows.
  std::string base = (op.getValues().getDefiningOp<memref::GetGlobalOp>().getName() + "_straight").str();
  auto module = op->getParentOfType<ModuleOp>();
  std::string tableName = base + "_table_" + std::to_string(parts);
  constants.code = module.lookupSymbol<memref::GlobalOp>(base + "_code");
  constants.values = module.lookupSymbol<memref::GlobalOp>(base + "_values");
  constants.table = module.lookupSymbol<memref::GlobalOp>(tableName);
  if (constants.code && constants.values && constants.table)
    return success();
  StraightLayout layout{pack.getDepth() * kVectorBytes, plan.groupOutputs * kVectorBytes, kVectorBytes};
  llvm::Expected<StraightCode> encoded = encodeStraightLine(k.isa, layout, plan.functions);
  if (!encoded) {
    llvm::consumeError(encoded.takeError()); // the kernel that loops takes the op
    return failure();
  }
  auto bytes = [](const auto &list) { return ArrayRef(reinterpret_cast<const char *>(list.data()), list.size() * sizeof(list[0])); };
  if (encoded->values.empty())
    encoded->values.push_back(0); // a constant is not empty
  std::vector<int32_t> entries(encoded->entries.begin(), encoded->entries.end());
  llvm::append_range(entries, encoded->firstValues);
  llvm::append_range(entries, plan.firstFunction);
  llvm::append_range(entries, plan.split(parts));
  if (!constants.code) {
    constants.code = global(base + "_code", k.b.getI8Type(), bytes(encoded->code));
    constants.code->setAttr(kCodeAttr, k.b.getUnitAttr());
  }
  if (!constants.values)
    constants.values = global(base + "_values", k.b.getF32Type(), bytes(encoded->values));
  if (!constants.table)
    constants.table = global(tableName, k.b.getI32Type(), bytes(entries));
  return success();
}

LogicalResult nnopt::emitSparseStraight(Operation *operation, KernelBuilder &k) {
  auto op = cast<SparseLinearOp>(operation);
  // A loop over blocks is as fast: a vector of inputs serves several outputs.
  if (!hasStraightLine(k.isa) || op.getPack().getRows() != 1 || !isTiledF32(op))
    return failure();
  auto values = bytesOf(op.getValues()), columns = bytesOf(op.getColumns()), starts = bytesOf(op.getStarts());
  if (!values || !columns || !starts)
    return failure();
  GemmProblem problem = sparseProblem(k, op);
  return StraightEmitter(k, op, problem, StraightPlan(op.getPack(), *values, *columns, *starts)).emit();
}
