"""Zeros that a model arrives with: sparse initialisers, zeros under quantization, shuffled blocks; what is said of them, and the numbers.

SPDX-License-Identifier: Apache-2.0
"""

import json
import subprocess

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper

import nnopt
import nnopt.prune
from nnopt import compiler
from test_bad_input import INVALID, UNSUPPORTED, model, node, refuses, tensor, value
from test_prune_library import save_safetensors

RNG = np.random.default_rng(4)


def sparse(name, indices, values, shape, dtype=np.int64):
    values, indices = np.asarray(values, np.float32), np.asarray(indices, dtype)
    return helper.make_sparse_tensor(numpy_helper.from_array(values, name), numpy_helper.from_array(indices, name + "_indices"), shape)


def with_sparse(weight, rows=3):
    shape = list(weight.dims)
    graph = helper.make_graph([node("MatMul", ["x", "w"])], "g", [value("x", [rows, shape[0]])], [value("y", None)], [], sparse_initializer=[weight])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def compiled(proto, folder, *options, march="native"):
    """The loaded network and the report."""
    # A name of its own: a library that is loaded already would be returned again.
    number = len(list(folder.glob("*.onnx")))
    path, out = folder / f"m{number}.onnx", folder / f"m{number}.so"
    path.write_bytes(proto if isinstance(proto, bytes) else proto.SerializeToString())
    done = subprocess.run([compiler.find_compiler(), path, "-o", out, f"--march={march}", "--json", *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return nnopt.load(out), json.loads(done.stdout), done.stderr


DENSE = np.array([[0, 2, 0, 0], [0, 0, 0, -3], [5, 0, 0, 0]], np.float32)


@pytest.mark.parametrize("indices", [[1, 7, 8], [[0, 1], [1, 3], [2, 0]]], ids=["linear", "coordinates"])
def test_sparse_initializers(tmp_path, indices):
    network, report, _ = compiled(with_sparse(sparse("w", indices, [2, -3, 5], [3, 4])), tmp_path)
    x = RNG.integers(-4, 5, (3, 3)).astype(np.float32)
    assert np.array_equal(network.run({"x": x})["y"], x @ DENSE)
    assert report["layers"][0]["zeros"] == 9 and report["layers"][0]["shape"] == [3, 4]


def test_a_sparse_constant(tmp_path):
    constant = helper.make_node("Constant", [], ["w"], sparse_value=sparse("w", [1, 7, 8], [2, -3, 5], [3, 4]))
    network, _, _ = compiled(model([constant, node("MatMul", ["x", "w"])], [value("x", [2, 3])]), tmp_path)
    x = RNG.integers(-4, 5, (2, 3)).astype(np.float32)
    assert np.array_equal(network.run({"x": x})["y"], x @ DENSE)


def test_a_sparse_initializer_of_nothing(tmp_path):
    network, report, _ = compiled(with_sparse(sparse("w", np.zeros([0]), [], [3, 4])), tmp_path)
    assert np.array_equal(network.run({"x": np.ones((3, 3), np.float32)})["y"], np.zeros((3, 4)))
    assert report["layers"][0]["pattern"] == "all zero"


@pytest.mark.parametrize("weight, words", [
    (sparse("w", [1, 12], [1, 2], [3, 4]), ["'w'", "index 12 at value 1", "[3, 4]", "11"]),
    (sparse("w", [-1, 2], [1, 2], [3, 4]), ["index -1 at value 0"]),
    (sparse("w", [[0, 4]], [1], [3, 4]), ["index 4 at value 0", "at most 3"]),
    (sparse("w", [5, 2], [1, 2], [3, 4]), ["value 1 at element 2, after element 5", "ascend"]),
    (sparse("w", [[1, 1], [0, 3]], [1, 2], [3, 4]), ["value 1 at element 3, after element 5"]),
    (sparse("w", [5, 5], [1, 2], [3, 4]), ["value 1 at element 5, as the value before"]),
    (sparse("w", [5], [1, 2], [3, 4]), ["2 values with indices of shape [1]"]),
    (sparse("w", [[5, 0, 0]], [1], [3, 4]), ["1 values with indices of shape [1, 3]"]),
    (sparse("w", [5], [1], [3, 4], np.int32), ["1 values with indices of shape [1]"]),
    (sparse("w", [[5]], [[1]], [3, 4]), ["values in the shape [1, 1]"]),
    (sparse("w", [5], [1], [-3, 4]), ["impossible shape [-3, 4]"]),
    (sparse("w", [5], [1], [1 << 40, 1 << 40]), ["impossible shape"]),
])
def test_wrong_sparse_initializers(tmp_path, weight, words):
    refuses(tmp_path, with_sparse(weight), INVALID, *words)


def test_a_sparse_initializer_that_is_too_large_when_expanded(tmp_path):
    refuses(tmp_path, with_sparse(sparse("w", [5], [1], [1 << 20, 1 << 12])), UNSUPPORTED, "expanded", str(1 << 34))


@pytest.mark.parametrize("zero_point", [0, 3])
def test_zeros_under_quantization(tmp_path, zero_point):
    """Weights stored as int8 are zero where they are the zero point, per output."""
    points = np.array([zero_point, 0, -zero_point, 7] * 4, np.int8)
    stored = np.where(RNG.random((32, 16)) < 0.8, points, RNG.integers(-99, 99, (32, 16))).astype(np.int8)
    scale = (RNG.random(16) + 0.1).astype(np.float32)
    proto = model([node("DequantizeLinear", ["q", "s", "z"], ["w"], name="dq", axis=1), node("MatMul", ["x", "w"])], [value("x", [64, 32])],
                  weights=[tensor("q", stored), tensor("s", scale), tensor("z", points)])
    network, report, _ = compiled(proto, tmp_path)
    weight = (stored.astype(np.float32) - points.astype(np.float32)) * scale
    x = RNG.random((64, 32)).astype(np.float32)
    assert np.allclose(network.run({"x": x})["y"], x @ weight, rtol=1e-5, atol=1e-3)
    assert report["layers"][0]["zeros"] == int((stored == points).sum())


def quantized(weight, scale, point, dtype):
    limits = np.iinfo(dtype)
    return np.clip(np.rint(weight / scale[:, None]) + point[:, None], limits.min, limits.max).astype(dtype)


@pytest.mark.parametrize("dtype, offset", [(np.int8, 0), (np.int8, -3), (np.uint8, 128)])
@pytest.mark.parametrize("form", ["dequantized", "both", "masked"])
def test_masks_under_quantization(tmp_path, form, dtype, offset):
    """A masked layer as quantization-aware training leaves it: weight, mask, quantization per output, inputs quantized too."""
    rows, outputs, inputs = 64, 96, 192
    mask = np.repeat(RNG.random((outputs // 4, inputs)) < 0.15, 4, axis=0)
    weight, scale = RNG.standard_normal((outputs, inputs)).astype(np.float32), (RNG.random(outputs) / 50 + 0.02).astype(np.float32)
    point = np.full(outputs, offset, dtype)
    stored = quantized(np.where(mask, weight, 0), scale, point.astype(int), dtype)
    constants = [tensor("s", scale), tensor("z", point), tensor("xs", np.float32(0.05)), tensor("xz", np.int8(0))]
    nodes = [node("QuantizeLinear", ["x", "xs", "xz"], ["xq"]), node("DequantizeLinear", ["xq", "xs", "xz"], ["xd"])]
    if form == "dequantized":
        constants.append(tensor("q", stored))
    else:
        constants.append(tensor("w", np.where(mask, weight, 0) if form == "both" else weight))
        if form == "masked":
            constants.append(tensor("mask", mask.astype(np.float32)))
            nodes.append(node("Mul", ["w", "mask"], ["wm"]))
        nodes.append(node("QuantizeLinear", ["wm" if form == "masked" else "w", "s", "z"], ["q"], axis=0))
    nodes += [node("DequantizeLinear", ["q", "s", "z"], ["wd"], axis=0), node("Gemm", ["xd", "wd"], ["y"], name="layer", transB=1)]
    network, report, _ = compiled(model(nodes, [value("x", [rows, inputs])], weights=constants), tmp_path)
    row, exact = report["layers"][0], (stored.astype(np.float32) - point.astype(np.float32)[:, None]) * scale[:, None]
    assert (row["zeros"], row["pattern"], row["format"]) == (int((exact == 0).sum()), "4x1 blocks", "4x1 blocks")
    x = RNG.standard_normal((rows, inputs)).astype(np.float32)
    xd = np.clip(np.rint(x / np.float32(0.05)), -128, 127).astype(np.float32) * np.float32(0.05)
    assert np.allclose(network.run({"x": x})["y"], xd @ exact.T, rtol=1e-4, atol=1e-3)


def test_masks_under_a_quantized_convolution(tmp_path):
    stored = np.where(RNG.random((16, 8, 3, 3)) < 0.1, RNG.integers(-99, 99, (16, 8, 3, 3)), 0).astype(np.int8)
    scale = (RNG.random(16) + 0.1).astype(np.float32)
    proto = model([node("DequantizeLinear", ["q", "s"], ["w"], axis=0), node("Conv", ["x", "w"], pads=[1, 1, 1, 1])], [value("x", [1, 8, 12, 12])],
                  weights=[tensor("q", stored), tensor("s", scale)])
    _, report, _ = compiled(proto, tmp_path)
    assert report["layers"][0]["zeros"] == int((stored == 0).sum())


@pytest.mark.parametrize("dtype, offset", [(np.int8, 0), (np.int8, 5), (np.uint8, 128)])
def test_a_mask_file_for_quantized_weights(tmp_path, dtype, offset):
    """What the mask leaves out becomes the zero point."""
    stored, scale = RNG.integers(0, 99, (16, 24)).astype(dtype), (RNG.random(16) + 0.1).astype(np.float32)
    point, mask = (np.arange(16) % 2 + offset).astype(dtype), RNG.random((16, 24)) < 0.2
    proto = model([node("DequantizeLinear", ["q", "s", "z"], ["w"], axis=0), node("Gemm", ["x", "w"], transB=1)], [value("x", [32, 24])],
                  weights=[tensor("q", stored), tensor("s", scale), tensor("z", point)])
    np.savez(tmp_path / "masks.npz", q=mask)
    network, report, _ = compiled(proto, tmp_path, f"--mask={tmp_path / 'masks.npz'}")
    assert [(row["weight"], row["origin"]) for row in report["pruned"]] == [("q", "imported")]
    exact = np.where(mask, (stored.astype(np.float32) - point.astype(np.float32)[:, None]) * scale[:, None], 0)
    assert report["layers"][0]["zeros"] == int((exact == 0).sum())
    x = RNG.random((32, 24)).astype(np.float32)
    assert np.allclose(network.run({"x": x})["y"], x @ exact.T, rtol=1e-5, atol=1e-3)


def blocks(outputs, inputs, density, rows):
    keep = np.repeat(RNG.random((-(-outputs // rows), inputs)) < density, rows, axis=0)[:outputs]
    return np.where(keep, RNG.standard_normal((outputs, inputs)), 0).astype(np.float32)


def mlp(first, second, shuffled):
    bias = RNG.standard_normal(len(first)).astype(np.float32)
    nodes = [node("Gemm", ["x", "w1", "b1"], ["a"], name="first", transB=1), node("Relu", ["a"], ["r"], name="relu"),
             node("Gemm", ["r", "w2"], ["y"], name="second", transB=1)]
    weights = [tensor("w1", first[shuffled]), tensor("b1", bias[shuffled]), tensor("w2", second[:, shuffled])]
    return model(nodes, [value("x", [128, first.shape[1]])], weights=weights), bias


def test_shuffled_blocks_are_found_again(tmp_path):
    """The reordered layer is stored as the ordered one was, and the numbers are those of the model. Not for instruction sets whose single outputs are as
    fast as blocks (AVX-512)."""
    march = "x86-64,avx2"
    first, second = blocks(256, 192, 0.1, 4), RNG.standard_normal((10, 256)).astype(np.float32)
    ordered, _ = mlp(first, second, np.arange(256))
    _, told, _ = compiled(ordered, tmp_path, march=march)
    shuffled, bias = mlp(first, second, RNG.permutation(256))
    network, report, remarks = compiled(shuffled, tmp_path, "--remarks=nnopt-permute.*", march=march)
    row, before = report["layers"][0], told["layers"][0]
    assert row["format"] == before["format"] == "4x1 blocks"
    assert row["sparse_us"] <= 1.01 * before["sparse_us"]
    assert "outputs are reordered" in remarks and "% reordered" in remarks
    x = RNG.standard_normal((128, 192)).astype(np.float32)
    expected = np.maximum(x @ first.T + bias, 0) @ second.T
    assert np.allclose(network.run({"x": x})["y"], expected, rtol=1e-4, atol=1e-3)


@pytest.fixture
def dense_mlp(tmp_path):
    """A file with names as torch's exporter gives them, and weights that training has replaced since."""
    weights = {"0.weight": (64, 48), "0.bias": (64,), "2.weight": (10, 64), "2.bias": (10,)}
    nodes = [node("Gemm", ["x", "0.weight", "0.bias"], ["a"], name="first", transB=1), node("Relu", ["a"], ["r"], name="relu"),
             node("Gemm", ["r", "2.weight", "2.bias"], ["y"], name="second", transB=1)]
    proto = model(nodes, [value("x", [64, 48])], weights=[tensor(name, np.ones(shape, np.float32)) for name, shape in weights.items()])
    path = tmp_path / "dense.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


def pruned_weights():
    first = blocks(64, 48, 0.1, 4)
    first[:, 5] = 1  # an output without weights would leave the model
    return {"0.weight": first, "0.bias": np.ones(64, np.float32),
            "2.weight": RNG.standard_normal((10, 64)).astype(np.float32), "2.bias": np.zeros(10, np.float32)}


def check_found(dense_mlp, source, weights, as_sparse):
    """The weights of `source`, put into the file: their zeros and blocks are found, and the numbers are right."""
    out = dense_mlp.with_name("written.onnx.tmp")
    assert len(nnopt.prune.write_weights(dense_mlp, nnopt.prune.load_weights(source), out, sparse=as_sparse)) == 4
    network, report, _ = compiled(out.read_bytes(), dense_mlp.parent)
    row = report["layers"][0]
    assert (row["zeros"], row["pattern"], row["format"]) == (int((weights["0.weight"] == 0).sum()), "4x1 blocks", "4x1 blocks")
    x = RNG.standard_normal((64, 48)).astype(np.float32)
    expected = np.maximum(x @ weights["0.weight"].T + weights["0.bias"], 0) @ weights["2.weight"].T + weights["2.bias"]
    assert np.allclose(network.run({"x": x})["y"], expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("as_sparse", [False, True])
def test_safetensors_that_arrive_pruned(dense_mlp, tmp_path, as_sparse):
    weights = pruned_weights()
    save_safetensors(tmp_path / "w.safetensors", weights)
    check_found(dense_mlp, tmp_path / "w.safetensors", weights, as_sparse)


def test_masks_of_torch(dense_mlp):
    """A checkpoint of torch.nn.utils.prune holds weights and masks apart."""
    weights = pruned_weights()
    state = dict(weights)
    mask = state.pop("0.weight") != 0
    state |= {"0.weight_orig": np.where(mask, weights["0.weight"], 7).astype(np.float32), "0.weight_mask": mask.astype(np.float32)}
    check_found(dense_mlp, state, weights, False)
    with pytest.raises(ValueError, match=r"mask '0.weight_mask' has shape \(1,\), weight '0.weight_orig' \(64, 48\)"):
        nnopt.prune.load_weights(state | {"0.weight_mask": np.ones(1)})


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize("layout", ["coo", "csr", "bsr"])
def test_a_torch_module_with_sparse_weights(dense_mlp, layout):
    torch = pytest.importorskip("torch")
    weights = pruned_weights()
    module = torch.nn.Sequential(torch.nn.Linear(48, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    module.load_state_dict({name: torch.from_numpy(weight) for name, weight in weights.items()})
    dense = module[0].weight.detach()
    sparse_weight = {"coo": dense.to_sparse, "csr": dense.to_sparse_csr, "bsr": lambda: dense.to_sparse_bsr((4, 1))}[layout]()
    module[0].weight = torch.nn.Parameter(sparse_weight, requires_grad=False)
    check_found(dense_mlp, module, weights, layout == "coo")


@pytest.mark.parametrize("special", [np.inf, -np.inf])
def test_what_is_not_finite_is_no_zero(tmp_path, special):
    weight = blocks(32, 64, 0.1, 4)
    weight[5, 7] = special
    network, report, _ = compiled(model([node("Gemm", ["x", "w"], transB=1)], [value("x", [64, 64])], weights=[tensor("w", weight)]), tmp_path)
    assert report["layers"][0]["zeros"] == int((weight == 0).sum())
    x = np.ones((64, 64), np.float32)
    with np.errstate(invalid="ignore"):
        assert np.allclose(network.run({"x": x})["y"], x @ weight.T, rtol=1e-5, atol=1e-4, equal_nan=True)


def test_a_weight_that_is_no_number(tmp_path):
    weight = blocks(32, 64, 0.1, 4)
    weight[5, 7] = np.nan
    refuses(tmp_path, model([node("Gemm", ["x", "w"], transB=1)], [value("x", [64, 64])], weights=[tensor("w", weight)]), INVALID,
            "'w' with NaN at element 327 of 2048")


SIZES = (1, 7, 13, 31)


def corner_weights(outputs, depth):
    yield "empty", np.zeros((outputs, depth), np.float32)
    single = np.zeros((outputs, depth), np.float32)
    single[-1, -1] = 3
    yield "single", single
    row = blocks(outputs, depth, 0.3, 1)
    row[outputs // 2] = 0
    yield "empty row", row
    negative = blocks(outputs, depth, 0.2, 4)
    yield "negative zero", np.where(negative == 0, np.float32(-0.0), negative)


def test_weights_that_differ_only_in_the_output(tmp_path):
    """Values and columns of the weights are the same constants: each layer has to look where its lists start."""
    nodes, outputs, weights = [], [], []
    for count in (14, 15, 16):
        for row in (0, 5, 13):
            weight = np.zeros((count, 31), np.float32)
            weight[row, 30] = 3
            name = f"{count}_{row}"
            weights.append(tensor("w" + name, weight))
            nodes.append(node("Gemm", ["x", "w" + name], ["y" + name], name=name, transB=1))
            outputs.append(value("y" + name, None))
    network, _, _ = compiled(model(nodes, [value("x", [257, 31])], outputs, weights), tmp_path)
    x = RNG.integers(-4, 5, (257, 31)).astype(np.float32)
    results = network.run({"x": x})
    for output, weight in zip(outputs, weights):
        assert np.array_equal(results[output.name], x @ numpy_helper.to_array(weight).T), output.name


@pytest.mark.parametrize("rows", [1, 16, 257])
def test_corners(tmp_path, rows):
    """Odd sizes, all in one model: every layer against numpy."""
    nodes, weights, outputs, expected = [], [], [], {}
    inputs, data = [], {}
    for depth in SIZES:
        inputs.append(value(f"x{depth}", [rows, depth]))
        data[f"x{depth}"] = RNG.integers(-4, 5, (rows, depth)).astype(np.float32)
        for count in SIZES:
            for kind, weight in corner_weights(count, depth):
                name = f"{kind.replace(' ', '_')}_{count}_{depth}"
                weight = np.round(weight * 4)
                weights.append(tensor("w_" + name, weight))
                nodes.append(node("Gemm", [f"x{depth}", "w_" + name], ["y_" + name], name=name, transB=1))
                outputs.append(value("y_" + name, None))
                expected["y_" + name] = data[f"x{depth}"] @ weight.T
    network, _, _ = compiled(model(nodes, inputs, outputs, weights), tmp_path)
    results = network.run(data)
    for name, numbers in expected.items():
        assert np.array_equal(results[name], numbers), name
