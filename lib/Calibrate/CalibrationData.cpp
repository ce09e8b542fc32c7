//===- CalibrationData.cpp - samples from files ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "CalibrationData.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <algorithm>
#include <cmath>

using namespace llvm;
using namespace nnopt;

/// Where the model leaves its batch open: enough rows to keep a processor busy.
static constexpr int64_t kOpenBatch = 16;

Expected<CalibrationData> CalibrationData::open(StringRef path) {
  CalibrationData data;
  data.path = path.str();
  if (!sys::fs::is_directory(path)) {
    data.files.push_back(path.str());
    return data;
  }
  std::error_code error;
  for (sys::fs::directory_iterator entry(path, error), end; entry != end && !error; entry.increment(error))
    if (sys::path::extension(entry->path()) == ".npz")
      data.files.push_back(entry->path());
  if (error)
    return runError("'" + path + "': " + error.message());
  if (data.files.empty())
    return runError("'" + path + "' has no .npz file");
  std::sort(data.files.begin(), data.files.end());
  return data;
}

namespace {

/// The arrays of one file as the model's inputs.
class Samples {
public:
  static Expected<Samples> read(StringRef file, const RunSignature &signature) {
    Expected<NamedTensors> tensors = readNpz(file);
    if (!tensors)
      return tensors.takeError();
    Samples samples(signature);
    if (Error error = samples.take(*tensors))
      return runError("'" + file + "': " + toString(std::move(error)));
    return samples;
  }

  int64_t count() const { return arrays.front().shape()[0]; }

  /// Samples [first, first + size) of every input; they refer to this.
  std::vector<HostTensor> batch(int64_t first, int64_t size) const {
    std::vector<HostTensor> batch;
    for (const HostTensor &array : arrays) {
      SmallVector<int64_t> shape(array.shape());
      shape[0] = size;
      batch.push_back(HostTensor::borrow(array.type(), shape, array.bytes() + array.byteSize() / count() * first));
    }
    return batch;
  }

private:
  explicit Samples(const RunSignature &signature) : signature(signature) {}

  const RunSignature &signature;
  std::vector<HostTensor> arrays;

  Error take(NamedTensors &tensors) {
    std::string given = namesOf(tensors);
    for (const RunArgument &input : signature.inputs) {
      auto found = find_if(tensors, [&](const auto &entry) { return entry.first == input.name; });
      // A .npy file has no names, which is no question for a model of one input.
      if (found == tensors.end() && tensors.size() == 1 && tensors[0].first.empty() && signature.inputs.size() == 1)
        found = tensors.begin();
      if (found == tensors.end())
        return runError("has no input '" + input.name + "', only " + given);
      if (Error error = check(input, found->second))
        return error;
      arrays.push_back(std::move(found->second));
      tensors.erase(found);
    }
    if (!tensors.empty())
      return runError("'" + tensors.front().first + "' is no input of the model; these are " + namesOf(signature.inputs));
    return Error::success();
  }

  static std::string quoted(SmallVector<StringRef> names) { return names.empty() ? "nothing" : "'" + join(names, "', '") + "'"; }
  static std::string namesOf(const NamedTensors &tensors) {
    return quoted(map_to_vector(tensors, [](const auto &entry) { return StringRef(entry.first); }));
  }
  static std::string namesOf(const std::vector<RunArgument> &inputs) {
    return quoted(map_to_vector(inputs, [](const RunArgument &input) { return StringRef(input.name); }));
  }

  Error check(const RunArgument &input, const HostTensor &array) {
    bool fits = array.type() == input.type && array.rank() == static_cast<int64_t>(input.shape.size()) && array.rank() > 0;
    for (int64_t d = 1; fits && d < array.rank(); ++d)
      fits = input.shape[d] < 0 || input.shape[d] == array.shape()[d];
    if (!fits)
      return runError("input '" + input.name + "' expects samples of " + expectedType(input) + ", got " + array.typeText());
    if (!arrays.empty() && array.shape()[0] != count())
      return runError("input '" + input.name + "' has " + Twine(array.shape()[0]) + " samples, '" + signature.inputs[0].name + "' has " +
                      Twine(count()));
    if (isFloat(array.type()))
      for (int64_t i = 0; i < array.size(); ++i)
        if (double value = loadElement(array.type(), array.bytes(), i); !std::isfinite(value))
          return runError("input '" + input.name + "' holds " + (std::isnan(value) ? "a NaN" : "an infinity") + " in sample " +
                          Twine(i / (array.size() / array.shape()[0])));
    return Error::success();
  }

  /// "N x tensor<3x224x224xf32>"-like: the first extent is free.
  static std::string expectedType(const RunArgument &input) {
    std::string text = "tensor<N";
    for (int64_t extent : ArrayRef(input.shape).drop_front(std::min<size_t>(1, input.shape.size())))
      text += "x" + (extent < 0 ? "?" : std::to_string(extent));
    return text + "x" + elementName(input.type).str() + ">";
  }
};

} // namespace

/// The batch that all inputs agree on: a fixed one, or -1.
static Expected<int64_t> batchOf(const RunSignature &signature) {
  if (signature.inputs.empty())
    return runError("the model has no input to calibrate with");
  int64_t batch = -1;
  for (const RunArgument &input : signature.inputs) {
    if (input.shape.empty())
      return runError("input '" + input.name + "' is a scalar, which has no axis of samples");
    if (input.shape[0] < 0)
      continue;
    if (batch >= 0 && input.shape[0] != batch)
      return runError("input '" + input.name + "' takes " + Twine(input.shape[0]) + " samples at a time, others " + Twine(batch));
    batch = input.shape[0];
  }
  return batch;
}

Error CalibrationData::forEachBatch(const RunSignature &signature, function_ref<Error(ArrayRef<HostTensor>)> run) const {
  Expected<int64_t> batch = batchOf(signature);
  if (!batch)
    return batch.takeError();
  bool isOpen = *batch < 0;
  int64_t step = std::max<int64_t>(1, isOpen ? kOpenBatch : *batch), batches = 0, seen = 0;
  for (const std::string &file : files) {
    Expected<Samples> samples = Samples::read(file, signature);
    if (!samples)
      return samples.takeError();
    seen += samples->count();
    for (int64_t first = 0; first < samples->count(); first += step, ++batches) {
      int64_t size = std::min(step, samples->count() - first);
      if (size < step && !isOpen)
        break;
      if (Error error = run(samples->batch(first, size)))
        return error;
    }
  }
  if (batches == 0)
    return runError("'" + path + "': " + Twine(seen) + " samples do not fill one batch of " + Twine(step));
  return Error::success();
}
