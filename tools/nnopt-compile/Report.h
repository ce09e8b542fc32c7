//===- Report.h - what nnopt-compile prints ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef NNOPT_TOOLS_NNOPT_COMPILE_REPORT_H
#define NNOPT_TOOLS_NNOPT_COMPILE_REPORT_H

#include "nnopt/Driver/Compile.h"

#include <condition_variable>
#include <mutex>
#include <thread>

/// Shows the stage that runs on a line of standard error that is overwritten, from the third second on; only on terminals.
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

/// One JSON object about a compilation.
void printJson(llvm::raw_ostream &os, llvm::StringRef model, const nnopt::CompileOptions &options,
               const nnopt::CompileReport &report);

#endif // NNOPT_TOOLS_NNOPT_COMPILE_REPORT_H
