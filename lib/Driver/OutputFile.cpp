//===- OutputFile.cpp - files that are whole or not there -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "OutputFile.h"

using namespace llvm;
using namespace nnopt;

static Error cannotWrite(StringRef path, const Twine &why) {
  return createStringError(inconvertibleErrorCode(), "cannot write '" + path + "': " + why);
}

Expected<OutputFile> OutputFile::create(StringRef path) {
  OutputFile file(path);
  sys::fs::file_status status;
  bool exists = path == "-" || !sys::fs::status(path, status);
  if (exists && path != "-" && sys::fs::is_directory(status))
    return cannotWrite(path, "is a directory");
  if (exists && !sys::fs::is_regular_file(status)) {
    std::error_code error;
    file.stream = std::make_unique<raw_fd_ostream>(path, error);
    if (error)
      return cannotWrite(path, error.message());
    return file;
  }
  Expected<sys::fs::TempFile> temporary = sys::fs::TempFile::create(path + ".tmp-%%%%%%");
  if (!temporary) {
    std::string why = toString(temporary.takeError());
    return cannotWrite(path, why);
  }
  file.temporary = std::move(*temporary);
  file.stream = std::make_unique<raw_fd_ostream>(file.temporary->FD, /*shouldClose=*/false);
  return file;
}

OutputFile::~OutputFile() {
  if (stream)
    stream->clear_error(); // an error that nobody asked for is fatal otherwise
  stream.reset();
  if (temporary)
    consumeError(temporary->discard());
}

Error OutputFile::finish() {
  stream->flush();
  if (!stream->has_error())
    return Error::success();
  std::string why = stream->error().message();
  stream->clear_error();
  return cannotWrite(finalPath, why);
}

Error OutputFile::commit() {
  if (Error error = finish())
    return error;
  stream.reset();
  if (!temporary)
    return Error::success();
  Error error = temporary->keep(finalPath);
  temporary.reset();
  if (error)
    return cannotWrite(finalPath, toString(std::move(error)));
  return Error::success();
}
