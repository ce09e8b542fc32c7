//===- Header.cpp - the header of a compiled model ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Header.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace nnopt;

static constexpr char kInterface[] = {
#include "Interface.inc"
    , 0};

/// Text that comes from the model, made safe for a C comment.
static std::string commentText(StringRef text) {
  std::string result;
  for (char c : text)
    result += isPrint(c) ? c : '?';
  for (size_t at; (at = result.find("*/")) != std::string::npos;)
    result[at] = '?';
  for (size_t at; (at = result.find("/*")) != std::string::npos;)
    result[at + 1] = '?';
  return result;
}

static void writeArguments(raw_ostream &os, StringRef array, ArrayRef<ModelArgument> arguments) {
  for (auto [i, argument] : enumerate(arguments))
    os << " *   " << array << "[" << i << "]  " << dtypeName(argument.dtype) << "[" << commentText(join(argument.dims, ", "))
       << "]  " << commentText(argument.name) << "\n";
}

static constexpr StringLiteral kPrototypes = R"(
#ifdef __cplusplus
extern "C" {
#endif

/* Checks the types and shapes of the inputs, fills in type, rank and shape of the outputs (not their data), and tells how many
 * bytes of workspace NNN_run needs for these shapes. No data is touched. `workspace_bytes` may be null. */
nnopt_status NNN_plan(const nnopt_tensor *in, nnopt_tensor *out, size_t *workspace_bytes);

/* Runs the model. `out[i].data` has room for the shapes that NNN_plan tells; they are filled in again. `workspace` is
 * aligned to 64 bytes and its contents do not matter. Allocates nothing; may be called from several threads at once, each with its
 * own outputs and workspace. `options` may be null. */
nnopt_status NNN_run(const nnopt_tensor *in, nnopt_tensor *out, void *workspace, const nnopt_options *options);

/* Names, shapes and types, and which instruction set is used here. */
const nnopt_info *NNN_info(void);

#ifdef __cplusplus
}
#endif
)";

static std::string replaced(StringRef text, StringRef from, StringRef to) {
  SmallVector<StringRef> parts;
  text.split(parts, from);
  return join(parts, to);
}

void nnopt::writeModelHeader(raw_ostream &os, const Signature &signature, const CodeOptions &options, bool usesThreads) {
  os << "/* " << options.name << ": a compiled model. " << commentText(options.stamp) << "\n *\n";
  writeArguments(os, "in", signature.inputs);
  writeArguments(os, "out", signature.outputs);
  for (const Requirement &row : signature.requirements) {
    os << " *   " << commentText(signature.symbols[row.symbol]);
    if (row.equals >= 0)
      os << " = " << commentText(signature.symbols[row.equals]) << "\n";
    else
      os << (row.least == row.most ? " = " : " <= ") << row.most << "\n";
  }
  os << " *\n * Link with: " << options.name << ".o " << (usesThreads ? "-lgomp -lm" : "-lm") << "\n */\n";
  std::string guard = "NNOPT_MODEL_" + options.name;
  os << "#ifndef " << guard << "\n#define " << guard << "\n\n" << StringRef(kInterface);
  os << replaced(kPrototypes, "NNN", options.name);
  os << "\n#endif /* " << guard << " */\n";
}
