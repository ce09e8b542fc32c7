"""The Python package: compiling, loading, calling, and what it says when something does not fit.

SPDX-License-Identifier: Apache-2.0
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest

import nnopt
import nnopt_models
from nnopt import compiler
from nnopt.model import c_name

ROOT = pathlib.Path(__file__).resolve().parents[2]

# y = x * 0.5 summed over rows, plus what has a name that is no Python word; the batch is dynamic.
NET = """
func.func @main(%x: tensor<?x8xf32> {nnopt.name = "x", nnopt.dims = ["batch", "8"]},
                %m: tensor<?x4xf32> {nnopt.name = "bias in", nnopt.dims = ["batch", "4"]})
    -> (tensor<?x4xf32> {nnopt.name = "y", nnopt.dims = ["batch", "4"]}) {
  %w = nnopt.weight dense<0.5> : tensor<4x8xf32>
  %0 = nnopt.linear %x, %w : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%n) : tensor<?x4xf32>
  %1 = linalg.add ins(%0, %m : tensor<?x4xf32>, tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %1 : tensor<?x4xf32>
}
"""

# Two outputs of other types and a fixed shape.
TABLE = """
func.func @main(%ids: tensor<3xi64> {nnopt.name = "ids", nnopt.dims = ["3"]})
    -> (tensor<3x2xf32> {nnopt.name = "rows", nnopt.dims = ["3", "2"]}, tensor<3xi64> {nnopt.name = "same", nnopt.dims = ["3"]}) {
  %t = nnopt.weight dense<[[0.0, 1.0], [2.0, 3.0]]> : tensor<2x2xf32>
  %0 = nnopt.gather %t, %ids {axis = 0 : i64} : (tensor<2x2xf32>, tensor<3xi64>) -> tensor<3x2xf32>
  return %0, %ids : tensor<3x2xf32>, tensor<3xi64>
}
"""


def expected(x, m):
    return 0.5 * x.sum(axis=1, keepdims=True) + m


def example(batch, seed=0):
    random = np.random.default_rng(seed)
    return random.random((batch, 8), np.float32), random.random((batch, 4), np.float32)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nnopt")
    for name, text in (("net", NET), ("table", TABLE)):
        (folder / f"{name}.mlir").write_text(text)
        assert nnopt.compile(folder / f"{name}.mlir", folder / f"{name}.so") == folder / f"{name}.so"
    return folder


@pytest.fixture(scope="session")
def model(folder):
    return nnopt.load(folder / "net.so")


@pytest.fixture(scope="session")
def table(folder):
    return nnopt.load(folder / "table.so")


def test_describes_itself(model, table):
    assert [(a.name, a.dtype, a.shape) for a in model.inputs] == [("x", np.float32, ("batch", 8)), ("bias in", np.float32, ("batch", 4))]
    assert [(a.name, a.dtype, a.shape) for a in table.outputs] == [("rows", np.float32, (3, 2)), ("same", np.int64, (3,))]
    assert model.isa in model.isas
    assert "nnopt" in model.stamp
    assert (model.name, model.weight_bytes, model.workspace_bytes) == ("net", 4 * 16 * 8, None)  # 4 outputs fill a panel of 16
    assert table.workspace_bytes is not None
    assert "x: float32[batch, 8]" in repr(model)


@pytest.mark.parametrize("batch", [0, 1, 7, 33])
def test_any_batch(model, batch):
    x, m = example(batch)
    y, = model(x, m)
    np.testing.assert_allclose(y, expected(x, m), rtol=1e-6)


def test_inputs_go_by_position_and_by_name(model):
    x, m = example(3)
    for y in (model(x, m)[0], model(x, **{"bias in": m})[0], model(**{"bias in": m, "x": x})[0],
              model.run({"x": x, "bias in": m}, threads=1)["y"]):
        np.testing.assert_allclose(y, expected(x, m), rtol=1e-6)


def test_other_layouts_and_lists(model, table):
    x, m = example(6)
    np.testing.assert_allclose(model(np.asfortranarray(x), m)[0], expected(x, m), rtol=1e-6)
    np.testing.assert_allclose(model(x[::2], m[::2])[0], expected(x, m)[::2], rtol=1e-6)
    rows, same = table([1, 0, 1])
    np.testing.assert_array_equal(rows, np.array([[2, 3], [0, 1], [2, 3]], np.float32))
    np.testing.assert_array_equal(same, np.array([1, 0, 1]))


def test_bound_arrays_are_used_in_place(model):
    x, m = example(5)
    call = model.bind(x, m)
    assert call.inputs[0] is x
    for seed in range(3):
        x[:] = example(5, seed)[0]
        y, = call()
        np.testing.assert_allclose(y, expected(x, m), rtol=1e-6)
        assert y is call.outputs[0]


def test_threads_share_a_model(model):
    wrong = []

    def work(batch):
        x, m = example(batch, batch)
        want = expected(x, m)
        for _ in range(200):
            if not np.allclose(model(x, m)[0], want, rtol=1e-5):
                wrong.append(batch)

    threads = [threading.Thread(target=work, args=(batch,)) for batch in (1, 5, 40, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("change, kind, message", [
    (lambda x, m: (x.astype(np.float64), m), nnopt.DtypeError, "input 'x': expected float32, got float64"),
    (lambda x, m: (x[:, :7], m), nnopt.ShapeError, "input 'x': dimension 1 must be 8, got 7"),
    (lambda x, m: (x[0], m), nnopt.ShapeError, "input 'x': expected 2 dimensions, got 1"),
    (lambda x, m: (x, m[:2]), nnopt.ShapeError, r"input 'bias in': dimension 0 \('batch'\) must be 3 as in 'x', got 2"),
    (lambda x, m: (x,), TypeError, "net also needs the input bias in"),
    (lambda x, m: (x, m, m), TypeError, "net takes 2 inputs, got 3"),
])
def test_refuses_inputs_that_do_not_fit(model, change, kind, message):
    with pytest.raises(kind, match=message):
        model(*change(*example(3)))


def test_refuses_unknown_and_repeated_names(model):
    x, m = example(3)
    with pytest.raises(TypeError, match="net has no input 'z'; it has x, bias in"):
        model(x, m, z=x)
    with pytest.raises(TypeError, match="input 'x' was given twice"):
        model(x, x=x)


def test_the_model_itself_refuses_too(model):
    # Past the checks in Python: the status of the C interface becomes an exception.
    x, m = example(3)
    with pytest.raises(nnopt.ShapeError, match="net: two extents that the model takes for equal differ") as caught:
        model._execute([x, m[:2].copy()], threads=1)
    assert caught.value.status == 5
    assert isinstance(caught.value, (nnopt.Error, ValueError))


def test_loading_what_is_not_there(folder):
    with pytest.raises(nnopt.LoadError, match="nothing.so"):
        nnopt.load(folder / "nothing.so")
    with pytest.raises(nnopt.LoadError, match="is an object file; compile to a .so"):
        nnopt.load(folder / "net.o")
    shutil.copy(folder / "net.so", folder / "renamed.so")
    with pytest.raises(nnopt.LoadError, match="no model called 'renamed'; pass the name it was compiled under as name="):
        nnopt.load(folder / "renamed.so")
    assert nnopt.load(folder / "renamed.so", name="net").name == "net"


def test_compile_errors(tmp_path):
    bad = tmp_path / "bad.mlir"
    bad.write_text("func.func @main(")
    with pytest.raises(nnopt.CompileError, match="error: ") as caught:
        nnopt.compile(bad, tmp_path / "bad.so")
    assert caught.value.exit_code == 1 and not isinstance(caught.value, nnopt.UsageError)
    with pytest.raises(nnopt.UsageError, match="unknown instruction set or processor 'abacus'"):
        nnopt.compile(bad, tmp_path / "bad.so", march="abacus")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.mlir"]


def test_a_crash_is_our_bug(tmp_path, monkeypatch):
    crash = tmp_path / "nnopt-compile"
    crash.write_text("#!/bin/sh\necho assertion >&2\nexit 70\n")
    crash.chmod(0o755)
    monkeypatch.setenv("NNOPT_COMPILE", str(crash))
    with pytest.raises(nnopt.InternalCompilerError, match="assertion"):
        nnopt.compile("a.onnx", "a.so")


def test_options_become_flags():
    line = compiler.command_line("m.onnx", "m.o", {"march": ["x86-64", "avx2"], "threads": 0, "timing": True, "json": False, "target": None,
                                                   "dim": {"batch": 1, "length": 128}, "input_shape": {"ids": (1, 128)}})
    assert line == ["m.onnx", "-o", "m.o", "--march=x86-64,avx2", "--threads=0", "--timing", "--dim=batch=1", "--dim=length=128",
                    "--input-shape=ids:1x128"]


def test_c_names():
    assert [c_name(p) for p in ("models/minilm-l6.onnx", "3d.so", "é.so")] == ["minilm_l6", "_3d", "_"]


@pytest.mark.slow
@pytest.mark.parametrize("page, name", [("README.md", "efficientnet-lite0"), ("docs/GettingStarted.md", "minilm-l6")])
def test_examples_in_the_documentation_run(page, name, tmp_path):
    program = re.search(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)[1]
    (tmp_path / f"{name}.onnx").symlink_to(nnopt_models.fetch(name, ROOT / "build" / "models").absolute())
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stderr == "" and done.stdout != ""


@pytest.mark.slow
def test_pip_installs_a_package_that_works(tmp_path):
    """In a fresh environment, with the compiler of the finished build."""
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    build = pathlib.Path(compiler.find_compiler()).resolve().parents[1]
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "NNOPT_COMPILE")} | {"NNOPT_BUILD": str(build)}
    subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", ROOT / "python"], env=environment, check=True)
    (tmp_path / "net.mlir").write_text(NET)
    program = ("import nnopt, numpy as np, pathlib, sys; assert 'site-packages' in nnopt.compiler.find_compiler();"
               "m = nnopt.load(nnopt.compile('net.mlir', 'net.so')); print(m(np.ones((2, 8), np.float32), np.ones((2, 4), np.float32))[0].sum())")
    del environment["NNOPT_BUILD"]
    done = subprocess.run([python, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stderr == "" and float(done.stdout) == 40.0


@pytest.mark.slow
def test_the_package_can_build_the_compiler_itself(tmp_path):
    """Without a finished build the whole repository is configured below the package; compiling it is what the other tests did."""
    configure = ["cmake", "-S", ROOT / "python", "-B", tmp_path / "build", "-G", "Ninja"]
    subprocess.run(configure, check=True, capture_output=True)
    rules = subprocess.run(["ninja", "-C", tmp_path / "build", "-t", "targets", "all"], check=True, capture_output=True, text=True).stdout
    assert "bin/nnopt-compile: CXX_EXECUTABLE_LINKER" in rules
