"""Compiles and links models for the benchmarks.

SPDX-License-Identifier: Apache-2.0
"""

import os
import pathlib
import subprocess
import time

import nnopt

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NNOPT_BUILD", ROOT / "build"))


class BenchError(Exception):
    """Something a user can act on: a tool is missing, a compilation failed."""


def run_command(command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        message = (done.stderr.strip() or done.stdout.strip() or "no message")[-2000:]
        raise BenchError(f"{' '.join(map(str, command))} failed with {done.returncode}:\n{message}")
    return done.stdout


def compile_model(model, out, **options):
    """Compiles a model to the file `out`; returns the seconds it took."""
    pathlib.Path(out).parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    nnopt.compile(model, out, **options)
    return time.monotonic() - start


def link_program(sources, obj, out):
    """Links C sources with a model's object into a program, as a user would."""
    run_command([os.environ.get("CC", "cc"), "-O2", "-I", pathlib.Path(obj).parent, *sources, obj, "-lgomp", "-lm",
                 "-o", out])
    return out
