//===- Isa.cpp - the table of instruction sets ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Target/Isa.h"

#include "llvm/ADT/STLExtras.h"

using namespace nnopt;

// x86 levels follow the psABI; prefer-256-bit is off so that 512-bit registers are used where they exist.
static constexpr Isa kIsas[] = {
    {"x86-64", "x86_64", "x86-64", "", 4, 16, false, 0, "llvm.x86.sse2.pmadd.wd", "", "", ""},
    {"avx2", "x86_64", "x86-64-v3", "+avx2,+fma,+f16c", 8, 16, true, 1, "llvm.x86.avx2.pmadd.wd", "llvm.x86.avx2.pmadd.ub.sw", "llvm.x86.avx2.psign.b",
     "llvm.x86.avx2.permps"},
    {"avx512", "x86_64", "x86-64-v4", "+avx512f,+avx512bw,+avx512dq,+avx512vl,+fma,-prefer-256-bit", 16, 32, true, 2,
     "llvm.x86.avx512.pmaddw.d.512", "", "", "llvm.x86.avx512.permvar.sf.512"},
    {"neon", "aarch64", "generic", "+neon", 4, 32, true, 0, "", "", "", ""},
};

llvm::ArrayRef<Isa> nnopt::isaTable() { return kIsas; }

const Isa *nnopt::findIsa(llvm::StringRef name) {
  const Isa *row = llvm::find_if(kIsas, [&](const Isa &isa) { return isa.name == name; });
  return row == std::end(kIsas) ? nullptr : row;
}

llvm::Expected<llvm::SmallVector<const Isa *>> nnopt::findIsas(llvm::ArrayRef<std::string> names) {
  llvm::SmallVector<const Isa *> rows;
  for (const std::string &name : names) {
    rows.push_back(findIsa(name));
    if (!rows.back())
      return llvm::createStringError("unknown instruction set '" + name + "'");
  }
  return rows;
}
