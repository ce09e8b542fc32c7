"""The benchmarks' own arithmetic: order, medians, ratios, tables, section sizes. No time is asserted.

SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import shutil
import subprocess
import sys

import numpy as np
import onnx
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))

import artefact
import footprint
import measure
import peers
import pruned
import sparse
import workloads


def test_rounds_start_with_another_engine_each_time():
    order = []
    calls = {name: (lambda n=name: order.append(n)) for name in "abc"}
    rounds = measure.interleave(calls, rounds=3, seconds=0)
    starts = [name for index, name in enumerate(order) if index % 12 == 0]  # a warm-up and three calls for each of three
    assert starts == ["a", "b", "c"]
    assert [len(rounds[name]) for name in "abc"] == [3, 3, 3]


def test_summary_and_ratio():
    assert measure.summary([4.0]) == {"median": 4.0, "spread": 0.0}
    assert measure.summary([1.0, 2.0, 3.0, 4.0, 5.0])["spread"] == pytest.approx(0.5)
    assert measure.ratio([1.0, 2.0, 4.0], [2.0, 2.0, 2.0]) == 1.0


def test_tables():
    assert measure.table(["a", "b"], [["x", 1]], markdown=True) == "| a | b |\n|---|---|\n| x | 1 |"
    assert measure.table(["a", "b"], [["long", 1]]).splitlines()[2] == "long  1"


def test_a_failed_command_is_reported_with_its_message():
    with pytest.raises(artefact.BenchError, match="failed with 3:\nwhy"):
        artefact.run_command(["sh", "-c", "echo why >&2; exit 3"])


def test_a_failure_is_a_row():
    rows = list(peers.rows_of([{"workload": "w", "threads": 1, "bar": 0.9, "error": "no"}]))
    assert rows == [["w", 1, "-", "-", "-", "failed", 0.9, "-"]]


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler")
def test_weights_are_counted_apart(tmp_path):
    source = tmp_path / "a.c"
    source.write_text('__attribute__((section(".nnopt.weights"))) const char w[4096] = {1};\nint f(void) { return 1; }\n')
    subprocess.run(["cc", "-c", source, "-o", tmp_path / "a.o"], check=True)
    weights, code = footprint.section_sizes(tmp_path / "a.o")
    assert weights == 4096 and 0 < code < 4096


def test_the_generated_program_names_every_input():
    feeds = [np.zeros((1, 3), np.int64), np.zeros((2,), np.float32)]
    text = footprint.c_program("net", feeds, 2, 1)
    assert ".dtype = 7, .rank = 2, .shape = {1, 3}" in text and ".dtype = 1, .rank = 1, .shape = {2}" in text
    assert "net_run(in, out" in text


def test_masks_keep_the_largest_blocks():
    matrix = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
    assert pruned.magnitude_mask(matrix, 0.5, (1, 1)).sum() == 6 and not pruned.magnitude_mask(matrix, 0.5, (1, 1))[0].any()
    # Two rows of blocks, the second cut off by the matrix: its norm is that of the row that exists.
    mask = pruned.magnitude_mask(matrix, 0.5, (2, 1))
    assert (mask[0] == mask[1]).all() and mask[2].all() and not mask[:2].any()


def test_pruned_copies_have_the_zeros_that_were_asked_for(tmp_path):
    dense = workloads.linear(tmp_path, 32, 64, 4)
    layers = pruned.layers_of(onnx.load(pruned.prune(dense.model, tmp_path / "p.onnx", 0.75, (4, 1))))
    assert [(layer.op, layer.shape, layer.stored_kn) for layer in layers] == [("MatMul", (32, 64), True)]
    weight = layers[0].to_matrix(onnx.numpy_helper.to_array(onnx.load(tmp_path / "p.onnx").graph.initializer[0]))
    assert (weight == 0).mean() == 0.75 and ((weight.reshape(16, 4, 32) == 0).all(1) == (weight[::4] == 0)).all()


def test_a_failed_sparse_case_is_a_row():
    rows = list(sparse.rows_of([{"workload": "w", "threads": 1, "bar": 9, "error": "no"}]))
    assert len(rows[0]) == len(sparse.HEADER) and rows[0][6] == "failed"
