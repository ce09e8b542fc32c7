"""Takes the networks of pack_cases.py from tensors to code and compares their numbers with numpy's.

    pack.py ISA... [--portable] [--only=NAME] [--directory=DIR]

Prints the copies that bufferization had to make, by network, and what no vector kernel took.
"""
import argparse
import ctypes
import pathlib
import re
import subprocess
import sys

import numpy as np

from kernels import SERIAL_RUNTIME, aligned, disagreement, pointers
from pack_cases import networks, tensor


def module_text(network):
    def named(name, shape):
        dims = ", ".join(f'"{n}"' for n in shape)
        return f'{{nnopt.name = "{name}", nnopt.dims = [{dims}]}}'
    arguments = ", ".join(f"{v}: {tensor(network.shapes[v])} {named(f'in{i}', network.shapes[v])}" for i, (v, _) in enumerate(network.inputs))
    types = [tensor(network.shapes[v]) for v, _ in network.outputs]
    results = ", ".join(f"{t} {named(f'out{i}', network.shapes[v])}" for i, (t, (v, _)) in enumerate(zip(types, network.outputs)))
    body = "\n    ".join(network.lines)
    return f"""func.func @main({arguments}) -> ({results}) {{
    {body}
    return {', '.join(v for v, _ in network.outputs)} : {', '.join(types)}
}}
"""


def rename(text, suffix):
    """Symbols of one network, so that all fit in one library."""
    return re.sub(r'@("?)(main_[\w-]+|workspace|shapes|weight_\d+)', lambda m: f"@{m[1]}{m[2]}{suffix}", text)


def lower(network, isa, portable, directory):
    """LLVM IR of one network. Weights are written out as initial values here; the object writer puts them in a section."""
    source = directory / f"{network.name}.mlir"
    source.write_text(module_text(network))
    opt = lambda text, *flags: subprocess.run(["nnopt-opt", *flags], input=text, check=True, capture_output=True, text=True).stdout
    buffers = opt(source.read_text(), "--nnopt-pack", "--nnopt-bufferize")
    (directory / f"{network.name}.buffers.mlir").write_text(buffers)
    copies = buffers.count("memref.copy")
    buffers = re.sub(r"(memref<[^>]*>) \{alignment = 64 : i64, nnopt.value = (.*) : tensor<[^>]*>\}", r"\1 = \2 {alignment = 64 : i64}", buffers)
    kernels = [f"--nnopt-specialize-isa=isas={isa}", "--nnopt-lower-to-loops"] if portable else [f"--nnopt-kernels=isas={isa}"]
    remarks = ["--remarks-filter=nnopt-lower-to-vector", "--remark-policy=all", "--remark-format=emitRemark"]
    run = subprocess.run(["nnopt-opt", *kernels, "--nnopt-threads", "--nnopt-llvm", *remarks], input=buffers, check=True, capture_output=True, text=True)
    lowered = run.stdout
    for line in re.findall("Reason=.*portable loops.*", run.stderr):
        print(f"{network.name}: {line}")
    (directory / f"{network.name}.llvm.mlir").write_text(lowered)
    ir = subprocess.run(["mlir-translate", "--mlir-to-llvmir", "--allow-unregistered-dialect"], input=lowered, check=True, capture_output=True, text=True).stdout
    (directory / f"{network.name}.ll").write_text(rename(ir, f".{network.name}"))
    return directory / f"{network.name}.ll", copies


def run(library, isa, network):
    symbols = np.array([network.symbols[s] for s in dict.fromkeys(n for v, _ in network.inputs for n in network.shapes[v] if isinstance(n, str))] + [0], np.int64)
    pointer = symbols.ctypes.data_as(ctypes.c_void_p)
    workspace = library[f"workspace.{network.name}"]
    workspace.restype = ctypes.c_int64
    # What a kernel reads and nothing wrote shows.
    memory = aligned([workspace(pointer)], np.uint8, 0xff)
    inputs = [aligned(a.shape, a.dtype, a) for _, a in network.inputs]
    outputs = [aligned(a.shape, a.dtype, 99) for _, a in network.outputs]
    library[f"main_{isa}.{network.name}"](pointers(inputs), pointers(outputs), pointer, memory.ctypes.data_as(ctypes.c_void_p), None)
    return outputs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("isas", nargs="+")
    parser.add_argument("--portable", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--directory", type=pathlib.Path, default=pathlib.Path("."))
    flags = parser.parse_args()
    chosen = [n for n in networks() if flags.only in n.name]
    wrong = 0
    for isa in flags.isas:
        directory = flags.directory / isa
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "runtime.c").write_text(SERIAL_RUNTIME)
        lowered = [lower(network, isa, flags.portable, directory) for network in chosen]
        library = directory / "networks.so"
        subprocess.run(["clang-22", "-O2", "-shared", "-fPIC", "-Wno-override-module", *[ir for ir, _ in lowered], directory / "runtime.c",
                        "-lm", "-o", library], check=True)
        loaded = ctypes.CDLL(str(library.resolve()))
        for network, (_, copies) in zip(chosen, lowered):
            if copies:
                print(f"{network.name}: {copies} copies")
            for got, (_, expected) in zip(run(loaded, isa, network), network.outputs):
                difference = disagreement(got, expected)
                if difference:
                    wrong += 1
                    print(f"{isa} {network.name}: {difference}")
    print(f"{len(chosen)} networks on {len(flags.isas)} instruction sets, {wrong} wrong")
    return wrong != 0


if __name__ == "__main__":
    sys.exit(main())
