"""Runs every case of test/Integration on tensors in the interpreter and compares with numpy: with and without destination.

    interpreter.py [--only=NAME] [--directory=DIR]

The cases are written for buffers; their texts become tensor texts here. All cases are one module.
"""
import argparse
import pathlib
import re
import subprocess
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "Integration"))
from kernel_cases import all_cases, memref  # noqa: E402
from linalg_cases import linalg_cases  # noqa: E402

import tensor_cases  # noqa: E402


def on_tensors(text):
    return text.replace("memref<", "tensor<").replace("memref.cast", "tensor.cast")


class Function:
    """Text of one function from inputs, and a destination where `destination` is set, to one result."""

    def __init__(self, case, destination):
        self.name = case.name + ("_into" if destination else "")
        self.inputs = [*case.inputs, np.full(case.expected.shape, 99, case.expected.dtype)] if destination else case.inputs
        self.expected, self.exact = case.expected, getattr(case, "exact", False)


def op_function(case, destination):
    """An nnopt op, whose case has no types yet."""
    function = Function(case, destination)
    types = [on_tensors(memref(a)) for a in function.inputs]
    text = case.text if destination else case.text.replace(" into {out}", "")
    names = [f"%{i}" for i in range(len(types))]
    body = text.format(*names, out=names[-1])
    function.result = on_tensors(memref(case.expected))
    function.lines = [f"%r = {body} : ({', '.join(types)}) -> {function.result}"]
    return function


def buffer_function(case):
    """A linalg op or an op on dynamic extents, with its types: the result is the destination's new value."""
    function = Function(case, True)
    names = [f"%{i}" for i in range(len(function.inputs))]
    text = on_tensors(case.text.format(*names, out=names[-1]))
    lines = text.split("\n")
    start = next(i for i, line in enumerate(lines) if re.match(r"\s*(linalg|nnopt)\.", line))
    op = "\n".join(lines[start:])
    if op.lstrip().startswith("nnopt."):
        function.result = re.search(r", ([^,()]+)\) -> \(\)$", op).group(1)
        op = op[:-2] + function.result
    else:
        function.result = re.search(r"outs\(%\w+ : ([^)]+(?:strided[^)]*)?)\)", op).group(1)
        if not re.match(r"\s*linalg\.(transpose|broadcast)", op):
            op += f" -> {function.result}"
    function.lines = lines[:start] + ["%r = " + op.lstrip()]
    return function


def given_function(case):
    """A case of tensor_cases.py: text and type of the result are its own."""
    function = Function(case, False)
    function.lines = [case.text.format(*[f"%{i}" for i in range(len(case.inputs))])]
    function.result = case.result or on_tensors(memref(case.expected))
    return function


def functions(only):
    for case in all_cases():
        yield op_function(case, False)
        yield op_function(case, True)
    for case in linalg_cases():
        if "memref." not in case.text.replace("memref.cast", ""):
            yield buffer_function(case) if case.complete else op_function(case, True)
    for case in tensor_cases.all_cases():
        yield given_function(case)


def module_text(all_functions):
    texts, arguments, results, calls, returned = [], [], [], [], []
    for f, function in enumerate(all_functions):
        types = [on_tensors(memref(a)) for a in function.inputs]
        parameters = ", ".join(f"%{i}: {t}" for i, t in enumerate(types))
        body = "\n    ".join(function.lines)
        texts.append(f"  func.func private @f{f}({parameters}) -> {function.result} {{\n    {body}\n    return %r : {function.result}\n  }}")
        names = [f"%f{f}_{i}" for i in range(len(types))]
        arguments += [f'{n}: {t} {{nnopt.name = "{function.name}.{i}"}}' for i, (n, t) in enumerate(zip(names, types))]
        results.append(f'{function.result} {{nnopt.name = "{function.name}"}}')
        calls.append(f"    %r{f} = func.call @f{f}({', '.join(names)}) : ({', '.join(types)}) -> {function.result}")
        returned.append((f"%r{f}", function.result))
    return ("module {\n" + "\n".join(texts) + "\n  func.func @main(" + ",\n    ".join(arguments) + ") -> (" + ",\n    ".join(results) + ") {\n"
            + "\n".join(calls) + "\n    return " + ", ".join(v for v, _ in returned) + " : " + ", ".join(t for _, t in returned) + "\n  }\n}\n")


def agree(got, function):
    expected = function.expected
    if got.shape != expected.shape:
        return f"shape {got.shape}, expected {expected.shape}"
    if got.dtype != expected.dtype:
        return f"elements {got.dtype}, expected {expected.dtype}"
    a, b = got.astype(np.float64), expected.astype(np.float64)
    bound = 0 if function.exact or expected.dtype.kind != "f" else {2: 1e-3, 4: 1e-6, 8: 1e-12}[expected.dtype.itemsize]
    largest = max(1.0, float(np.abs(b[np.isfinite(b)]).max(initial=0)))
    with np.errstate(invalid="ignore"):
        close = (a == b) | (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= bound * largest)
    if close.all():
        return None
    at = tuple(map(int, np.unravel_index(np.argmin(close), close.shape)))
    return f"{got[at]} at {at}, expected {expected[at]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="")
    parser.add_argument("--directory", type=pathlib.Path, default=pathlib.Path("."))
    flags = parser.parse_args()
    chosen = [f for f in functions(flags.only) if flags.only in f.name]
    flags.directory.mkdir(parents=True, exist_ok=True)
    source, inputs, outputs = (flags.directory / n for n in ("cases.mlir", "in.npz", "out.npz"))
    source.write_text(module_text(chosen))
    np.savez(inputs, **{f"{f.name}.{i}": a for f in chosen for i, a in enumerate(f.inputs)})
    subprocess.run(["nnopt-run", source, "--engine=reference", f"--input={inputs}", f"--output={outputs}"], check=True,
                   stdout=subprocess.DEVNULL)
    wrong = 0
    with np.load(outputs) as results:
        for function in chosen:
            if problem := agree(results[function.name], function):
                wrong += 1
                print(f"{function.name}: {problem}")
    ops = re.findall(r"(?<!#)\bnnopt\.[a-z_]+", source.read_text())
    print("ops:", " ".join(sorted({op for op in ops if op not in ("nnopt.name", "nnopt.pack")})))
    print(f"{len(chosen)} cases, {wrong} wrong")
    return wrong != 0


if __name__ == "__main__":
    sys.exit(main())
