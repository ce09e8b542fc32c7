//===- Weights.h - constants as bytes ---------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights go from their attributes (often memory-mapped files) straight to the output: they are never held a second time.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_TARGET_WEIGHTS_H
#define NNOPT_LIB_TARGET_WEIGHTS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"

#include "llvm/Support/raw_ostream.h"

namespace nnopt {

inline constexpr llvm::StringLiteral kWeightSection = ".nnopt.weights", kCodeSection = ".nnopt.code";
inline constexpr uint64_t kWeightAlignment = 64;

/// One constant of the weight section, or code that was encoded apart from LLVM IR.
struct Weight {
  std::string symbol;
  mlir::ElementsAttr value;
  uint64_t bytes;
  bool isCode = false;
  uint64_t offset = 0; ///< in its section
};

/// The contents of the two sections, in order.
class WeightTable {
public:
  /// Takes every llvm.mlir.global that carries `nnopt.value`; its symbol in the object is `prefix` and its name. Fails with a
  /// diagnostic where the bytes are not there (a dump without weights) or have another size than the type says.
  static mlir::FailureOr<WeightTable> collect(mlir::ModuleOp module, llvm::StringRef prefix);

  /// Drops what `isUsed` refuses, and places the rest.
  void layOut(llvm::function_ref<bool(const Weight &)> isUsed);

  llvm::ArrayRef<Weight> weights() const { return table; }
  /// Size of the weight section, or of the code section.
  uint64_t bytes(bool isCode = false) const { return isCode ? codeSize : size; }

  /// Writes the bytes of the weight section, or of the code section.
  void write(llvm::raw_ostream &os, bool isCode) const;

private:
  std::vector<Weight> table;
  uint64_t size = 0, codeSize = 0;
};

/// Writes the elements of `value` as they lie in memory: row-major, little-endian, each in whole bytes.
void writeElements(mlir::ElementsAttr value, llvm::raw_ostream &os);

} // namespace nnopt

#endif // NNOPT_LIB_TARGET_WEIGHTS_H
