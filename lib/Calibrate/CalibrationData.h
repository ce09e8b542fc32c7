//===- CalibrationData.h - samples from files -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_CALIBRATE_CALIBRATIONDATA_H
#define NNOPT_LIB_CALIBRATE_CALIBRATIONDATA_H

#include "nnopt/Run/Signature.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace nnopt {

/// Samples for a model's inputs. One file is in memory at a time.
class CalibrationData {
public:
  /// The files that `path` stands for: itself, or the .npz files in it, by name. Fails if there is none.
  static llvm::Expected<CalibrationData> open(llvm::StringRef path);

  /// Calls `run` with one batch after the other: as many samples as the first extents of the model's inputs say, or up to 16 where these are open. Samples
  /// of a file that do not fill a batch of fixed size are left out. Fails, naming file, input and sample, if an input is missing, of another type or
  /// shape, or holds a NaN or infinity, and if there is no batch at all.
  llvm::Error forEachBatch(const RunSignature &signature, llvm::function_ref<llvm::Error(llvm::ArrayRef<HostTensor>)> run) const;

private:
  std::string path;
  std::vector<std::string> files;
};

} // namespace nnopt

#endif // NNOPT_LIB_CALIBRATE_CALIBRATIONDATA_H
