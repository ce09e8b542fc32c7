"""Runs many cases, each in a forked process with limits, so that a crash is a verdict and not the end of the run.

SPDX-License-Identifier: Apache-2.0
"""

import faulthandler
import gc
import json
import multiprocessing
import os
import pathlib
import resource
import shutil
import signal
import tempfile
import time
from dataclasses import asdict, dataclass
from multiprocessing.connection import wait

from .judge import Verdict, judge, signal_name


@dataclass
class Limits:
    """What one case, compiler included, may use."""

    seconds: float = 60
    memory_bytes: int = 6 << 30


@dataclass
class Task:
    case: object
    process: multiprocessing.Process
    folder: pathlib.Path
    deadline: float


def work(case, folder, compiler, options, limits):
    """The forked process: leads a group, so that a time limit ends its compiler too."""
    os.setsid()
    faulthandler.disable()  # a crash here is a verdict; its stack trace is noise
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        verdict = judge(case, folder, compiler, options)
    except Exception as error:  # what the script itself did not expect must be seen as this case's fault
        verdict = Verdict("crashed", f"{type(error).__name__}: {error}")
    (folder / "verdict.json").write_text(json.dumps(asdict(verdict)))


def collect(task, limits):
    """The verdict of a process that has ended or is out of time."""
    if task.process.is_alive():
        os.killpg(task.process.pid, signal.SIGKILL)
        task.process.join()
        return Verdict("crashed", f"took more than {limits.seconds:g} s", task.case.ops())
    task.process.join()
    report = task.folder / "verdict.json"
    if task.process.exitcode == 0 and report.exists():
        return Verdict(**json.loads(report.read_text()))
    code = task.process.exitcode
    how = signal_name(-code) if code < 0 else f"exit code {code}"
    return Verdict("crashed", f"run: {how}", task.case.ops())


def run_all(cases, compiler, options, jobs, limits=None):
    """Yields (case, verdict) in the order in which cases end."""
    limits = limits or Limits()
    context = multiprocessing.get_context("fork")
    gc.freeze()  # otherwise the collector of each fork copies the pages of all cases
    waiting, running = list(reversed(cases)), []
    with tempfile.TemporaryDirectory(prefix="nnopt-conformance-") as scratch:
        while waiting or running:
            while waiting and len(running) < jobs:
                case = waiting.pop()
                folder = pathlib.Path(tempfile.mkdtemp(dir=scratch))
                process = context.Process(target=work, args=(case, folder, compiler, options, limits))
                process.start()
                running.append(Task(case, process, folder, time.monotonic() + limits.seconds))
            next_deadline = min(task.deadline for task in running)
            wait([task.process.sentinel for task in running], max(0, next_deadline - time.monotonic()))
            now = time.monotonic()
            for task in [t for t in running if not t.process.is_alive() or t.deadline <= now]:
                running.remove(task)
                yield task.case, collect(task, limits)
                shutil.rmtree(task.folder, ignore_errors=True)
