"""The model builders: what they read is checked, what they write runs.

SPDX-License-Identifier: Apache-2.0
"""

import io
import json
import pickle
import zipfile

import numpy as np
import onnxruntime
import pytest

from nnopt_models import convnets, lenet, registry, safetensors, torchfile, wheels
from nnopt_models.errors import ModelError


class Call:
    """Pickles as a call of `module.name(*arguments)`, as PyTorch writes its tensors."""

    def __init__(self, function, arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


class Name:
    """Stands for a global that this machine does not have."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class CheckpointPickler(pickle._Pickler):
    """Writes globals by name and storages as persistent ids; the C pickler would insist on importing them."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_name(self, value):
        self.write(pickle.GLOBAL + f"{value.module}\n{value.name}\n".encode())

    dispatch[Name] = save_name

    def save_reduce(self, func, args, *rest, **options):
        self.save(func)
        self.save(args)
        self.write(pickle.REDUCE)

    def persistent_id(self, value):
        return tuple(value[1:]) if isinstance(value, tuple) and value[:1] == ("persistent",) else None


def pickled(value):
    file = io.BytesIO()
    CheckpointPickler(file, 2).dump(value)
    return file.getvalue()


def tensor(key, count, shape, strides, offset=0, function=("torch._utils", "_rebuild_tensor_v2")):
    storage = ("persistent", "storage", Name("torch", "FloatStorage"), key, "cpu", count)
    return Call(Name(*function), (storage, offset, shape, strides, False, None))


def write_zip(path, state, storages):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data.pkl", pickled(state))
        for key, array in storages.items():
            archive.writestr(f"net/data/{key}", array.tobytes())


def write_legacy(path, state, storages):
    with open(path, "wb") as file:
        for value in (torchfile.LEGACY_MAGIC, 1001, {}, state, list(storages)):
            file.write(pickled(value))
        for array in storages.values():
            file.write(array.size.to_bytes(8, "little") + array.tobytes())


@pytest.mark.parametrize("write", [write_zip, write_legacy])
def test_reads_a_transposed_tensor(tmp_path, write):
    values = np.arange(6, dtype=np.float32)
    write(tmp_path / "net.pth", {"w": tensor("0", 6, (3, 2), (1, 3))}, {"0": values})
    state = torchfile.read_state_dict(tmp_path / "net.pth")
    np.testing.assert_array_equal(state["w"], values.reshape(2, 3).T)


@pytest.mark.parametrize("write", [write_zip, write_legacy])
def test_refuses_other_globals(tmp_path, write):
    write(tmp_path / "net.pth", {"w": tensor("0", 1, (1,), (1,), function=("os", "system"))},
          {"0": np.zeros(1, np.float32)})
    with pytest.raises(ModelError, match="refuses to load 'os.system'"):
        torchfile.read_state_dict(tmp_path / "net.pth")


def test_refuses_a_tensor_outside_its_storage(tmp_path):
    write_zip(tmp_path / "net.pth", {"w": tensor("0", 6, (3, 3), (3, 1))}, {"0": np.zeros(6, np.float32)})
    with pytest.raises(ModelError, match="ends at element 8 of a storage of 6"):
        torchfile.read_state_dict(tmp_path / "net.pth")


def test_reads_safetensors(tmp_path):
    values = np.arange(4, dtype=np.float32)
    index = json.dumps({"w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}).encode()
    (tmp_path / "w").write_bytes(len(index).to_bytes(8, "little") + index + values.tobytes())
    np.testing.assert_array_equal(safetensors.read_safetensors(tmp_path / "w")["w"], values.reshape(2, 2))


def test_refuses_truncated_safetensors(tmp_path):
    (tmp_path / "w").write_bytes((1 << 40).to_bytes(8, "little"))
    with pytest.raises(ModelError, match="of 8"):
        safetensors.read_safetensors(tmp_path / "w")


def test_an_interrupted_file_is_not_left_behind(tmp_path):
    with pytest.raises(RuntimeError), wheels.atomic_path(tmp_path / "file") as part:
        part.write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_unknown_model():
    with pytest.raises(ModelError, match="no model is called 'nothing'; there are minilm-l6"):
        registry.fetch("nothing", "unused")


def run(model, **feeds):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, feeds)[0]


def test_resnet18_is_deterministic_and_finite():
    image = np.random.default_rng(0).standard_normal((2, 3, 224, 224)).astype(np.float32)
    first, second = (run(convnets.build_resnet(18), image=image) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.shape == (2, 1000) and np.isfinite(first).all() and first.std() > 0.01


@pytest.mark.parametrize("build", [lenet.build_lenet_300_100, lenet.build_lenet_5])
def test_lenets_learn(build):
    # Ten noisy patterns stand for the digits: a net that cannot tell them apart was not trained.
    random = np.random.default_rng(1)
    labels = np.arange(1500) % 10
    images = random.random((10, 28, 28), np.float32)[labels] + 0.1 * random.random((1500, 28, 28), np.float32)
    answer = run(build((images, labels)), image=images[:lenet.HELD_OUT, None]).argmax(axis=1)
    assert (answer == labels[:lenet.HELD_OUT]).mean() > 0.9


def test_same_pads_put_the_odd_pixel_last():
    assert convnets.same_pads(224, 3, 2) == ([0, 0, 1, 1], 112)
    assert convnets.same_pads(28, 5, 1) == ([2, 2, 2, 2], 28)
