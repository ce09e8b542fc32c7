//===- TemporaryDirectory.h - a place for files of one run ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_SUPPORT_TEMPORARYDIRECTORY_H
#define NNOPT_SUPPORT_TEMPORARYDIRECTORY_H

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

namespace nnopt {

/// Removed with all that is in it at the end.
class TemporaryDirectory {
public:
  TemporaryDirectory() = default;
  TemporaryDirectory(const TemporaryDirectory &) = delete;
  TemporaryDirectory &operator=(const TemporaryDirectory &) = delete;
  ~TemporaryDirectory() {
    if (!path.empty())
      (void)llvm::sys::fs::remove_directories(path);
  }

  llvm::Error create() {
    if (std::error_code code = llvm::sys::fs::createUniqueDirectory("nnopt-run", path))
      return llvm::createStringError(code, "cannot create a temporary directory: " + code.message());
    return llvm::Error::success();
  }

  std::string file(llvm::StringRef name) const {
    llvm::SmallString<128> result(path);
    llvm::sys::path::append(result, name);
    return result.str().str();
  }

private:
  llvm::SmallString<128> path;
};

} // namespace nnopt

#endif // NNOPT_SUPPORT_TEMPORARYDIRECTORY_H
