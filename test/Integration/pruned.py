"""Compiles pruned layers for each instruction set and compares their numbers with numpy's.

    pruned.py DIRECTORY ISA...

Weights and inputs are small integers, so sums are exact in every order. AArch64 (isa `neon`) is linked by the cross compiler and runs under
qemu-aarch64; the others run here. Prints how many layers of each kind run without their zeros, which must be all.
"""
import pathlib
import re
import subprocess
import sys

import numpy as np

from kernel_cases import conv

INPUTS = pathlib.Path(__file__).parent / "Inputs"
# (rows, depth, outputs, outputs of a block, part that is kept): odd sizes, a single row, few rows, many.
LINEAR = [(40, 256, 256, 1, 0.05), (37, 131, 250, 1, 0.05), (40, 256, 256, 4, 0.1), (33, 200, 244, 8, 0.1), (1, 512, 512, 16, 0.05), (3, 512, 512, 16, 0.05),
          (1, 512, 512, 1, 0.05), (17, 512, 512, 4, 0.05)]
# (channels, outputs, extent, taps, stride, part that is kept)
CONV = [(32, 64, 14, 3, 1, 0.05), (64, 64, 7, 3, 1, 0.05), (32, 64, 15, 3, 2, 0.05), (64, 128, 9, 1, 1, 0.05)]


def tensor(*shape):
    return f"tensor<{'x'.join(map(str, shape))}xf32>"


class Model:
    """A function of one vector: every layer reads a piece of it."""

    def __init__(self):
        self.random = np.random.default_rng(3)
        self.lines, self.pieces, self.inputs, self.expected, self.offset = [], [], [], [], 0

    def integers(self, *shape):
        return self.random.integers(-3, 4, shape).astype(np.float32)

    def pruned(self, shape, rows, kept):
        blocks = (-(-shape[0] // rows), *shape[1:])
        mask = np.repeat(self.random.random(blocks) < kept, rows, axis=0)[:shape[0]]
        mask[shape[0] // 2 // 16 * 16:][:16] = False  # outputs without any weight
        weight = self.random.integers(1, 4, shape) * self.random.choice([-1, 1], shape) * mask
        return weight.astype(np.float32)

    def read(self, array):
        i, size = len(self.inputs), array.size
        groups = ", ".join(map(str, range(array.ndim)))
        self.lines += [f"%s{i} = tensor.extract_slice %x[{self.offset}] [{size}] [1] : tensor<SIZExf32> to {tensor(size)}",
                       f"%x{i} = tensor.expand_shape %s{i} [[{groups}]] output_shape {list(array.shape)} : {tensor(size)} into {tensor(*array.shape)}"]
        self.inputs.append(array.ravel())
        self.offset += size
        return i

    def write(self, i, array):
        groups = ", ".join(map(str, range(array.ndim)))
        self.lines += [f"%r{i} = nnopt.activation relu %y{i} : {tensor(*array.shape)}",
                       f"%f{i} = tensor.collapse_shape %r{i} [[{groups}]] : {tensor(*array.shape)} into {tensor(array.size)}"]
        self.pieces.append((f"%f{i}", array.size))
        self.expected.append(np.maximum(array, 0).ravel())

    def weight(self, i, array):
        self.lines.append(f'%w{i} = nnopt.weight "w{i}" dense<"0x{array.tobytes().hex().upper()}"> : {tensor(*array.shape)}')

    def add_linear(self, rows, depth, outputs, block, kept):
        x, w, bias = self.integers(rows, depth), self.pruned((outputs, depth), block, kept), self.integers(outputs)
        i = self.read(x)
        self.weight(i, w)
        self.lines += [f"%b{i} = arith.constant dense<{bias.tolist()}> : {tensor(outputs)}",
                       f"%y{i} = nnopt.linear %x{i}, %w{i} bias %b{i} : ({tensor(*x.shape)}, {tensor(*w.shape)}, {tensor(outputs)}) -> {tensor(rows, outputs)}"]
        self.write(i, x @ w.T + bias)

    def add_conv(self, channels, outputs, extent, taps, stride, kept):
        x, w = self.integers(1, channels, extent, extent), self.pruned((outputs, channels, taps, taps), 1, kept)
        pads = [taps // 2] * 4
        y = conv(x, w, None, [stride] * 2, [1] * 2, pads, 1)
        i = self.read(x)
        self.weight(i, w)
        self.lines.append(f"%y{i} = nnopt.conv %x{i}, %w{i} {{strides = array<i64: {stride}, {stride}>, dilations = array<i64: 1, 1>, "
                          f"pads = array<i64: {str(pads)[1:-1]}>, groups = 1 : i64}} : ({tensor(*x.shape)}, {tensor(*w.shape)}) -> {tensor(*y.shape)}")
        self.write(i, y)

    def text(self):
        total = sum(n for _, n in self.pieces)
        body = "\n  ".join(self.lines).replace("SIZE", str(self.offset))
        types = ", ".join(tensor(n) for _, n in self.pieces)
        return f"""func.func @main(%x: {tensor(self.offset)} {{nnopt.name = "x"}}) -> ({tensor(total)} {{nnopt.name = "y"}}) {{
  {body}
  %y = tensor.concat dim(0) {", ".join(v for v, _ in self.pieces)} : ({types}) -> {tensor(total)}
  return %y : {tensor(total)}
}}
"""


def run_compiled(directory, isa):
    neon = isa == "neon"
    folder = directory / isa
    folder.mkdir(exist_ok=True)
    run = lambda *arguments, **options: subprocess.run([str(a) for a in arguments], check=True, **options)
    target = [f"--march={isa}", *(["--target=aarch64-linux-gnu"] if neon else [])]
    packed = run("nnopt-compile", directory / "layers.mlir", "-o", "-", "--stop-after=pack", *target, capture_output=True, text=True).stdout
    counts = {op: len(re.findall(rf"= nnopt\.{op} ", packed)) for op in ("linear", "conv", "sparse_linear", "permute_linear", "sparse_conv")}
    print(f"{isa}: " + ", ".join(f"{n} {op}" for op, n in counts.items()))
    run("nnopt-compile", directory / "layers.mlir", "-o", folder / "model.o", *target)
    run("aarch64-linux-gnu-gcc" if neon else "cc", "-std=c11", "-I", folder, INPUTS / "files.c", folder / "model.o", "-lgomp", "-lm", "-o", folder / "program")
    run(*(["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"] if neon else []), folder / "program", directory / "x.raw", folder / "y.raw")
    return np.fromfile(folder / "y.raw", np.float32)


def main():
    directory, isas = pathlib.Path(sys.argv[1]), sys.argv[2:]
    directory.mkdir(parents=True, exist_ok=True)
    model = Model()
    for size in LINEAR:
        model.add_linear(*size)
    for size in CONV:
        model.add_conv(*size)
    (directory / "layers.mlir").write_text(model.text())
    np.concatenate(model.inputs).tofile(directory / "x.raw")
    expected = np.concatenate(model.expected)
    wrong = 0
    for isa in isas:
        got = run_compiled(directory, isa)
        different = expected.size if got.size != expected.size else int((got != expected).sum())
        wrong += different
        print(f"{isa}: {different} of {expected.size} numbers differ", flush=True)
    return wrong != 0


if __name__ == "__main__":
    sys.exit(main())
