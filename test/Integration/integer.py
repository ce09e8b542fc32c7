"""Compiles random quantized layers for each instruction set and compares their bytes, as numbers, with numpy's.

    integer.py DIRECTORY ISA...

Numbers are rounded in f32, in the order that the model says, so every instruction set gives the same bytes. AArch64 (isa `neon`) is linked by
the cross compiler and runs under qemu-aarch64; the others run here. Some layers have weights and inputs of the largest magnitude, all of one
sign: what could overflow would.
"""
import pathlib
import subprocess
import sys

import numpy as np

INPUTS = pathlib.Path(__file__).parent / "Inputs"
LAYERS = 40


class Layer:
    """Quantizes its rows of the input, multiplies, adds a bias, and quantizes again."""

    def __init__(self, random, number):
        self.rows, self.depth, self.outputs = (int(random.integers(1, 10)), 4 * int(random.integers(1, 40)), int(random.integers(1, 41)))
        self.point, self.result_point = int(random.integers(-128, 128)), int(random.integers(-128, 128))
        self.weight = random.integers(-127, 128, (self.outputs, self.depth)).astype(np.int8)
        self.input = random.integers(-200, 200, (self.rows, self.depth)).astype(np.float32)
        extreme = number % 4
        if extreme == 1:
            self.weight[...] = 127 * random.choice([-1, 1])
            self.input[...] = 1000 * random.choice([-1, 1])
        if extreme == 2:  # no multiple of the sign of -128 is an i8
            self.weight[random.integers(self.outputs), random.integers(self.depth)] = -128
        if extreme == 3:
            self.input = np.sign(self.weight[:1].astype(np.float32)) * 1000 + 0 * self.input
        self.scales = random.uniform(1e-3, 1e-2, self.outputs if number % 2 else 1).astype(np.float32)
        self.bias = random.standard_normal(self.outputs).astype(np.float32) if number % 3 else None
        self.result_scale = np.float32(random.uniform(0.5, 4))

    def expected(self):
        f32 = np.float32
        q = np.clip(np.rint(self.input / f32(1)) + f32(self.point), -128, 127).astype(np.int64)
        sums = (q - self.point) @ self.weight.astype(np.int64).T
        y = sums.astype(np.int32).astype(f32) * self.scales
        if self.bias is not None:
            y = y + self.bias
        y = np.maximum(y, f32(-20))
        return np.clip(np.rint(y / self.result_scale) + f32(self.result_point), -128, 127).astype(np.int8)


def dense(array, type):
    return f"dense<{np.asarray(array).tolist()}> : tensor<{'x'.join(map(str, array.shape))}x{type}>"


def module_text(layers):
    lines, pieces, offset = [], [], 0
    for i, l in enumerate(layers):
        rows, depth, outputs, size = l.rows, l.depth, l.outputs, l.rows * l.depth
        axis = " {axis = 0 : i64}" if l.scales.size > 1 else ""
        scale_type = f"tensor<{outputs}xf32>" if axis else "tensor<f32>"
        scales = dense(l.scales.astype(np.float64), "f32") if axis else f"dense<{float(l.scales[0])!r}> : tensor<f32>"
        bias = f" bias %b{i}" if l.bias is not None else ""
        lines += [f"%x{i} = tensor.extract_slice %x[{offset}] [{size}] [1] : tensor<SIZExf32> to tensor<{size}xf32>",
                  f"%m{i} = tensor.expand_shape %x{i} [[0, 1]] output_shape [{rows}, {depth}] : tensor<{size}xf32> into tensor<{rows}x{depth}xf32>",
                  f"%z{i} = arith.constant dense<{l.point}> : tensor<i8>", f"%rz{i} = arith.constant dense<{l.result_point}> : tensor<i8>",
                  f"%rs{i} = arith.constant dense<{float(l.result_scale)!r}> : tensor<f32>", f"%sw{i} = arith.constant {scales}",
                  f'%w{i} = nnopt.weight "layer{i}" {dense(l.weight, "i8")}']
        if bias:
            lines.append(f"%b{i} = arith.constant {dense(l.bias.astype(np.float64), 'f32')}")
        wide, out = f"tensor<{rows}x{depth}x", f"tensor<{rows}x{outputs}x"
        lines += [f"%q{i} = nnopt.quantize %m{i} scale %one zero_point %z{i} : ({wide}f32>, tensor<f32>, tensor<i8>) -> {wide}i8>",
                  f"%d{i} = nnopt.dequantize %q{i} scale %one zero_point %z{i} : ({wide}i8>, tensor<f32>, tensor<i8>) -> {wide}f32>",
                  f"%dw{i} = nnopt.dequantize %w{i} scale %sw{i}{axis} : (tensor<{outputs}x{depth}xi8>, {scale_type}) -> tensor<{outputs}x{depth}xf32>",
                  f"%y{i} = nnopt.linear %d{i}, %dw{i}{bias} : ({wide}f32>, tensor<{outputs}x{depth}xf32>"
                  + (f", tensor<{outputs}xf32>" if bias else "") + f") -> {out}f32>",
                  f"%a{i} = nnopt.activation clip %y{i} {{alpha = -20.0 : f32}} : {out}f32>",
                  f"%r{i} = nnopt.quantize %a{i} scale %rs{i} zero_point %rz{i} : ({out}f32>, tensor<f32>, tensor<i8>) -> {out}i8>",
                  f"%f{i} = tensor.collapse_shape %r{i} [[0, 1]] : {out}i8> into tensor<{rows * outputs}xi8>"]
        pieces.append((f"%f{i}", rows * outputs))
        offset += size
    total = sum(n for _, n in pieces)
    types = ", ".join(f"tensor<{n}xi8>" for _, n in pieces)
    body = "\n  ".join(lines).replace("SIZE", str(offset))
    return f"""func.func @main(%x: tensor<{offset}xf32> {{nnopt.name = "x"}}) -> (tensor<{total}xf32> {{nnopt.name = "y"}}) {{
  %one = arith.constant dense<1.0> : tensor<f32>
  {body}
  %q = tensor.concat dim(0) {", ".join(v for v, _ in pieces)} : ({types}) -> tensor<{total}xi8>
  %y = nnopt.dequantize %q scale %one : (tensor<{total}xi8>, tensor<f32>) -> tensor<{total}xf32>
  return %y : tensor<{total}xf32>
}}
"""


def run_compiled(directory, isa):
    neon = isa == "neon"
    folder = directory / isa
    folder.mkdir(exist_ok=True)
    command = lambda *arguments: subprocess.run([str(a) for a in arguments], check=True)
    command("nnopt-compile", directory / "layers.mlir", "-o", folder / "model.o", f"--march={isa}", *(["--target=aarch64-linux-gnu"] if neon else []))
    command("aarch64-linux-gnu-gcc" if neon else "cc", "-std=c11", "-I", folder, INPUTS / "files.c", folder / "model.o", "-lgomp", "-lm", "-o",
            folder / "program")
    emulator = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"] if neon else []
    command(*emulator, folder / "program", directory / "x.raw", folder / "y.raw")
    return np.fromfile(folder / "y.raw", np.float32)


def main():
    directory, isas = pathlib.Path(sys.argv[1]), sys.argv[2:]
    directory.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(5)
    layers = [Layer(random, i) for i in range(LAYERS)]
    (directory / "layers.mlir").write_text(module_text(layers))
    np.concatenate([l.input.ravel() for l in layers]).astype(np.float32).tofile(directory / "x.raw")
    expected = np.concatenate([l.expected().ravel() for l in layers])
    names = np.repeat(np.arange(LAYERS), [l.rows * l.outputs for l in layers])
    wrong = 0
    for isa in isas:
        got = run_compiled(directory, isa)
        if got.size != expected.size:
            wrong += 1
            print(f"{isa}: {got.size} numbers, expected {expected.size}")
            continue
        different = np.flatnonzero(got != expected)
        wrong += different.size
        for at in different[:5]:
            print(f"{isa}: layer {names[at]} has {got[at]}, expected {expected[at]}")
        print(f"{isa}: {different.size} of {expected.size} numbers differ")
    return wrong != 0


if __name__ == "__main__":
    sys.exit(main())
