"""The examples run: on a handful of invented images, without downloads.

SPDX-License-Identifier: Apache-2.0
"""

import numpy as np
import pytest

from examples import datasets, tables
from nnopt_models.errors import ModelError


def test_idx_files():
    data = b"\0\0\x08\2" + np.array([2, 3], ">i4").tobytes() + bytes(range(6))
    np.testing.assert_array_equal(datasets.parse_idx(data), [[0, 1, 2], [3, 4, 5]])
    with pytest.raises(ModelError, match="no idx file of bytes: it begins with 1f8b"):
        datasets.parse_idx(b"\x1f\x8b\x08\0")


def test_missing_digits_are_named(tmp_path):
    with pytest.raises(ModelError, match="train-images.idx3-ubyte is missing"):
        datasets.mnist(tmp_path)


def test_tables_leave_out_what_a_row_lacks():
    columns = {"a": ("A", "{}"), "b": ("B", "{:.1f}")}
    assert tables.markdown([{"a": 1, "b": 2.25}, {"a": 3}], columns) == "| A | B |\n|---|---|\n| 1 | 2.2 |\n| 3 |  |"


def test_slices_are_filled_up():
    def model(x):
        assert len(x) == 4
        return (2 * x,)

    x = np.arange(10.0)
    np.testing.assert_array_equal(tables.answers(model, {"x": x}, 4), 2 * x)


@pytest.mark.slow
@pytest.mark.parametrize("title", ("LeNet-300-100", "LeNet-5"))
def test_lenet_trains_prunes_and_compiles(title, tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    from examples import lenet_mnist

    random = np.random.default_rng(1)
    patterns = random.random((10, 1, 28, 28), np.float32)

    def digits(count):
        labels = random.integers(10, size=count)
        return patterns[labels] + 0.3 * random.random((count, 1, 28, 28), np.float32), labels

    dense, pruned = lenet_mnist.run(title, (digits(2048), digits(200), digits(200)), tmp_path, effort=0.2)
    assert dense["fewer"] == 1 and pruned["fewer"] >= 12
    assert pruned["test_error"] < 50  # by chance 90; there are 16 steps to learn in
    assert "fc1" in pruned["kept"]
