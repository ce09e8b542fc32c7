//===- SparseConvPlanes.cpp - results of pruned convolutions as planes ----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sums lie along the positions as the planes do, so vectors are finished as they are. What is no position becomes zero: the frame of the next
// convolution.
//===----------------------------------------------------------------------===//

#include "Products.h"
#include "SparseConv.h"

using namespace mlir;
using namespace nnopt;

namespace {

/// The body of the function that finishes the sums of a strip.
class PlaneFinisher {
public:
  PlaneFinisher(KernelBuilder &k, const GemmProblem &problem, int64_t vectorStep, int64_t pitch, int64_t size)
      : k(k), problem(problem), vectorStep(vectorStep), pitch(pitch), size(size) {}

  Value sums, numbers, vectors, outputs, c, bias; ///< c: of the first output, at the first position; bias may be null
  SmallVector<Value> operands;

  void emit() {
    k.loop(k.index(0), outputs, 1, [&](Value output) {
      Value biasVector = bias ? k.splat(k.load(f32(), k.at(bias, f32(), output)), type()) : Value();
      k.loop(k.index(0), vectors, 1, [&](Value v) { emitVector(output, v, biasVector); });
    });
  }

private:
  KernelBuilder &k;
  const GemmProblem &problem;
  int64_t vectorStep, pitch, size;

  Type f32() { return k.b.getF32Type(); }
  VectorType type() { return k.vectorType(f32()); }

  void emitVector(Value output, Value v, Value biasVector) {
    Value at = k.mul(v, k.index(k.isa.lanes)), offset = k.add(k.mul(output, k.index(size)), at);
    Value sum = k.load(type(), k.at(sums, f32(), k.add(k.mul(v, k.index(vectorStep)), k.mul(output, k.index(pitch)))));
    SmallVector<Value> addresses;
    for (Value operand : operands)
      addresses.push_back(k.at(operand, f32(), offset));
    Value result = finishSum(k, problem, sum, biasVector, addresses, [&](Value p, Type) { return k.load(type(), p); });
    VectorType integers = k.vectorType(k.b.getI32Type());
    Value number = k.load(integers, k.at(numbers, k.b.getI32Type(), at));
    Value isPosition = arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::sge, number, k.zero(integers));
    k.store(arith::SelectOp::create(k.b, k.loc, isPosition, result, k.zero(type())), k.at(c, f32(), offset));
  }
};

} // namespace

/// Zeros from element `begin` to `end`, whole vectors, of `outputs` planes.
static void emitZeros(KernelBuilder &k, SparseConvOp op, Value planes, Value outputs, int64_t begin, int64_t end, int64_t size) {
  KernelCall function(k, op, "plane_zeros");
  function.key(Twine(begin) + "," + Twine(end) + "," + Twine(size));
  unsigned to = function.pointer(planes), count = function.number(outputs);
  function.emit([&](KernelBuilder &b) {
    Type f32 = b.b.getF32Type();
    b.loop(b.index(0), function[count], 1, [&](Value output) {
      Value plane = b.mul(output, b.index(size));
      b.loop(b.index(begin), b.index(end), b.isa.lanes,
             [&](Value i) { b.store(b.zero(b.vectorType(f32)), b.at(function[to], f32, b.add(plane, i))); });
    });
  });
}

void SparseConvFinisher::emitPlanes(const ConvSums &sums, Value count) {
  int64_t lead = (*op.getFrame())[0], size = (*op.getFrame())[1], positions = op.positions();
  Type f32 = k.b.getF32Type();
  Value output = k.mul(sums.strip, k.index(strip)), none = k.index(0);
  SmallVector<Value> outer{sums.image, output};
  Value first = k.add(sums.position, k.index(lead));
  KernelCall function(k, op, "planes_finish");
  function.key(Twine(sums.vectorStep) + "," + Twine(sums.pitch) + "," + Twine(size));
  unsigned from = function.pointer(sums.sums), ids = function.pointer(numbers), c = function.pointer(addressOf(k, p.c, outer, none, first));
  unsigned outputs = function.number(count), vectors = function.number(sums.vectors);
  std::optional<unsigned> bias;
  if (p.bias)
    bias = function.pointer(k.at(p.bias->pointer, f32, output)), function.key("bias");
  SmallVector<unsigned> operands;
  for (const RowAccess &access : p.operands)
    operands.push_back(function.pointer(addressOf(k, access, outer, none, first)));
  if (p.epilogue)
    function.key(*p.epilogue);
  function.emit([&](KernelBuilder &inner) {
    PlaneFinisher finisher(inner, p, sums.vectorStep, sums.pitch, size);
    finisher.sums = function[from], finisher.numbers = function[ids], finisher.c = function[c];
    finisher.vectors = function[vectors], finisher.outputs = function[outputs];
    finisher.bias = bias ? function[*bias] : Value();
    for (unsigned handle : operands)
      finisher.operands.push_back(function[handle]);
    finisher.emit();
  });
  // Whoever has the first or the last positions writes the frame besides.
  Value planes = addressOf(k, p.c, outer, none, none), end = k.add(sums.position, k.mul(sums.vectors, k.index(k.isa.lanes)));
  if (lead != 0)
    k.when(k.less(sums.position, k.index(1)), [&] { emitZeros(k, op, planes, count, 0, lead, size); });
  if (lead + positions != size)
    k.when(k.less(k.index(positions - 1), end), [&] { emitZeros(k, op, planes, count, lead + positions, size, size); });
}
