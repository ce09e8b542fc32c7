"""Structured pruning: the network without channels, neurons and heads computes what the one with zeros in their place does.

SPDX-License-Identifier: Apache-2.0
"""

import re
import subprocess

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

import nnopt
from nnopt import compiler

#: Each: the nodes, the initialisers, what is removed, and the shapes of weights that must appear afterwards.
IMAGE = "agraph (float[2, 3, 8, 8] x) => (float[2, 5, n, m] y)"
NETWORKS = {
    "residual": (f"""{IMAGE} {{
        a = Conv<pads = [1, 1, 1, 1]>(x, w0, b0)  ra = Relu(a)
        b = Conv<pads = [1, 1, 1, 1]>(ra, w1, b1)  s = Add(ra, b)  r = Sigmoid(s)
        y = Conv(r, w2)
    }}""", {"w0": (16, 3, 3, 3), "b0": (16,), "w1": (16, 16, 3, 3), "b1": (16,), "w2": (5, 16, 1, 1)},
                 ["8x3x3x3", "8x8x3x3", "5x8x1x1"]),
    "concat": (f"""{IMAGE} {{
        a = Conv(x, w0, b0)  b = Conv(x, w1)  ta = Tanh(a)
        c = Concat<axis = 1>(ta, b)  p = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(c)
        y = Conv(p, w2)
    }}""", {"w0": (8, 3, 3, 3), "b0": (8,), "w1": (12, 3, 3, 3), "w2": (5, 20, 1, 1)}, ["4x3x3x3", "6x3x3x3", "5x10x1x1"]),
    "grouped": (f"""{IMAGE} {{
        a = Conv(x, w0, b0)  g = Conv<group = 4>(a, w1, b1)  r = Relu(g)
        y = Conv(r, w2)
    }}""", {"w0": (16, 3, 3, 3), "b0": (16,), "w1": (8, 4, 3, 3), "b1": (8,), "w2": (5, 8, 1, 1)}, ["8x3x3x3", "4x4x3x3", "5x4x1x1"]),
    "depthwise": (f"""{IMAGE} {{
        a = Conv(x, w0)  d = Conv<group = 8, pads = [1, 1, 1, 1]>(a, w1, b1)
        n = BatchNormalization(d, scale, shift, mean, variance)  c = Clip(n, low, high)
        y = Conv(c, w2)
    }}""", {"w0": (8, 3, 3, 3), "w1": (16, 1, 3, 3), "b1": (16,), "scale": (16,), "shift": (16,), "mean": (16,), "variance": (16,), "low": (),
            "high": (), "w2": (5, 16, 1, 1)}, ["4x3x3x3", "8x1x3x3", "5x8x1x1"]),
    "slices": (f"""{IMAGE} {{
        a = Conv(x, w0, b0)  b, c = Split<axis = 1, num_outputs = 2>(a)
        sb = Sigmoid(b)  m = Mul(sb, c)  y = Conv(m, w1)
    }}""", {"w0": (16, 3, 3, 3), "b0": (16,), "w1": (5, 8, 1, 1)}, ["8x3x3x3", "5x4x1x1"]),
    "flatten": ("""agraph (float[2, 3, 8, 8] x) => (float[2, 5] y) {
        a = Conv(x, w0, b0)  r = Relu(a)  f = Flatten<axis = 1>(r)
        h = Gemm<transB = 1>(f, w1, b1)  rh = Relu(h)  y = Gemm<transB = 1>(rh, w2, b2)
    }""", {"w0": (8, 3, 3, 3), "b0": (8,), "w1": (12, 288), "b1": (12,), "w2": (5, 12), "b2": (5,)}, ["4x3x3x3", "6x144", "5x6"]),
    "norm": ("""agraph (float[2, 7, 12] x) => (float[2, 7, 12] y) {
        n = LayerNormalization<axis = -1>(x, scale, shift)  h = MatMul(n, w0)  hb = Add(h, b0)  g = Gelu(hb)
        o = MatMul(g, w1)  s = Add(o, x)  y = LayerNormalization<axis = -1>(s, scale, shift)
    }""", {"scale": (12,), "shift": (12,), "w0": (12, 24), "b0": (24,), "w1": (24, 12)}, ["12x12"]),
    "heads": ("""agraph (float[2, 7, 12] x) => (float[2, 7, 12] y) {
        q = MatMul(x, wq)  qb = Add(q, bq)  k = MatMul(x, wk)  v = MatMul(x, wv)  vb = Add(v, bv)
        qs = Reshape(qb, split)  ks = Reshape(k, split)  vs = Reshape(vb, split)
        qt = Transpose<perm = [0, 2, 1, 3]>(qs)  kt = Transpose<perm = [0, 2, 3, 1]>(ks)  vt = Transpose<perm = [0, 2, 1, 3]>(vs)
        scores = MatMul(qt, kt)  p = Softmax<axis = -1>(scores)  c = MatMul(p, vt)
        ct = Transpose<perm = [0, 2, 1, 3]>(c)  cm = Reshape(ct, merge)  y = MatMul(cm, wo)
    }""", {"wq": (12, 16), "bq": (16,), "wk": (12, 16), "wv": (12, 16), "bv": (16,), "wo": (16, 12)}, ["12x8", "8x12"]),
}

#: Where outputs go together by several: those of a group, the halves that are multiplied, heads.
FIXED = ("grouped", "slices", "heads")


def write_network(name, folder):
    text, shapes, _ = NETWORKS[name]
    model = parser.parse_model(f'<ir_version: 9, opset_import: ["": 20]> {text}')
    random = np.random.default_rng(len(name))
    values = {key: random.normal(size=shape).astype(np.float32) for key, shape in shapes.items()}
    values.update({"variance": np.abs(values["variance"]) + 1, "low": np.float32(0), "high": np.float32(6)} if "variance" in values else {})
    values.update({"split": np.array([2, 7, 4, 4]), "merge": np.array([2, 7, 16])} if name == "heads" else {})
    model.graph.initializer.extend(numpy_helper.from_array(np.asarray(value), key) for key, value in values.items())
    path = folder / f"{name}.onnx"
    onnx.save(model, path)
    return path


def compress(network, name, *options):
    """The module after the stage compress."""
    out = network.with_name(f"{name}.mlir")
    arguments = compiler.command_line(network, out, {"prune": ["structured:channels=0.5", "neurons=0.5", "heads=0.5", "multiple=2", "first", *options],
                                                     "stop_after": "compress"})
    subprocess.run([compiler.find_compiler(), *arguments], capture_output=True, text=True, check=True)
    return out


def reference(module):
    """The outputs that the interpreter computes from made inputs."""
    out = module.with_suffix(".npz")
    run = compiler.find_compiler().replace("nnopt-compile", "nnopt-run")
    subprocess.run([run, module, "--engine=reference", f"--output={out}"], capture_output=True, text=True, check=True)
    return dict(np.load(out))


def agree(got, want):
    assert got.keys() == want.keys()
    for name in want:
        # Sums of at most 288 products of numbers around 1 are formed in f64 and rounded once per layer; biases are folded in f64.
        np.testing.assert_allclose(got[name], want[name], atol=1e-5 * np.abs(want[name]).max(), rtol=0)
        assert np.ptp(want[name]) > 0


@pytest.mark.parametrize("name", NETWORKS)
def test_removed_is_zeroed(name, tmp_path):
    network = write_network(name, tmp_path)
    zeroed, removed = compress(network, "zeroed", "zero-only"), compress(network, "removed")
    for shape in NETWORKS[name][2]:
        assert f"tensor<{shape}xf32>" in removed.read_text(), removed.read_text()
    agree(reference(removed), reference(zeroed))


@pytest.mark.parametrize("name", NETWORKS)
def test_zeros_vanish_by_themselves(name, tmp_path):
    zeroed = compress(write_network(name, tmp_path), "zeroed", "zero-only")
    found = tmp_path / "found.mlir"
    subprocess.run([compiler.find_compiler(), zeroed, "-o", found, "--start-at=graph", "--stop-after=graph"], capture_output=True, check=True)
    counts = [sum(np.prod([int(extent) for extent in shape.split("x")]) for shape in re.findall(r"nnopt\.weight.* : tensor<([0-9x]+)xf32>", text.read_text()))
              for text in (zeroed, found)]
    assert counts[1] < 0.75 * counts[0]
    agree(reference(found), reference(zeroed))


@pytest.mark.parametrize("name", NETWORKS)
def test_another_order_computes_the_same(name, tmp_path):
    """Channels that change places, whether it pays or not, with all that depends on them."""
    network, pruned, reordered = write_network(name, tmp_path), tmp_path / "pruned.mlir", tmp_path / "reordered.mlir"
    arguments = compiler.command_line(network, pruned, {"prune": ["magnitude:0.6", "first", "last"], "stop_after": "compress"})
    subprocess.run([compiler.find_compiler(), *arguments], capture_output=True, check=True)
    opt = compiler.find_compiler().replace("nnopt-compile", "nnopt-opt")
    passes = "builtin.module(func.func(nnopt-permute-weights{isas=avx2 min-gain=-1e9}))"
    subprocess.run([opt, pruned, f"--pass-pipeline={passes}", "-o", reordered], capture_output=True, check=True)
    weights = [sorted(re.findall(r'nnopt\.weight.* : tensor<.*|"0x[0-9A-F]*"', path.read_text())) for path in (pruned, reordered)]
    assert (weights[0] != weights[1]) == (name not in FIXED)
    agree(reference(reordered), reference(pruned))


def test_compiled_agrees_with_the_interpreter(tmp_path):
    network = write_network("heads", tmp_path)
    out = nnopt.compile(network, tmp_path / "heads.so", prune="structured:heads=0.5", march="native")
    x = np.random.default_rng(3).normal(size=(2, 7, 12)).astype(np.float32)
    np.savez(tmp_path / "x.npz", x=x)
    run = compiler.find_compiler().replace("nnopt-compile", "nnopt-run")
    subprocess.run([run, compress(network, "removed"), "--engine=reference", f"--input={tmp_path}/x.npz", f"--output={tmp_path}/y.npz"],
                   capture_output=True, check=True)
    want = np.load(tmp_path / "y.npz")["y"]
    np.testing.assert_allclose(nnopt.load(out)(x)[0], want, atol=1e-5 * np.abs(want).max(), rtol=0)
