"""Pruning with calibration data: the numbers of a second implementation, the order of the methods, and what is said of bad data.

SPDX-License-Identifier: Apache-2.0
"""

import numpy as np
import pytest
from onnx import helper
from onnx_files import save

import nnopt

SAMPLES, DEPTH, OUTPUTS = 512, 96, 40
METHODS = ("magnitude", "wanda", "sparsegpt")


@pytest.fixture(scope="module")
def layer(tmp_path_factory):
    """A layer whose inputs are of very different sizes and depend on each other, and samples of them."""
    random = np.random.default_rng(3)
    x = random.standard_normal((SAMPLES, DEPTH)) + random.standard_normal((SAMPLES, 4)) @ random.standard_normal((4, DEPTH))
    x *= np.exp(random.standard_normal(DEPTH) / 2)
    weight = random.standard_normal((OUTPUTS, DEPTH)).astype(np.float32)
    path = save(tmp_path_factory.mktemp("layer") / "layer.onnx", [helper.make_node("Gemm", ["x", "w"], ["y"], transB=1)], {"w": weight},
                ["n", DEPTH], ["n", OUTPUTS])
    return path, weight, x.astype(np.float32)


def pruned_weight(path, prune, **options):
    """What the compiled layer holds: its answer to the identity."""
    out = path.with_name(f"pruned_{len(list(path.parent.iterdir()))}.so")
    nnopt.compile(path, out, prune=prune, march="native", **options)
    return nnopt.load(out)(np.eye(DEPTH, dtype=np.float32))[0].T


def wanda(weight, x, sparsity, group=None, rows=1):
    """The published algorithm: of the inputs of every output, or of every group of them, the lowest scores go; with `rows` outputs as one."""
    scores = np.abs(weight) * np.linalg.norm(x.astype(np.float64), axis=0)
    scores = scores.reshape(OUTPUTS // rows, rows, DEPTH).mean(axis=1).reshape(-1, DEPTH if group is None else group[1])
    mask = np.zeros(scores.shape, bool)
    np.put_along_axis(mask, np.argsort(scores, axis=1)[:, :round(sparsity * scores.shape[1])], True, axis=1)
    return np.where(np.repeat(mask.reshape(-1, DEPTH), rows, axis=0), 0, weight)


def sparsegpt(weight, gram, sparsity, group=None, window=32, damping=0.01):
    """The published algorithm, which inverts first and factors then, choosing the zeros of `window` columns (or of a group) at a time."""
    w, (rows, depth) = weight.astype(np.float64), weight.shape
    upper = np.linalg.cholesky(np.linalg.inv(gram + damping * np.mean(np.diag(gram)) * np.eye(depth))).T
    mask, gone, width = np.zeros(w.shape, bool), 0, window if group is None else group[1]
    for k in range(depth):
        if k % width == 0:
            scores = (w[:, k:k + width] / np.diag(upper)[k:k + width]) ** 2
            if group is None:
                count = round(sparsity * rows * min(k + width, depth)) - gone
                chosen = np.zeros(scores.size, bool)
                chosen[np.argsort(scores, axis=None)[:count]] = True
                gone, mask[:, k:k + width] = gone + count, chosen.reshape(scores.shape)
            else:
                np.put_along_axis(mask[:, k:k + width], np.argsort(scores, axis=1)[:, :group[1] - group[0]], True, axis=1)
        error = np.where(mask[:, k], w[:, k], 0) / upper[k, k]
        w[:, k:] -= np.outer(error, upper[k, k:])
        w[mask[:, k], k] = 0
    return w


@pytest.mark.parametrize("option, form", [
    ("wanda:0.75", {}), ("wanda:0.75,pattern=4x1", {"rows": 4}), ("wanda,pattern=1:4", {"group": (1, 4)}), ("wanda,pattern=4:16", {"group": (4, 16)})])
def test_wanda_is_the_published_one(layer, option, form):
    path, weight, x = layer
    np.testing.assert_array_equal(pruned_weight(path, f"{option},last", calibrate={"x": x}), wanda(weight, x, 0.75, **form))


@pytest.mark.parametrize("option, form", [
    ("sparsegpt:0.75", {}), ("sparsegpt:0.75,window=96", {"window": 96}), ("sparsegpt:0.75,damping=0.1", {"damping": 0.1}),
    ("sparsegpt,pattern=2:4", {"group": (2, 4)}), ("sparsegpt,pattern=1:8", {"group": (1, 8)})])
def test_sparsegpt_is_the_published_one(layer, option, form):
    path, weight, x = layer
    want = sparsegpt(weight, x.T.astype(np.float64) @ x, 0.75, **form)
    got = pruned_weight(path, f"{option},last", calibrate={"x": x})
    assert ((got == 0) == (want == 0)).all()
    # The sums of squares, in single precision within a batch, are off by 2^-24 sqrt(512); a condition of about 1e3 magnifies this.
    np.testing.assert_allclose(got, want, atol=2e-3 * np.abs(want).max())


@pytest.mark.parametrize("pattern", ["pattern=4x1", "pattern=2x2", "pattern=4:16", "scope=erk"])
def test_zeros_lie_in_the_pattern(layer, pattern):
    (path, _, x), sparsity = layer, 0.75
    for method in ("wanda", "sparsegpt"):
        share = "" if ":" in pattern else f":{sparsity}"
        got = pruned_weight(path, f"{method}{share},{pattern},last", calibrate={"x": x}) == 0
        assert got.sum() == pytest.approx(sparsity * got.size, abs=4)
        if pattern == "pattern=4x1":
            assert (got.reshape(OUTPUTS // 4, 4, DEPTH).any(axis=1) == got.reshape(OUTPUTS // 4, 4, DEPTH).all(axis=1)).all()
        if pattern == "pattern=2x2":
            blocks = got.reshape(OUTPUTS // 2, 2, DEPTH // 2, 2)
            assert (blocks.any(axis=(1, 3)) == blocks.all(axis=(1, 3))).all()
        if pattern == "pattern=4:16":
            assert (got.reshape(OUTPUTS, DEPTH // 16, 16).sum(axis=2) == 12).all()


@pytest.mark.parametrize("sparsity", [0.5, 0.6, 0.7, 0.8])
def test_order_of_the_methods(layer, sparsity):
    path, weight, x = layer
    errors = {}
    for method in METHODS:
        samples = {} if method == "magnitude" else {"calibrate": {"x": x}}
        errors[method] = np.linalg.norm(x @ (pruned_weight(path, f"{method}:{sparsity},last", **samples) - weight).T) / np.linalg.norm(x @ weight.T)
    print(f"{sparsity:.0%} zeros: relative error of the output", errors)
    assert errors["sparsegpt"] < errors["wanda"] < errors["magnitude"]


def test_convolutions_learn_from_their_windows(tmp_path):
    random = np.random.default_rng(5)
    weight = random.standard_normal((6, 4, 3, 3)).astype(np.float32)
    path = save(tmp_path / "conv.onnx", [helper.make_node("Conv", ["x", "w"], ["y"], group=2, strides=[2, 1], pads=[1, 0, 1, 2], dilations=[1, 2])],
                {"w": weight}, [2, 8, 9, 11], [2, 6, 5, 9])
    x = random.standard_normal((20, 8, 9, 11)).astype(np.float32)
    x[:, 1:4] += x[:, :1]
    x[:, 5:8] *= np.array([9, 0.1, 3], np.float32)[:, None, None]
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (0, 2)))
    taps = np.stack([padded[:, :, i:i + 9:2, j:j + 9] for i in range(3) for j in (0, 2, 4)])  # [tap, n, c, oh, ow]
    nnopt.compile(path, tmp_path / "pruned.so", prune="sparsegpt:0.5,first,last", march="native", calibrate={"x": x})
    got = nnopt.load(tmp_path / "pruned.so")(x[:2])[0]
    for g in range(2):
        rows = taps[:, :, 4 * g:4 * g + 4].transpose(1, 3, 4, 0, 2).reshape(-1, 36).astype(np.float64)
        # No window reaches into the next tap of four channels.
        w = sparsegpt(weight[3 * g:3 * g + 3].transpose(0, 2, 3, 1).reshape(3, 36), rows.T @ rows, 0.5, window=4)
        want = (rows.reshape(20, 5, 9, 36)[:2] @ w.T).transpose(0, 3, 1, 2)
        np.testing.assert_allclose(got[:, 3 * g:3 * g + 3], want, atol=1e-3 * np.abs(want).max())


def test_samples_come_in_every_form(layer, tmp_path):
    path, _, x = layer
    want = pruned_weight(path, "wanda:0.5,last", calibrate={"x": x})
    np.savez(tmp_path / "all.npz", x=x)
    np.save(tmp_path / "one.npy", x)
    for samples in (tmp_path / "all.npz", str(tmp_path), tmp_path / "one.npy", ({"x": part} for part in np.split(x, 4))):
        np.testing.assert_array_equal(pruned_weight(path, "wanda:0.5,last", calibrate=samples), want)


def test_little_memory_takes_more_passes(tmp_path):
    random = np.random.default_rng(7)
    weights = {f"w{i}": random.standard_normal((48, 48)).astype(np.float32) for i in range(3)}
    nodes = [helper.make_node("Gemm", ["x" if i == 0 else f"r{i - 1}", f"w{i}"], [f"h{i}" if i < 2 else "y"], transB=1) for i in range(3)]
    nodes[1:1], nodes[3:3] = [helper.make_node("Relu", ["h0"], ["r0"])], [helper.make_node("Relu", ["h1"], ["r1"])]
    path = save(tmp_path / "mlp.onnx", nodes, weights, ["n", 48], ["n", 48])
    x = random.standard_normal((100, 48)).astype(np.float32)
    answers = []
    for memory in (1024, 0):
        nnopt.compile(path, tmp_path / f"mlp{memory}.so", prune="sparsegpt:0.5,last", march="native", calibrate={"x": x}, calibrate_memory=memory)
        answers.append(nnopt.load(tmp_path / f"mlp{memory}.so")(x)[0])
    np.testing.assert_array_equal(*answers)


def test_bad_samples(layer, tmp_path):
    path, _, x = layer

    def refused(match, samples, error=nnopt.CompileError, prune="sparsegpt:0.5,last"):
        with pytest.raises(error, match=match) as raised:
            nnopt.compile(path, tmp_path / "no.so", prune=prune, calibrate=samples)
        assert str(raised.value).count("error:") == 1
        assert not (tmp_path / "no.so").exists()

    broken = x.copy()
    broken[17, 3] = np.nan
    refused("input 'x' holds a NaN in sample 17", {"x": broken})
    broken[17, 3] = -np.inf
    refused("input 'x' holds an infinity in sample 17", {"x": broken})
    refused("has no input 'x', only 'z'", {"z": x})
    refused("'z' is no input of the model; these are 'x'", {"x": x, "z": x})
    refused(r"input 'x' expects samples of tensor<Nx96xf32>, got tensor<512x95xf32>", {"x": x[:, :95]})
    refused(r"input 'x' expects samples of tensor<Nx96xf32>, got tensor<512x96xf64>", {"x": x.astype(np.float64)})
    refused("0 samples do not fill one batch", {"x": x[:0]})
    refused("has no .npz file", [])
    refused("nowhere.npz", "nowhere.npz")
    refused("needs data: --calibrate=DATA.npz", None, nnopt.UsageError)
    refused("--calibrate needs --prune=wanda, --prune=sparsegpt or --quantize", {"x": x}, nnopt.UsageError, "magnitude:0.5")
    refused("'damping' expects a number, got 'much'", {"x": x}, nnopt.UsageError, "sparsegpt:0.5,damping=much")
    refused("expects a window of at least 1 input, got 0", {"x": x}, nnopt.UsageError, "sparsegpt:0.5,window=0")
    refused("unknown scope 'global'", {"x": x}, nnopt.UsageError, "wanda:0.5,scope=global")
