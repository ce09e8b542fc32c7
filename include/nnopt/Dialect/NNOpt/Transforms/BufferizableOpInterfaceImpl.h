//===- BufferizableOpInterfaceImpl.h - how nnopt ops bufferize --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_DIALECT_NNOPT_TRANSFORMS_BUFFERIZABLEOPINTERFACEIMPL_H
#define NNOPT_DIALECT_NNOPT_TRANSFORMS_BUFFERIZABLEOPINTERFACEIMPL_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace nnopt {

/// Teaches One-Shot Bufferize the structured ops.
void registerBufferizableOpInterfaceExternalModels(mlir::DialectRegistry &registry);

} // namespace nnopt

#endif // NNOPT_DIALECT_NNOPT_TRANSFORMS_BUFFERIZABLEOPINTERFACEIMPL_H
