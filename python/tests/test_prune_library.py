"""nnopt.prune: schedules, masks as the compiler would choose them, files, and models.

SPDX-License-Identifier: Apache-2.0
"""

import json
import re
import subprocess

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import nnopt
from nnopt import compiler, prune
from nnopt_models.graph import GraphBuilder

RANDOM = np.random.default_rng(7)
CONV, DENSE = (14, 6, 3, 3), (37, 41)


def test_cubic_is_zhu_and_gupta():
    schedule = prune.Cubic(0.9, begin=100, end=300, frequency=50, initial=0.1)
    assert [schedule.is_due(step) for step in (99, 100, 101, 150, 250, 300, 301, 350)] == [False, True, False, True, True, True, False, False]
    assert schedule.sparsity(99) == 0
    assert schedule.sparsity(100) == schedule.sparsity(149) == pytest.approx(0.1)
    assert schedule.sparsity(200) == pytest.approx(0.9 - 0.8 / 8)
    assert schedule.sparsity(300) == schedule.sparsity(10**6) == 0.9


def test_end_is_due_where_the_frequency_does_not_divide():
    schedule = prune.Linear(0.6, begin=0, end=25, frequency=10)
    assert [step for step in range(40) if schedule.is_due(step)] == [0, 10, 20, 25]
    assert [schedule.sparsity(step) for step in (0, 9, 10, 24, 25)] == pytest.approx([0, 0, 0.24, 0.48, 0.6])


def test_steps_and_one_shot():
    schedule = prune.Steps({20: 0.75, 10: 0.5})
    assert [schedule.sparsity(step) for step in (9, 10, 19, 20, 99)] == [0, 0.5, 0.5, 0.75, 0.75]
    assert schedule.is_due(20) and not schedule.is_due(21)
    once = prune.Constant(0.9, at=5)
    assert [once.sparsity(4), once.sparsity(5), once.is_due(5), once.is_due(6)] == [0, 0.9, True, False]


@pytest.mark.parametrize("make, message", [
    (lambda: prune.Cubic(1.5), "final expects a sparsity of 0 to 1, got 1.5"),
    (lambda: prune.Cubic(float("nan")), "got nan"),
    (lambda: prune.Linear(0.5, initial=0.6), "falls from 0.6 to 0.5"),
    (lambda: prune.Linear(0.5, begin=7, end=7), "begin < end, got 7 and 7"),
    (lambda: prune.Cubic(0.5, frequency=0), "frequency expects at least 1, got 0"),
    (lambda: prune.Steps({}), "at least one step"),
    (lambda: prune.Steps({1: 0.5, 2: 0.4}), "falls from 0.5 at step 1 to 0.4 at step 2"),
])
def test_wrong_schedules(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A convolution with groups, one without, and dense layers stored both ways."""
    random = np.random.default_rng(3)

    def weight(*shape):
        # Rounded, so that there are many equal magnitudes whose order counts.
        return np.round(random.standard_normal(shape), 1).astype(np.float32)

    graph = GraphBuilder("mixed")
    x = graph.input("x", ["batch", 6, 8, 8])
    x = graph.node("Conv", [x, graph.weight("conv", weight(*CONV))], kernel_shape=[3, 3], pads=[1] * 4)
    x = graph.node("Relu", [x])
    x = graph.node("Conv", [x, graph.weight("grouped", weight(8, 7, 3, 3))], kernel_shape=[3, 3], group=2)
    x = graph.node("Flatten", [graph.node("Relu", [x])])
    x = graph.node("MatMul", [x, graph.weight("kn", weight(288, 41))])
    x = graph.node("Gemm", [graph.node("Relu", [x]), graph.weight("dense", weight(*DENSE)), graph.weight("bias", weight(37))], transB=1)
    graph.output(x, "y", ["batch", 37])
    path = tmp_path_factory.mktemp("masks") / "mixed.onnx"
    onnx.save(graph.model(), path)
    return path


LAYOUTS = {"conv": prune.Layout("conv"), "grouped": prune.Layout("conv", 2), "kn": prune.Layout("linear_kn"), "dense": prune.Layout("linear")}


def weights_of(path):
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer if len(tensor.dims) > 1}


def compiled_zeros(network, out, **options):
    """The weights as the stage compress leaves them, and the report."""
    arguments = compiler.command_line(network, out, {"stop_after": "compress", "json": True, **options})
    done = subprocess.run([compiler.find_compiler(), *arguments], capture_output=True, text=True, check=True)
    return {row["weight"]: row for row in json.loads(done.stdout)["pruned"]}


@pytest.mark.parametrize("pattern, scope", [("unstructured", "uniform"), ("unstructured", "global"), ("unstructured", "erk"),
                                            ("4x1", "global"), ("3x2", "erk"), ("16x4", "uniform"), ("2:4", "uniform"), ("3:5", "uniform")])
@pytest.mark.parametrize("sparsity", (0.3, 0.85))
def test_same_masks_as_the_compiler(network, tmp_path, pattern, scope, sparsity):
    if ":" in pattern and sparsity != 0.3:
        pytest.skip("N:M says its sparsity itself")
    weights = {name: weight for name, weight in weights_of(network).items() if pattern != "16x4" or name in ("kn", "dense")}
    masks = prune.magnitude_masks(weights, None if ":" in pattern else sparsity, pattern, scope, layouts={name: LAYOUTS[name] for name in weights})
    method = "magnitude" if ":" in pattern else f"magnitude:{sparsity}"
    options = [method, f"pattern={pattern}", f"scope={scope}", "first", "last"]
    nnopt.compile(network, tmp_path / "theirs.so", prune=options, march="x86-64", threads=0)
    nnopt.compile(network, tmp_path / "ours.so", mask=masks, march="x86-64", threads=0)
    x = np.random.default_rng(1).standard_normal((3, 6, 8, 8)).astype(np.float32)
    np.testing.assert_array_equal(nnopt.load(tmp_path / "ours.so", name="ours")(x)[0], nnopt.load(tmp_path / "theirs.so", name="theirs")(x)[0])
    report = compiled_zeros(network, tmp_path / "report.mlir", prune=options)
    zeros = {name: int((weight == 0).sum()) for name, weight in masks.apply(weights).items()}
    assert {name: row["zeros"] for name, row in report.items()} == {name: zeros[name] for name in report}
    assert report


def test_rows_and_columns():
    weight = np.arange(1, 1 + 4 * 3 * 2, dtype=np.float32).reshape(4, 3, 2)
    rows = prune.magnitude_masks({"w": weight}, 0.5, "channels")["w"]
    assert not rows[:2].any() and rows[2:].all()
    columns = prune.magnitude_masks({"w": weight}, 0.4, "columns")["w"]
    assert not columns[:, 0].any() and columns[:, 1:].all()
    kn = prune.magnitude_masks({"w": weight[:, :, 0]}, 0.34, "neurons", layouts={"w": prune.Layout("linear_kn")})["w"]
    assert not kn[:, 0].any() and kn[:, 1:].all()


def test_empty_and_fully_pruned_weights():
    masks = prune.magnitude_masks({"none": np.zeros((0, 3), np.float32), "all": np.ones((3, 1), np.float32)}, 1.0, scope="global")
    assert masks["none"].shape == (0, 3) and not masks["all"].any()
    assert prune.Masks({}).sparsity() == 0


@pytest.mark.parametrize("arguments, message", [
    ({"sparsity": 1.5}, "sparsity of 0 to 1, got 1.5"),
    ({}, "expects a sparsity for pattern 'unstructured'"),
    ({"sparsity": 0.9, "pattern": "2:4"}, "'2:4' makes a sparsity of 0.5, got 0.9"),
    ({"pattern": "2:4", "scope": "global"}, "scope 'global' does not apply"),
    ({"sparsity": 0.5, "pattern": "8x1"}, "blocks of 8x1 need 8 outputs and 1 inputs, weight 'w' has 4 and 5"),
    ({"pattern": "2:8"}, "2:8 needs 8 inputs, weight 'w' has 5"),
    ({"sparsity": 0.5, "pattern": "4by1"}, "unknown pattern '4by1'"),
    ({"sparsity": 0.5, "layouts": {"w": prune.Layout("conv", 3)}}, "does not split into 3 groups"),
    ({"sparsity": 0.5, "layouts": {"v": prune.Layout()}}, "a layout for 'v', but no such weight"),
    ({"sparsity": 0.5, "weight": np.array([[1, np.nan]])}, r"weight 'w' of shape \(1, 2\) has a NaN at element 1"),
    ({"sparsity": 0.5, "weight": np.ones(3)}, "is no matrix"),
])
def test_wrong_requests(arguments, message):
    weight = arguments.pop("weight", np.ones((4, 5)))
    with pytest.raises(ValueError, match=message):
        prune.magnitude_masks({"w": weight}, **arguments)


def test_masks_survive_a_file(tmp_path):
    masks = prune.Masks({"a/b": RANDOM.random((7, 13)) > 0.5, "/c:d": RANDOM.random((1, 1, 31)) > 0.5, "empty": np.ones((0, 2), bool)},
                        {"a/b": "4x1", "/c:d": "unstructured", "empty": "2:4"})
    masks.save(tmp_path / "masks")
    again = prune.Masks.load(tmp_path / "masks")
    assert set(again) == set(masks) and again.patterns == masks.patterns
    for name in masks:
        np.testing.assert_array_equal(again[name], masks[name])
    np.savez(tmp_path / "plain.npz", w=masks["a/b"])
    np.testing.assert_array_equal(prune.Masks.load(tmp_path / "plain.npz")["w"], masks["a/b"])


@pytest.mark.parametrize("arrays, message", [
    ({"w": np.ones(3, np.float32)}, "mask 'w' is float32, expected bool"),
    ({"w:bits": np.zeros(1, np.uint8)}, "'w:bits' has no 'w:shape'"),
    ({"w:shape": np.zeros(1, np.int64)}, "'w:shape' has no 'w:bits'"),
    ({"w:bits": np.zeros(1, np.uint8), "w:shape": np.array([3, 4])}, r"holds 1 bytes, the shape \[3, 4\] needs 2"),
    ({"w:bits": np.zeros(1, np.uint8), "w:shape": np.array([-3])}, "expect vectors of uint8 and int64"),
])
def test_damaged_files(tmp_path, network, arrays, message):
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        prune.Masks.load(tmp_path / "bad.npz")
    with pytest.raises(nnopt.CompileError, match="bad.npz: .*'w"):
        nnopt.compile(network, tmp_path / "no.so", mask=tmp_path / "bad.npz")


def test_masks_that_do_not_match(network, tmp_path):
    wrong_name = prune.Masks({"fc9": np.ones(DENSE, bool)})
    wrong_shape = prune.Masks({"dense": np.ones(DENSE[::-1], bool)})
    with pytest.raises(ValueError, match="'fc9' matches none of the 5 weights"):
        wrong_name.apply_to_onnx(network, tmp_path / "no.onnx")
    with pytest.raises(ValueError, match=r"'dense' of shape \(41, 37\) does not fit its weight of shape \(37, 41\)"):
        wrong_shape.apply_to_onnx(network, tmp_path / "no.onnx")
    with pytest.raises(nnopt.CompileError, match="mask 'fc9' matches none of the 5 weights"):
        nnopt.compile(network, tmp_path / "no.so", mask=wrong_name)
    with pytest.raises(nnopt.CompileError, match="mask 'dense' of tensor<41x37xi1> does not fit the weight of 'tensor<37x41xf32>'"):
        nnopt.compile(network, tmp_path / "no.so", mask=wrong_shape)
    assert not (tmp_path / "no.so").exists() and not (tmp_path / "no.onnx").exists()


def test_three_ways_into_a_model_are_one(network, tmp_path):
    weights = weights_of(network)
    masks = prune.magnitude_masks(weights, 0.8, scope="global", layouts=LAYOUTS)
    masks.apply_to_onnx(network, tmp_path / "masked.onnx")
    np.savez(tmp_path / "weights.npz", **masks.apply(weights))
    assert prune.write_weights(network, prune.load_weights(tmp_path / "weights.npz"), tmp_path / "written.onnx") == list(weights)
    x = np.random.default_rng(1).standard_normal((2, 6, 8, 8)).astype(np.float32)
    nnopt.compile(network, tmp_path / "flag.so", mask=masks, march="native", threads=0)
    want = nnopt.load(tmp_path / "flag.so")(x)[0]
    for name in ("masked", "written"):
        nnopt.compile(tmp_path / f"{name}.onnx", tmp_path / f"{name}.so", march="native", threads=0)
        np.testing.assert_array_equal(nnopt.load(tmp_path / f"{name}.so")(x)[0], want)


def test_pruning_a_masked_model_counts_its_zeros(network, tmp_path):
    weights = weights_of(network)
    masks = prune.magnitude_masks(weights, 0.5, layouts=LAYOUTS)
    masks.save(tmp_path / "masks.npz")
    masked = compiled_zeros(network, tmp_path / "a.mlir", mask=tmp_path / "masks.npz")
    assert {row["origin"] for row in masked.values()} == {"imported"} and set(masked) == set(weights)
    both = compiled_zeros(network, tmp_path / "b.mlir", mask=tmp_path / "masks.npz", prune=["magnitude:0.9", "first", "last"])
    assert both["dense"]["zeros"] == round(0.9 * 37 * 41) and both["dense"]["origin"] == "pruned"


def save_safetensors(path, tensors):
    index, data = {}, b""
    for name, tensor in tensors.items():
        index[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + tensor.nbytes]}
        data += tensor.tobytes()
    header = json.dumps(index).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)


def test_safetensors_and_sparse_initialisers(network, tmp_path):
    weights = weights_of(network)
    pruned = prune.magnitude_masks(weights, 0.9, layouts=LAYOUTS).apply(weights)
    pruned["transposed"] = np.ascontiguousarray(pruned.pop("kn").T)
    save_safetensors(tmp_path / "w.safetensors", pruned)
    loaded = prune.load_weights(tmp_path / "w.safetensors")
    prune.write_weights(network, loaded, tmp_path / "dense.onnx", names={"kn": "transposed"})
    np.testing.assert_array_equal(weights_of(tmp_path / "dense.onnx")["kn"], pruned["transposed"].T)
    prune.write_weights(network, loaded, tmp_path / "sparse.onnx", names={"kn": "transposed"}, sparse=True)
    graph = onnx.load(tmp_path / "sparse.onnx").graph
    assert {tensor.values.name for tensor in graph.sparse_initializer} == set(weights)
    onnx.checker.check_model(str(tmp_path / "sparse.onnx"))
    for tensor in graph.sparse_initializer:
        dense = np.zeros(tensor.dims, np.float32)
        dense.reshape(-1)[numpy_helper.to_array(tensor.indices)] = numpy_helper.to_array(tensor.values)
        np.testing.assert_array_equal(dense, weights_of(tmp_path / "dense.onnx")[tensor.values.name])
    assert (tmp_path / "sparse.onnx").stat().st_size < (tmp_path / "dense.onnx").stat().st_size / 2


@pytest.mark.parametrize("weights, names, message", [
    ({"dense": np.ones((2, 2))}, {}, r"initialiser 'dense' has shape \(37, 41\), weight 'dense' \(2, 2\)"),
    ({"other": np.ones((2, 2))}, {}, "none of the 1 weights is called"),
    ({"other": np.ones((2, 2))}, {"dense": "missing"}, "is to hold 'missing', but there is no such weight"),
    ({"dense": np.ones(DENSE)}, {"fc9": "dense"}, "no initialiser called 'fc9'"),
])
def test_weights_that_do_not_fit(network, tmp_path, weights, names, message):
    with pytest.raises(ValueError, match=message):
        prune.write_weights(network, weights, tmp_path / "no.onnx", names)
    assert not (tmp_path / "no.onnx").exists()


@pytest.mark.parametrize("data, message", [
    (b"\1", "the index ends at byte 9 of 1"),
    (b"\2" + bytes(7) + b"{]", "the index is no JSON"),
    ((64).to_bytes(8, "little") + json.dumps({"w": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}).encode().ljust(64) + bytes(8),
     r"tensor 'w' of F32\[3\] lies at bytes 0 to 8 of 8"),
])
def test_damaged_safetensors(tmp_path, data, message):
    (tmp_path / "w.safetensors").write_bytes(data)
    with pytest.raises(ValueError, match=message):
        prune.load_weights(tmp_path / "w.safetensors")


def test_what_is_known_of_zeros_survives_the_graph_stage(tmp_path):
    """Scaled by a batch norm, turned to channels-last, and with inputs in another order: the name and the zeros stay."""
    graph = GraphBuilder("normalised")
    x = graph.node("Conv", [graph.input("x", [1, 6, 8, 8]), graph.weight("conv", RANDOM.standard_normal(CONV).astype(np.float32))], kernel_shape=[3, 3])
    scales = [graph.weight(name, np.arange(1, 15, dtype=np.float32)) for name in ("scale", "shift", "mean", "variance")]
    x = graph.node("Relu", [graph.node("BatchNormalization", [x, *scales])])
    fc = graph.weight("fc", RANDOM.standard_normal((14 * 36, 24)).astype(np.float32))
    graph.output(graph.node("MatMul", [graph.node("Flatten", [x]), fc]), "y", [1, 24])
    onnx.save(graph.model(), tmp_path / "normalised.onnx")
    masks = {"conv": RANDOM.random(CONV) > 0.7, "fc": np.repeat(RANDOM.random((14 * 36, 6)) > 0.8, 4, axis=1)}
    masks = prune.Masks(masks, {"conv": "unstructured", "fc": "4x1"})
    nnopt.compile(tmp_path / "normalised.onnx", tmp_path / "graph.mlir", mask=masks, stop_after="graph")
    known = set(re.findall(r'nnopt.weight "(\w+)" .*#nnopt.sparsity<imported, "\w+", zeros = (\d+)>', (tmp_path / "graph.mlir").read_text()))
    assert known == {(name, str(zeros)) for name, (zeros, _) in masks.table().items()}
