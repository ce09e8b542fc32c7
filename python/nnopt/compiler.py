"""Runs nnopt-compile.

SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Union

import numpy as np

from .errors import CompileError, InternalCompilerError, UnsupportedError, UsageError

PathLike = Union[str, "os.PathLike[str]"]

# What nnopt-compile's exit codes mean; any other, or death by a signal, is a bug of ours.
EXIT_CODES = {1: CompileError, 2: UsageError, 3: UnsupportedError}


def find_compiler() -> str:
    """Path of nnopt-compile: $NNOPT_COMPILE, the package's own, $NNOPT_BUILD/bin, the source tree's build, or PATH's."""
    package = pathlib.Path(__file__).resolve().parent
    candidates = [os.environ.get("NNOPT_COMPILE"), package / "bin" / "nnopt-compile"]
    if "NNOPT_BUILD" in os.environ:
        candidates.append(pathlib.Path(os.environ["NNOPT_BUILD"]) / "bin" / "nnopt-compile")
    candidates.append(package.parents[1] / "build" / "bin" / "nnopt-compile")
    for candidate in candidates:
        if candidate and os.access(candidate, os.X_OK):
            return str(candidate)
    found = shutil.which("nnopt-compile")
    if not found:
        raise CompileError("nnopt-compile was not found; set NNOPT_COMPILE to its path", 2)
    return found


def command_line(model: PathLike, out: PathLike, options: dict[str, Any]) -> list[str]:
    """The arguments of nnopt-compile for `compile(model, out, **options)`."""
    arguments = [os.fspath(model), "-o", os.fspath(out)]
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            arguments.append(flag)
        elif isinstance(value, dict):  # a flag per entry: --dim=batch=1 --dim=length=128 --input-shape=ids:1x128
            arguments += [f"{flag}={key}{_entry(entry)}" for key, entry in value.items()]
        elif isinstance(value, (list, tuple)):
            arguments.append(f"{flag}={','.join(map(str, value))}")
        else:
            arguments.append(f"{flag}={value}")
    return arguments


def _entry(value: Any) -> str:
    return f":{'x'.join(map(str, value))}" if isinstance(value, (list, tuple)) else f"={value}"


@contextlib.contextmanager
def _files_of(options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The options with files, for as long as the compiler runs, in the place of masks and samples that are in memory."""
    with tempfile.TemporaryDirectory() as name:
        folder, options = pathlib.Path(name), dict(options)
        if hasattr(options.get("mask"), "save"):
            options["mask"].save(folder / "masks.npz")
            options["mask"] = folder / "masks.npz"
        samples = options.get("calibrate")
        if samples is not None and not isinstance(samples, (str, os.PathLike)):
            options["calibrate"] = _save_samples(samples, folder / "samples")
        yield options


def _save_samples(samples: Union[Mapping[str, Any], Iterable[Mapping[str, Any]]], folder: pathlib.Path) -> pathlib.Path:
    """Writes arrays by name, or one such mapping after the other, to files that the compiler reads in this order."""
    folder.mkdir()
    for i, batch in enumerate([samples] if isinstance(samples, Mapping) else samples):
        np.savez(folder / f"{i:08}.npz", **{name: np.asarray(array) for name, array in batch.items()})
    return folder


def compile(model: PathLike, out: PathLike, **options: Any) -> pathlib.Path:
    """Compiles an ONNX or MLIR file and returns the path of the result.

    model: path of a .onnx, .mlir or .mlirbc file.
    out: path of the result; its suffix says what it is. A `.so` can be loaded by `nnopt.load`; a `.o` is for C programs. Both
        come with a C header beside them.
    options: nnopt-compile's, with `_` for `-`. A list is joined by commas, a dictionary becomes an option per entry, True is a
        flag alone, None and False leave the option out: `march=["x86-64", "avx2"]`, `threads=0` (no threads),
        `target="aarch64-linux-gnu"`, `dim={"batch": 1}`, `input_shape={"ids": (1, 128)}`,
        `prune=["magnitude:0.9", "pattern=4x1"]`, `prune="structured:channels=0.5"`, `expected_rows=128`, `mask="masks.npz"` or `mask=masks`, an
        `nnopt.prune.Masks`; `prune="sparsegpt:0.7", calibrate=samples`, where `samples` is the path of a .npz file or of a folder of them, arrays by
        the names of the inputs (`{"ids": ids}`, the first axis counts samples), or an iterable of such mappings;
        `quantize="int8", calibrate=samples` or `quantize=["int8", "method=mse", "exclude=head*"]`, with or without `prune`.

    Raises UnsupportedError if the model uses what nnopt does not support, UsageError for an unknown option or value,
    InternalCompilerError for a bug of nnopt, CompileError for everything else: the text is the compiler's. After an error
    there is no output file.
    """
    with _files_of(options) as options:
        command = [find_compiler(), *command_line(model, out, options)]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        message = done.stderr.strip() or f"{command[0]} ended with {done.returncode}"
        raise EXIT_CODES.get(done.returncode, InternalCompilerError)(message, done.returncode)
    return pathlib.Path(out)


def main() -> None:
    """The command nnopt-compile of the installed package: becomes the compiler."""
    path = find_compiler()
    os.execv(path, [path, *sys.argv[1:]])
