//===- Elements.h - a tensor's elements as one C++ type ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_INTERPRETER_ELEMENTS_H
#define NNOPT_LIB_INTERPRETER_ELEMENTS_H

#include "Frame.h"

namespace nnopt::interpreter {

/// The type that sums of products of T are formed in: f64 for floats, i64 (which wraps) for integers.
template <typename T> using SumOf = std::conditional_t<std::is_integral_v<T>, uint64_t, double>;

/// The elements of a tensor as values of T (float, double or int64_t): the tensor's own bytes where they are that
/// already.
template <typename T> class Elements {
public:
  Elements() = default;
  explicit Elements(const HostTensor &tensor) : tensor(tensor) {
    ElementType own = std::is_same_v<T, float>    ? ElementType::F32
                      : std::is_same_v<T, double> ? ElementType::F64
                                                  : ElementType::I64;
    if (tensor.type() == own) {
      data = reinterpret_cast<const T *>(this->tensor.bytes());
      return;
    }
    converted.reserve(tensor.size());
    for (int64_t i = 0; i < tensor.size(); ++i)
      converted.push_back(std::is_integral_v<T> ? static_cast<T>(loadInteger(tensor.type(), tensor.bytes(), i))
                                                : static_cast<T>(loadElement(tensor.type(), tensor.bytes(), i)));
    data = converted.data();
  }
  // `data` points into the object.
  Elements(const Elements &) = delete;
  Elements &operator=(const Elements &) = delete;

  T operator[](int64_t i) const { return data[i]; }
  const T *operator+(int64_t i) const { return data + i; }

private:
  HostTensor tensor; ///< keeps the bytes
  std::vector<T> converted;
  const T *data = nullptr;
};

/// Sum of x[i] * y[i]. Eight partial sums: the order is free, and compilers can keep them in a vector.
template <typename T> SumOf<T> dot(const T *x, const T *y, int64_t count) {
  constexpr int64_t kLanes = 8;
  using Sum = SumOf<T>;
  Sum partial[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (int64_t lane = 0; lane < kLanes; ++lane)
      partial[lane] += static_cast<Sum>(x[i + lane]) * static_cast<Sum>(y[i + lane]);
  for (; i < count; ++i)
    partial[0] += static_cast<Sum>(x[i]) * static_cast<Sum>(y[i]);
  Sum sum = 0;
  for (Sum part : partial)
    sum += part;
  return sum;
}

/// A sum as the number that is stored or handed to an epilogue.
inline Scalar sumScalar(double sum) { return fromFloat(sum); }
inline Scalar sumScalar(uint64_t sum) { return fromInteger(static_cast<int64_t>(sum)); }

/// Calls `run` with a value of the C++ type that sums to a result of `type` are formed from: float, double or int64_t.
template <typename Run> auto withElements(ScalarType type, Run run) {
  if (!type.isFloat)
    return run(int64_t());
  return type.bits == 64 ? run(double()) : run(float());
}

/// Takes finished sums, runs the epilogue on them, and stores the result.
class Epilogue {
public:
  /// For ops with an epilogue region; `maps` and `operands` as in the op.
  static mlir::FailureOr<Epilogue> create(Frame &frame, OpCall &call, mlir::Region &region, mlir::ValueRange operands,
                                          std::optional<mlir::ArrayAttr> maps, llvm::ArrayRef<int64_t> shape);

  /// The type that the op's sums are rounded to.
  ScalarType sumType() const { return accumulator; }
  /// Stores element `at` of the result.
  mlir::LogicalResult finish(llvm::ArrayRef<int64_t> at, Scalar sum);
  /// Makes the element zero.
  void clear(llvm::ArrayRef<int64_t> at);
  HostTensor take() { return std::move(output); }

private:
  struct Operand {
    HostTensor tensor;
    llvm::SmallVector<int64_t> strides; ///< one per dimension of the result
  };
  HostTensor output;
  char *bytes = nullptr;
  llvm::SmallVector<int64_t> strides;
  ScalarType accumulator{}, yielded{};
  std::optional<Program> program;
  llvm::SmallVector<Operand> operands;
};

/// Runs an op with a bias and an epilogue: `body` gets a value of the type that sums are formed from, the bias (null: none) and the epilogue for a
/// result of `shape`, to which it hands every sum.
template <typename Op, typename Body>
mlir::LogicalResult runSums(Frame &frame, Op op, OpCall &call, llvm::ArrayRef<int64_t> shape, Body body) {
  auto epilogue = Epilogue::create(frame, call, op.getEpilogue(), op.getEpilogueOperands(), op.getEpilogueMaps(), shape);
  if (failed(epilogue))
    return mlir::failure();
  mlir::LogicalResult status = withElements(epilogue->sumType(), [&](auto type) {
    std::optional<Elements<decltype(type)>> bias;
    if (op.getBias())
      bias.emplace(call.tensor(op.getBias()));
    return body(type, bias ? &*bias : nullptr, *epilogue);
  });
  return failed(status) ? mlir::failure() : call.yield(epilogue->take());
}

} // namespace nnopt::interpreter

#endif // NNOPT_LIB_INTERPRETER_ELEMENTS_H
