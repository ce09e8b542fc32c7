//===- OpContext.h - what an operator's importer works with -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An importer function turns one node into ops: `void importX(OpContext &c)`. It reads inputs and attributes, and sets every output that the
// node names. Errors stick: after the first one, the framework drops the result, so that functions need no checks of their own beyond what they
// rely on. Attributes that nobody asked for are an error too.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_IMPORT_ONNX_OPCONTEXT_H
#define NNOPT_LIB_IMPORT_ONNX_OPCONTEXT_H

#include "Operators.h"
#include "Scalar.h"
#include "ShapeMath.h"
#include "Tensor.h"

#include "nnopt/Dialect/NNOpt/IR/NNOpt.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"

namespace nnopt::onnx {

class Importer;

class OpContext {
public:
  OpContext(Importer &importer, const NodeProto &node, int64_t opset, mlir::Location loc, llvm::SmallVector<Tensor *> inputs);

  const mlir::Location loc;
  mlir::OpBuilder &b;
  ShapeMath &shapes;
  const int64_t opset; ///< of the node's domain

  //===--- errors ---------------------------------------------------------===//

  /// The model breaks ONNX's rules. `format` follows "Op (opset n) ".
  template <typename... Args>
  void error(const char *format, Args &&...args) {
    report(llvm::formatv(format, std::forward<Args>(args)...).str(), /*unsupported=*/false);
  }
  /// The model is fine, but nnopt cannot compile this.
  template <typename... Args>
  void unsupported(const char *format, Args &&...args) {
    report(llvm::formatv(format, std::forward<Args>(args)...).str(), /*unsupported=*/true);
  }
  bool failed() const { return hasFailed; }

  //===--- inputs ---------------------------------------------------------===//

  unsigned numInputs() const { return inputs.size(); }
  bool hasInput(unsigned i) const { return i < inputs.size() && inputs[i]; }
  /// Input `i`, null if absent. The table guarantees the inputs that an operator needs.
  Tensor *in(unsigned i) const { return i < inputs.size() ? inputs[i] : nullptr; }
  /// Input `i` as a value of the IR.
  mlir::Value value(int i) { return value(in(i)); }
  mlir::Value value(Tensor *tensor);
  mlir::Type elementType(unsigned i) const { return in(i)->elementType(); }

  /// The elements of a small tensor of integers, bools or floats, or nullptr if some depend on data.
  const llvm::SmallVector<mlir::OpFoldResult> *entries(Tensor *tensor);
  /// The elements of input `i` as index values; an error if they depend on data. `what` names them.
  Extents indices(unsigned i, llvm::StringRef what);
  /// The elements of input `i`, which must be known while importing.
  llvm::SmallVector<int64_t> integers(unsigned i, llvm::StringRef what);
  /// The single element of constant input `i`, or `otherwise` if the input is absent.
  double number(unsigned i, double otherwise, llvm::StringRef what);
  bool isConstant(unsigned i) const { return hasInput(i) && in(i)->constant; }
  /// Whether the node's input `i` is used by no other node and is no output of the model.
  bool isOnlyUse(unsigned i) const;

  //===--- attributes -----------------------------------------------------===//

  bool hasAttr(llvm::StringRef name);
  int64_t attr(llvm::StringRef name, int64_t otherwise);
  double attr(llvm::StringRef name, double otherwise);
  llvm::StringRef attr(llvm::StringRef name, const char *otherwise);
  llvm::SmallVector<int64_t> attr(llvm::StringRef name, llvm::ArrayRef<int64_t> otherwise);
  std::vector<float> floats(llvm::StringRef name);
  std::vector<llvm::StringRef> strings(llvm::StringRef name);
  const AttributeProto *rawAttr(llvm::StringRef name);
  /// A tensor attribute, loaded; nullopt after an error.
  std::optional<Constant> tensorAttr(llvm::StringRef name);
  const GraphProto *graphAttr(llvm::StringRef name);
  /// An attribute that changes nothing here.
  void ignoreAttr(llvm::StringRef name) { asked.insert(name); }
  /// Names an attribute that is present and was never asked for.
  llvm::StringRef unknownAttr() const;
  /// Checks an axis of a tensor of `rank` dimensions and counts negative ones from the end. An error gives 0.
  int64_t axis(int64_t axis, int64_t rank);
  /// All of `axes`, checked to be different and sorted.
  llvm::SmallVector<int64_t> axes(llvm::ArrayRef<int64_t> axes, int64_t rank);

  //===--- outputs --------------------------------------------------------===//

  /// Whether the node names output `i`.
  bool hasOutput(unsigned i) const;
  unsigned numOutputs() const;
  void set(unsigned i, Tensor *tensor);
  void set(unsigned i, mlir::Value value, ExtentsRef extents) { set(i, tensor(value, extents)); }
  /// Tensors for parts of an operator that are no outputs.
  Tensor *tensor(mlir::Value value, ExtentsRef extents);
  Tensor *constant(Constant constant);
  Tensor *fromEntries(llvm::ArrayRef<int64_t> shape, mlir::Type elementType, llvm::SmallVector<mlir::OpFoldResult> entries);
  /// A scalar tensor of any numeric element type.
  Tensor *scalar(mlir::Type elementType, double value);

  /// The result of a structured op, whose type it takes from the op's inference. Null, with an error, if the op does not verify.
  template <typename Op, typename... Args>
  Tensor *structured(mlir::Type elementType, int64_t rank, Args &&...args) {
    if (failed())
      return scalar(elementType, 0);
    llvm::SmallVector<int64_t> unknown(rank, mlir::ShapedType::kDynamic);
    return finishStructured(Op::create(b, loc, mlir::RankedTensorType::get(unknown, elementType), std::forward<Args>(args)...));
  }

  Importer &importer;
  const NodeProto &node;

  /// What the importer function set, one per output; null where it did not.
  llvm::SmallVector<Tensor *> results;

private:
  llvm::SmallVector<Tensor *> inputs;
  llvm::StringSet<> asked;
  bool hasFailed = false;

  void report(std::string text, bool unsupported);
  const AttributeProto *attr(llvm::StringRef name, AttributeType type);
  Tensor *finishStructured(mlir::Operation *op);
};

} // namespace nnopt::onnx

#endif // NNOPT_LIB_IMPORT_ONNX_OPCONTEXT_H
