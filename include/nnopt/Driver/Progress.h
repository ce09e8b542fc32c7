//===- Progress.h - a line that tells what goes on --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_DRIVER_PROGRESS_H
#define NNOPT_DRIVER_PROGRESS_H

#include "llvm/ADT/StringRef.h"

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace nnopt {

/// For tools: shows the stage that runs on a line of standard error that is overwritten, from the third second on; only on terminals.
class ProgressLine {
public:
  ProgressLine();
  ~ProgressLine();
  void stage(llvm::StringRef name);
  /// Removes the line.
  void stop();

private:
  void run();
  std::mutex mutex;
  std::condition_variable changed;
  std::string current;
  bool stopped = false;
  std::thread thread;
};

} // namespace nnopt

#endif // NNOPT_DRIVER_PROGRESS_H
