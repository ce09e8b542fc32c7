"""The conformance script against a compiler made of a shell script: each way in which a case can end.

SPDX-License-Identifier: Apache-2.0
"""

import json
import pathlib
import shutil
import sys
from types import SimpleNamespace

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from nnopt_conformance import report
from nnopt_conformance.__main__ import parse
from nnopt_conformance.cases import Case
from nnopt_conformance.compare import difference
from nnopt_conformance.judge import Verdict, errors_in, judge_refusal
from nnopt_conformance.pool import Limits, run_all

needs_cc = pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler")

# Negates one tensor of four floats. MODE picks what goes wrong.
MODEL = r"""
#include <stddef.h>
#include <stdint.h>
typedef struct { void *data; int32_t dtype, rank; int64_t shape[8]; } tensor;
int model_plan(const tensor *in, tensor *out, size_t *bytes) {
  out->dtype = 1; out->rank = in->rank; out->shape[0] = in->shape[0]; *bytes = 64;
  return MODE == 1;
}
int model_run(const tensor *in, tensor *out, void *workspace, const void *options) {
  const float *x = in->data; float *y = out->data;
  for (int i = 0; i < 4; ++i) y[i] = MODE == 2 ? x[i] : -x[i];
  if (MODE == 3) y[4] = 1;
  if (MODE == 4) ((char *)workspace)[64] = 1;
  if (MODE == 5) *(volatile int *)8 = 1;
  if (MODE == 6) *(float *)in->data = 9;
  if (MODE == 7) for (;;) ;
  return 0;
}
"""

# The graph's name says what the compiler is to do.
COMPILER = r"""#!/bin/sh
model=$1 out=$3
says() { grep -q -a "$1" "$model"; }
says unsupported && { echo "m.onnx: error: node 'n': Neg of opset 13 is unsupported: no lowering" >&2; exit 3; }
says two_errors && { echo "error: a" >&2; echo "error: b" >&2; exit 3; }
says partial && { touch "$out"; echo "error: Neg is unsupported" >&2; exit 3; }
says refuses && { echo "error: bad model" >&2; exit 1; }
says bug && { echo "error: internal" >&2; exit 70; }
says segfault && kill -SEGV $$
says silent && exit 0
says hangs && exec sleep 60
mode=$(grep -a -o 'mode_[0-9]' "$model" | head -n 1 | tr -d 'mode_')
exec cc -shared -fPIC -DMODE="${mode:-0}" -o "$out" SOURCE
"""

ENDINGS = {
    "good": ("passed", ""),
    "unsupported": ("unsupported", "node 'n': Neg of opset 13"),
    "two_errors": ("wrong", "2 errors where one is promised"),
    "partial": ("wrong", "left an output file"),
    "refuses": ("wrong", "exit code 1 for a valid model: bad model"),
    "bug": ("crashed", "internal error"),
    "segfault": ("crashed", "compiler: SIGSEGV"),
    "silent": ("wrong", "no output file"),
    "hangs": ("crashed", "took more than"),
    "mode_1": ("wrong", "plan answers with status 1"),
    "mode_2": ("wrong", "output 0: 4 of 4 elements differ; [0] is 1.0, expected -1.0"),
    "mode_3": ("wrong", "wrote outside output 0"),
    "mode_4": ("wrong", "wrote outside the workspace"),
    "mode_5": ("crashed", "run: SIGSEGV"),
    "mode_6": ("wrong", "changed an input"),
    "mode_7": ("crashed", "took more than"),
}


def negation(name):
    value = helper.make_tensor_value_info
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], name, [value("x", TensorProto.FLOAT, [4])],
                              [value("y", TensorProto.FLOAT, [4])])
    x = np.array([1, 2, 3, 4], np.float32)
    source = SimpleNamespace(model=helper.make_model(graph), model_dir=None, data_sets=[([x], [-x])], rtol=1e-3, atol=1e-7)
    return Case(name, "node", source)


@needs_cc
def test_every_ending(tmp_path):
    (tmp_path / "model.c").write_text(MODEL)
    compiler = tmp_path / "compiler"
    compiler.write_text(COMPILER.replace("SOURCE", str(tmp_path / "model.c")))
    compiler.chmod(0o755)
    cases = [negation(name) for name in ENDINGS]
    results = list(run_all(cases, str(compiler), [], jobs=4, limits=Limits(seconds=3)))
    assert {case.name: verdict.kind for case, verdict in results} == {name: kind for name, (kind, _) in ENDINGS.items()}
    for case, verdict in results:
        assert ENDINGS[case.name][1] in verdict.reason
        assert verdict.ops == ([] if verdict.kind == "passed" else ["Neg"])


def test_report_counts_and_names_failures():
    case = negation("a")
    results = [(case, Verdict("passed")), (case, Verdict("wrong", "why")), (case, Verdict("unsupported", "Neg of opset 13", ["Neg"]))]
    counts = report.as_json(results)
    assert (counts["passed"], counts["unsupported"], counts["wrong"], counts["crashed"]) == (1, 1, 1, 0)
    assert counts["failures"] == ["a: wrong: why"]
    assert counts["categories"] == {"node": {"passed": 1, "unsupported": 1, "wrong": 1, "crashed": 0}}
    assert json.loads(json.dumps(counts)) == counts
    assert report.unsupported_by_op(results) == [("Neg", {"Neg of opset 13": 1})]
    assert "failed: a: wrong: why" in report.as_text(results)


def test_unsupported_cases_count_under_the_op_that_the_reason_names():
    case = negation("a")
    results = [(case, Verdict("unsupported", "SequenceMap needs sequences", ["Add", "SequenceMap"])),
               (case, Verdict("unsupported", "no words for it", ["Add", "Mul"]))]
    assert [op for op, _ in report.unsupported_by_op(results)] == ["Add+Mul", "SequenceMap"]


@pytest.mark.parametrize("got, want, why", [
    (np.float32([1, np.nan, np.inf]), np.float32([1, np.nan, np.inf]), None),
    (np.float32([1.0009]), np.float32([1]), None),
    (np.float32([1.0011]), np.float32([1]), "1 of 1 elements differ; [0] is 1.0010"),
    (np.float32([np.inf]), np.float32([-np.inf]), "elements differ"),
    (np.float64([1]), np.float32([1]), "type float64, expected float32"),
    (np.float32([[1]]), np.float32([1]), "shape [1, 1], expected [1]"),
    (np.array([True]), np.array([False]), "elements differ"),
    (np.float32([]), np.float32([]), None),
])
def test_comparison(got, want, why):
    found = difference(got, want, rtol=1e-3, atol=1e-7)
    assert found is None if why is None else why in found


@pytest.mark.parametrize("name, unit", [("bfloat16", 2**-7), ("float16", 2**-10)])
def test_half_precision_may_differ_by_two_units_in_the_last_place(name, unit):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    dtype = getattr(ml_dtypes, name, np.float16)
    want = np.array([1.0], dtype)
    assert difference(np.array([1.0 + 2 * unit], dtype), want, 1e-3, 1e-7) is None
    assert difference(np.array([1.0 + 3 * unit], dtype), want, 1e-3, 1e-7)


def test_error_lines_are_found_with_and_without_a_place():
    text = "note: a\nm.onnx:3:4: error: first: part\nerror: second\nwarning: c\n"
    assert errors_in(text) == ["first: part", "second"]
    assert judge_refusal(3, "error: one\n", leftover=False) == Verdict("unsupported", "one")


@pytest.mark.parametrize("arguments", [["--jobs=0"], ["--filter=("], ["--every=0"], ["--category=none"]])
def test_wrong_usage(arguments):
    with pytest.raises(SystemExit) as error:
        parse(["--compiler=true", *arguments])
    assert error.value.code == 2


def test_cases_on_disk_and_in_memory_are_read():
    from nnopt_conformance.cases import load_cases

    case, *more = load_cases(["pytorch-operator"], lambda name: name == "test_operator_addmm")
    assert not more and "Gemm" in case.ops()
    inputs, outputs = next(iter(case.data_sets()))
    assert len(inputs) == len(case.model().graph.input) - len(case.model().graph.initializer)
    assert len(outputs) == 1
