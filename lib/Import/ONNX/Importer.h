//===- Importer.h - walks a model's graph -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_IMPORT_ONNX_IMPORTER_H
#define NNOPT_LIB_IMPORT_ONNX_IMPORTER_H

#include "OpContext.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <deque>

namespace nnopt::onnx {

/// Names of one graph or function body. An inner graph sees the names around it, a function does not.
struct Scope {
  Scope *parent = nullptr;
  llvm::StringMap<Tensor *> values;
  /// Why a name that some node produces has no tensor.
  llvm::StringMap<std::string> missing;
  /// How often nodes and graph outputs read each name.
  llvm::StringMap<unsigned> uses;
  /// Attributes of the function call around, for attributes that refer to them.
  llvm::StringMap<const AttributeProto *> attributes;
};

/// The nodes of a graph or function body, with what to call the place in diagnostics.
struct Body {
  llvm::ArrayRef<NodeProto> nodes;
  llvm::SmallVector<llvm::StringRef> outputs;
};

class Importer {
public:
  Importer(const ModelProto &model, ConstantLoader &loader, const ImportOptions &options, mlir::Location fileLoc);

  /// Imports the model. Null after an error.
  mlir::OwningOpRef<mlir::ModuleOp> run();

  mlir::OpBuilder b;
  std::unique_ptr<ShapeMath> shapes;
  bool isUnsupported = false;

  mlir::LogicalResult error(mlir::Location loc, const llvm::Twine &text, bool unsupported = false);
  bool hasError() const { return hasFailed; }
  /// Somebody else emitted the error.
  void noteFailure() { hasFailed = true; }

  Scope *scope() const { return current; }
  /// The tensor of this name, from the scope or one around it; null with an error that says who needs it.
  Tensor *lookup(llvm::StringRef name, mlir::Location loc, const llvm::Twine &user);

  Tensor *tensor(mlir::Value value, ExtentsRef extents);
  Tensor *constant(Constant constant, llvm::StringRef name = "");
  Tensor *fromEntries(llvm::ArrayRef<int64_t> shape, mlir::Type elementType, Extents entries);
  const Extents *entries(Tensor *tensor);
  mlir::Value value(Tensor *tensor);
  /// The tensor that was made for a value of the IR, or null.
  const Tensor *tensorOf(mlir::Value value) const { return byValue.lookup(value); }
  /// Loads a stored tensor (TensorProto or SparseTensorProto); `what` begins the sentence of an error.
  template <typename Proto>
  std::optional<Constant> load(const Proto &tensor, mlir::Location loc, const llvm::Twine &what) {
    ConstantLoader::Result result = loader.load(tensor);
    if (!result.constant)
      (void)error(loc, what + result.error, result.unsupported);
    return result.constant;
  }

  /// Imports the body of `graph` (of an If or Loop) in a new scope, with `arguments` for its inputs. Its outputs, or nullopt.
  std::optional<llvm::SmallVector<Tensor *>> importSubgraph(const GraphProto &graph, llvm::ArrayRef<Tensor *> arguments,
                                                            mlir::Location loc);

private:
  const ModelProto &model;
  ConstantLoader &loader;
  const ImportOptions &options;
  mlir::Location fileLoc;
  mlir::func::FuncOp entry;
  mlir::Operation *weights = nullptr; ///< constants go before it
  std::deque<Tensor> tensors;
  llvm::DenseMap<mlir::Value, Tensor *> byValue;
  llvm::SmallVector<std::unique_ptr<Scope>> scopes;
  Scope *current = nullptr;
  llvm::StringMap<int64_t> opsets;
  llvm::StringMap<mlir::Value> symbols;
  llvm::DenseMap<mlir::Value, std::string> symbolNames;
  std::string symbolName(mlir::Value symbol);
  void addRequirements(mlir::ModuleOp module);
  llvm::StringMap<const FunctionProto *> functions;
  unsigned callDepth = 0;
  bool hasFailed = false;

  mlir::LogicalResult readOpsets();
  mlir::LogicalResult readFunctions();
  mlir::LogicalResult addInitializers(const GraphProto &graph);
  mlir::LogicalResult addInputs(const GraphProto &graph);
  mlir::LogicalResult addInput(const ValueInfoProto &input);
  std::optional<llvm::SmallVector<int64_t>> inputShape(const ValueInfoProto &input, llvm::SmallVectorImpl<std::string> &names);
  mlir::LogicalResult addOutputs(const GraphProto &graph);
  std::string dimName(mlir::OpFoldResult extent, llvm::StringRef declared);

  Scope &pushScope(Scope *parent);
  void popScope();
  mlir::LogicalResult define(llvm::StringRef name, Tensor *tensor, mlir::Location loc);
  mlir::LogicalResult importBody(const Body &body);
  mlir::LogicalResult orderNodes(const Body &body, llvm::SmallVectorImpl<const NodeProto *> &order);
  mlir::LogicalResult importNode(const NodeProto &node);
  mlir::LogicalResult importCall(const NodeProto &node, const FunctionProto &function, mlir::Location loc);
  mlir::Location locOf(const NodeProto &node);
};

/// "Conv (opset 20)", for diagnostics at the node's location, which has its name.
std::string describe(const NodeProto &node, int64_t opset);

/// All names that a node reads, those of graphs inside it included (if they are not defined there).
void collectInputs(const NodeProto &node, llvm::SmallVectorImpl<llvm::StringRef> &names);

} // namespace nnopt::onnx

#endif // NNOPT_LIB_IMPORT_ONNX_IMPORTER_H
