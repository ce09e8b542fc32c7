//===- Npz.h - numpy's files ------------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A .npy file is a short header in Python's syntax and the raw elements; a .npz file is a zip archive of them, one per
// name. Files may come from anywhere: a damaged one is an error with a message, and nothing is allocated beyond what it
// really holds.
//===----------------------------------------------------------------------===//

#ifndef NNOPT_SUPPORT_NPZ_H
#define NNOPT_SUPPORT_NPZ_H

#include "nnopt/Support/HostTensor.h"

#include "llvm/Support/Error.h"

#include <string>
#include <utility>
#include <vector>

namespace nnopt {

using NamedTensors = std::vector<std::pair<std::string, HostTensor>>;

/// The tensor in the bytes of a .npy file. Arrays in Fortran order are transposed; two-byte voids are taken for bf16.
llvm::Expected<HostTensor> parseNpy(llvm::StringRef bytes);

/// The bytes of a .npy file. numpy has no bf16, which becomes f32, and no four-bit integers, which become i8 and u8.
std::string formatNpy(const HostTensor &tensor);

/// All arrays of a .npz file, in the archive's order; of a .npy file the one, without a name.
llvm::Expected<NamedTensors> readNpz(llvm::StringRef path);

/// Writes a .npz file, or nothing if that fails.
llvm::Error writeNpz(llvm::StringRef path, const NamedTensors &tensors);

} // namespace nnopt

#endif // NNOPT_SUPPORT_NPZ_H
