//===- Quantize.cpp - what --quantize asks for ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Pipelines/Quantize.h"

using namespace llvm;
using namespace nnopt;

static Error readOption(StringRef text, QuantizeOptions &options) {
  auto [key, value] = text.split('=');
  bool hasValue = text.contains('=');
  for (auto [name, to] : {std::pair<StringRef, std::string *>("method", &options.method), {"weights", &options.weights}, {"activations", &options.activations}})
    if (hasValue && key == name) {
      *to = value.str();
      return Error::success();
    }
  for (auto [name, to] : {std::pair<StringRef, SmallVector<std::string> *>("exclude", &options.exclude), {"only", &options.only}})
    if (hasValue && key == name) {
      to->push_back(value.str());
      return Error::success();
    }
  for (auto [name, to] : {std::pair<StringRef, bool *>("first", &options.first), {"last", &options.last}})
    if (key == name) {
      if (value != "true" && value != "false")
        return createStringError("'" + key + "' expects true or false, got '" + value + "'");
      *to = value == "true";
      return Error::success();
    }
  return createStringError("unknown option '" + text + "', expected method=, weights=, activations=, exclude=, only=, first= or last=");
}

Expected<QuantizeOptions> nnopt::parseQuantize(StringRef text) {
  SmallVector<StringRef> parts;
  text.split(parts, ',');
  if (parts.front() != "int8")
    return createStringError("unknown precision '" + parts.front() + "', expected int8");
  QuantizeOptions options;
  for (StringRef part : ArrayRef(parts).drop_front())
    if (Error error = readOption(part, options))
      return error;
  if (Error error = checkOptions(options))
    return error;
  return options;
}
