//===- Scalar.h - numbers as the interpreter computes them ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A float is held as the f64 of the same value; after each operation it is rounded to its type. An integer is held with
// its sign bit extended to 64 bits, whatever its signedness: that is the one form in which signed, unsigned and index
// values need no tag. A true i1 is therefore -1.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_SUPPORT_SCALAR_H
#define NNOPT_SUPPORT_SCALAR_H

#include "nnopt/Support/HostTensor.h"

#include <cmath>
#include <cstring>

namespace nnopt {

union Scalar {
  double f;
  int64_t i;
};

inline Scalar fromFloat(double f) {
  Scalar s;
  s.f = f;
  return s;
}
inline Scalar fromInteger(int64_t i) {
  Scalar s;
  s.i = i;
  return s;
}

/// What decides how a number is rounded or wrapped.
struct ScalarType {
  bool isFloat;
  bool isBrain; ///< bf16
  uint8_t bits;
};
inline constexpr ScalarType kHalf{true, false, 16}, kBfloat{true, true, 16};

/// The type of numbers of MLIR type `type`: floats up to f64, integers up to 64 bits, index.
std::optional<ScalarType> scalarTypeOf(mlir::Type type);
ScalarType scalarTypeOf(ElementType type);

/// The nearest number of the format, ties to even.
inline double roundTo(ScalarType type, double value) {
  if (type.bits == 64)
    return value;
  if (type.bits == 32)
    return static_cast<float>(value);
  return roundToNarrow(type.isBrain, value);
}

/// The low bits, with the sign extended.
inline int64_t wrapTo(ScalarType type, int64_t value) {
  unsigned unused = 64 - type.bits;
  return static_cast<int64_t>(static_cast<uint64_t>(value) << unused) >> unused;
}

/// The low bits as an unsigned number.
inline uint64_t unsignedOf(ScalarType type, int64_t value) {
  unsigned unused = 64 - type.bits;
  return static_cast<uint64_t>(value) << unused >> unused;
}

template <typename T> T readAs(const char *bytes, int64_t i) {
  T value;
  std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
  return value;
}
template <typename T> void writeAs(char *bytes, int64_t i, T value) {
  std::memcpy(bytes + i * sizeof(T), &value, sizeof(T));
}

/// Element `i` of a tensor, in the form described above.
Scalar loadScalar(ElementType type, const char *bytes, int64_t i);
/// The reverse: floats are rounded to the type, integers cut to it.
void storeScalar(ElementType type, char *bytes, int64_t i, Scalar value);

/// Element `i` as an integer; floats are truncated. For real numbers there are loadElement and storeElement.
int64_t loadInteger(ElementType type, const char *bytes, int64_t i);

/// Truncates towards zero and saturates; NaN gives 0.
int64_t toSigned(double value, unsigned bits);
uint64_t toUnsigned(double value, unsigned bits);

} // namespace nnopt

#endif // NNOPT_SUPPORT_SCALAR_H
