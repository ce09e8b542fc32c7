//===- Npz.cpp - numpy's files --------------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Support/Npz.h"

#include "llvm/Support/Endian.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cstring>
#include <zip.h>

using namespace nnopt;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

static Error problem(const llvm::Twine &message) { return createStringError(llvm::inconvertibleErrorCode(), message); }

//===----------------------------------------------------------------------===//
// .npy
//===----------------------------------------------------------------------===//

namespace {
struct NpyType {
  llvm::StringLiteral descr;
  ElementType type;
};

struct NpyHeader {
  ElementType type;
  bool fortranOrder;
  llvm::SmallVector<int64_t> shape;
};
} // namespace

// As numpy writes them; the first row of a type is the one that is written.
static constexpr NpyType kNpyTypes[] = {
    {"<f4", ElementType::F32},  {"<f8", ElementType::F64}, {"<f2", ElementType::F16}, {"|b1", ElementType::Bool},
    {"|i1", ElementType::I8},   {"<i2", ElementType::I16}, {"<i4", ElementType::I32}, {"<i8", ElementType::I64},
    {"|u1", ElementType::U8},   {"<u2", ElementType::U16}, {"<u4", ElementType::U32}, {"<u8", ElementType::U64},
    {"<V2", ElementType::BF16}, {"|V2", ElementType::BF16}};

static constexpr StringRef kMagic("\x93NUMPY", 6);

/// The value after `'key':` in the header's dictionary, up to the end.
static std::optional<StringRef> valueOf(StringRef dictionary, StringRef key) {
  for (char quote : {'\'', '"'}) {
    size_t at = dictionary.find((llvm::Twine(quote) + key + llvm::Twine(quote)).str());
    if (at == StringRef::npos)
      continue;
    StringRef rest = dictionary.drop_front(at + key.size() + 2).ltrim();
    if (rest.consume_front(":"))
      return rest.ltrim();
  }
  return std::nullopt;
}

static Expected<NpyHeader> parseHeader(StringRef text) {
  std::optional<StringRef> descr = valueOf(text, "descr"), order = valueOf(text, "fortran_order"),
                           shape = valueOf(text, "shape");
  if (!descr || !order || !shape)
    return problem("the header lacks 'descr', 'fortran_order' or 'shape'");
  NpyHeader header{};
  if (descr->empty() || (descr->front() != '\'' && descr->front() != '"'))
    return problem("the elements are structures, expected numbers");
  StringRef name = descr->drop_front().take_until([&](char c) { return c == descr->front(); });
  const NpyType *row = llvm::find_if(kNpyTypes, [&](const NpyType &type) { return type.descr == name; });
  if (row == std::end(kNpyTypes))
    return problem("no support for elements of type '" + name + "'");
  header.type = row->type;
  header.fortranOrder = order->starts_with("True");
  if (!header.fortranOrder && !order->starts_with("False"))
    return problem("'fortran_order' is neither True nor False");
  if (!shape->consume_front("(") || !shape->contains(')'))
    return problem("'shape' is not a tuple");
  llvm::SmallVector<StringRef> parts;
  shape->take_until([](char c) { return c == ')'; }).split(parts, ',', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  for (StringRef part : parts) {
    int64_t extent;
    if (part.trim().empty())
      continue;
    if (part.trim().getAsInteger(10, extent) || extent < 0)
      return problem("'shape' has the extent '" + part.trim() + "'");
    header.shape.push_back(extent);
  }
  return header;
}

/// `source` holds the elements with the first index running fastest.
static void transposeInto(HostTensor &tensor, const char *source) {
  int64_t width = byteWidth(tensor.type());
  char *bytes = tensor.mutableBytes();
  llvm::SmallVector<int64_t> at(tensor.rank(), 0);
  for (int64_t i = 0; i < tensor.size(); ++i) {
    int64_t position = 0;
    for (int64_t d = tensor.rank(); d-- > 0;)
      position = position * tensor.shape()[d] + at[d];
    std::memcpy(bytes + i * width, source + position * width, width);
    for (int64_t d = tensor.rank() - 1; d >= 0 && ++at[d] == tensor.shape()[d]; --d)
      at[d] = 0;
  }
}

Expected<HostTensor> nnopt::parseNpy(StringRef bytes) {
  if (!bytes.starts_with(kMagic) || bytes.size() < 10)
    return problem("not a .npy file");
  unsigned version = static_cast<uint8_t>(bytes[6]), lengthBytes = version == 1 ? 2 : 4;
  if (version < 1 || version > 3 || bytes.size() < 8 + lengthBytes)
    return problem("no support for version " + llvm::Twine(version) + " of .npy files");
  uint64_t length = version == 1 ? llvm::support::endian::read16le(bytes.data() + 8)
                                 : llvm::support::endian::read32le(bytes.data() + 8);
  StringRef rest = bytes.drop_front(8 + lengthBytes);
  if (rest.size() < length)
    return problem("the header is cut off");
  Expected<NpyHeader> header = parseHeader(rest.take_front(length));
  if (!header)
    return header.takeError();
  StringRef data = rest.drop_front(length);
  // Sized by what is there before anything is allocated.
  int64_t expected = byteWidth(header->type);
  for (int64_t extent : header->shape)
    if (llvm::MulOverflow(expected, extent, expected) && !llvm::is_contained(header->shape, 0))
      return problem(typeText(header->type, header->shape) + " is too large");
  if (llvm::is_contained(header->shape, 0))
    expected = 0;
  if (data.size() != static_cast<uint64_t>(expected))
    return problem("has " + llvm::Twine(data.size()) + " bytes of elements, " + typeText(header->type, header->shape) +
                   " needs " + llvm::Twine(expected));
  std::optional<HostTensor> tensor = HostTensor::allocate(header->type, header->shape);
  if (!tensor)
    return problem("there is no memory for " + typeText(header->type, header->shape));
  if (header->fortranOrder)
    transposeInto(*tensor, data.data());
  else if (!data.empty())
    std::memcpy(tensor->mutableBytes(), data.data(), data.size());
  return std::move(*tensor);
}

std::string nnopt::formatNpy(const HostTensor &tensor) {
  HostTensor stored = tensor;
  if (tensor.type() == ElementType::U4 || tensor.type() == ElementType::I4)
    stored = tensor.reinterpreted(tensor.type() == ElementType::U4 ? ElementType::U8 : ElementType::I8);
  std::string elements(stored.bytes() ? stored.bytes() : "", stored.byteSize());
  if (tensor.type() == ElementType::BF16) {
    elements.assign(tensor.size() * sizeof(float), 0);
    for (int64_t i = 0; i < tensor.size(); ++i) {
      uint16_t bits;
      std::memcpy(&bits, tensor.bytes() + i * sizeof bits, sizeof bits);
      float value = static_cast<float>(bfloatToDouble(bits));
      std::memcpy(elements.data() + i * sizeof value, &value, sizeof value);
    }
  }
  ElementType type = tensor.type() == ElementType::BF16 ? ElementType::F32 : stored.type();
  StringRef descr = llvm::find_if(kNpyTypes, [&](const NpyType &row) { return row.type == type; })->descr;
  std::string header = ("{'descr': '" + descr + "', 'fortran_order': False, 'shape': (").str();
  for (int64_t extent : tensor.shape())
    header += std::to_string(extent) + ", ";
  header += "), }";
  // The elements start at a multiple of 64 bytes.
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::string file = kMagic.str() + std::string("\x01\x00", 2);
  file += static_cast<char>(header.size() & 255);
  file += static_cast<char>(header.size() >> 8);
  return file + header + elements;
}

//===----------------------------------------------------------------------===//
// .npz
//===----------------------------------------------------------------------===//

namespace {
struct DiscardArchive {
  void operator()(zip_t *archive) const { zip_discard(archive); }
};
using Archive = std::unique_ptr<zip_t, DiscardArchive>;
} // namespace

static Expected<Archive> openArchive(StringRef path, int flags) {
  int code = 0;
  if (zip_t *archive = zip_open(path.str().c_str(), flags, &code))
    return Archive(archive);
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return problem("'" + path + "': " + text);
}

/// The uncompressed bytes of entry `index`, read in pieces: the size that the archive claims is not believed.
static Expected<std::string> readEntry(zip_t *archive, uint64_t index) {
  zip_file_t *file = zip_fopen_index(archive, index, 0);
  if (!file)
    return problem(zip_strerror(archive));
  std::string bytes, piece(1 << 20, 0);
  zip_int64_t got;
  while ((got = zip_fread(file, piece.data(), piece.size())) > 0)
    bytes.append(piece, 0, got);
  std::string text = got < 0 ? zip_file_strerror(file) : "";
  zip_fclose(file);
  if (got < 0)
    return problem(text);
  return bytes;
}

static Expected<NamedTensors> readArchive(StringRef path) {
  Expected<Archive> archive = openArchive(path, ZIP_RDONLY);
  if (!archive)
    return archive.takeError();
  NamedTensors tensors;
  for (int64_t i = 0, count = zip_get_num_entries(archive->get(), 0); i < count; ++i) {
    const char *entry = zip_get_name(archive->get(), i, 0);
    StringRef name = entry ? entry : "";
    Expected<std::string> bytes = readEntry(archive->get(), i);
    if (!bytes)
      return problem("'" + path + "', entry '" + name + "': " + llvm::toString(bytes.takeError()));
    Expected<HostTensor> tensor = parseNpy(*bytes);
    if (!tensor)
      return problem("'" + path + "', entry '" + name + "': " + llvm::toString(tensor.takeError()));
    name.consume_back(".npy");
    tensors.emplace_back(name.str(), std::move(*tensor));
  }
  return tensors;
}

Expected<NamedTensors> nnopt::readNpz(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return problem("'" + path + "': " + buffer.getError().message());
  if (!(*buffer)->getBuffer().starts_with(kMagic))
    return readArchive(path);
  Expected<HostTensor> tensor = parseNpy((*buffer)->getBuffer());
  if (!tensor)
    return problem("'" + path + "': " + llvm::toString(tensor.takeError()));
  return NamedTensors{{"", std::move(*tensor)}};
}

Error nnopt::writeNpz(StringRef path, const NamedTensors &tensors) {
  Expected<Archive> archive = openArchive(path, ZIP_CREATE | ZIP_TRUNCATE);
  if (!archive)
    return archive.takeError();
  std::vector<std::string> files; // libzip reads them when it closes the archive
  for (const auto &[name, tensor] : tensors)
    files.push_back(formatNpy(tensor));
  for (auto [i, file] : llvm::enumerate(files)) {
    zip_source_t *source = zip_source_buffer(archive->get(), file.data(), file.size(), /*freep=*/0);
    zip_int64_t index =
        source ? zip_file_add(archive->get(), (tensors[i].first + ".npy").c_str(), source, ZIP_FL_ENC_UTF_8) : -1;
    if (index < 0) {
      zip_source_free(source);
      return problem("'" + path + "': " + zip_strerror(archive->get()));
    }
    zip_set_file_compression(archive->get(), index, ZIP_CM_STORE, 0);
  }
  if (zip_close(archive->get()) != 0)
    return problem("'" + path + "': " + zip_strerror(archive->get()));
  (void)archive->release();
  return Error::success();
}
