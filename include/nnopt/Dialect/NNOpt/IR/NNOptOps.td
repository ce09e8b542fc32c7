//===- NNOptOps.td - all ops of the nnopt dialect --------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_OPS_TD
#define NNOPT_OPS_TD

include "nnopt/Dialect/NNOpt/IR/WeightOps.td"
include "nnopt/Dialect/NNOpt/IR/ComputeOps.td"
include "nnopt/Dialect/NNOpt/IR/PlaneOps.td"
include "nnopt/Dialect/NNOpt/IR/WindowOps.td"
include "nnopt/Dialect/NNOpt/IR/RowOps.td"
include "nnopt/Dialect/NNOpt/IR/ObserveOps.td"
include "nnopt/Dialect/NNOpt/IR/ParallelOps.td"
include "nnopt/Dialect/NNOpt/IR/SparseTensorOps.td"

#endif // NNOPT_OPS_TD
