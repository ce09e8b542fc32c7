//===- SparsityPattern.cpp - where zeros may be ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Dialect/NNOpt/IR/SparsityPattern.h"

#include "llvm/ADT/Twine.h"
#include "llvm/Support/ErrorHandling.h"

using namespace nnopt;

static llvm::Error fail(const llvm::Twine &message) { return llvm::createStringError(message); }

llvm::Expected<SparsityPattern> SparsityPattern::parse(llvm::StringRef text) {
  SparsityPattern pattern;
  if (text == "unstructured")
    return pattern;
  if (text == "rows" || text == "channels" || text == "neurons" || text == "columns") {
    pattern.kind = text == "columns" ? Columns : Rows;
    return pattern;
  }
  bool isNM = text.contains(':');
  auto [left, right] = text.split(isNM ? ':' : 'x');
  int64_t first, second;
  if (left.getAsInteger(10, first) || right.getAsInteger(10, second))
    return fail("unknown pattern '" + text + "', expected unstructured, RxC as in 4x1, N:M as in 2:4, rows or columns");
  if (!isNM) {
    if (first < 1 || second < 1)
      return fail("pattern '" + text + "' expects blocks of at least 1x1");
    pattern.kind = Block, pattern.rows = first, pattern.columns = second;
    return pattern;
  }
  if (first < 1 || first >= second)
    return fail("pattern '" + text + "' expects to keep at least 1 and fewer than " + llvm::Twine(second));
  pattern.kind = NM, pattern.kept = first, pattern.group = second;
  return pattern;
}

std::string SparsityPattern::str() const {
  switch (kind) {
  case Unstructured:
    return "unstructured";
  case Block:
    return std::to_string(rows) + "x" + std::to_string(columns);
  case NM:
    return std::to_string(kept) + ":" + std::to_string(group);
  case Rows:
    return "rows";
  case Columns:
    return "columns";
  }
  llvm_unreachable("a kind of pattern");
}
