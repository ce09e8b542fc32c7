//===- ElfObject.cpp - add the weights to an object file ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM takes minutes for what this does in the time of a copy (46 MB of constants: 140 s). An undefined symbol has its place in the symbol
// table already, so defining it changes fields only: nothing moves. The new file is
//
//   code object | weights | encoded code | string table with more names | section headers, up to two more
//
//===----------------------------------------------------------------------===//

#include "ElfObject.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace nnopt;
using ELFT = object::ELF64LE;

/// Code addresses weights by 32-bit distances.
static constexpr uint64_t kMaxBytes = uint64_t(1) << 31;

static Error failed(const Twine &message) { return createStringError(inconvertibleErrorCode(), message); }

/// A section that is added.
struct AddedSection {
  StringRef name;
  bool isCode;
  uint64_t bytes;
  uint64_t offset = 0; ///< in the file
  uint16_t number = 0;
};

/// Defines in `table` the symbols that name weights or code, in the sections that hold them.
static void defineSymbols(MutableArrayRef<ELFT::Sym> table, StringRef names, const WeightTable &weights,
                          ArrayRef<AddedSection> sections) {
  StringMap<const Weight *> bySymbol;
  for (const Weight &weight : weights.weights())
    bySymbol[weight.symbol] = &weight;
  for (ELFT::Sym &symbol : table) {
    if (symbol.st_shndx != ELF::SHN_UNDEF || symbol.st_name >= names.size())
      continue;
    const Weight *weight = bySymbol.lookup(names.data() + symbol.st_name);
    if (!weight)
      continue;
    symbol.st_shndx = llvm::find_if(sections, [&](const AddedSection &section) { return section.isCode == weight->isCode; })->number;
    symbol.st_value = weight->offset;
    symbol.st_size = weight->bytes;
    symbol.setBindingAndType(ELF::STB_GLOBAL, weight->isCode ? ELF::STT_FUNC : ELF::STT_OBJECT);
    symbol.setVisibility(ELF::STV_HIDDEN);
  }
}

static ELFT::Shdr headerOf(const AddedSection &section, uint32_t name) {
  ELFT::Shdr header;
  memset(&header, 0, sizeof header);
  header.sh_name = name;
  header.sh_type = ELF::SHT_PROGBITS;
  header.sh_flags = section.isCode ? ELF::SHF_ALLOC | ELF::SHF_EXECINSTR : ELF::SHF_ALLOC;
  header.sh_offset = section.offset;
  header.sh_size = section.bytes;
  header.sh_addralign = kWeightAlignment;
  return header;
}

Error nnopt::writeObjectWithWeights(StringRef code, const WeightTable &weights, raw_ostream &os) {
  if (uint64_t bytes = weights.bytes() + weights.bytes(/*isCode=*/true); bytes >= kMaxBytes)
    return failed("the weights take " + Twine(bytes) + " bytes, an object holds less than " + Twine(kMaxBytes));
  SmallVector<AddedSection, 2> added;
  // Also where all are empty: their symbols need a place.
  for (bool isCode : {false, true})
    if (llvm::any_of(weights.weights(), [&](const Weight &weight) { return weight.isCode == isCode; }))
      added.push_back({isCode ? kCodeSection : kWeightSection, isCode, weights.bytes(isCode)});
  if (added.empty()) {
    os << code;
    return Error::success();
  }
  std::string copy = code.str(); // the symbols and the header change
  Expected<object::ELFFile<ELFT>> file = object::ELFFile<ELFT>::create(copy);
  if (!file)
    return file.takeError();
  Expected<ELFT::ShdrRange> read = file->sections();
  if (!read)
    return read.takeError();
  std::vector<ELFT::Shdr> headers(read->begin(), read->end());
  auto &elf = *reinterpret_cast<ELFT::Ehdr *>(copy.data());
  if (headers.size() + added.size() >= ELF::SHN_LORESERVE || elf.e_shstrndx >= headers.size())
    return failed("the code object has " + Twine(headers.size()) + " sections, too many to add " + Twine(added.size()));

  uint64_t end = copy.size();
  for (auto [i, section] : llvm::enumerate(added)) {
    section.number = headers.size() + i;
    section.offset = alignTo(end, kWeightAlignment);
    end = section.offset + section.bytes;
  }
  for (const ELFT::Shdr &header : headers) {
    if (header.sh_type != ELF::SHT_SYMTAB)
      continue;
    const ELFT::Shdr &strings = headers[header.sh_link];
    MutableArrayRef<ELFT::Sym> table(reinterpret_cast<ELFT::Sym *>(copy.data() + header.sh_offset),
                                     header.sh_size / sizeof(ELFT::Sym));
    defineSymbols(table, StringRef(copy).substr(strings.sh_offset, strings.sh_size), weights, added);
  }

  ELFT::Shdr &names = headers[elf.e_shstrndx];
  std::string newNames = copy.substr(names.sh_offset, names.sh_size);
  names.sh_offset = end;
  std::vector<ELFT::Shdr> more;
  for (const AddedSection &section : added) {
    more.push_back(headerOf(section, newNames.size()));
    newNames.append(section.name.data(), section.name.size() + 1); // with its zero
  }
  names.sh_size = newNames.size();
  headers.insert(headers.end(), more.begin(), more.end());
  uint64_t headersAt = alignTo(end + newNames.size(), sizeof(uint64_t));
  elf.e_shoff = headersAt;
  elf.e_shnum = headers.size();

  os << copy;
  uint64_t written = copy.size();
  for (const AddedSection &section : added) {
    os.write_zeros(section.offset - written);
    weights.write(os, section.isCode);
    written = section.offset + section.bytes;
  }
  os << newNames;
  os.write_zeros(headersAt - end - newNames.size());
  os.write(reinterpret_cast<const char *>(headers.data()), headers.size() * sizeof(ELFT::Shdr));
  return Error::success();
}
