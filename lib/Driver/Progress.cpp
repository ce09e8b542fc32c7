//===- Progress.cpp - a line that tells what goes on ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Driver/Progress.h"

#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>

using namespace nnopt;

ProgressLine::ProgressLine() {
  if (llvm::sys::Process::StandardErrIsDisplayed())
    thread = std::thread([this] { run(); });
}

ProgressLine::~ProgressLine() { stop(); }

void ProgressLine::stage(llvm::StringRef name) {
  std::lock_guard lock(mutex);
  current = name.str();
  changed.notify_one();
}

void ProgressLine::stop() {
  {
    std::lock_guard lock(mutex);
    stopped = true;
    changed.notify_one();
  }
  if (thread.joinable())
    thread.join();
}

void ProgressLine::run() {
  auto start = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex);
  if (changed.wait_for(lock, std::chrono::seconds(2), [&] { return stopped; }))
    return;
  while (!stopped) {
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    llvm::errs() << "\r\033[K" << current << " ... " << static_cast<int>(seconds.count()) << " s";
    changed.wait_for(lock, std::chrono::seconds(1));
  }
  llvm::errs() << "\r\033[K";
}
