//===- Constants.h - contents of ONNX tensors -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_IMPORT_ONNX_CONSTANTS_H
#define NNOPT_LIB_IMPORT_ONNX_CONSTANTS_H

#include "Proto.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MemoryBuffer.h"

namespace nnopt::onnx {

/// Element type of the IR for an ONNX type: unsigned integers keep their sign, bool is i1. Null if there is none.
mlir::Type elementTypeOf(int32_t dataType, mlir::MLIRContext *context);

/// "float16" for 10; the number where ONNX has no name for it.
std::string dataTypeName(int32_t dataType);

/// Bytes of one element in memory: sub-byte types and bool take one.
int64_t elementBytes(mlir::Type type);

/// Elements of a static shape; nullopt if negative, or if the tensor would exceed 2^46 bytes.
std::optional<int64_t> countElements(llvm::ArrayRef<int64_t> shape);

/// The contents of a constant, row-major. `owner` keeps `bytes` alive: a mapped file or a copy.
struct Constant {
  mlir::RankedTensorType type;
  llvm::ArrayRef<char> bytes;
  std::shared_ptr<const void> owner;
  std::optional<int64_t> storedElements = std::nullopt; ///< of a constant that the model stores sparse

  /// A constant that owns a copy of `data`.
  static Constant copy(mlir::RankedTensorType type, std::vector<char> data);

  /// A constant of scalars, one per element: IntegerAttr of any width or FloatAttr of the element type.
  static Constant fromScalars(mlir::RankedTensorType type, llvm::ArrayRef<mlir::Attribute> scalars);

  int64_t size() const { return type.getNumElements(); }

  /// Element `i` as an attribute: IntegerAttr of index type, BoolAttr, or FloatAttr of the element type.
  mlir::Attribute at(int64_t i) const;

  /// Element `i` of an integer or bool constant.
  int64_t integerAt(int64_t i) const;

  /// Element `i` of any numeric constant.
  double numberAt(int64_t i) const;

  /// The same bytes with another shape of as many elements.
  Constant reshaped(llvm::ArrayRef<int64_t> shape) const;

  /// Small constants become a dense attribute, large ones a resource named `name` that shares the bytes.
  mlir::ElementsAttr attribute(llvm::StringRef name) const;
};

/// Loads tensors of one model, with their external data.
class ConstantLoader {
public:
  /// `file` holds the model. `folder` is where external data may lie; empty refuses it.
  ConstantLoader(std::shared_ptr<llvm::MemoryBuffer> file, std::string folder, mlir::MLIRContext *context)
      : file(std::move(file)), folder(std::move(folder)), context(context) {}

  struct Result {
    std::optional<Constant> constant;
    std::string error; ///< why there is no constant, as the end of a sentence about the tensor
    bool unsupported = false;
  };
  Result load(const TensorProto &tensor);
  Result load(const SparseTensorProto &tensor);

private:
  std::shared_ptr<llvm::MemoryBuffer> file;
  std::string folder;
  mlir::MLIRContext *context;
  llvm::StringMap<std::shared_ptr<llvm::MemoryBuffer>> mapped;

  Result fromRaw(mlir::RankedTensorType type, int32_t dataType, llvm::StringRef raw, std::shared_ptr<const void> owner);
  Result fromFields(mlir::RankedTensorType type, const TensorProto &tensor);
  Result fromExternal(mlir::RankedTensorType type, const TensorProto &tensor);
  std::shared_ptr<llvm::MemoryBuffer> map(llvm::StringRef location, std::string &error);
};

} // namespace nnopt::onnx

#endif // NNOPT_LIB_IMPORT_ONNX_CONSTANTS_H
