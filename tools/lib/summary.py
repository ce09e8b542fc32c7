"""Adds up the results of lit, pytest and the conformance run into the last line of tools/check.

SPDX-License-Identifier: Apache-2.0
"""

import json
import pathlib
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter

# How lit's result codes count. An unexpected pass is a failure: the XFAIL mark is stale.
LIT_CODES = {
    "PASS": "passed",
    "FLAKYPASS": "passed",
    "XFAIL": "passed",
    "UNSUPPORTED": "skipped",
    "SKIPPED": "skipped",
    "EXCLUDED": "skipped",
}


def count_lit(path):
    """Counts a report of `lit --output`; returns the counter and the names of failures."""
    counts, failures = Counter(), []
    for test in json.loads(path.read_text())["tests"]:
        kind = LIT_CODES.get(test["code"], "failed")
        counts[kind] += 1
        if kind == "failed":
            failures.append(f"{test['name']} ({test['code']})")
    return counts, failures


def count_junit(path):
    """Counts a report of `pytest --junitxml`."""
    counts, failures = Counter(), []
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        tags = {child.tag for child in case}
        kind = "failed" if tags & {"failure", "error"} else "skipped" if "skipped" in tags else "passed"
        counts[kind] += 1
        if kind == "failed":
            failures.append(f"{case.get('classname')}.{case.get('name')}")
    return counts, failures


def count_conformance(path):
    """Counts a report of the ONNX conformance script: an unsupported operator is a skip, a wrong answer a failure."""
    report = json.loads(path.read_text())
    counts = Counter(passed=report["passed"], skipped=report["unsupported"],
                     failed=report["wrong"] + report["crashed"])
    return counts, list(report.get("failures", []))


READERS = {"lit.json": count_lit, "python.xml": count_junit, "conformance.json": count_conformance}


def main(folder, expected):
    total = Counter()
    for name, reader in READERS.items():
        path = pathlib.Path(folder) / name
        if not path.exists():
            if path.stem in expected:
                total["failed"] += 1
                print(f"{path.stem}: stopped without a report")
            continue
        counts, failures = reader(path)
        total += counts
        print(f"{path.stem}: " + ", ".join(f"{counts[k]} {k}" for k in ("passed", "failed", "skipped")))
        for failure in failures:
            print(f"  failed: {failure}")
    print("check: " + ", ".join(f"{total[k]} {k}" for k in ("passed", "failed", "skipped")))
    return 0 if total["failed"] == 0 and total["passed"] > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
