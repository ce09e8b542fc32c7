"""Compiles models with nnopt-compile and calls the result through its C ABI.

SPDX-License-Identifier: Apache-2.0
"""

import ctypes
import os
import pathlib
import re
import shutil
import subprocess
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NNOPT_BUILD", ROOT / "build"))

# ONNX's numbers of element types, which the header uses.
DTYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 6: np.int32, 7: np.int64, 9: np.bool_, 11: np.float64}
CODES = {np.dtype(value): key for key, value in DTYPES.items()}


class BenchError(Exception):
    """Something a user can act on: a tool is missing, a compilation failed."""


class Tensor(ctypes.Structure):
    """`nnopt_tensor`."""

    _fields_ = [("data", ctypes.c_void_p), ("dtype", ctypes.c_int32), ("rank", ctypes.c_int32),
                ("shape", ctypes.c_int64 * 8)]

    @classmethod
    def of(cls, array):
        return cls(array.ctypes.data, CODES[array.dtype], array.ndim, (ctypes.c_int64 * 8)(*array.shape))


class Options(ctypes.Structure):
    """`nnopt_options`."""

    _fields_ = [("threads", ctypes.c_int32), ("parallel_for", ctypes.c_void_p), ("pool", ctypes.c_void_p)]


def c_name(path):
    """The name of a model's functions: the file's, with what C does not allow replaced."""
    return re.sub(r"\W", "_", pathlib.Path(path).stem, flags=re.ASCII)


def tool(name):
    path = BUILD / "bin" / name
    found = str(path) if path.exists() else shutil.which(name)
    if not found:
        raise BenchError(f"{name} is neither in {path.parent} nor in PATH; run tools/setup")
    return found


def run_command(command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        message = (done.stderr.strip() or done.stdout.strip() or "no message")[-2000:]
        raise BenchError(f"{' '.join(map(str, command))} failed with {done.returncode}:\n{message}")
    return done.stdout


def compile_object(model, out, options=()):
    """Compiles an ONNX file to the object `out`; returns the seconds it took."""
    pathlib.Path(out).parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    run_command([tool("nnopt-compile"), model, "-o", out, *options])
    return time.monotonic() - start


def link_program(sources, obj, out):
    """Links C sources with a model's object into a program, as a user would."""
    run_command([os.environ.get("CC", "cc"), "-O2", "-I", pathlib.Path(obj).parent, *sources, obj, "-lgomp", "-lm",
                 "-o", out])
    return out


class CompiledModel:
    """A model's object as a shared library in this process."""

    def __init__(self, obj, threads):
        shared = pathlib.Path(obj).with_suffix(".so")
        run_command([os.environ.get("CC", "cc"), "-shared", obj, "-lgomp", "-lm", "-o", shared])
        library = ctypes.CDLL(str(shared))
        name = c_name(obj)
        self.plan, self.run = getattr(library, f"{name}_plan"), getattr(library, f"{name}_run")
        self.options = Options(threads=threads)

    def prepare(self, inputs, outputs):
        """Returns a function that runs the model once into the arrays `outputs`; both must stay alive."""
        ins = (Tensor * len(inputs))(*map(Tensor.of, inputs))
        outs = (Tensor * len(outputs))(*map(Tensor.of, outputs))
        size = ctypes.c_size_t()
        self.check(self.plan(ins, outs, ctypes.byref(size)))
        memory = np.empty(size.value + 64, np.uint8)
        workspace = ctypes.c_void_p((memory.ctypes.data + 63) // 64 * 64)
        keep = (memory, inputs, outputs)

        def call(run=self.run, options=ctypes.byref(self.options), keep=keep):
            if run(ins, outs, workspace, options):
                raise BenchError("the compiled model refused its inputs")

        call()
        return call

    @staticmethod
    def check(status):
        if status:
            raise BenchError(f"the compiled model answers with status {status}")
