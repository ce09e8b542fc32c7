"""Pruning of a trained network: exactly the zeros asked for, the numbers of the masked weights, and what it does to accuracy.

SPDX-License-Identifier: Apache-2.0
"""

import json
import subprocess

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import nnopt
from nnopt import compiler
from nnopt_models import lenet

SPARSITIES = (0, 0.5, 0.8, 0.9)


@pytest.fixture(scope="module")
def digits():
    # Ten noisy patterns stand for the digits, so that the test needs no download.
    random = np.random.default_rng(1)
    labels = np.arange(1500) % 10
    return random.random((10, 28, 28), np.float32)[labels] + 0.5 * random.random((1500, 28, 28), np.float32), labels


@pytest.fixture(scope="module")
def network(digits, tmp_path_factory):
    path = tmp_path_factory.mktemp("prune") / "lenet.onnx"
    onnx.save(lenet.build_lenet_300_100(digits), path)
    return path


def prune(network, sparsity, *options):
    """The compiled network and the report of its zeros."""
    out = network.with_name(f"pruned_{len(list(network.parent.iterdir()))}.so")
    arguments = compiler.command_line(network, out, {"prune": [f"magnitude:{sparsity}", *options], "json": True, "march": "native"})
    done = subprocess.run([compiler.find_compiler(), *arguments], capture_output=True, text=True, check=True)
    return nnopt.load(out), json.loads(done.stdout)["pruned"]


def smallest_removed(weight, sparsity):
    """The same pruning in numpy: the smallest magnitudes, in order of their places where equal."""
    flat = weight.flatten()
    flat[np.argsort(np.abs(flat), kind="stable")[:int(np.floor(sparsity * flat.size + 0.5))]] = 0
    return flat.reshape(weight.shape)


def forward(network, images, sparsity):
    weights = {w.name: numpy_helper.to_array(w) for w in onnx.load(network).graph.initializer}
    x = images.reshape(len(images), -1)
    for layer in range(3):
        x = x @ smallest_removed(weights[f"fc{layer}.weight"], sparsity).T + weights[f"fc{layer}.bias"]
        x = np.maximum(x, 0) if layer < 2 else x
    return x


@pytest.mark.parametrize("sparsity", SPARSITIES)
def test_agrees_with_masked_weights(network, digits, sparsity):
    images = digits[0][:lenet.HELD_OUT]
    model, layers = prune(network, sparsity, "last")
    assert sum(layer["zeros"] for layer in layers) == round(sparsity * (300 * 784 + 100 * 300 + 10 * 100))
    want = forward(network, images, sparsity)
    np.testing.assert_allclose(model(images[:, None])[0], want, atol=1e-5 * np.abs(want).max())


def test_nothing_asked_changes_nothing(network, digits):
    images = digits[0][:7, None]
    nnopt.compile(network, network.with_name("dense.so"), march="native")
    model, layers = prune(network, 0, "last")
    assert layers == []
    np.testing.assert_array_equal(model(images)[0], nnopt.load(network.with_name("dense.so"))(images)[0])


def test_zeros_grow_and_accuracy_is_told(network, digits):
    images, labels = (part[:lenet.HELD_OUT] for part in digits)
    before = -1
    for sparsity in SPARSITIES:
        model, layers = prune(network, sparsity, "scope=global")
        zeros = sum(layer["zeros"] for layer in layers)
        accuracy = (model(images[:, None])[0].argmax(axis=1) == labels).mean()
        print(f"{sparsity:.0%} asked: {zeros} zeros, {accuracy:.1%} right")
        assert zeros > before
        before = zeros
        assert {layer["weight"] for layer in layers} <= {"fc0.weight", "fc1.weight"}  # the output layer stays dense
        assert accuracy > 0.9 or sparsity > 0.5


@pytest.mark.parametrize("pattern, block", [("4x1", 4), ("16x4", 64)])
def test_blocks_fit_below_what_is_asked(network, pattern, block):
    _, (layer,) = prune(network, 0.9, f"pattern={pattern}", "only=fc0.weight")  # 300 outputs end in a block of 12
    assert (layer["weight"], layer["pattern"], layer["elements"]) == ("fc0.weight", pattern, 300 * 784)
    assert 211680 - block < layer["zeros"] <= 211680


@pytest.mark.parametrize("pattern, axis", [("rows", 1), ("columns", 0)])
@pytest.mark.parametrize("sparsity", [0.3, 0.95])
def test_whole_outputs_and_inputs(network, digits, pattern, axis, sparsity):
    images = digits[0][:20].reshape(20, -1)
    model, layers = prune(network, sparsity, f"pattern={pattern}")
    weights = {w.name: numpy_helper.to_array(w) for w in onnx.load(network).graph.initializer}
    x, expected = images, {}
    for layer in range(3):
        weight = weights[f"fc{layer}.weight"].copy()
        if layer < 2:
            scores = np.abs(weight.astype(np.float64)).mean(axis)
            gone = np.argsort(scores.astype(np.float32), kind="stable")[:int(sparsity * weight.size + 0.5) // weight.shape[axis]]
            weight[(gone, slice(None)) if axis else (slice(None), gone)] = 0
            expected[f"fc{layer}.weight"] = int((weight == 0).sum())
        x = x @ weight.T + weights[f"fc{layer}.bias"]
        x = np.maximum(x, 0) if layer < 2 else x
    assert {layer["weight"]: layer["zeros"] for layer in layers} == expected
    np.testing.assert_allclose(model(images.reshape(20, 1, 28, 28))[0], x, rtol=1e-4, atol=1e-4)


def test_python_passes_what_is_asked(network):
    with pytest.raises(nnopt.UsageError, match="unknown pattern '4by1'"):
        nnopt.compile(network, network.with_name("no.so"), prune=["magnitude:0.9", "pattern=4by1"])
    assert not network.with_name("no.so").exists()
