//===- Prune.cpp - what --prune asks for ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Pipelines/Prune.h"

using namespace llvm;
using namespace nnopt;

/// Takes `text` if it is one of the flags, alone, or one of the texts, with a value.
static Expected<bool> readCommon(StringRef text, ArrayRef<std::pair<StringRef, bool *>> flags, ArrayRef<std::pair<StringRef, std::string *>> texts,
                                 ArrayRef<std::pair<StringRef, llvm::SmallVector<std::string> *>> lists) {
  auto [key, value] = text.split('=');
  bool hasValue = text.contains('=');
  for (auto [name, flag] : flags)
    if (key == name) {
      if (hasValue)
        return createStringError("'" + key + "' takes no value, got '" + value + "'");
      *flag = true;
      return true;
    }
  for (auto [name, to] : texts)
    if (key == name && hasValue) {
      *to = value.str();
      return true;
    }
  for (auto [name, to] : lists)
    if (key == name && hasValue) {
      to->push_back(value.str());
      return true;
    }
  return false;
}

static Error unknownOption(StringRef text, StringRef expected) {
  return createStringError("unknown option '" + text + "', expected " + expected);
}

static Error readOption(StringRef text, PruneMagnitudeOptions &options) {
  Expected<bool> known = readCommon(text, {{"first", &options.first}, {"last", &options.last}, {"depthwise", &options.depthwise}},
                                    {{"pattern", &options.pattern}, {"scope", &options.scope}, {"norm", &options.norm}},
                                    {{"exclude", &options.exclude}, {"only", &options.only}});
  if (!known)
    return known.takeError();
  return *known ? Error::success()
                : unknownOption(text, "pattern=, scope=, norm=, exclude=, only=, first, last or depthwise");
}

static Error readOption(StringRef text, PruneAutoOptions &options) {
  auto [key, value] = text.split('=');
  for (auto [name, to] : {std::pair<StringRef, double *>("speedup", &options.speedup), {"most-sparsity", &options.mostSparsity}})
    if (key == name) {
      // 0 is how the pass says that no speedup was given.
      if (value.getAsDouble(*to) || *to == 0)
        return createStringError("'" + key + "' expects a number above 0, got '" + value + "'");
      return Error::success();
    }
  Expected<bool> known = readCommon(text, {{"first", &options.first}, {"last", &options.last}, {"depthwise", &options.depthwise}},
                                    {{"budget", &options.budget}},
                                    {{"pattern", &options.pattern}, {"exclude", &options.exclude}, {"only", &options.only}});
  if (!known)
    return known.takeError();
  return *known ? Error::success() : unknownOption(text, "speedup=, budget=, pattern=, most-sparsity=, exclude=, only=, first, last or depthwise");
}

static Error readOption(StringRef text, PruneWandaOptions &options) {
  Expected<bool> known = readCommon(text, {{"first", &options.first}, {"last", &options.last}, {"depthwise", &options.depthwise}},
                                    {{"pattern", &options.pattern}, {"scope", &options.scope}},
                                    {{"exclude", &options.exclude}, {"only", &options.only}});
  if (!known)
    return known.takeError();
  return *known ? Error::success() : unknownOption(text, "pattern=, scope=, exclude=, only=, first, last or depthwise");
}

static Error readOption(StringRef text, PruneSparseGPTOptions &options) {
  auto [key, value] = text.split('=');
  if (key == "damping") {
    if (value.getAsDouble(options.damping))
      return createStringError("'damping' expects a number, got '" + value + "'");
    return Error::success();
  }
  if (key == "window") {
    if (value.getAsInteger(10, options.window))
      return createStringError("'window' expects a number, got '" + value + "'");
    return Error::success();
  }
  Expected<bool> known = readCommon(text, {{"first", &options.first}, {"last", &options.last}, {"depthwise", &options.depthwise}},
                                    {{"pattern", &options.pattern}, {"scope", &options.scope}},
                                    {{"exclude", &options.exclude}, {"only", &options.only}});
  if (!known)
    return known.takeError();
  return *known ? Error::success() : unknownOption(text, "pattern=, scope=, damping=, window=, exclude=, only=, first, last or depthwise");
}

static Error readOption(StringRef text, PruneStructuredOptions &options) {
  auto [key, value] = text.split('=');
  for (auto [name, to] : {std::pair<StringRef, double *>("channels", &options.channels), {"neurons", &options.neurons}, {"heads", &options.heads}})
    if (key == name) {
      if (value.getAsDouble(*to))
        return createStringError("'" + key + "' expects a part of 0 to below 1, got '" + value + "'");
      return Error::success();
    }
  if (key == "multiple") {
    if (value.getAsInteger(10, options.multiple))
      return createStringError("'multiple' expects a number, got '" + value + "'");
    return Error::success();
  }
  Expected<bool> known = readCommon(text, {{"first", &options.first}, {"zero-only", &options.zeroOnly}},
                                    {{"scope", &options.scope}, {"norm", &options.norm}},
                                    {{"exclude", &options.exclude}, {"only", &options.only}});
  if (!known)
    return known.takeError();
  return *known ? Error::success()
                : unknownOption(text, "channels=, neurons=, heads=, multiple=, scope=, norm=, exclude=, only=, first or zero-only");
}

template <typename Options>
static Expected<PruneRequest> readOptions(ArrayRef<StringRef> parts, Options options) {
  for (StringRef part : parts)
    if (Error error = readOption(part, options))
      return error;
  if (Error error = checkOptions(options))
    return error;
  return PruneRequest(std::move(options));
}

/// Options of a method whose first part is METHOD or METHOD:SPARSITY.
template <typename Options>
static Expected<PruneRequest> readSparsity(ArrayRef<StringRef> parts, Options options) {
  StringRef sparsity = parts.front().split(':').second;
  // -1 is how the pass says that none was given.
  if (parts.front().contains(':') && (sparsity.getAsDouble(options.sparsity) || options.sparsity == -1))
    return createStringError("expects a sparsity of 0 to 1, got '" + sparsity + "'");
  return readOptions(parts.drop_front(), std::move(options));
}

Expected<PruneRequest> nnopt::parsePrune(StringRef text) {
  llvm::SmallVector<StringRef> parts;
  text.split(parts, ',');
  auto [method, first] = parts.front().split(':');
  bool hasFirst = parts.front().contains(':');
  if (method == "structured" || method == "auto") {
    if (hasFirst)
      parts.front() = first;
    ArrayRef<StringRef> options = ArrayRef(parts).drop_front(!hasFirst);
    return method == "auto" ? readOptions(options, PruneAutoOptions()) : readOptions(options, PruneStructuredOptions());
  }
  if (method == "magnitude")
    return readSparsity(parts, PruneMagnitudeOptions());
  if (method == "wanda")
    return readSparsity(parts, PruneWandaOptions());
  if (method == "sparsegpt")
    return readSparsity(parts, PruneSparseGPTOptions());
  return createStringError("unknown method '" + method + "', expected magnitude, wanda or sparsegpt, as in magnitude:0.9, auto, as in auto:speedup=2, or structured, as in "
                                                         "structured:channels=0.5");
}

bool nnopt::needsCalibration(const PruneRequest &request) {
  return std::holds_alternative<PruneWandaOptions>(request) || std::holds_alternative<PruneSparseGPTOptions>(request);
}
