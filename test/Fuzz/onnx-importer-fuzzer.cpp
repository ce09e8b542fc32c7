//===- onnx-importer-fuzzer.cpp - any bytes as an ONNX model --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whatever the bytes are, the importer returns a module that verifies, or emits exactly one error.
//===----------------------------------------------------------------------===//

#include "nnopt/Import/ONNX.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"

#include "llvm/Support/raw_ostream.h"

#include <memory>
#include <string>

using namespace mlir;

// libMLIR is not instrumented: memory that it hands out and takes back behind the sanitizer's back must not count as poisoned.
extern "C" const char *__asan_default_options() { return "allow_user_poisoning=0:detect_container_overflow=0:detect_leaks=0"; }

/// A context keeps every attribute that was ever made, so it is replaced from time to time.
static MLIRContext &freshContext() {
  static constexpr unsigned kInputsPerContext = 64;
  static std::unique_ptr<MLIRContext> context;
  static unsigned inputs = 0;
  if (inputs++ % kInputsPerContext == 0)
    context = std::make_unique<MLIRContext>(MLIRContext::Threading::DISABLED);
  return *context;
}

static void require(bool condition, const Twine &what) {
  if (condition)
    return;
  llvm::errs() << "fuzzer: " << what << "\n";
  abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  MLIRContext &context = freshContext();
  std::string errors;
  unsigned count = 0;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error) {
      ++count;
      errors += diagnostic.str() + "\n";
    }
    return success();
  });
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  nnopt::ImportResult result = nnopt::importONNX(llvm::MemoryBufferRef(bytes, "fuzz.onnx"), {}, context);
  if (!result.module) {
    require(count == 1, "refused with " + Twine(count) + " errors, expected one:\n" + errors);
    return 0;
  }
  require(count == 0, "succeeded with an error:\n" + errors);
  require(succeeded(verify(*result.module)), "the module does not verify:\n" + errors);
  return 0;
}
