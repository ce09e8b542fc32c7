//===- HostTensor.h - a dense tensor in memory ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the interpreter computes on and what .npz files and models exchange: an element type, a shape, and row-major
// bytes that are owned, shared or borrowed.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_SUPPORT_HOSTTENSOR_H
#define NNOPT_SUPPORT_HOSTTENSOR_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

#include <memory>
#include <optional>

namespace nnopt {

/// Element types, with ONNX's numbers, which are those of the artefact's interface too. Four-bit integers take one byte
/// each here.
enum class ElementType : int32_t {
  F32 = 1,
  U8 = 2,
  I8 = 3,
  U16 = 4,
  I16 = 5,
  I32 = 6,
  I64 = 7,
  Bool = 9,
  F16 = 10,
  F64 = 11,
  U32 = 12,
  U64 = 13,
  BF16 = 16,
  U4 = 21,
  I4 = 22
};

/// The element type of a tensor of `type`; nothing if it has none here. `index` counts as i64.
std::optional<ElementType> elementTypeOf(mlir::Type type);

/// Bytes of one element.
int64_t byteWidth(ElementType type);

/// As MLIR writes it: "f32", "ui8", "i1", ...
llvm::StringRef elementName(ElementType type);

bool isFloat(ElementType type);
/// False for numbers that are no element type here, as a file or a library may hold them.
bool isKnown(ElementType type);

/// "tensor<2x3xf32>", for messages.
std::string typeText(ElementType type, llvm::ArrayRef<int64_t> shape);

/// The nearest number of bf16 or f16, ties to even; too large gives infinity.
double roundToNarrow(bool isBrain, double value);

/// The value of a two-byte float, exactly.
double halfToDouble(uint16_t bits);
double bfloatToDouble(uint16_t bits);
/// The reverse, rounded as above.
uint16_t doubleToHalf(double value);
uint16_t doubleToBfloat(double value);

/// Element `i` as a real number: an unsigned one is not negative, true is 1.
double loadElement(ElementType type, const char *bytes, int64_t i);
/// The reverse: rounded to a float type; to an integer, truncated and saturated, and NaN gives 0.
void storeElement(ElementType type, char *bytes, int64_t i, double value);

/// A value: copies share their bytes until one of them is written.
class HostTensor {
public:
  /// Empty, of shape [0].
  HostTensor() = default;

  /// All zero, aligned to 64 bytes. Nothing if an extent is negative, or the size overflows or cannot be had.
  static std::optional<HostTensor> allocate(ElementType type, llvm::ArrayRef<int64_t> shape);

  /// Refers to `bytes`, which must stay valid and unchanged for as long as any copy is used.
  static HostTensor borrow(ElementType type, llvm::ArrayRef<int64_t> shape, const void *bytes);

  /// The value of a constant. Fails with what is wrong, for instance a resource of the wrong size.
  static mlir::FailureOr<HostTensor> fromAttribute(mlir::ElementsAttr value, std::string &problem);

  ElementType type() const { return elementType; }
  llvm::ArrayRef<int64_t> shape() const { return extents; }
  int64_t rank() const { return extents.size(); }
  int64_t size() const { return count; }
  int64_t byteSize() const { return count * byteWidth(elementType); }
  std::string typeText() const { return nnopt::typeText(elementType, extents); }

  const char *bytes() const { return data; }
  /// Bytes to write to; copied first if they are shared or borrowed. Null if there is no memory for the copy.
  char *mutableBytes();

  /// The same bytes under another shape of the same size, or another type of the same width.
  HostTensor reshaped(llvm::ArrayRef<int64_t> shape) const;
  HostTensor reinterpreted(ElementType type) const;

private:
  ElementType elementType = ElementType::F32;
  llvm::SmallVector<int64_t, 4> extents{0};
  int64_t count = 0;
  std::shared_ptr<char> storage; ///< null if borrowed
  const char *data = nullptr;
};

} // namespace nnopt

#endif // NNOPT_SUPPORT_HOSTTENSOR_H
