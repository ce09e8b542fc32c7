//===- StraightLine.cpp - sums of products as straight-line code ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A function, in the System V calling convention (x in rdi, values in rsi, sums in rdx, tiles in rcx):
//
//   tile: clear or load the sums zmm0..29
//         for each input:   vmovups zmm30|31, [x + offset]
//           for each weight:  vfmadd231ps zmm_sum, zmm30|31, [values + i]{1to16}
//         store the sums; x += step; sums += step; if (--tiles) goto tile
//
// A model's code is larger than the caches, and processors do not foresee where straight code goes on: while a function runs, it asks for
// the code and the weights of the next one (r10 and r11), a part with every tile.
//
// Displacements of one byte are scaled by the size of what is read, so that a pointer reaches 256 weights, or 256 vectors. r8 walks
// over the weights, r9 over the inputs; each is moved when the next address is out of reach.
//===----------------------------------------------------------------------===//

#include "nnopt/Target/StraightLine.h"

#include "llvm/MC/MCAsmInfo.h"
#include "llvm/MC/MCCodeEmitter.h"
#include "llvm/MC/MCContext.h"
#include "llvm/MC/MCInst.h"
#include "llvm/MC/MCInstrInfo.h"
#include "llvm/MC/MCRegisterInfo.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/MCTargetOptions.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/TargetSelect.h"

#include <mutex>

using namespace llvm;
using namespace nnopt;

static constexpr int64_t kVectorBytes = 64, kFloatBytes = 4;
/// A displacement of one byte counts units from -128 to 127.
static constexpr int64_t kReach = 128;

static Error encodingError(const Twine &message) { return createStringError(inconvertibleErrorCode(), message); }

namespace {

/// LLVM's encoder for one processor. The enumerators of X86's opcodes and registers are not among the packaged headers: both
/// are looked up by name.
class X86Encoder {
public:
  static Expected<std::unique_ptr<X86Encoder>> create(StringRef cpu);

  struct Memory {
    MCRegister base;
    int64_t displacement;
  };

  MCRegister rdi, rsi, rdx, rcx, r8, r9, r10, r11;
  MCRegister zmm[32];
  unsigned loadVector, storeVector, fmaBroadcast, clear, lea, addImmediate, decrement, prefetch;

  int64_t size() const { return code.size(); }
  void align(int64_t to) { code.resize(alignTo(code.size(), to), static_cast<char>(0xcc)); }

  void load(MCRegister to, Memory from) { emit(loadVector, {reg(to)}, from, {}); }
  void store(MCRegister value, Memory to) { emit(storeVector, {}, to, {reg(value)}); }
  void multiplyAdd(MCRegister sum, MCRegister x, Memory weight) { emit(fmaBroadcast, {reg(sum), reg(sum), reg(x)}, weight, {}); }
  void ask(Memory line) { emit(prefetch, {}, line, {}); }
  void zero(MCRegister value) { emit(clear, {reg(value), reg(value), reg(value)}); }
  void address(MCRegister to, Memory of) { emit(lea, {reg(to)}, of, {}); }
  void add(MCRegister to, int64_t amount) { emit(addImmediate, {reg(to), reg(to), MCOperand::createImm(amount)}); }
  /// Sets `to` to what follows all code so far, to be filled in by place().
  int64_t addressOfNext() {
    code.append({0x4c, static_cast<char>(0x8d), 0x15, 0, 0, 0, 0}); // lea r10, [rip + ...]
    return size();
  }
  void place(int64_t reference) { support::endian::write32le(code.data() + reference - 4, static_cast<uint32_t>(size() - reference)); }
  /// Decrements `counter` and goes back to offset `target` unless it is 0.
  void loopBack(MCRegister counter, int64_t target) {
    emit(decrement, {reg(counter), reg(counter)});
    code.append({0x0f, static_cast<char>(0x85), 0, 0, 0, 0});
    support::endian::write32le(code.data() + code.size() - 4, static_cast<uint32_t>(target - size()));
  }
  /// What a target of indirect calls begins with (endbr64), and a return that leaves no upper halves for code with older vectors (vzeroupper).
  void begin() { code.append({static_cast<char>(0xf3), 0x0f, 0x1e, static_cast<char>(0xfa)}); }
  void end() { code.append({static_cast<char>(0xc5), static_cast<char>(0xf8), 0x77, static_cast<char>(0xc3)}); }

  SmallVector<char, 0> code;

private:
  std::unique_ptr<MCRegisterInfo> registers;
  std::unique_ptr<MCAsmInfo> assembly;
  std::unique_ptr<MCInstrInfo> instructions;
  std::unique_ptr<MCSubtargetInfo> subtarget;
  std::unique_ptr<MCContext> context;
  std::unique_ptr<MCCodeEmitter> emitter;
  SmallVector<MCFixup, 4> fixups;

  static MCOperand reg(MCRegister name) { return MCOperand::createReg(name); }

  void emit(unsigned opcode, ArrayRef<MCOperand> operands) {
    MCInst instruction;
    instruction.setOpcode(opcode);
    for (const MCOperand &operand : operands)
      instruction.addOperand(operand);
    emitter->encodeInstruction(instruction, code, fixups, *subtarget);
  }
  void emit(unsigned opcode, ArrayRef<MCOperand> before, Memory memory, ArrayRef<MCOperand> after) {
    SmallVector<MCOperand, 8> operands(before);
    operands.append({reg(memory.base), MCOperand::createImm(1), reg(MCRegister()), MCOperand::createImm(memory.displacement), reg(MCRegister())});
    operands.append(after.begin(), after.end());
    emit(opcode, operands);
  }

  Error findNames();
};

} // namespace

Expected<std::unique_ptr<X86Encoder>> X86Encoder::create(StringRef cpu) {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
  });
  Triple triple("x86_64-unknown-linux-gnu");
  std::string message;
  const Target *target = TargetRegistry::lookupTarget(triple, message);
  if (!target)
    return encodingError(message);
  auto encoder = std::make_unique<X86Encoder>();
  MCTargetOptions options;
  encoder->registers.reset(target->createMCRegInfo(triple));
  encoder->assembly.reset(target->createMCAsmInfo(*encoder->registers, triple, options));
  encoder->instructions.reset(target->createMCInstrInfo());
  encoder->subtarget.reset(target->createMCSubtargetInfo(triple, cpu, /*Features=*/""));
  encoder->context = std::make_unique<MCContext>(triple, encoder->assembly.get(), encoder->registers.get(), encoder->subtarget.get());
  encoder->emitter.reset(target->createMCCodeEmitter(*encoder->instructions, *encoder->context));
  if (Error error = encoder->findNames())
    return error;
  return encoder;
}

Error X86Encoder::findNames() {
  std::pair<StringRef, unsigned *> opcodes[] = {
      {"VMOVUPSZrm", &loadVector}, {"VMOVUPSZmr", &storeVector},   {"VFMADD231PSZmb", &fmaBroadcast}, {"VPXORDZrr", &clear},
      {"LEA64r", &lea},            {"ADD64ri32", &addImmediate},   {"DEC64r", &decrement},        {"PREFETCHT1", &prefetch}};
  size_t found = 0;
  for (unsigned opcode = 0; opcode < instructions->getNumOpcodes(); ++opcode)
    for (auto &[name, place] : opcodes)
      if (instructions->getName(opcode) == name)
        *place = opcode, ++found;
  SmallVector<std::pair<std::string, MCRegister *>> names = {{"RDI", &rdi}, {"RSI", &rsi}, {"RDX", &rdx},
                                                             {"RCX", &rcx}, {"R8", &r8},   {"R9", &r9},   {"R10", &r10},
                                                             {"R11", &r11}};
  for (unsigned i = 0; i < std::size(zmm); ++i)
    names.push_back({"ZMM" + std::to_string(i), &zmm[i]});
  for (unsigned number = 1; number < registers->getNumRegs(); ++number)
    for (auto &[name, place] : names)
      if (name == registers->getName(number))
        *place = number, ++found;
  if (found != std::size(opcodes) + names.size())
    return encodingError("LLVM's X86 target lacks an instruction or a register of AVX-512");
  return Error::success();
}

namespace {

/// Encodes functions one after the other.
class FunctionEncoder {
public:
  FunctionEncoder(X86Encoder &x86, const StraightLayout &layout, StraightCode &result) : x86(x86), layout(layout), result(result) {}

  /// `next`: the function that comes after, or null.
  void encode(const StraightGroup &group, const StraightGroup *next) {
    x86.align(kVectorBytes);
    result.entries.push_back(x86.size());
    firstValue = result.values.size();
    result.firstValues.push_back(firstValue);
    x86.begin();
    Ahead ahead(group, next, layout.tiles);
    int64_t nextCode = next ? x86.addressOfNext() : 0;
    if (ahead.valueLines != 0)
      x86.address(x86.r11, {x86.rsi, ahead.products * kFloatBytes});
    int64_t tile = x86.size();
    for (uint32_t sum = 0; sum < group.sums; ++sum)
      group.accumulates ? x86.load(x86.zmm[sum], sumAt(sum)) : x86.zero(x86.zmm[sum]);
    valueBase.reset(), inputBase.reset();
    bool odd = false;
    for (const StraightInput &input : group.inputs) {
      if (input.products.empty())
        continue;
      MCRegister x = x86.zmm[kStraightSums + (odd = !odd)];
      x86.load(x, inputAt(input.offset));
      for (const StraightProduct &product : input.products) {
        x86.multiplyAdd(x86.zmm[product.sum], x, valueAt(result.values.size() - firstValue));
        result.values.push_back(product.value);
        ++ahead.done;
        while (ahead.isDue())
          ask(ahead);
      }
    }
    for (uint32_t sum = 0; sum < group.sums; ++sum)
      x86.store(x86.zmm[sum], sumAt(sum));
    while (!ahead.isDone())
      ask(ahead);
    if (ahead.codeLines != 0)
      x86.add(x86.r10, ahead.codeLines * kVectorBytes);
    if (ahead.valueLines != 0)
      x86.add(x86.r11, ahead.valueLines * kVectorBytes);
    x86.add(x86.rdi, layout.xStep);
    x86.add(x86.rdx, layout.sumStep);
    x86.loopBack(x86.rcx, tile);
    x86.end();
    x86.align(kVectorBytes);
    if (next)
      x86.place(nextCode);
  }

private:
  X86Encoder &x86;
  const StraightLayout &layout;
  StraightCode &result;
  size_t firstValue = 0;
  /// The lines of the next function that are asked for with every tile, spread evenly over the products of this one.
  struct Ahead {
    int64_t products = 0, codeLines = 0, valueLines = 0, done = 0, asked = 0;

    Ahead(const StraightGroup &group, const StraightGroup *next, int64_t tiles) {
      for (const StraightInput &input : group.inputs)
        products += input.products.size();
      if (!next)
        return;
      int64_t nextProducts = 0;
      for (const StraightInput &input : next->inputs)
        nextProducts += input.products.size();
      // Bytes of an instruction with a short displacement, of one with a long one, and of both ends of the function for a sum.
      constexpr int64_t kProduct = 7, kInput = 8, kSum = 18;
      int64_t bytes = nextProducts * kProduct + next->inputs.size() * kInput + next->sums * kSum;
      codeLines = divideCeil(bytes, kVectorBytes * tiles);
      // Weights are read in order, which processors foresee; with several tiles there is time to ask for them besides.
      valueLines = tiles > 1 ? divideCeil(nextProducts * kFloatBytes, kVectorBytes * tiles) : 0;
    }
    int64_t lines() const { return codeLines + valueLines; }
    bool isDone() const { return asked >= lines(); }
    bool isDue() const { return !isDone() && asked * products < done * lines(); }
  };
  void ask(Ahead &ahead) {
    int64_t line = ahead.asked++;
    x86.ask(line < ahead.codeLines ? X86Encoder::Memory{x86.r10, line * kVectorBytes} : X86Encoder::Memory{x86.r11, (line - ahead.codeLines) * kVectorBytes});
  }

  /// What r8 and r9 are ahead of `values` and `x`, in bytes, once they are set.
  std::optional<int64_t> valueBase, inputBase;

  X86Encoder::Memory sumAt(uint32_t sum) { return {x86.rdx, sum * layout.sumPitch}; }

  X86Encoder::Memory valueAt(int64_t index) { return near(x86.r8, x86.rsi, valueBase, index * kFloatBytes, kFloatBytes); }
  X86Encoder::Memory inputAt(int64_t offset) {
    // A displacement that is no whole number of vectors takes four bytes wherever the pointer is.
    if (offset % kVectorBytes != 0)
      return {x86.rdi, offset};
    return near(x86.r9, x86.rdi, inputBase, offset, kVectorBytes);
  }

  /// Address `offset` bytes behind `from`, through `pointer`, which is moved if that is out of the reach of one byte.
  X86Encoder::Memory near(MCRegister pointer, MCRegister from, std::optional<int64_t> &base, int64_t offset, int64_t unit) {
    int64_t reach = kReach * unit;
    if (!base || offset - *base < -reach || offset - *base >= reach) {
      base = offset + reach; // what follows lies mostly behind
      x86.address(pointer, {from, *base});
    }
    return {pointer, offset - *base};
  }
};

} // namespace

bool nnopt::hasStraightLine(const Isa &isa) { return isa.arch == "x86_64" && isa.lanes == 16 && isa.registers >= 32 && isa.fma; }

Expected<StraightCode> nnopt::encodeStraightLine(const Isa &isa, const StraightLayout &layout, ArrayRef<StraightGroup> groups) {
  Expected<std::unique_ptr<X86Encoder>> x86 = X86Encoder::create(isa.cpu);
  if (!x86)
    return x86.takeError();
  StraightCode result;
  FunctionEncoder encoder(**x86, layout, result);
  for (auto [i, group] : enumerate(groups)) {
    for (const StraightInput &input : group.inputs)
      if (!isInt<32>(input.offset) || !isInt<32>(input.offset + kReach * kVectorBytes))
        return encodingError("an input " + Twine(input.offset) + " bytes away is out of reach of the code");
    encoder.encode(group, i + 1 < groups.size() ? &groups[i + 1] : nullptr);
  }
  result.code = std::move((*x86)->code);
  return result;
}
