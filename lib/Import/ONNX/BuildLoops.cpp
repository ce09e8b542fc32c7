//===- BuildLoops.cpp - loops in order, and sums over what is no input ----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Build.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::onnx;

Tensor *nnopt::onnx::inOrder(OpContext &c, ExtentsRef extents, Tensor *init, LoopBody body) {
  if (c.failed())
    return init;
  SmallVector<Value> zeros(extents.size(), c.shapes.asValue(c.shapes.constant(0))),
      ones(extents.size(), c.shapes.asValue(c.shapes.constant(1))),
      ends = llvm::map_to_vector(extents, [&](OpFoldResult extent) { return c.shapes.asValue(extent); });
  Type element = init->elementType();
  if (extents.empty()) {
    Scalar s{c.b, c.loc, element};
    return c.tensor(body(s, {}, c.value(init)), init->extents);
  }
  scf::LoopNest nest = scf::buildLoopNest(c.b, c.loc, zeros, ends, ones, c.value(init),
                                          [&](OpBuilder &b, Location loc, ValueRange at, ValueRange results) -> scf::ValueVector {
                                            OpBuilder::InsertionGuard guard(c.b);
                                            c.b.setInsertionPoint(b.getInsertionBlock(), b.getInsertionPoint());
                                            Scalar s{c.b, loc, element};
                                            Value next = body(s, at, results[0]);
                                            b.setInsertionPointToEnd(c.b.getInsertionBlock());
                                            return {next};
                                          });
  return c.tensor(nest.results[0], init->extents);
}

Tensor *nnopt::onnx::accumulate(OpContext &c, ExtentsRef extents, ExtentsRef reduced, Type element, TypedAttr neutral, SumBody body) {
  if (c.failed())
    return c.scalar(element, 0);
  int64_t rank = extents.size(), loops = rank + int64_t(reduced.size());
  Value start = withSign(c.b, c.loc, arith::ConstantOp::create(c.b, c.loc, neutral), element);
  Value init = linalg::FillOp::create(c.b, c.loc, start, Value(tensor::EmptyOp::create(c.b, c.loc, extents, element))).getResult(0);
  // An operand that is never read tells how far the reduced indices go.
  Value range = tensor::EmptyOp::create(c.b, c.loc, reduced, c.b.getI8Type());
  SmallVector<AffineExpr> kept, summed;
  SmallVector<utils::IteratorType> iterators;
  for (int64_t d = 0; d < loops; ++d) {
    (d < rank ? kept : summed).push_back(c.b.getAffineDimExpr(d));
    iterators.push_back(d < rank ? utils::IteratorType::parallel : utils::IteratorType::reduction);
  }
  AffineMap maps[] = {AffineMap::get(loops, 0, summed, c.b.getContext()), AffineMap::get(loops, 0, kept, c.b.getContext())};
  auto emit = [&](OpBuilder &b, Location loc, ValueRange args) {
    SmallVector<Value> at;
    for (int64_t d = 0; d < loops; ++d)
      at.push_back(linalg::IndexOp::create(b, loc, d));
    Scalar s{b, loc, element};
    Value sum = withSign(b, loc, args[1], signlessOf(element));
    linalg::YieldOp::create(b, loc, withSign(b, loc, body(s, ValueRange(at).take_front(rank), ValueRange(at).drop_front(rank), sum), element));
  };
  auto op = linalg::GenericOp::create(c.b, c.loc, init.getType(), range, init, maps, iterators, emit);
  return c.tensor(op.getResult(0), extents);
}
