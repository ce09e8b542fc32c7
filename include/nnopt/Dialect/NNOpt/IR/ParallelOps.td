//===- ParallelOps.td - work split over threads ----------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_PARALLEL_OPS_TD
#define NNOPT_PARALLEL_OPS_TD

include "nnopt/Dialect/NNOpt/IR/NNOptBase.td"

def NNOpt_ParallelForOp : NNOpt_Op<"parallel_for", [SingleBlock, NoTerminator, RecursiveMemoryEffects]> {
  let summary = "a range of independent work items, split over threads";
  let description = [{
    Runs its body on disjoint ranges `[begin, end)` that together cover `[0, count)`, in any order and
    on any number of threads. Items must not depend on each other. The threads stage outlines the body
    to a function; without threads it runs once on the whole range.

    ```mlir
    nnopt.parallel_for %n {
    ^bb0(%begin: index, %end: index):
      scf.for %i = %begin to %end step %c1 { ... }
    }
    ```
  }];
  let arguments = (ins Index:$count);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$count $body attr-dict";
  let hasVerifier = 1;
}

#endif // NNOPT_PARALLEL_OPS_TD
