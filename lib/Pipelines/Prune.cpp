//===- Prune.cpp - what --prune asks for ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Pipelines/Prune.h"

using namespace llvm;
using namespace nnopt;

static Error readOption(StringRef text, PruneMagnitudeOptions &options) {
  auto [key, value] = text.split('=');
  bool hasValue = text.contains('=');
  for (auto [name, flag] : {std::pair<StringRef, bool *>("first", &options.first), {"last", &options.last}, {"depthwise", &options.depthwise}})
    if (key == name) {
      if (hasValue)
        return createStringError("'" + key + "' takes no value, got '" + value + "'");
      *flag = true;
      return Error::success();
    }
  for (auto [name, to] : {std::pair<StringRef, std::string *>("pattern", &options.pattern), {"scope", &options.scope}, {"norm", &options.norm}})
    if (key == name && hasValue) {
      *to = value.str();
      return Error::success();
    }
  if (hasValue && (key == "exclude" || key == "only")) {
    (key == "only" ? options.only : options.exclude).push_back(value.str());
    return Error::success();
  }
  return createStringError("unknown option '" + text + "', expected pattern=, scope=, norm=, exclude=, only=, first, last or depthwise");
}

Expected<PruneMagnitudeOptions> nnopt::parsePrune(StringRef text) {
  llvm::SmallVector<StringRef> parts;
  text.split(parts, ',');
  PruneMagnitudeOptions options;
  auto [method, sparsity] = parts.front().split(':');
  if (method != "magnitude")
    return createStringError("unknown method '" + method + "', expected magnitude, as in magnitude:0.9");
  // -1 is how the pass says that none was given.
  if (parts.front().contains(':') && (sparsity.getAsDouble(options.sparsity) || options.sparsity == -1))
    return createStringError("expects a sparsity of 0 to 1, got '" + sparsity + "'");
  for (StringRef part : ArrayRef(parts).drop_front())
    if (Error error = readOption(part, options))
      return error;
  if (Error error = checkOptions(options))
    return error;
  return options;
}
