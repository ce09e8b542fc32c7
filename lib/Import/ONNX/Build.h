//===- Build.h - ops that many operators are made of ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_IMPORT_ONNX_BUILD_H
#define NNOPT_LIB_IMPORT_ONNX_BUILD_H

#include "OpContext.h"

namespace nnopt::onnx {

/// Computes one element from one element of each operand, all signless.
using ScalarBody = llvm::function_ref<mlir::Value(Scalar &s, mlir::ValueRange args)>;

/// Computes one element from its coordinates (index values).
using IndexBody = llvm::function_ref<mlir::Value(Scalar &s, mlir::ValueRange coordinates)>;

/// The extents of a NumPy broadcast of these shapes. An extent that is 1 broadcasts; two dynamic ones, or a dynamic and a static one, are
/// taken to be equal. An error if the shapes do not fit.
Extents broadcastExtents(OpContext &c, llvm::ArrayRef<ExtentsRef> shapes);

/// `body` on every element of the broadcast operands, which it sees in the type of the first one (`Scalar::type`). Small tensors of known scalars
/// are computed at once.
Tensor *elementwise(OpContext &c, llvm::ArrayRef<Tensor *> operands, mlir::Type resultElement, ScalarBody body);

/// A tensor whose elements are computed from their coordinates; `body` may read other tensors with `readElement`.
Tensor *generate(OpContext &c, ExtentsRef extents, mlir::Type element, IndexBody body);

/// Inside `generate`: one element, signless.
mlir::Value readElement(Scalar &s, mlir::Value tensor, mlir::ValueRange coordinates);

/// Fails unless input `i` holds int32 or int64, as indices do.
void expectIndices(OpContext &c, unsigned i);

/// An index that counts from the end if negative, clamped to `extent` so that no input makes compiled code read or write elsewhere.
mlir::Value safeIndex(Scalar &s, mlir::Value index, mlir::Type indexType, mlir::Value extent);

/// `tensor` filled with one number.
Tensor *filled(OpContext &c, ExtentsRef extents, mlir::Type element, mlir::TypedAttr value);
Tensor *filled(OpContext &c, ExtentsRef extents, mlir::Type element, double value);

/// Another shape with as many elements.
Tensor *reshape(OpContext &c, Tensor *tensor, ExtentsRef extents);

/// Collapses dimensions `[begin, end)` into one; an empty range inserts a dimension of extent 1.
Tensor *collapse(OpContext &c, Tensor *tensor, int64_t begin, int64_t end);

Tensor *transpose(OpContext &c, Tensor *tensor, llvm::ArrayRef<int64_t> permutation);

/// `tensor` repeated where `extents` is larger than 1.
Tensor *broadcastTo(OpContext &c, Tensor *tensor, ExtentsRef extents);

/// A part of `tensor` with unit or larger steps.
Tensor *slice(OpContext &c, Tensor *tensor, ExtentsRef offsets, ExtentsRef sizes, ExtentsRef strides);

Tensor *concat(OpContext &c, llvm::ArrayRef<Tensor *> tensors, int64_t axis);

/// `tensor` inside a larger one that is filled with `value` elsewhere.
Tensor *padConstant(OpContext &c, Tensor *tensor, ExtentsRef before, ExtentsRef after, mlir::Value value);

Tensor *castTo(OpContext &c, Tensor *tensor, mlir::Type element);

/// `kind` on every element; small constants are not folded.
Tensor *activation(OpContext &c, Tensor *tensor, ActivationKind kind, std::optional<float> alpha = std::nullopt,
                   std::optional<float> beta = std::nullopt);

/// Cross-correlation with the attributes of the node, which is some kind of Conv; null after an error.
Tensor *convolve(OpContext &c, Tensor *input, Tensor *filter, Tensor *bias);

/// Element `at` of a running result in loops that must run in order; returns the result with what was inserted.
using LoopBody = llvm::function_ref<mlir::Value(Scalar &s, mlir::ValueRange at, mlir::Value result)>;

/// Runs `body` for every index below `extents`, the last one fastest, on a result that starts as `init`.
Tensor *inOrder(OpContext &c, ExtentsRef extents, Tensor *init, LoopBody body);

/// Every element is the sum, or whatever `body` makes of it and the sum so far, over all indices below `reduced`, starting at `neutral`.
using SumBody = llvm::function_ref<mlir::Value(Scalar &s, mlir::ValueRange at, mlir::ValueRange reducedAt, mlir::Value sum)>;
Tensor *accumulate(OpContext &c, ExtentsRef extents, ExtentsRef reduced, mlir::Type element, mlir::TypedAttr neutral, SumBody body);

/// What a reduction does: its neutral element, how two elements combine, and what is done to elements before.
struct Reduction {
  mlir::TypedAttr neutral;
  mlir::Value (*combine)(Scalar &, mlir::Value, mlir::Value);
  mlir::Value (*map)(Scalar &, mlir::Value) = nullptr;
};

/// Reduces `axes` (sorted, not negative), which stay as extents of 1 with `keep`.
Tensor *reduce(OpContext &c, Tensor *tensor, llvm::ArrayRef<int64_t> axes, bool keep, const Reduction &reduction);

Tensor *reduceSum(OpContext &c, Tensor *tensor, llvm::ArrayRef<int64_t> axes, bool keep);
Tensor *reduceMean(OpContext &c, Tensor *tensor, llvm::ArrayRef<int64_t> axes, bool keep);

/// Fails with an error unless all operands have the same element type.
void expectSameTypes(OpContext &c, llvm::ArrayRef<Tensor *> tensors);
/// Fails if a constant that is to be multiplied holds NaN, which would reach every output: the model is damaged.
void expectNoNaN(OpContext &c, unsigned input);
/// Fails unless the tensor holds floating-point numbers.
void expectFloat(OpContext &c, Tensor *tensor);

} // namespace nnopt::onnx

#endif // NNOPT_LIB_IMPORT_ONNX_BUILD_H
