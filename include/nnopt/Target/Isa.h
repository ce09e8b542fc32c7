//===- Isa.h - instruction sets that code is generated for ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One row per variant of the generated code. Code asks for a property of the row, never for its name.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_TARGET_ISA_H
#define NNOPT_TARGET_ISA_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace nnopt {

/// What the kernels need to know of an instruction set.
struct Isa {
  llvm::StringLiteral name;     ///< suffix of the variant's symbols, `--march` value, test feature
  llvm::StringLiteral arch;     ///< architecture part of the target triple
  llvm::StringLiteral cpu;      ///< LLVM's target-cpu
  llvm::StringLiteral features; ///< LLVM's target-features
  int lanes;                    ///< f32 elements of a vector register
  int registers;                ///< vector registers
  bool fma;                     ///< fused multiply-add exists
  int rank;                     ///< among variants of one arch, the highest that the CPU has runs
  llvm::StringLiteral pairSums; ///< LLVM's intrinsic that adds the products of neighbours of two vectors of i16, or empty
  llvm::StringLiteral byteSums; ///< the one that adds those of u8 and i8, saturating to i16, or empty; with `negate`
  llvm::StringLiteral negate;   ///< the one that gives the i8 of a vector the signs of another
  llvm::StringLiteral permute;  ///< LLVM's intrinsic (vector, indices) that picks lanes of a vector of f32, or empty
};

/// All variants, in ascending rank per architecture.
llvm::ArrayRef<Isa> isaTable();

/// The row of this name, or null.
const Isa *findIsa(llvm::StringRef name);

/// The rows of these names, in this order. The error names the one that is unknown.
llvm::Expected<llvm::SmallVector<const Isa *>> findIsas(llvm::ArrayRef<std::string> names);

/// Attribute on a function: the variant its body is generated for.
inline constexpr llvm::StringLiteral kIsaAttr = "nnopt.isa";

} // namespace nnopt

#endif // NNOPT_TARGET_ISA_H
