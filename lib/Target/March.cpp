//===- March.cpp - which instruction sets a user asks for -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Target/March.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/TargetParser/AArch64TargetParser.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/X86TargetParser.h"

using namespace llvm;
using namespace nnopt;

static constexpr StringLiteral kDetected[] = {
#define NNOPT_X86_FEATURE(name, leaf, reg, bit, saved) name,
#include "Runtime/CpuFeatures.def"
};
static_assert(std::size(kDetected) <= 64, "a set of features is 64 bits");

/// The rows of CpuFeatures.def among `features`; names that are not there go to `others`.
static uint64_t detectable(ArrayRef<StringRef> features, SmallVectorImpl<StringRef> &others) {
  uint64_t result = 0;
  for (StringRef feature : features) {
    const auto *row = find(kDetected, feature);
    if (row == std::end(kDetected))
      others.push_back(feature);
    else
      result |= uint64_t(1) << (row - std::begin(kDetected));
  }
  return result;
}

/// LLVM's features of an x86 processor, with those that others imply: a psABI level does not list them.
static SmallVector<StringRef> featuresOf(StringRef cpu) {
  SmallVector<StringRef> listed;
  X86::getFeaturesForCPU(cpu, listed);
  StringMap<bool> implied;
  for (StringRef feature : listed)
    X86::updateImpliedFeatures(feature, /*Enabled=*/true, implied);
  // Of the table of features, not of the map: its names outlive this function.
  for (StringRef feature : kDetected)
    if (implied.lookup(feature) && !is_contained(listed, feature))
      listed.push_back(feature);
  return listed;
}

Expected<uint64_t> nnopt::requiredCpuFeatures(const Isa &isa) {
  if (isa.arch != "x86_64")
    return 0;
  SmallVector<StringRef> needed = featuresOf(isa.cpu), always, extra, others;
  StringRef(isa.features).split(extra, ',', -1, /*KeepEmpty=*/false);
  for (StringRef feature : extra)
    if (feature.consume_front("+"))
      needed.push_back(feature);
  uint64_t result = detectable(needed, others);
  X86::getFeaturesForCPU("x86-64", always);
  always.push_back("crc32"); // comes with SSE4.2 and has no bit of its own
  for (StringRef feature : others)
    if (!is_contained(always, feature))
      return createStringError(inconvertibleErrorCode(), "the instruction set '" + isa.name + "' needs '" + feature +
                                                             "', which the run-time check cannot ask for");
  return result;
}

static SmallVector<const Isa *> rowsOf(const Triple &triple) {
  SmallVector<const Isa *> rows;
  for (const Isa &isa : isaTable())
    if (isa.arch == triple.getArchName())
      rows.push_back(&isa);
  return rows;
}

/// The best row for a processor that has `features`.
static Expected<const Isa *> bestRow(ArrayRef<StringRef> features, const Triple &triple) {
  SmallVector<StringRef> others;
  uint64_t have = detectable(features, others);
  const Isa *best = nullptr;
  for (const Isa *isa : rowsOf(triple)) {
    Expected<uint64_t> required = requiredCpuFeatures(*isa);
    if (!required)
      return required.takeError();
    if ((*required & have) == *required && (!best || isa->rank > best->rank))
      best = isa;
  }
  return best;
}

static Expected<const Isa *> rowOf(StringRef name, const Triple &triple) {
  const Isa *row = findIsa(name);
  if (row && row->arch == triple.getArchName())
    return row;
  SmallVector<StringRef> features;
  if (name == "native") {
    Triple host(sys::getDefaultTargetTriple());
    if (host.getArch() != triple.getArch())
      return createStringError(inconvertibleErrorCode(), "'native' is " + host.getArchName() + ", the target is " + triple.getArchName());
    static const StringMap<bool> native = sys::getHostCPUFeatures();
    for (const auto &feature : native)
      if (feature.getValue())
        features.push_back(feature.getKey());
    return bestRow(features, triple);
  }
  if (triple.getArch() == Triple::x86_64 && X86::parseArchX86(name, /*Only64Bit=*/true) != X86::CK_None) {
    return bestRow(featuresOf(name), triple);
  }
  if (triple.getArch() == Triple::aarch64 && AArch64::parseCpu(name))
    return bestRow(features, triple);
  std::string known = join(map_range(rowsOf(triple), [](const Isa *isa) { return isa->name.str(); }), ", ");
  return createStringError(inconvertibleErrorCode(), "unknown instruction set or processor '" + name + "' for " + triple.getArchName() +
                                                         ", expected " + known + ", native, or a processor that LLVM knows");
}

Expected<std::vector<std::string>> nnopt::parseMarch(StringRef list, const Triple &triple) {
  SmallVector<const Isa *> rows;
  SmallVector<StringRef> names;
  list.split(names, ',');
  if (list.empty())
    rows = rowsOf(triple);
  else
    for (StringRef name : names) {
      Expected<const Isa *> row = rowOf(name.trim(), triple);
      if (!row)
        return row.takeError();
      if (!is_contained(rows, *row))
        rows.push_back(*row);
    }
  stable_sort(rows, [](const Isa *a, const Isa *b) { return a->rank < b->rank; });
  std::vector<std::string> result;
  for (const Isa *isa : rows)
    result.push_back(isa->name.str());
  return result;
}
