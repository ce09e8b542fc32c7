"""The scripts in tools: what they say when something is missing, and what their last line counts.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "lib"))

import summary


def shell(script, tmp_path, **environment):
    """Runs a piece of shell after reading tools/lib/common.sh."""
    settings = {**os.environ, "NNOPT_BUILD": str(tmp_path / "build"), "NNOPT_VENV": str(tmp_path / "venv"), **environment}
    return subprocess.run(["bash", "-c", f"source {ROOT}/tools/lib/common.sh\n{script}"], env=settings, capture_output=True, text=True)


@pytest.mark.parametrize("script", ["setup", "check", "quickstart"])
def test_help_and_wrong_options(script):
    done = subprocess.run([ROOT / "tools" / script, "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and f"usage: tools/{script}" in done.stdout
    done = subprocess.run([ROOT / "tools" / script, "--nonsense"], capture_output=True, text=True)
    assert done.returncode == 2 and f"usage: tools/{script}" in done.stdout + done.stderr
    assert "-->" not in done.stdout  # nothing was begun


def test_a_full_disk_is_named(tmp_path):
    done = shell("df() { printf 'head\\nx 9 8 12 1%% /\\n'; }; need_space / 3500 'LLVM 22'", tmp_path)
    assert done.returncode == 1
    assert done.stderr == "error: LLVM 22 needs 3500 MB in /, and 12 MB are free\n"


def test_a_missing_network_is_named(tmp_path):
    # The index is a port where nobody listens; the environment is this one, so that nothing has to be installed first.
    (tmp_path / "venv").symlink_to(sys.prefix)
    (tmp_path / "requirements.txt").write_text("nnopt-has-no-such-dependency==1\n")
    done = shell(f"NNOPT_ROOT={tmp_path}; mkdir {tmp_path}/python; mv {tmp_path}/requirements.txt {tmp_path}/python/; install_python", tmp_path,
                 PIP_INDEX_URL="http://127.0.0.1:9/", PIP_RETRIES="0")
    assert done.returncode == 1
    assert "error: pip could not install" in done.stderr and "is the network up?" in done.stderr


def test_a_failed_step_shows_its_end_and_stops(tmp_path):
    done = shell("broken() { echo first; echo why; return 3; }\nstep 'Build it' broken\necho went on", tmp_path)
    assert done.returncode == 3
    assert "--> Build it" in done.stdout and "    | why" in done.stdout and "went on" not in done.stdout
    assert (tmp_path / "build" / "logs" / "Build-it.log").read_text() == "first\nwhy\n"


def test_the_last_line_counts_everything(tmp_path, capsys):
    (tmp_path / "lit.json").write_text(json.dumps({"tests": [{"name": "a", "code": code} for code in ("PASS", "XFAIL", "XPASS", "UNSUPPORTED")]}))
    (tmp_path / "python.xml").write_text("<testsuite><testcase name='a'/><testcase name='b'><skipped/></testcase></testsuite>")
    (tmp_path / "conformance.json").write_text(json.dumps({"passed": 400, "unsupported": 30, "wrong": 1, "crashed": 2, "failures": ["x"]}))
    assert summary.main(tmp_path, ["lit", "python", "conformance"]) == 1
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1] == "check: 403 passed, 4 failed, 32 skipped"
    assert "  failed: a (XPASS)" in printed and "  failed: x" in printed


def test_a_missing_report_is_a_failure(tmp_path, capsys):
    (tmp_path / "lit.json").write_text(json.dumps({"tests": [{"name": "a", "code": "PASS"}]}))
    assert summary.main(tmp_path, ["lit"]) == 0
    assert summary.main(tmp_path, ["lit", "python"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "check: 1 passed, 1 failed, 0 skipped"
