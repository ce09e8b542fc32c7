//===- WeightMasks.h - masks by the names of weights ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A .npz file holds one mask per weight, in one of two forms. Plain: a bool array under the weight's name, true where the weight stays.
// Packed, as nnopt.prune.Masks writes it: `NAME:bits` (uint8, the mask in row-major order, eight elements a byte, lowest bit first), `NAME:shape`
// (int64) and, if the zeros have a pattern, `NAME:pattern` (its text as uint8).
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_WEIGHTMASKS_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_WEIGHTMASKS_H

#include "nnopt/Support/HostTensor.h"

#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace nnopt {

/// Which elements of one weight stay.
struct WeightMask {
  std::string name, pattern = "unstructured";
  llvm::SmallVector<int64_t> shape;
  HostTensor data; ///< bits, or one bool per element
  bool packed = false;

  bool keeps(int64_t i) const {
    const char *bytes = data.bytes();
    return packed ? (bytes[i / 8] >> (i % 8)) & 1 : bytes[i] != 0;
  }
  std::string shapeText() const { return typeText(ElementType::Bool, shape); }
};

/// The masks of a file, in its order.
class WeightMasks {
public:
  /// Fails with a message, which leaves the path to the caller, if the file cannot be read, a mask lacks a part, or its numbers disagree.
  static llvm::Expected<WeightMasks> read(llvm::StringRef path);

  llvm::ArrayRef<WeightMask> all() const { return masks; }

private:
  std::vector<WeightMask> masks;
};

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_WEIGHTMASKS_H
