"""Compiles every case of kernel_cases.py and linalg_cases.py and compares its numbers.

    kernels.py ISA... [--portable] [--only=NAME] [--directory=DIR]

All cases are one module: one call of the compiler for each variant. `--portable` leaves the vector kernels out.
"""
import argparse
import ctypes
import pathlib
import subprocess
import sys

import numpy as np

from kernel_cases import all_cases, memref
from linalg_cases import linalg_cases


def module_text(cases):
    """The module after bufferize; inputs and outputs are static. Half of the workspace queries are trivial here."""
    arguments, body = [], []
    count = 0
    for number, case in enumerate(cases):
        names = {}
        for i, array in enumerate(case.inputs):
            arguments.append(f'%i{count}: {memref(array)} {{nnopt.name = "{case.name}.{i}"}}')
            names[i] = (f"%i{count}", memref(array))
            count += 1
        values = [names[i][0] for i in range(len(case.inputs))]
        types = ", ".join([t for _, t in names.values()] + [memref(case.expected)])
        body.append("    " + case.text.format(*values, out=f"%o{number}") + ("" if case.complete else f" : ({types}) -> ()"))
    outputs = [f'%o{n}: {memref(c.expected)} {{nnopt.name = "{c.name}", nnopt.output}}' for n, c in enumerate(cases)]
    signature = ",\n    ".join(arguments + outputs + ["%workspace: memref<?xi8>"])
    extents = [n for c in cases for n in c.expected.shape]
    constants = "\n".join(f"    %c{i} = arith.constant {n} : index" for i, n in enumerate(extents))
    return f"""module attributes {{nnopt.symbols = []}} {{
  func.func @main(
    {signature}) {{
{chr(10).join(body)}
    return
  }}
  func.func @workspace() -> index {{
    %c = arith.constant 0 : index
    return %c : index
  }}
  func.func @shapes() -> ({", ".join(["index"] * len(extents))}) {{
{constants}
    return {", ".join(f"%c{i}" for i in range(len(extents)))} : {", ".join(["index"] * len(extents))}
  }}
}}
"""


SERIAL_RUNTIME = """
#include <stdint.h>
/* Two halves, the second first: items must not depend on each other. */
void nnopt_parallel_for(const void *options, void (*body)(void *, int64_t, int64_t), void *context, int64_t count) {
  body(context, count / 2, count);
  body(context, 0, count / 2);
}
"""


def build(cases, isa, portable, directory):
    directory.mkdir(parents=True, exist_ok=True)
    source, lowered, ir, library = (directory / n for n in ("cases.mlir", "llvm.mlir", "cases.ll", "cases.so"))
    source.write_text(module_text(cases))
    (directory / "runtime.c").write_text(SERIAL_RUNTIME)
    kernels = [f"--nnopt-specialize-isa=isas={isa}", "--nnopt-lower-to-loops"] if portable else [f"--nnopt-kernels=isas={isa}"]
    subprocess.run(["nnopt-opt", source, *kernels, "--nnopt-threads", "--nnopt-llvm", "-o", lowered], check=True)
    subprocess.run(["mlir-translate", "--mlir-to-llvmir", "--allow-unregistered-dialect", lowered, "-o", ir], check=True)
    subprocess.run(["clang-22", "-O2", "-shared", "-fPIC", "-Wno-override-module", ir, directory / "runtime.c", "-lm", "-o", library],
                   check=True)
    return ctypes.CDLL(str(library.resolve()))


def aligned(shape, dtype, fill=None):
    """Storage aligned to 64 bytes, as the interface asks for."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + 128, np.uint8)
    start = -raw.ctypes.data % 64
    array = raw[start:start + size].view(dtype).reshape(shape)
    if fill is not None:
        array[...] = fill
    return array


def pointers(arrays):
    return (ctypes.c_void_p * len(arrays))(*[a.ctypes.data for a in arrays])


def disagreement(got, expected):
    """Where and how `got` differs, as text, or None: by more than 1e-5 of the largest value."""
    bound = 1e-5 * max(1.0, float(np.abs(expected.astype(np.float64)).max(initial=0)))
    error = np.abs(got.astype(np.float64) - expected)
    if (error <= bound).all():
        return None
    at = np.unravel_index(np.nanargmax(np.where(np.isnan(error), np.inf, error)), error.shape)
    return f"{got[at]} at {tuple(map(int, at))}, expected {expected[at]}"


def run(library, isa, cases):
    inputs = [aligned(a.shape, a.dtype, a) for case in cases for a in case.inputs]
    outputs = [aligned(case.expected.shape, case.expected.dtype, 99) for case in cases]
    library[f"main_{isa}"](pointers(inputs), pointers(outputs), None, None, None)
    return outputs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("isas", nargs="+")
    parser.add_argument("--portable", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--directory", type=pathlib.Path, default=pathlib.Path("."))
    flags = parser.parse_args()
    cases = [case for case in [*all_cases(), *linalg_cases()] if flags.only in case.name]
    wrong = 0
    for isa in flags.isas:
        outputs = run(build(cases, isa, flags.portable, flags.directory / isa), isa, cases)
        for case, got in zip(cases, outputs):
            difference = disagreement(got, case.expected)
            if difference:
                wrong += 1
                print(f"{isa} {case.name}: {difference}")
    print(f"{len(cases)} cases on {len(flags.isas)} instruction sets, {wrong} wrong")
    return wrong != 0


if __name__ == "__main__":
    sys.exit(main())
