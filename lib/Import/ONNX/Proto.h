//===- Proto.h - ONNX messages, read in place -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The messages of onnx.proto that the importer needs. Strings and raw data are views into the file; unknown fields are
// skipped, as protobuf asks.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_IMPORT_ONNX_PROTO_H
#define NNOPT_LIB_IMPORT_ONNX_PROTO_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nnopt::onnx {

/// TensorProto.DataType.
enum DataType : int32_t {
  kFloat = 1, kUint8 = 2, kInt8 = 3, kUint16 = 4, kInt16 = 5, kInt32 = 6, kInt64 = 7, kString = 8, kBool = 9,
  kFloat16 = 10, kDouble = 11, kUint32 = 12, kUint64 = 13, kComplex64 = 14, kComplex128 = 15, kBFloat16 = 16,
  kFloat8E4M3FN = 17, kFloat8E4M3FNUZ = 18, kFloat8E5M2 = 19, kFloat8E5M2FNUZ = 20, kUint4 = 21, kInt4 = 22,
  kFloat4E2M1 = 23, kFloat8E8M0 = 24, kUint2 = 25, kInt2 = 26,
};

struct TensorProto {
  llvm::StringRef name;
  llvm::SmallVector<int64_t, 4> dims;
  int32_t dataType = 0;
  bool hasRawData = false, isSegment = false, isExternal = false;
  llvm::StringRef rawData;
  std::vector<float> floatData;
  std::vector<int32_t> int32Data;
  std::vector<int64_t> int64Data;
  std::vector<double> doubleData;
  std::vector<uint64_t> uint64Data;
  std::vector<std::pair<llvm::StringRef, llvm::StringRef>> externalData;
};

struct SparseTensorProto {
  TensorProto values, indices;
  llvm::SmallVector<int64_t, 4> dims;
};

struct GraphProto;

/// AttributeProto.AttributeType.
enum class AttributeType : int32_t {
  Undefined = 0, Float, Int, String, Tensor, Graph, Floats, Ints, Strings, Tensors, Graphs, SparseTensor,
  SparseTensors, TypeProto, TypeProtos
};

struct AttributeProto {
  llvm::StringRef name, referenced; ///< `referenced`: name of the attribute of the function around
  AttributeType type = AttributeType::Undefined;
  float f = 0;
  int64_t i = 0;
  llvm::StringRef s;
  std::shared_ptr<TensorProto> t;
  std::shared_ptr<SparseTensorProto> sparse;
  std::shared_ptr<GraphProto> g;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<llvm::StringRef> strings;
};

struct NodeProto {
  llvm::StringRef name, opType, domain, overload;
  llvm::SmallVector<llvm::StringRef, 3> inputs;
  llvm::SmallVector<llvm::StringRef, 1> outputs;
  std::vector<AttributeProto> attributes;
};

struct Dimension {
  std::optional<int64_t> value;
  llvm::StringRef symbol;
};

struct ValueInfoProto {
  llvm::StringRef name;
  bool isTensor = false, hasShape = false;
  int32_t elementType = 0;
  llvm::SmallVector<Dimension, 4> dims;
};

struct GraphProto {
  llvm::StringRef name;
  std::vector<NodeProto> nodes;
  std::vector<TensorProto> initializers;
  std::vector<SparseTensorProto> sparseInitializers;
  std::vector<ValueInfoProto> inputs, outputs;
};

struct OperatorSetId {
  llvm::StringRef domain;
  int64_t version = 0;
};

struct FunctionProto {
  llvm::StringRef name, domain, overload;
  std::vector<llvm::StringRef> inputs, outputs;
  std::vector<AttributeProto> defaults;
  std::vector<NodeProto> nodes;
  std::vector<OperatorSetId> opsets;
};

struct ModelProto {
  int64_t irVersion = 0;
  std::optional<GraphProto> graph;
  std::vector<OperatorSetId> opsets;
  std::vector<FunctionProto> functions;
};

/// Reads a model from `bytes`, which must outlive it. On failure returns false and says why in `error`.
bool parseModel(llvm::StringRef bytes, ModelProto &model, std::string &error);

} // namespace nnopt::onnx

#endif // NNOPT_LIB_IMPORT_ONNX_PROTO_H
