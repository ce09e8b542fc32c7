//===- OutputFile.h - files that are whole or not there ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_LIB_DRIVER_OUTPUTFILE_H
#define NNOPT_LIB_DRIVER_OUTPUTFILE_H

#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <optional>

namespace nnopt {

/// A file that gets its name only when it is complete: it is written under a temporary name beside it, which is removed on errors and on
/// signals. What is not a regular file (a device, a pipe, "-") is written directly.
class OutputFile {
public:
  static llvm::Expected<OutputFile> create(llvm::StringRef path);
  OutputFile(OutputFile &&) = default;
  ~OutputFile();

  llvm::raw_fd_ostream &os() { return *stream; }
  const std::string &path() const { return finalPath; }
  /// Where the bytes are until `commit`.
  llvm::StringRef temporaryPath() const { return temporary ? llvm::StringRef(temporary->TmpName) : llvm::StringRef(finalPath); }

  /// Ends writing; fails if not everything could be written.
  llvm::Error finish();
  /// Ends writing and gives the file its name.
  llvm::Error commit();

private:
  OutputFile(llvm::StringRef path) : finalPath(path) {}
  std::string finalPath;
  std::optional<llvm::sys::fs::TempFile> temporary;
  std::unique_ptr<llvm::raw_fd_ostream> stream;
};

} // namespace nnopt

#endif // NNOPT_LIB_DRIVER_OUTPUTFILE_H
