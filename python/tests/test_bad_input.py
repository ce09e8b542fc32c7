"""Broken, hostile and unsupported models through nnopt-compile: one error, the right exit code, no output, bounded memory and time.

SPDX-License-Identifier: Apache-2.0
"""

import os
import pathlib
import random
import resource
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
BUILD = pathlib.Path(os.environ.get("NNOPT_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build"))
COMPILER = shutil.which(str(BUILD / "bin" / "nnopt-compile")) or shutil.which("nnopt-compile")
pytestmark = pytest.mark.skipif(not COMPILER, reason="nnopt-compile is not built")

INVALID, USAGE, UNSUPPORTED = 1, 2, 3
MEMORY_BYTES = 2 << 30
SECONDS = 60
HUGE = 1 << 40


def value(name, shape, dtype=FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def tensor(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def shape_of(name, *extents):
    return tensor(name, np.array(extents, np.int64))


def model(nodes, inputs=None, outputs=None, weights=(), opset=21, **more):
    graph = helper.make_graph(nodes, "g", inputs or [value("x", [2, 3])], outputs or [value("y", None)], list(weights))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10, **more)


def node(op, inputs=("x",), outputs=("y",), name="the_node", **attributes):
    return helper.make_node(op, list(inputs), list(outputs), name=name, **attributes)


def limit():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def compile_file(path, out, *options):
    return subprocess.run([COMPILER, str(path), "-o", str(out), *options], capture_output=True, text=True, errors="replace",
                          timeout=SECONDS, preexec_fn=limit)


def check_refusal(done, folder, code, words):
    """One error line that holds all words, the exit code, and nothing left in `folder`, where the output would be."""
    errors = [line for line in done.stderr.splitlines() if "error:" in line]
    assert done.returncode == code, f"exit code {done.returncode}: {done.stderr[-500:]}"
    assert len(errors) == 1, done.stderr[-500:]
    for word in words:
        assert word in done.stderr, f"'{word}' is not in: {errors[0]}"
    assert list(folder.iterdir()) == []


def refuses(tmp_path, content, code, *words, options=()):
    """Compiles `content` (bytes or a model) and checks how it is refused."""
    path = tmp_path / "bad.onnx"
    path.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
    out = tmp_path / "out"
    out.mkdir()
    check_refusal(compile_file(path, out / "bad.o", *options), out, code, words)


SMALL = model([node("Add", ["x", "w"])], weights=[tensor("w", np.ones([2, 3], np.float32))]).SerializeToString()


def test_the_small_model_compiles(tmp_path):
    (tmp_path / "small.onnx").write_bytes(SMALL)
    done = compile_file(tmp_path / "small.onnx", tmp_path / "small.o")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "small.o").exists() and (tmp_path / "small.h").exists()


def refuse_all(tmp_path, contents):
    """Compiles all contents, some at a time."""

    def one(numbered):
        index, content = numbered
        folder = tmp_path / str(index)
        folder.mkdir()
        refuses(folder, content, INVALID)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(one, enumerate(contents)))


@pytest.mark.slow
def test_every_prefix(tmp_path):
    refuse_all(tmp_path, [SMALL[:size] for size in range(len(SMALL))])


def test_some_prefixes(tmp_path):
    refuse_all(tmp_path, [SMALL[:size] for size in range(0, len(SMALL), 12)])


def test_random_bytes(tmp_path):
    source = random.Random(1)
    refuse_all(tmp_path, [source.randbytes(size) for size in (1, 2, 8, 64, 1000, 100_000)])


def test_text_is_not_a_model(tmp_path):
    refuses(tmp_path, b"this is not a model\n", INVALID, "bad.onnx")


def test_an_empty_file(tmp_path):
    refuses(tmp_path, b"", INVALID, "bad.onnx")


def test_zeros(tmp_path):
    refuses(tmp_path, bytes(1 << 20), INVALID, "bad.onnx")


def external(location, offset=None, length=None):
    entry = TensorProto(name="w", data_type=FLOAT, dims=[2, 3], data_location=TensorProto.EXTERNAL)
    for key, text in (("location", location), ("offset", offset), ("length", length)):
        if text is not None:
            entry.external_data.add(key=key, value=str(text))
    return model([node("Add", ["x", "w"])], weights=[entry])


@pytest.mark.parametrize("location", ["../secret.bin", "a/../../secret.bin", "/etc/passwd", "link.bin", "folder/file.bin"])
def test_external_data_stays_in_the_models_folder(tmp_path, location):
    (tmp_path / "secret.bin").write_bytes(bytes(24))
    home = tmp_path / "home"
    home.mkdir()
    (home / "link.bin").symlink_to(tmp_path / "secret.bin")
    (home / "folder").symlink_to(tmp_path)
    (tmp_path / "file.bin").write_bytes(bytes(24))
    refuses(home, external(location), INVALID, location)


@pytest.mark.parametrize("offset, length, word", [
    (0, 23, "24"), (1, None, "24"), (1, 24, "24"), (-4, 24, "offset"), (2**63, 24, "offset"), (2**64 - 8, 24, "offset"), (0, 2**64, "length"),
    ("abc", 24, "offset"), (0, -24, "length"),
])
def test_external_data_stays_in_its_file(tmp_path, offset, length, word):
    (tmp_path / "w.bin").write_bytes(bytes(24))
    refuses(tmp_path, external("w.bin", offset, length), INVALID, word)


def test_missing_external_data(tmp_path):
    refuses(tmp_path, external("absent.bin"), INVALID, "absent.bin")


def test_external_data_without_a_location(tmp_path):
    refuses(tmp_path, external(None), INVALID, "w")


def raw(dims, content=b"", dtype=FLOAT):
    return TensorProto(name="w", data_type=dtype, dims=dims, raw_data=content)


@pytest.mark.parametrize("weight, words", [
    (raw([2, 3], bytes(20)), ["w", "20", "24"]),
    (raw([HUGE, HUGE], bytes(24)), ["w"]),
    (raw([1 << 32, 1 << 32]), ["w"]),
    (raw([1 << 62, 4, 0]), ["w"]),
    (raw([HUGE], bytes(24)), ["w", "24"]),
    (raw([-1, 3], bytes(24)), ["w", "-1"]),
    (raw([2, 3], bytes(24), dtype=99), ["w", "99"]),
    (raw([2, 3], bytes(24), dtype=0), ["w"]),
    (TensorProto(name="w", data_type=FLOAT, dims=[2, 3], float_data=[1] * 5), ["w", "5", "6"]),
    (TensorProto(name="w", data_type=FLOAT, dims=[2, 3]), ["w"]),
], ids=["short", "overflow", "wraps-to-zero", "overflow-times-zero", "huge", "negative", "type-99", "no-type", "few-floats", "no-data"])
def test_initializers(tmp_path, weight, words):
    refuses(tmp_path, model([node("Add", ["x", "w"])], weights=[weight]), INVALID, *words)


NAN_WEIGHT = np.array([[1, np.nan], [0, 1], [0, 1]], np.float32)

GRAPHS = {
    "cycle": (model([node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]), node("Relu", ["b"])]), ["b"]),
    "self-cycle": (model([node("Add", ["x", "y"])]), ["y"]),
    "undefined-input": (model([node("Add", ["x", "missing"])]), ["the_node", "missing"]),
    "undefined-output": (model([node("Relu", outputs=["z"])]), ["y"]),
    "no-nodes-no-output": (model([], outputs=[value("y", [2])]), ["y"]),
    "two-producers": (model([node("Relu"), node("Neg")]), ["y"]),
    "produces-an-input": (model([node("Relu", outputs=["x"]), node("Neg")]), ["x"]),
    "produces-a-weight": (model([node("Relu", outputs=["w"]), node("Add", ["x", "w"])], weights=[tensor("w", np.float32([1]))]), ["w"]),
    "two-inputs-of-one-name": (model([node("Relu")], inputs=[value("x", [2]), value("x", [3])]), ["x"]),
    "two-weights-of-one-name": (model([node("Add", ["x", "w"])], weights=[tensor("w", np.float32([1])), tensor("w", np.float32([2]))]), ["w"]),
    "one-output-twice-in-a-node": (model([node("Split", outputs=["y", "y"], num_outputs=2)]), ["y"]),
    "huge-input": (model([node("Relu")], inputs=[value("x", [1 << 62, 1 << 62])]), ["x"]),
    "negative-input": (model([node("Relu")], inputs=[value("x", [-2, 3])]), ["x", "-2"]),
    "missing-operand": (model([node("Add", ["x"])]), ["the_node", "Add"]),
    "too-many-operands": (model([node("Relu", ["x", "x", "x"])]), ["the_node", "Relu"]),
    "types-that-differ": (model([node("Add", ["x", "i"])], inputs=[value("x", [2]), value("i", [2], INT64)]), ["the_node"]),
    "shapes-that-do-not-broadcast": (model([node("Add", ["x", "i"])], inputs=[value("x", [2, 3]), value("i", [2, 4])]), ["the_node", "3", "4"]),
    "shapes-that-do-not-multiply": (model([node("MatMul", ["x", "w"])], weights=[tensor("w", np.ones([4, 5], np.float32))]), ["the_node", "3", "4"]),
    "statistics-of-what-does-not-broadcast": (
        model([node("LayerNormalization", ["x", "w"], ["y", "mean", "inverse"], axis=1)],
              outputs=[value("y", None), value("mean", None)], weights=[tensor("w", np.ones([2], np.float32))]),
        ["the_node", "3", "2"]),
    "nan-weights": (model([node("MatMul", ["x", "w"])], weights=[tensor("w", NAN_WEIGHT)]), ["w", "NaN"]),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs(tmp_path, name):
    content, words = GRAPHS[name]
    refuses(tmp_path, content, INVALID, *words)


def image(op, *more, weights=(), **attributes):
    return model([node(op, ["x", *more], **attributes)], inputs=[value("x", [1, 4, 8, 8])], weights=weights)


CONV_WEIGHT = [tensor("w", np.ones([4, 4, 3, 3], np.float32))]

ATTRIBUTES = {
    "softmax-axis": model([node("Softmax", axis=100)]),
    "softmax-axis-negative": model([node("Softmax", axis=-(1 << 62))]),
    "axis-is-text": model([node("Softmax", axis="last")]),
    "axis-is-a-list": model([node("Softmax", axis=[1, 2])]),
    "transpose-repeats": model([node("Transpose", perm=[0, 0])]),
    "transpose-rank": model([node("Transpose", perm=[0])]),
    "transpose-range": model([node("Transpose", perm=[0, 7])]),
    "concat-axis": model([node("Concat", ["x", "x"], axis=2)]),
    "concat-no-axis": model([node("Concat", ["x", "x"])]),
    "conv-no-groups": image("Conv", "w", weights=CONV_WEIGHT, group=0),
    "conv-groups": image("Conv", "w", weights=CONV_WEIGHT, group=3),
    "conv-stride": image("Conv", "w", weights=CONV_WEIGHT, strides=[0, 1]),
    "conv-stride-negative": image("Conv", "w", weights=CONV_WEIGHT, strides=[-1, 1]),
    "conv-dilation": image("Conv", "w", weights=CONV_WEIGHT, dilations=[0, 0]),
    "conv-dilation-huge": image("Conv", "w", weights=CONV_WEIGHT, dilations=[1 << 62, 1 << 62]),
    "conv-pads": image("Conv", "w", weights=CONV_WEIGHT, pads=[1 << 62, 0, 1 << 62, 0]),
    "conv-pads-count": image("Conv", "w", weights=CONV_WEIGHT, pads=[1, 1]),
    "conv-auto-pad": image("Conv", "w", weights=CONV_WEIGHT, auto_pad="SOMETIMES"),
    "conv-kernel-shape": image("Conv", "w", weights=CONV_WEIGHT, kernel_shape=[5, 5]),
    "pool-kernel": image("MaxPool", kernel_shape=[0, 0]),
    "pool-no-kernel": image("MaxPool"),
    "pool-kernel-larger-than-input": image("MaxPool", kernel_shape=[20, 20]),
    "flatten-axis": model([node("Flatten", axis=5)]),
    "gemm-rank": image("Gemm", "w", weights=[tensor("w", np.ones([8, 3], np.float32))]),
    "reshape-count": model([node("Reshape", ["x", "s"])], weights=[shape_of("s", 4, 2)]),
    "reshape-two-unknown": model([node("Reshape", ["x", "s"])], weights=[shape_of("s", -1, -1)]),
    "reshape-negative": model([node("Reshape", ["x", "s"])], weights=[shape_of("s", -7, 6)]),
    "reshape-overflow": model([node("Reshape", ["x", "s"])], weights=[shape_of("s", 1 << 32, 1 << 32)]),
    "slice-step": model([node("Slice", ["x", "a", "b", "c", "d"])],
                        weights=[shape_of("a", 0), shape_of("b", 1), shape_of("c", 0), shape_of("d", 0)]),
    "split-sizes": model([node("Split", ["x", "s"], ["y", "z"], axis=1)], weights=[shape_of("s", 1, 1)]),
    "gather-index": model([node("Gather", ["x", "s"])], weights=[shape_of("s", 5)]),
    "squeeze-axis": model([node("Squeeze", ["x", "s"])], weights=[shape_of("s", 0)]),
    "expand-shape": model([node("Expand", ["x", "s"])], weights=[shape_of("s", 2, 4)]),
    "expand-huge": model([node("Expand", ["x", "s"])], weights=[shape_of("s", HUGE, HUGE, 2, 3)]),
    "tile-huge": model([node("Tile", ["x", "s"])], weights=[shape_of("s", 1 << 62, 4)]),
    "tile-negative": model([node("Tile", ["x", "s"])], weights=[shape_of("s", -1, 1)]),
    "pad-huge": model([node("Pad", ["x", "s"])], weights=[shape_of("s", 1 << 62, 0, 1 << 62, 0)]),
    "constant-of-shape-huge": model([node("ConstantOfShape", ["s"])], weights=[shape_of("s", HUGE, HUGE)]),
    "constant-of-shape-negative": model([node("ConstantOfShape", ["s"])], weights=[shape_of("s", -1)]),
    "range-huge": model([node("Range", ["a", "b", "c"])],
                        weights=[tensor("a", np.int64(0)), tensor("b", np.int64(2**62)), tensor("c", np.int64(1))]),
    "range-no-step": model([node("Range", ["a", "b", "c"])],
                           weights=[tensor("a", np.int64(0)), tensor("b", np.int64(4)), tensor("c", np.int64(0))]),
    "range-without-a-start": model([node("Range", ["a", "b", "b"])], weights=[shape_of("a"), tensor("b", np.int64(4))]),
    "matmul-integer-zero-point": model([node("MatMulInteger", ["x", "x", "z"])], inputs=[value("x", [3, 3], TensorProto.UINT8)],
                                       weights=[tensor("z", np.zeros(5, np.uint8))]),
    "topk-without-k": model([node("TopK")]),
    "topk-with-an-empty-k": model([node("TopK", ["x", "k"])], weights=[shape_of("k")]),
}


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attributes(tmp_path, name):
    refuses(tmp_path, ATTRIBUTES[name], INVALID, "the_node")


def foreign():
    content = model([node("Relu", domain="com.example")])
    content.opset_import.append(helper.make_opsetid("com.example", 1))
    return content


UNSUPPORTED_MODELS = {
    "rank": (model([node("Add", ["x", "w"])], weights=[raw([1] * 200, bytes(4))]), ["y"]),
    "no-type": (model([node("Relu")], inputs=[onnx.ValueInfoProto(name="x")]), ["x"]),
    "cast-type": (model([node("Cast", to=1000)]), ["the_node", "1000"]),
    "constant-without-a-value": (model([node("Constant", [])]), ["the_node"]),
    "op": (model([node("Frobnicate")]), ["the_node", "Frobnicate", "21"]),
    "domain": (foreign(), ["the_node", "com.example", "Relu"]),
    "opset-too-old": (model([node("Relu")], opset=1), ["opset", "1"]),
    "opset-too-new": (model([node("Relu")], opset=999), ["opset", "999"]),
    "text": (model([node("Identity")], inputs=[value("x", [2], TensorProto.STRING)]), ["x", "string"]),
}


@pytest.mark.parametrize("name", UNSUPPORTED_MODELS)
def test_what_is_unsupported_is_named(tmp_path, name):
    content, words = UNSUPPORTED_MODELS[name]
    refuses(tmp_path, content, UNSUPPORTED, *words)


def test_no_opset(tmp_path):
    content = model([node("Relu")])
    del content.opset_import[:]
    refuses(tmp_path, content, INVALID, "opset")


def length_prefixed(tag, content):
    size, digits = len(content), bytearray()
    while size >= 128:
        digits.append(size % 128 + 128)
        size //= 128
    return bytes([tag]) + bytes(digits) + bytes([size]) + content


def test_graphs_nested_too_deep(tmp_path):
    graph = helper.make_graph([], "leaf", [], [value("x", [2, 3])]).SerializeToString()
    for _ in range(20_000):  # attribute (5) of a node (1) of a graph holds a graph (6)
        attribute = length_prefixed(0x0A, b"then_branch") + length_prefixed(0x32, graph) + b"\xa0\x01\x05"
        one = length_prefixed(0x0A, b"c") + length_prefixed(0x12, b"y") + length_prefixed(0x22, b"If") + length_prefixed(0x2A, attribute)
        graph = length_prefixed(0x0A, one)
    content = b"\x08\x0a" + length_prefixed(0x3A, graph) + length_prefixed(0x42, b"\x10\x15")
    done_path = tmp_path / "deep.onnx"
    done_path.write_bytes(content)
    out = tmp_path / "out"
    out.mkdir()
    done = compile_file(done_path, out / "deep.o")
    assert done.returncode in (INVALID, UNSUPPORTED), done.stderr[-300:]
    assert list(out.iterdir()) == []


def test_a_function_that_calls_itself(tmp_path):
    function = helper.make_function("local", "f", ["a"], ["b"], [helper.make_node("f", ["a"], ["b"], domain="local")],
                                    [helper.make_opsetid("local", 1)])
    graph = helper.make_graph([node("f", domain="local")], "g", [value("x", [2])], [value("y", [2])])
    content = helper.make_model(graph, functions=[function], ir_version=10,
                                opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("local", 1)])
    path, out = tmp_path / "recursive.onnx", tmp_path / "out"
    path.write_bytes(content.SerializeToString())
    out.mkdir()
    done = compile_file(path, out / "recursive.o")
    assert done.returncode in (INVALID, UNSUPPORTED), done.stderr[-300:]
    assert done.stderr.count("error:") == 1 and list(out.iterdir()) == []


@pytest.mark.parametrize("options, words", [
    (["--march=pdp11"], ["pdp11"]),
    (["--emit=wasm"], ["wasm"]),
    (["--threads=-1"], ["-1"]),
    (["--no-such-option"], ["no-such-option"]),
])
def test_wrong_usage(tmp_path, options, words):
    (tmp_path / "small.onnx").write_bytes(SMALL)
    out = tmp_path / "out"
    out.mkdir()
    done = compile_file(tmp_path / "small.onnx", out / "small.o", *options)
    assert done.returncode == USAGE, done.stderr
    assert all(word in done.stderr for word in words)
    assert list(out.iterdir()) == []


def test_no_model(tmp_path):
    check_refusal(compile_file(tmp_path / "absent.onnx", tmp_path / "a.o"), tmp_path, INVALID, ["absent.onnx"])


def test_a_folder_is_not_a_model(tmp_path):
    (tmp_path / "m.onnx").mkdir()
    out = tmp_path / "out"
    out.mkdir()
    check_refusal(compile_file(tmp_path / "m.onnx", out / "a.o"), out, INVALID, ["m.onnx"])


def test_an_output_that_cannot_be_written(tmp_path):
    (tmp_path / "small.onnx").write_bytes(SMALL)
    done = compile_file(tmp_path / "small.onnx", tmp_path / "absent" / "small.o")
    assert done.returncode == INVALID and done.stderr.count("error:") == 1 and "absent" in done.stderr
    assert not (tmp_path / "absent").exists()


def test_an_old_output_survives_a_failed_compilation(tmp_path):
    """The object of the last good model is not lost to a bad one."""
    (tmp_path / "bad.onnx").write_bytes(SMALL[:-5])
    (tmp_path / "bad.o").write_text("old")
    assert compile_file(tmp_path / "bad.onnx", tmp_path / "bad.o").returncode == INVALID
    assert (tmp_path / "bad.o").read_text() == "old"
