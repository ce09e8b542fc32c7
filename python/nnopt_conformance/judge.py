"""Takes one case from model to verdict, inside a process of its own.

SPDX-License-Identifier: Apache-2.0
"""

import re
import signal
import subprocess
from dataclasses import dataclass, field

import numpy as np

from . import abi
from .compare import difference

UNSUPPORTED_CODE = 3
BUG_CODE = 70


@dataclass
class Verdict:
    """`kind` is passed, unsupported, wrong or crashed; `reason` is one line."""

    kind: str
    reason: str = ""
    ops: list = field(default_factory=list)
    passes_with_constants: bool = False  # an unsupported case whose shapes, axes and the like may be constants


def signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def errors_in(text):
    """The messages of the error lines of a compiler's output, without place and severity."""
    return [match.group(1).strip() for match in re.finditer(r"^(?:.*?:\s*)?error:\s*(.*)$", text, re.MULTILINE)]


def judge_refusal(code, text, leftover):
    """The verdict on a compiler that did not make an object. `leftover`: an output file is there all the same."""
    errors = errors_in(text)
    message = errors[0] if errors else (text.strip().splitlines() or ["no message"])[-1]
    if code < 0:
        return Verdict("crashed", f"compiler: {signal_name(-code)}: {message}")
    if code == BUG_CODE:
        return Verdict("crashed", f"compiler: internal error: {message}")
    if code != UNSUPPORTED_CODE:
        return Verdict("wrong", f"compiler: exit code {code} for a valid model: {message}")
    if len(errors) != 1:
        return Verdict("wrong", f"compiler: {len(errors)} errors where one is promised: {message}")
    if leftover:
        return Verdict("wrong", f"compiler: left an output file after: {message}")
    return Verdict("unsupported", message)


def compile_case(model, out, compiler, options):
    """Compiles `model` into `out`; returns None or the verdict that ends the case."""
    command = [compiler, str(model), "-o", str(out), "--emit=shared", *options]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode:
        return judge_refusal(done.returncode, done.stderr, out.exists())
    return None if out.exists() else Verdict("wrong", "compiler: exit code 0 but no output file")


def run_case(case, library):
    """Runs every data set of the case; returns its verdict."""
    model = abi.Model(library, library.stem)
    for inputs, expected in case.data_sets():
        expected = [np.asarray(array) for array in expected]
        try:
            outputs = model(inputs, [array.dtype for array in expected])
        except abi.AbiError as error:
            return Verdict("wrong", str(error))
        for index, (got, want) in enumerate(zip(outputs, expected)):
            why = difference(got, want, case.rtol, case.atol)
            if why:
                return Verdict("wrong", f"output {index}: {why}")
    return Verdict("passed")


def attempt(case, folder, compiler, options):
    folder.mkdir(exist_ok=True)
    library = folder / "model.so"
    return compile_case(case.write(folder), library, compiler, options) or run_case(case, library)


def judge(case, folder, compiler, options):
    """Compiles and runs `case` in `folder`. A case that is unsupported because shapes depend on data runs again with constants for them."""
    verdict = attempt(case, folder, compiler, options)
    if verdict.kind == "unsupported" and re.search(r"depend on the data|constant", verdict.reason):
        easier = case.with_constants()
        second = attempt(easier, folder / "constants", compiler, options) if easier else verdict
        verdict.passes_with_constants = second.kind == "passed"
        if second.kind in ("wrong", "crashed"):
            verdict = Verdict(second.kind, f"with constant parameters: {second.reason}")
    if verdict.kind != "passed":
        verdict.ops = case.ops()
    return verdict
