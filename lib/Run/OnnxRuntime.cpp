//===- OnnxRuntime.cpp - the answer of ONNX Runtime -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "OnnxRuntime.h"

#include "nnopt/Support/TemporaryDirectory.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"

using namespace nnopt;
using llvm::StringRef;

// Arguments: model, inputs (.npz), outputs (.npz), and "all" for the first output of every node, by the name of the
// node (or of the output if it has none, as the importer does). Shape inference tells which values are tensors.
static constexpr llvm::StringLiteral kScript = R"(
import sys
try:
    import numpy as np
    import onnx
    import onnxruntime as ort
except ImportError as error:
    sys.exit(f"{sys.executable} has no module '{error.name}'")
model_path, inputs_path, outputs_path, which = sys.argv[1:]
ort.set_default_logger_severity(4)
options = ort.SessionOptions()
source = model_path
try:
    if which == "all":
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        model = onnx.load(model_path)
        model = onnx.shape_inference.infer_shapes(model)
        known = {v.name: v for v in model.graph.value_info}
        present = {o.name for o in model.graph.output}
        for node in model.graph.node:
            for name in node.output:
                if name in known and name not in present and known[name].type.HasField("tensor_type"):
                    model.graph.output.append(known[name])
        source = model.SerializeToString()
    session = ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    with np.load(inputs_path) as given:
        feeds = {i.name: given[i.name] for i in session.get_inputs() if i.name in given.files}
    names = [o.name for o in session.get_outputs()]
    values = dict(zip(names, session.run(names, feeds)))
    if which == "all":
        values = {node.name or node.output[0]: values[node.output[0]] for node in model.graph.node if node.output[0] in values}
    with open(outputs_path, "wb") as file:
        np.savez(file, **{"value:" + n: v for n, v in values.items() if isinstance(v, np.ndarray) and v.dtype != object})
except Exception as error:
    sys.exit("ONNX Runtime: " + str(error).strip().replace("\n", " "))
)";

static llvm::Expected<std::string> findPython() {
  std::string wanted = llvm::sys::Process::GetEnv("NNOPT_PYTHON").value_or("python3");
  if (wanted.find('/') != std::string::npos)
    return wanted;
  llvm::ErrorOr<std::string> found = llvm::sys::findProgramByName(wanted);
  if (!found)
    return runError("no program '" + wanted +
                    "' to run ONNX Runtime with; set NNOPT_PYTHON to a Python that has onnxruntime");
  return *found;
}

/// The last line of a file: what Python says when it stops.
static std::string lastLine(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  StringRef text = buffer ? (*buffer)->getBuffer().rtrim() : StringRef();
  return text.rsplit('\n').second.empty() ? text.str() : text.rsplit('\n').second.str();
}

static llvm::Expected<NamedTensors> runScript(StringRef model, const RunSignature &signature,
                                              llvm::ArrayRef<HostTensor> inputs, StringRef which) {
  llvm::Expected<std::string> python = findPython();
  if (!python)
    return python.takeError();
  TemporaryDirectory directory;
  if (llvm::Error error = directory.create())
    return std::move(error);
  NamedTensors named;
  for (auto [argument, tensor] : llvm::zip_equal(signature.inputs, inputs))
    named.emplace_back(argument.name, tensor);
  std::string in = directory.file("in.npz"), out = directory.file("out.npz"), errors = directory.file("errors.txt");
  if (llvm::Error error = writeNpz(in, named))
    return std::move(error);
  StringRef arguments[] = {*python, "-c", kScript, model, in, out, which};
  std::optional<StringRef> redirects[] = {StringRef(), StringRef(), StringRef(errors)};
  std::string message;
  int code = llvm::sys::ExecuteAndWait(*python, arguments, std::nullopt, redirects, 0, 0, &message);
  if (code != 0) {
    std::string said = lastLine(errors);
    return runError(
        !message.empty()
            ? "cannot run '" + *python + "': " + message
            : said + (StringRef(said).contains("has no module") ? "; set NNOPT_PYTHON to a Python that has it" : ""));
  }
  llvm::Expected<NamedTensors> values = readNpz(out);
  if (!values)
    return values.takeError();
  for (auto &[name, tensor] : *values)
    name = StringRef(name).drop_front(StringRef("value:").size()).str();
  return values;
}

llvm::Expected<std::vector<HostTensor>> nnopt::runOnnxRuntime(StringRef model, const RunSignature &signature,
                                                              llvm::ArrayRef<HostTensor> inputs) {
  llvm::Expected<NamedTensors> values = runScript(model, signature, inputs, "outputs");
  if (!values)
    return values.takeError();
  std::vector<HostTensor> outputs;
  for (const RunArgument &output : signature.outputs) {
    auto found = llvm::find_if(*values, [&](const auto &value) { return value.first == output.name; });
    if (found == values->end())
      return runError("ONNX Runtime gives no output '" + output.name + "'");
    outputs.push_back(found->second);
  }
  return outputs;
}

llvm::Expected<NamedTensors> nnopt::runOnnxRuntimeNodes(StringRef model, const RunSignature &signature,
                                                        llvm::ArrayRef<HostTensor> inputs) {
  return runScript(model, signature, inputs, "all");
}
