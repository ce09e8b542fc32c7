//===- StraightPlan.cpp - sums of pruned weights as straight code ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "StraightPlan.h"

#include "mlir/IR/DialectResourceBlobManager.h"

#include <map>

using namespace mlir;
using namespace nnopt;

static constexpr int64_t kVectorBytes = kStraightRows * sizeof(float);
// Outputs of a strip. Groups of 30 fill 240, and the sums of a tile are then 15 KiB; no strip is shorter than kFewestOutputs, which make
// groups of 28, for the sake of more work items.
static constexpr int64_t kMostStrip = 288, kFewestOutputs = 112;

template <typename T>
static T elementOf(ArrayRef<char> bytes, int64_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

/// Groups of outputs in a strip of so many.
static int64_t groupsOf(int64_t outputs) { return llvm::divideCeil(outputs, kStraightSums); }

/// The strip with the fewest groups in all, as inputs are loaded once for each; the longest of those, but for one that leaves too few strips.
static int64_t stripOf(int64_t outputs, int64_t leastStrips) {
  int64_t even = llvm::divideCeil(outputs, std::max<int64_t>(1, leastStrips));
  int64_t most = std::clamp<int64_t>(llvm::alignTo(even, kStraightRows), kFewestOutputs, kMostStrip);
  int64_t best = 0, bestGroups = std::numeric_limits<int64_t>::max();
  for (int64_t strip = kStraightRows; strip <= most; strip += kStraightRows) {
    int64_t groups = outputs / strip * groupsOf(strip) + groupsOf(outputs % strip);
    if (groups <= bestGroups)
      best = strip, bestGroups = groups;
  }
  return std::min<int64_t>(best, llvm::alignTo(outputs, kStraightRows));
}

namespace {
/// A weight as bytes.
struct SparseBytes {
  ArrayRef<char> values, columns, starts;
};

/// Makes the functions of one strip.
class StripPlanner {
public:
  StripPlanner(StraightPlan &plan, const SparseBytes &weight, int64_t columnBytes, int64_t first)
      : plan(plan), weight(weight), columnBytes(columnBytes), first(first),
        outputs(std::min(plan.strip, plan.pack.getOutputs() - first)), groupOutputs(llvm::divideCeil(outputs, groupsOf(outputs))) {}

  void run() {
    collect();
    int64_t groups = llvm::divideCeil(outputs, groupOutputs), most = 0;
    for (const auto &group : byColumn)
      most = std::max(most, countOf(group));
    int64_t pieces = std::max<int64_t>(1, llvm::divideCeil(most, kStraightProducts));
    for (int64_t piece = 0; piece < pieces; ++piece)
      for (int64_t group = 0; group < groups; ++group)
        addFunction(group, piece, pieces);
  }

private:
  StraightPlan &plan;
  const SparseBytes &weight;
  int64_t columnBytes, first, outputs, groupOutputs;
  /// Of each group, what is multiplied with each element of the sum.
  using Products = std::map<int64_t, SmallVector<StraightProduct, 4>>;
  std::vector<Products> byColumn;

  static int64_t countOf(const Products &products) {
    int64_t count = 0;
    for (const auto &[column, list] : products)
      count += list.size();
    return count;
  }

  void collect() {
    SparsePackAttr pack = plan.pack;
    byColumn.resize(llvm::divideCeil(outputs, groupOutputs));
    int64_t rows = pack.getRows();
    for (int64_t list = 0; list < pack.lists(); ++list) {
      int64_t output = pack.firstOutput(list) - first;
      if (output + rows <= 0 || output >= outputs)
        continue;
      for (int32_t block = elementOf<int32_t>(weight.starts, list), end = elementOf<int32_t>(weight.starts, list + 1); block < end; ++block)
        for (int64_t row = std::max<int64_t>(0, -output); row < std::min(rows, outputs - output); ++row) {
          float value = elementOf<float>(weight.values, block * rows + row);
          int64_t at = output + row;
          if (value != 0)
            byColumn[at / groupOutputs][elementOf<int32_t>(weight.columns, block)].push_back({static_cast<uint32_t>(at % groupOutputs), value});
        }
    }
  }

  /// The products of a group with one piece of the elements of a sum.
  void addFunction(int64_t group, int64_t piece, int64_t pieces) {
    int64_t depth = plan.pack.getDepth(), begin = depth * piece / pieces, end = depth * (piece + 1) / pieces;
    auto sums = static_cast<uint32_t>(std::min(groupOutputs, outputs - group * groupOutputs));
    StraightGroup function{sums, /*accumulates=*/piece > 0, {}};
    for (auto it = byColumn[group].lower_bound(begin); it != byColumn[group].end() && it->first < end; ++it)
      function.inputs.push_back({it->first * columnBytes, std::move(it->second)});
    if (piece > 0 && function.inputs.empty())
      return;
    plan.functions.push_back(std::move(function));
    plan.firstSums.push_back(group * groupOutputs);
  }
};
} // namespace

std::optional<StraightPlan> StraightPlan::of(const SparseConstants &constants, int64_t columnBytes, int64_t leastStrips) {
  auto values = constantBytes(constants.values), columns = constantBytes(constants.columns), starts = constantBytes(constants.starts);
  if (!values || !columns || !starts)
    return std::nullopt;
  SparseBytes weight{*values, *columns, *starts};
  StraightPlan plan{constants.pack, stripOf(constants.pack.getOutputs(), leastStrips), {}, {}, {}};
  for (int64_t first = 0; first < constants.pack.getOutputs(); first += plan.strip) {
    plan.firstFunctions.push_back(plan.functions.size());
    StripPlanner(plan, weight, columnBytes, first).run();
  }
  plan.firstFunctions.push_back(plan.functions.size());
  return plan;
}

static memref::GlobalOp createConstant(KernelBuilder &k, StringRef name, Type element, ArrayRef<char> bytes) {
  OpBuilder::InsertionGuard guard(k.b);
  Operation *at = k.b.getInsertionBlock()->getParentOp();
  auto module = isa<ModuleOp>(at) ? cast<ModuleOp>(at) : at->getParentOfType<ModuleOp>();
  k.b.setInsertionPointToStart(module.getBody());
  int64_t count = bytes.size() / llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
  auto type = MemRefType::get({count}, element);
  auto global = memref::GlobalOp::create(k.b, k.loc, name, k.b.getStringAttr("private"), type, /*initial_value=*/Attribute(),
                                         /*constant=*/true, k.b.getI64IntegerAttr(kVectorBytes));
  auto blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, kVectorBytes, /*dataIsMutable=*/false);
  global->setAttr(kValueAttr, DenseResourceElementsAttr::get(RankedTensorType::get({count}, element), name, std::move(blob)));
  return global;
}

FailureOr<StraightCalls> StraightCalls::create(KernelBuilder &k, const SparseConstants &weight, const StraightPlan &plan, int64_t tileBytes,
                                               int64_t tiles) {
  StraightCalls calls(k);
  int64_t functions = plan.functions.size();
  calls.firstValues = functions, calls.firstSums = 2 * functions, calls.firstFunctions = 3 * functions;
  // Ops with the same constants share the code if they cut it alike. Weights that differ only in where their lists start may share the others.
  auto nameOf = [](Value constant) { return constant.getDefiningOp<memref::GetGlobalOp>().getName(); };
  std::string base = (nameOf(weight.values) + "_" + nameOf(weight.columns) + "_" + nameOf(weight.starts) + "_straight").str();
  const SparsePackAttr &pack = weight.pack;
  for (int64_t number : {pack.getOutputs(), pack.getDepth(), pack.getRows(), pack.getStrip(), pack.getChunk(), plan.strip, tileBytes, tiles})
    base += "_" + std::to_string(number);
  auto module = weight.values.getDefiningOp()->getParentOfType<ModuleOp>();
  calls.code = module.lookupSymbol<memref::GlobalOp>(base + "_code");
  calls.values = module.lookupSymbol<memref::GlobalOp>(base + "_values");
  calls.table = module.lookupSymbol<memref::GlobalOp>(base + "_table");
  if (calls.code && calls.values && calls.table)
    return calls;
  StraightLayout layout{tileBytes, plan.strip * kVectorBytes, kVectorBytes, tiles};
  llvm::Expected<StraightCode> encoded = encodeStraightLine(k.isa, layout, plan.functions);
  if (!encoded) {
    llvm::consumeError(encoded.takeError()); // the kernel that loops takes the op
    return failure();
  }
  if (encoded->values.empty())
    encoded->values.push_back(0); // a constant is not empty
  auto bytes = [](const auto &list) { return ArrayRef(reinterpret_cast<const char *>(list.data()), list.size() * sizeof(list[0])); };
  std::vector<int32_t> table(encoded->entries.begin(), encoded->entries.end());
  llvm::append_range(table, encoded->firstValues);
  llvm::append_range(table, plan.firstSums);
  llvm::append_range(table, plan.firstFunctions);
  calls.code = createConstant(k, base + "_code", k.b.getI8Type(), bytes(encoded->code));
  calls.code->setAttr(kCodeAttr, k.b.getUnitAttr());
  calls.values = createConstant(k, base + "_values", k.b.getF32Type(), bytes(encoded->values));
  calls.table = createConstant(k, base + "_table", k.b.getI32Type(), bytes(table));
  return calls;
}

Value StraightCalls::address(memref::GlobalOp global) {
  return k.buffer(memref::GetGlobalOp::create(k.b, k.loc, global.getType(), global.getSymName())).pointer;
}

void StraightCalls::load() { codeAddress = address(code), valuesAddress = address(values), tableAddress = address(table); }

/// Element `first + i` of the table.
Value StraightCalls::entry(int64_t first, Value i) {
  Type i32 = k.b.getI32Type();
  return arith::IndexCastUIOp::create(k.b, k.loc, k.b.getIndexType(), k.load(i32, k.at(tableAddress, i32, k.add(k.index(first), i))));
}

void StraightCalls::emitStrip(Value strip, Value x, Value sums, Value tiles) {
  Type f32 = k.b.getF32Type(), i64 = k.b.getI64Type(), pointer = LLVM::LLVMPointerType::get(k.b.getContext());
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(k.b.getContext()), {pointer, pointer, pointer, i64});
  Value count = arith::IndexCastOp::create(k.b, k.loc, i64, tiles);
  k.loop(entry(firstFunctions, strip), entry(firstFunctions, k.add(strip, k.index(1))), 1, [&](Value function) {
    Value target = k.at(codeAddress, k.b.getI8Type(), entry(0, function));
    Value weights = k.at(valuesAddress, f32, entry(firstValues, function));
    Value to = k.at(sums, f32, k.mul(entry(firstSums, function), k.index(kStraightRows)));
    LLVM::CallOp::create(k.b, k.loc, type, ValueRange{target, x, weights, to, count});
  });
}
