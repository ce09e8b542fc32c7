//===- Link.cpp - objects to libraries ------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Link.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/TargetParser/Host.h"

using namespace llvm;
using namespace nnopt;

static Error linkError(const Twine &message) { return createStringError(inconvertibleErrorCode(), message); }

/// The C compiler for `triple`, with the arguments it always gets; empty if there is none.
static std::vector<std::string> findCompiler(const Triple &triple) {
  bool isHost = Triple(sys::getDefaultTargetTriple()).getArch() == triple.getArch();
  std::vector<std::string> names;
  if (const char *chosen = getenv("CC"); chosen && *chosen && isHost)
    names.push_back(chosen);
  if (isHost)
    names.insert(names.end(), {"cc", "gcc", "clang", "clang-22"});
  else
    names.push_back((triple.getArchName() + "-linux-gnu-gcc").str());
  for (const std::string &name : names)
    if (ErrorOr<std::string> path = sys::findProgramByName(name))
      return {*path};
  return {};
}

Error nnopt::linkShared(StringRef object, StringRef output, const Triple &triple, bool usesThreads) {
  std::vector<std::string> command = findCompiler(triple);
  if (command.empty()) {
    ErrorOr<std::string> lld = sys::findProgramByName("ld.lld");
    if (!lld)
      return linkError("no C compiler and no ld.lld in PATH to link a shared library for '" + triple.str() + "'; --emit=obj needs neither");
    command = {*lld};
  }
  command.insert(command.end(), {"-shared", "-o", output.str(), object.str()});
  // Unloading the last user of the OpenMP runtime would unmap the code that its idle threads are in.
  if (usesThreads)
    command.insert(command.end(), {"-lgomp", "-z", "nodelete"});
  command.push_back("-lm");

  SmallString<128> log;
  if (std::error_code error = sys::fs::createTemporaryFile("nnopt-link", "log", log))
    return linkError("cannot make a temporary file: " + error.message());
  FileRemover remover(log);
  std::optional<StringRef> redirects[] = {StringRef(""), StringRef(log), StringRef(log)};
  SmallVector<StringRef> arguments(command.begin(), command.end());
  std::string message;
  int status = sys::ExecuteAndWait(command.front(), arguments, std::nullopt, redirects, /*SecondsToWait=*/0,
                                   /*MemoryLimit=*/0, &message);
  if (status == 0)
    return Error::success();
  if (auto text = MemoryBuffer::getFile(log); text && message.empty())
    message = (*text)->getBuffer().trim().str();
  return linkError("'" + command.front() + "' cannot link a shared library: " + message);
}

Error nnopt::writeStaticLibrary(StringRef object, StringRef member, StringRef output) {
  Expected<NewArchiveMember> file = NewArchiveMember::getFile(object, /*Deterministic=*/true);
  if (!file)
    return file.takeError();
  file->MemberName = member;
  return writeArchive(output, *file, SymtabWritingMode::NormalSymtab, object::Archive::K_GNU, /*Deterministic=*/true, /*Thin=*/false);
}
