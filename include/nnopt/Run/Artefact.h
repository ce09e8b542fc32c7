//===- Artefact.h - a compiled model in a shared library --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_RUN_ARTEFACT_H
#define NNOPT_RUN_ARTEFACT_H

#include "nnopt/Run/Signature.h"

namespace nnopt {

/// A loaded model, called through its C interface.
class Artefact {
public:
  /// Loads a shared library that holds one model. Fails, naming the file, if it cannot be loaded or holds none.
  static llvm::Expected<Artefact> open(llvm::StringRef path);
  Artefact(Artefact &&);
  ~Artefact();

  const RunSignature &signature() const;
  std::string isa() const;
  /// Whether it was compiled with threads.
  bool hasThreads() const;

  /// Inputs, outputs and workspace of one call, which can be repeated.
  class Call {
  public:
    Call(Call &&);
    ~Call();
    /// Runs the model. Fails with the text of its status.
    llvm::Error run();
    const std::vector<HostTensor> &outputs() const;
    size_t workspaceBytes() const;

  private:
    friend class Artefact;
    struct Impl;
    explicit Call(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl;
  };

  /// Plans a call: `threads` 0 means as the OpenMP runtime is set. The artefact must outlive the call. Fails with the
  /// text of the status.
  llvm::Expected<Call> prepare(llvm::ArrayRef<HostTensor> inputs, int32_t threads) const;

private:
  struct Impl;
  explicit Artefact(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace nnopt

#endif // NNOPT_RUN_ARTEFACT_H
