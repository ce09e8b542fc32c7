//===- Artefact.cpp - a compiled model in a shared library ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Run/Artefact.h"

#include "../Target/Runtime/Interface.h"

#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/FileSystem.h"

#include <dlfcn.h>

using namespace nnopt;

struct Artefact::Impl {
  void *library = nullptr;
  const nnopt_info *info = nullptr;
  nnopt_status (*plan)(const nnopt_tensor *, nnopt_tensor *, size_t *) = nullptr;
  nnopt_status (*run)(const nnopt_tensor *, nnopt_tensor *, void *, const nnopt_options *) = nullptr;
  RunSignature signature;

  ~Impl() {
    if (library)
      dlclose(library);
  }
};

Artefact::Artefact(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Artefact::Artefact(Artefact &&) = default;
Artefact::~Artefact() = default;

const RunSignature &Artefact::signature() const { return impl->signature; }
std::string Artefact::isa() const { return impl->info->isa; }
bool Artefact::hasThreads() const { return impl->info->threads != 0; }

//===----------------------------------------------------------------------===//
// Loading
//===----------------------------------------------------------------------===//

/// What the library calls its model: NAME where it exports NAME_info, NAME_plan and NAME_run.
static llvm::Expected<std::string> modelName(llvm::StringRef path) {
  auto binary = llvm::object::ObjectFile::createObjectFile(path);
  if (!binary)
    return binary.takeError();
  auto *elf = llvm::dyn_cast<llvm::object::ELFObjectFileBase>(binary->getBinary());
  if (!elf)
    return runError("is not an ELF file");
  std::vector<std::string> symbols, names;
  for (const llvm::object::ELFSymbolRef &symbol : elf->getDynamicSymbolIterators()) {
    llvm::Expected<llvm::StringRef> name = symbol.getName();
    if (!name)
      return name.takeError();
    symbols.push_back(name->str());
  }
  for (llvm::StringRef symbol : symbols)
    if (symbol.consume_back("_info") && llvm::is_contained(symbols, (symbol + "_plan").str()) &&
        llvm::is_contained(symbols, (symbol + "_run").str()))
      names.push_back(symbol.str());
  if (names.size() != 1)
    return runError("holds " + llvm::Twine(names.size()) +
                    " models (functions NAME_info, NAME_plan, NAME_run), expected one");
  return names[0];
}

static llvm::Expected<RunArgument> argumentOf(const nnopt_argument &from) {
  RunArgument argument{from.name, ElementType(from.dtype), {}, {}};
  for (int32_t d = 0; d < from.rank; ++d) {
    argument.shape.push_back(from.shape[d]);
    argument.dims.push_back(from.dims[d]);
  }
  if (!isKnown(argument.type))
    return runError("has '" + argument.name + "' of element type " + llvm::Twine(from.dtype) +
                    ", which is unknown here");
  return argument;
}

static llvm::Error readSignature(const nnopt_info &info, RunSignature &signature) {
  for (auto [count, from, to] : {std::tuple(info.input_count, info.inputs, &signature.inputs),
                                 std::tuple(info.output_count, info.outputs, &signature.outputs)})
    for (int32_t i = 0; i < count; ++i) {
      llvm::Expected<RunArgument> argument = argumentOf(from[i]);
      if (!argument)
        return argument.takeError();
      to->push_back(std::move(*argument));
    }
  return llvm::Error::success();
}

llvm::Expected<Artefact> Artefact::open(llvm::StringRef path) {
  auto fail = [&](llvm::Error error) { return runError("'" + path + "': " + llvm::toString(std::move(error))); };
  llvm::Expected<std::string> name = modelName(path);
  if (!name)
    return fail(name.takeError());
  llvm::SmallString<128> absolute(path);
  (void)llvm::sys::fs::make_absolute(absolute); // a bare name would be searched elsewhere
  auto impl = std::make_unique<Impl>();
  // Never unmapped: the model may be all that holds the OpenMP runtime, whose idle threads still run its code.
  impl->library = dlopen(absolute.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!impl->library)
    return runError(dlerror());
  auto symbol = [&](llvm::StringRef suffix) { return dlsym(impl->library, (*name + suffix).str().c_str()); };
  auto info = reinterpret_cast<const nnopt_info *(*)()>(symbol("_info"));
  impl->plan = reinterpret_cast<decltype(impl->plan)>(symbol("_plan"));
  impl->run = reinterpret_cast<decltype(impl->run)>(symbol("_run"));
  impl->info = info();
  if (llvm::Error error = readSignature(*impl->info, impl->signature))
    return fail(std::move(error));
  return Artefact(std::move(impl));
}

//===----------------------------------------------------------------------===//
// Calling
//===----------------------------------------------------------------------===//

struct Artefact::Call::Impl {
  const Artefact::Impl *model;
  std::vector<HostTensor> inputs, outputs;
  std::vector<nnopt_tensor> in, out;
  HostTensor workspace;
  nnopt_options options{};
};

Artefact::Call::Call(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Artefact::Call::Call(Call &&) = default;
Artefact::Call::~Call() = default;

const std::vector<HostTensor> &Artefact::Call::outputs() const { return impl->outputs; }
size_t Artefact::Call::workspaceBytes() const { return impl->workspace.byteSize(); }

static llvm::Error statusError(nnopt_status status) {
  return status == NNOPT_OK ? llvm::Error::success()
                            : runError(llvm::Twine("the model answers: ") + nnopt_status_text(status));
}

llvm::Error Artefact::Call::run() {
  return statusError(
      impl->model->run(impl->in.data(), impl->out.data(), const_cast<char *>(impl->workspace.bytes()), &impl->options));
}

llvm::Expected<Artefact::Call> Artefact::prepare(llvm::ArrayRef<HostTensor> inputs, int32_t threads) const {
  auto call = std::make_unique<Call::Impl>();
  call->model = impl.get();
  call->options.threads = threads;
  call->inputs = inputs;
  for (const HostTensor &input : call->inputs) {
    nnopt_tensor tensor{const_cast<char *>(input.bytes()), int32_t(input.type()), int32_t(input.rank()), {}};
    if (input.rank() > NNOPT_MAX_RANK)
      return runError("an input has rank " + llvm::Twine(input.rank()) + ", the interface allows " +
                      llvm::Twine(int(NNOPT_MAX_RANK)));
    llvm::copy(input.shape(), tensor.shape);
    call->in.push_back(tensor);
  }
  call->out.resize(impl->signature.outputs.size());
  size_t workspace = 0;
  if (llvm::Error error = statusError(impl->plan(call->in.data(), call->out.data(), &workspace)))
    return std::move(error);
  for (nnopt_tensor &out : call->out) {
    std::optional<HostTensor> tensor =
        HostTensor::allocate(ElementType(out.dtype), llvm::ArrayRef(out.shape, out.rank));
    if (!tensor)
      return runError("there is no memory for an output of type " +
                      typeText(ElementType(out.dtype), llvm::ArrayRef(out.shape, out.rank)));
    out.data = tensor->mutableBytes();
    call->outputs.push_back(std::move(*tensor));
  }
  std::optional<HostTensor> bytes = HostTensor::allocate(ElementType::U8, {static_cast<int64_t>(workspace)});
  if (!bytes)
    return runError("there is no memory for a workspace of " + llvm::Twine(workspace) + " bytes");
  call->workspace = std::move(*bytes);
  return Call(std::move(call));
}
