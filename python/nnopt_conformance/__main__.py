"""Command line of nnopt_conformance.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import sys
import time

from .cases import CATEGORIES, load_cases
from .pool import Limits, run_all
from .report import as_json, as_text

ROOT = pathlib.Path(__file__).resolve().parents[2]
# One instruction set and no threads: the tests ask what an operator means, not how fast it is.
DEFAULT_OPTIONS = ("--march=native", "--threads=0")


def find_compiler():
    built = pathlib.Path(os.environ.get("NNOPT_BUILD", ROOT / "build")) / "bin" / "nnopt-compile"
    return str(built) if built.exists() else shutil.which("nnopt-compile")


def parse(arguments):
    parser = argparse.ArgumentParser(prog="nnopt_conformance", description="Runs ONNX's backend tests through compiled objects",
                                     epilog="Exit codes: 0 nothing wrong or crashed, 1 something is, 2 wrong usage.")
    parser.add_argument("--filter", default="", metavar="REGEX", help="only cases whose name contains a match")
    parser.add_argument("--category", action="append", choices=CATEGORIES, help="only this category (repeatable)")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th case: a sample")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="cases at the same time (default: %(default)s)")
    parser.add_argument("--timeout", type=float, default=60, metavar="S", help="seconds for one case (default: %(default)s)")
    parser.add_argument("--compiler", default=find_compiler(), help="nnopt-compile to use (default: %(default)s)")
    parser.add_argument("--option", action="append", metavar="FLAG",
                        help=f"option for the compiler (repeatable; default: {' '.join(DEFAULT_OPTIONS)})")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the report as JSON")
    parser.add_argument("--min-node-passed", type=int, default=0, metavar="N", help="fail below this many passed node tests")
    parser.add_argument("--verbose", action="store_true", help="print every case that does not pass as it ends")
    parsed = parser.parse_args(arguments)
    if not parsed.compiler:
        parser.error("nnopt-compile is neither built nor in PATH; build it or name it by --compiler")
    if parsed.jobs < 1 or parsed.every < 1:
        parser.error("--jobs and --every need a positive number")
    try:
        parsed.pattern = re.compile(parsed.filter)
    except re.error as error:
        parser.error(f"--filter: {error}")
    return parsed


def show_progress(done, total, start):
    if sys.stderr.isatty():
        print(f"\r\033[K{done} of {total} cases, {time.monotonic() - start:.0f} s", end="", file=sys.stderr, flush=True)


def main(arguments=None):
    options = parse(arguments)
    cases = load_cases(options.category or CATEGORIES, options.pattern.search)[::options.every]
    if not cases:
        print(f"error: no case matches '{options.filter}'", file=sys.stderr)
        return 2
    results, start = [], time.monotonic()
    flags = options.option or list(DEFAULT_OPTIONS)
    for result in run_all(cases, options.compiler, flags, options.jobs, Limits(seconds=options.timeout)):
        results.append(result)
        case, verdict = result
        if options.verbose and verdict.kind != "passed":
            print(f"{verdict.kind}: {case.name}: {verdict.reason}", flush=True)
        show_progress(len(results), len(cases), start)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    order = {id(case): index for index, case in enumerate(cases)}
    results.sort(key=lambda result: order[id(result[0])])
    report = as_json(results)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))
    print(as_text(results))
    print(f"{len(cases)} cases in {time.monotonic() - start:.0f} s")
    passed = report["categories"].get("node", {}).get("passed", 0)
    if passed < options.min_node_passed:
        print(f"error: {passed} node tests passed, {options.min_node_passed} are required", file=sys.stderr)
        return 1
    return 1 if report["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
