"""Pruning by the kernels' times: what is picked, that the speedup asked for is modelled, and that the numbers are those of the masked weights.

SPDX-License-Identifier: Apache-2.0
"""

import json
import re
import subprocess

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

import nnopt
from nnopt import compiler, prune

#: 1x1 convolutions over 196 positions, a 3x3 one, a linear layer with few rows, and one that makes the output.
TEXT = """<ir_version: 9, opset_import: ["": 20]> agraph (float[1, 3, 14, 14] x) => (float[1, 10] y) {
    a = Conv<pads = [1, 1, 1, 1]>(x, stem)  ra = Relu(a)
    b = Conv(ra, even, bias)  rb = Relu(b)
    c = Conv(rb, peaked)  s = Add(c, ra)  rs = Relu(s)
    d = Conv<pads = [1, 1, 1, 1], strides = [2, 2]>(rs, window)  rd = Relu(d)
    p = GlobalAveragePool(rd)  f = Flatten<axis = 1>(p)
    g = Gemm<transB = 1>(f, hidden)  rg = Relu(g)  y = Gemm<transB = 1>(rg, head)
}"""
SHAPES = {"stem": (96, 3, 3, 3), "even": (96, 96, 1, 1), "bias": (96,), "peaked": (96, 96, 1, 1), "window": (64, 96, 3, 3), "hidden": (256, 64),
          "head": (10, 256)}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    model = parser.parse_model(TEXT)
    random = np.random.default_rng(2)
    weights = {name: random.normal(size=shape).astype(np.float32) / 10 for name, shape in SHAPES.items()}
    weights["even"] = np.sign(weights["even"]) / 10  # every element counts the same
    weights["peaked"] = 100 * weights["peaked"] ** 5  # most elements count little
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in weights.items())
    path = tmp_path_factory.mktemp("auto") / "network.onnx"
    onnx.save(model, path)
    return path, weights


def compress(network, name, *options, march="avx2"):
    """The module after the stage compress, its report of zeros, and the remarks."""
    out = network[0].with_name(f"{name}.mlir")
    arguments = compiler.command_line(network[0], out, {"prune": [f"auto:{options[0]}", *options[1:]], "march": march, "stop_after": "compress",
                                                        "json": True, "remarks": "nnopt-prune-auto"})
    done = subprocess.run([compiler.find_compiler(), *arguments], capture_output=True, text=True, check=True)
    return out, {layer["weight"]: layer for layer in json.loads(done.stdout)["pruned"]}, done.stderr


def run(module, *flags):
    tool = compiler.find_compiler().replace("nnopt-compile", "nnopt-run")
    return subprocess.run([tool, module, *flags], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("pattern", [(), ("pattern=unstructured",), ("pattern=4x1", "pattern=8x1"), ("pattern=2:8",)])
def test_numbers_are_those_of_the_masked_weights(network, pattern, tmp_path):
    module, layers, _ = compress(network, "numbers", "speedup=1.15", *pattern, march="native")
    assert layers
    assert not pattern or {layer["pattern"] for layer in layers.values()} <= {option.split("=")[1] for option in pattern}
    masked = dict(network[1])
    for name, layer in layers.items():
        nm = ":" in layer["pattern"]
        mask = prune.magnitude_masks({name: masked[name]}, None if nm else layer["zeros"] / layer["elements"], layer["pattern"], norm="l2")
        masked[name] = masked[name] * mask[name]
        assert np.count_nonzero(masked[name] == 0) == layer["zeros"]
    model = onnx.load(network[0])
    del model.graph.initializer[:]
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in masked.items())
    onnx.save(model, tmp_path / "masked.onnx")
    x = np.random.default_rng(3).normal(size=(1, 3, 14, 14)).astype(np.float32)
    np.savez(tmp_path / "x.npz", x=x)
    run(tmp_path / "masked.onnx", "--engine=reference", f"--input={tmp_path}/x.npz", f"--output={tmp_path}/y.npz")
    want = np.load(tmp_path / "y.npz")["y"]
    out = nnopt.compile(network[0], tmp_path / "pruned.so", prune=["auto:speedup=1.15", *pattern], march="native")
    # Sums of at most 864 products are formed in f32 here and in f64 there.
    np.testing.assert_allclose(nnopt.load(out)(x)[0], want, atol=1e-5 * np.abs(want).max(), rtol=0)
    assert np.ptp(want) > 0
    assert "y: agrees" in run(module, "--check=reference")


def test_zeros_go_where_they_lose_least(network):
    _, layers, remarks = compress(network, "least", "speedup=1.15", "pattern=unstructured", "only=even", "only=peaked")
    zeros = {name: layer["zeros"] for name, layer in layers.items()}
    assert zeros["peaked"] > zeros.get("even", 0), remarks
    # What stays dense, and why.
    assert "left dense by its name" in remarks


@pytest.mark.parametrize("march", ["x86-64", "avx2", "avx2,avx512"])
def test_the_speedup_asked_for_is_modelled_on_every_instruction_set(network, march):
    _, _, remarks = compress(network, march.replace(",", "_"), "speedup=1.15", march=march)
    times = re.findall(r"all products on (\S+): ([\d.]+) us, ([\d.]+) us dense", remarks)
    assert [isa for isa, _, _ in times] == march.split(",")
    for _, pruned, dense in times:
        assert float(dense) / float(pruned) > 1.149  # printed with two digits


def test_more_speed_loses_more(network):
    zeros = [sum(layer["zeros"] for layer in compress(network, f"more{speedup}", f"speedup={speedup}")[1].values()) for speedup in (1, 1.1, 1.2)]
    assert zeros[0] == 0 and zeros[0] < zeros[1] < zeros[2]


def test_part_of_the_weights(network):
    _, layers, _ = compress(network, "part", "budget=95%")
    elements = sum(np.prod(shape) for name, shape in SHAPES.items() if name != "bias")
    assert sum(layer["zeros"] for layer in layers.values()) >= 0.05 * elements


def test_what_cannot_be_had_is_an_error_and_what_can_is_not(network):
    out = network[0].with_name("no.so")
    with pytest.raises(nnopt.CompileError, match=r"cannot be pruned as asked: on avx2 the products take [\d.]+ us dense .*a speedup of [\d.]+") as error:
        nnopt.compile(network[0], out, prune="auto:speedup=50", march="avx2")
    assert not out.exists()
    best = re.search(r"a speedup of ([\d.]+)", str(error.value))[1]
    assert compress(network, "best", f"speedup={best}")[1]
