//===- ElfObject.cpp - add the weights to an object file ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM takes minutes for what this does in the time of a copy (46 MB of constants: 140 s). An undefined symbol has its place in the symbol
// table already, so defining it changes fields only: nothing moves. The new file is
//
//   code object | weights | string table with one more name | section headers, one more
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

/// Defines in `table` the symbols that name weights, as objects of section number `section`.
static void defineSymbols(MutableArrayRef<ELFT::Sym> table, StringRef names, const WeightTable &weights,
                          uint16_t section) {
  StringMap<const Weight *> bySymbol;
  for (const Weight &weight : weights.weights())
    bySymbol[weight.symbol] = &weight;
  for (ELFT::Sym &symbol : table) {
    if (symbol.st_shndx != ELF::SHN_UNDEF || symbol.st_name >= names.size())
      continue;
    const Weight *weight = bySymbol.lookup(names.data() + symbol.st_name);
    if (!weight)
      continue;
    symbol.st_shndx = section;
    symbol.st_value = weight->offset;
    symbol.st_size = weight->bytes;
    symbol.setBindingAndType(ELF::STB_GLOBAL, ELF::STT_OBJECT);
    symbol.setVisibility(ELF::STV_HIDDEN);
  }
}

static ELFT::Shdr weightHeader(uint32_t name, uint64_t offset, uint64_t bytes) {
  ELFT::Shdr header;
  memset(&header, 0, sizeof header);
  header.sh_name = name;
  header.sh_type = ELF::SHT_PROGBITS;
  header.sh_flags = ELF::SHF_ALLOC;
  header.sh_offset = offset;
  header.sh_size = bytes;
  header.sh_addralign = kWeightAlignment;
  return header;
}

Error nnopt::writeObjectWithWeights(StringRef code, const WeightTable &weights, raw_ostream &os) {
  if (weights.bytes() >= kMaxBytes)
    return failed("the weights take " + Twine(weights.bytes()) + " bytes, an object holds less than " + Twine(kMaxBytes));
  if (weights.weights().empty()) {
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
  if (headers.size() + 1 >= ELF::SHN_LORESERVE || elf.e_shstrndx >= headers.size())
    return failed("the code object has " + Twine(headers.size()) + " sections, too many to add one");

  for (const ELFT::Shdr &header : headers) {
    if (header.sh_type != ELF::SHT_SYMTAB)
      continue;
    const ELFT::Shdr &strings = headers[header.sh_link];
    MutableArrayRef<ELFT::Sym> table(reinterpret_cast<ELFT::Sym *>(copy.data() + header.sh_offset),
                                     header.sh_size / sizeof(ELFT::Sym));
    defineSymbols(table, StringRef(copy).substr(strings.sh_offset, strings.sh_size), weights, headers.size());
  }

  ELFT::Shdr &names = headers[elf.e_shstrndx];
  std::string newNames = copy.substr(names.sh_offset, names.sh_size);
  uint32_t nameAt = newNames.size();
  newNames.append(kWeightSection.data(), kWeightSection.size() + 1); // with its zero
  uint64_t weightsAt = alignTo(copy.size(), kWeightAlignment), namesAt = weightsAt + weights.bytes();
  uint64_t headersAt = alignTo(namesAt + newNames.size(), sizeof(uint64_t));
  names.sh_offset = namesAt;
  names.sh_size = newNames.size();
  headers.push_back(weightHeader(nameAt, weightsAt, weights.bytes()));
  elf.e_shoff = headersAt;
  elf.e_shnum = headers.size();

  os << copy;
  os.write_zeros(weightsAt - copy.size());
  weights.write(os);
  os << newNames;
  os.write_zeros(headersAt - namesAt - newNames.size());
  os.write(reinterpret_cast<const char *>(headers.data()), headers.size() * sizeof(ELFT::Shdr));
  return Error::success();
}
