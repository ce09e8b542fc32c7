//===- ChannelGroups.h - values that share their channels -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_CHANNELGROUPS_H
#define NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_CHANNELGROUPS_H

#include "ConstantData.h"

namespace nnopt {

/// All constants that must be reordered together: the outputs of some layers, what elementwise ops, norms, pools and depthwise filters read on
/// the way, and the inputs of the layers that the channels end in.
struct ChannelGroup {
  /// Dimension `dim` of a constant operand has the channels.
  struct Use {
    mlir::OpOperand *operand;
    int64_t dim;
  };
  llvm::SmallVector<Use> producers;  ///< weights whose outputs are the channels
  llvm::SmallVector<Use> consumers;  ///< weights whose inputs are the channels
  llvm::SmallVector<Use> parameters; ///< everything else
};

/// The group of the outputs of `layer`, a `nnopt.linear` or `nnopt.conv` with a constant weight. If the channels reach what does not carry
/// another order, such as a result of the model, there is none and `obstacle` says why.
std::optional<ChannelGroup> findChannelGroup(mlir::Operation *layer, std::string &obstacle);

} // namespace nnopt

#endif // NNOPT_LIB_DIALECT_NNOPT_TRANSFORMS_CHANNELGROUPS_H
